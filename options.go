package usersecurity

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Option is a setting of a [Client], given to [New]. Of two that set the same
// thing the later one wins.
type Option func(*settings)

// settings collects the options and what is wrong with them.
type settings struct {
	baseURL      *url.URL
	baseProblem  string
	version      string
	plainHTTP    bool
	appTokens    TokenSource
	hasAppTokens bool
	clientID     string
	clientSecret string
	credentials  bool
	userTokens   TokenSource
	hasUsers     bool
	store        TokenStore
	hasStore     bool
	page         string
	seals        bool
	sealing      sealing
	unsealed     bool
	httpClient   *http.Client
	limiter      RateLimiter
	retry        RetryPolicy
	attempt      time.Duration
	total        time.Duration
	observers    []Observer
	product      string
	listMethod   string
	problems     []error
}

func (s *settings) refuse(text string) { s.problems = append(s.problems, invalid("%s", text)) }

// WithBaseURL says where Wise listens: [Production], [Sandbox], their addresses
// for mutual TLS, or any other https URL; a path is kept as a prefix of every
// operation's. The prefix carries no version of the API: see [WithVersion].
// Plain http is accepted for loopback addresses only, see [WithPlainHTTP]. There
// is no default.
func WithBaseURL(rawURL string) Option {
	return func(s *settings) {
		s.baseURL, s.baseProblem = parseBaseURL(rawURL)
	}
}

// WithPlainHTTP accepts http for a host that isn't loopback: a sidecar, or the
// gateway of a mesh, that encrypts what leaves the machine. Tokens cross the way
// to it readable.
func WithPlainHTTP() Option {
	return func(s *settings) { s.plainHTTP = true }
}

// WithUnsealedBodies sends PINs and device fingerprints to the base URL as
// unencrypted JSON. It is for a gateway that seals them downstream, and
// contradicts [WithJWE]. Wise itself refuses such bodies.
func WithUnsealedBodies() Option {
	return func(s *settings) { s.unsealed = true }
}

// WithHTTPClient sends through the transport of c, with c's timeout for each
// attempt. c is copied and never changed; its cookie jar and redirect policy
// are left out: cookies of one user must not reach another's request, and a
// redirect is never followed.
//
// Without it the client has a transport of its own, made for a backend: many
// connections kept to one host, HTTP/2, TLS 1.2 and up, no proxy. [NewTransport]
// returns a copy of it to add to.
//
// What a RoundTripper of the caller's does with the context of a request is the
// caller's: the client's deadlines hold for those that end with it.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) {
		if c == nil {
			s.refuse("WithHTTPClient: the client is nil")
			return
		}
		s.httpClient = c
	}
}

const longestWait = 24 * time.Hour

// WithRetry changes how often and how long a call tries.
func WithRetry(p RetryPolicy) Option {
	return func(s *settings) {
		if p.MaxAttempts < 0 || p.MinWait < 0 || p.MaxWait < 0 || p.MaxRetryAfter < 0 {
			s.refuse("WithRetry: a negative value")
			return
		}
		if max(p.MinWait, p.MaxWait, p.MaxRetryAfter) > longestWait {
			s.refuse("WithRetry: a wait of more than a day")
			return
		}
		q := p.orDefault()
		if q.MinWait > q.MaxWait {
			s.refuse("WithRetry: MinWait is longer than MaxWait")
			return
		}
		s.retry = p
	}
}

// WithTimeouts bounds one attempt (10 s by default) and, where the caller's
// context has no deadline, a whole call (60 s by default). Zero means the
// default.
func WithTimeouts(attempt, total time.Duration) Option {
	return func(s *settings) {
		if attempt < 0 || total < 0 {
			s.refuse("WithTimeouts: a negative value")
			return
		}
		s.attempt, s.total = attempt, total
	}
}

// WithLogger logs every attempt and every call to l: ids, statuses, durations
// and classes of errors, no secrets, URLs or bodies. A call that worked is
// logged at debug level; one that Wise refused for what the user has or has not
// (400, 404, 409, 422), or whose customer must authorise again, at info; one that
// failed, or was refused for its token or its rate, at warn, and so is one of an
// operation that Wise no longer has, with what to use instead; one whose outcome is
// unknown, or whose reply can't be opened or isn't sealed as it must be, at error.
// An attempt that is repeated is logged at info, any other at debug.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) {
		if l == nil {
			s.refuse("WithLogger: the logger is nil")
			return
		}
		s.observers = append(s.observers, logObserver{l})
	}
}

// WithObserver tells o about every attempt and every call. It may be given more
// than once.
func WithObserver(o Observer) Option {
	return func(s *settings) {
		if o == nil {
			s.refuse("WithObserver: the observer is nil")
			return
		}
		s.observers = append(s.observers, o)
	}
}

// WithUserAgent puts product, such as "acme-bank/1.4", before the library's own
// name in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(s *settings) {
		if product == "" || !isVisible(strings.ReplaceAll(product, " ", "")) {
			s.refuse("WithUserAgent: the product must be visible ASCII, such as acme-bank/1.4")
			return
		}
		s.product = product
	}
}

// WithFingerprintListMethod fixes the HTTP method of ListDeviceFingerprints:
// "GET" or "POST". Wise's documents disagree about it. By default the client
// sends POST, and GET after a 405, and keeps to what has worked.
func WithFingerprintListMethod(method string) Option {
	return func(s *settings) {
		if method != http.MethodGet && method != http.MethodPost {
			s.refuse("WithFingerprintListMethod: the method must be GET or POST")
			return
		}
		s.listMethod = method
	}
}

// WithRateLimiter asks l before every request, those for tokens and keys
// included. golang.org/x/time/rate's Limiter is one: Wise's limits are 100
// requests a second and 1,000 a minute for all of a partner's programs, unless
// agreed otherwise. A call that the limiter refuses matches [ErrRateLimited], and
// the limiter's error.
func WithRateLimiter(l RateLimiter) Option {
	return func(s *settings) {
		if l == nil {
			s.refuse("WithRateLimiter: the limiter is nil")
			return
		}
		s.limiter = l
	}
}

// check looks for what is missing and for what contradicts.
func (s *settings) check() error {
	switch {
	case s.baseProblem != "":
		s.refuse("WithBaseURL: " + s.baseProblem)
	case s.baseURL == nil:
		s.refuse("WithBaseURL is missing: say Production, Sandbox or the URL of a gateway")
	case s.baseURL.Scheme == "http" && !isLoopback(s.baseURL.Hostname()) && !s.plainHTTP:
		s.refuse("WithBaseURL: the URL must be https; http is for loopback addresses, and for a sidecar with WithPlainHTTP")
	}
	s.checkTokens()
	if s.seals && s.unsealed {
		s.refuse("WithJWE and WithUnsealedBodies contradict each other")
	}
	if s.sealing.sendReplyKeyID && len(s.sealing.replyKeys) == 0 {
		s.refuse("JWESendReplyKeyID needs a JWEReplyKey")
	}
	return errors.Join(s.problems...)
}

func (s *settings) checkTokens() {
	if flaw := flawOf(s.appTokens); s.hasAppTokens && flaw != "" {
		s.refuse("WithApplicationTokens: " + flaw)
	}
	if s.credentials && (!isCredential(s.clientID) || !isCredential(s.clientSecret)) {
		s.refuse("WithClientCredentials: client id and client secret can't be empty, or have line breaks or other control characters")
	}
	switch {
	case s.hasStore && s.store == nil:
		s.refuse("WithUserTokenStore: the store is nil")
	case s.hasStore && !s.credentials:
		s.refuse("WithUserTokenStore needs WithClientCredentials, to renew what it stores")
	}
	if !s.hasUsers {
		return
	}
	if flaw := flawOf(s.userTokens); flaw != "" {
		s.refuse("WithUserTokens: " + flaw)
	} else if isBlind(s.userTokens) {
		s.refuse("WithUserTokens: the source gives one token whoever it is asked for: ForUser(user, source) makes it serve that user alone")
	}
}

// isCredential refuses what a secret gets by being read from a file, line break
// included.
func isCredential(text string) bool {
	return text != "" && !strings.ContainsFunc(text, unicode.IsControl)
}
