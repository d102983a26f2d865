package usersecurity

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Where Wise listens.
const (
	// Production is Wise's live API.
	Production = "https://api.wise.com"
	// Sandbox is Wise's test environment, with accounts and keys of its own.
	Sandbox = "https://api.wise-sandbox.com"
)

// Option is a setting of a [Client], given to [New].
type Option func(*settings)

// settings collects the options and what is wrong with them.
type settings struct {
	baseURL       *url.URL
	appTokens     TokenSource
	clientID      string
	clientSecret  string
	credentials   bool
	userTokens    TokenSource
	jwe           *jweSettings
	unsealed      bool
	httpClient    *http.Client
	retry         RetryPolicy
	attempt       time.Duration
	total         time.Duration
	observers     []Observer
	product       string
	listMethod    string
	complaints    []error
	timesBaseURL  int
	timesAppToken int
}

func (s *settings) complain(text string) {
	s.complaints = append(s.complaints, &callError{text: text, causes: []error{ErrInvalidArgument}})
}

// WithBaseURL says where Wise listens: [Production], [Sandbox], or any other
// https URL; a path is kept as a prefix of every operation's. Plain http is
// accepted for loopback addresses only. There is no default.
func WithBaseURL(rawURL string) Option {
	return func(s *settings) {
		s.timesBaseURL++
		u, err := url.Parse(rawURL)
		switch {
		case err != nil:
			s.complain("WithBaseURL: the URL can't be parsed")
		case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
			s.complain("WithBaseURL: the URL must be https://host with an optional port and path")
		case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
			s.complain("WithBaseURL: the URL must have no user, query or fragment")
		case strings.HasSuffix(strings.ToLower(strings.TrimRight(u.EscapedPath(), "/")), "%2f"):
			s.complain("WithBaseURL: the path must not end in an escaped slash")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			s.complain("WithBaseURL: the URL must be https; http is for loopback addresses only")
		default:
			s.baseURL = &url.URL{
				Scheme:  u.Scheme,
				Host:    u.Host,
				Path:    strings.TrimRight(u.Path, "/"),
				RawPath: strings.TrimRight(u.RawPath, "/"),
			}
		}
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// WithApplicationTokens says where the partner's own (client credentials)
// tokens come from. The deletes, the fingerprint list and the phone number
// operations need one, and so does fetching Wise's key.
func WithApplicationTokens(src TokenSource) Option {
	return func(s *settings) {
		s.timesAppToken++
		if isNilSource(src) {
			s.complain("WithApplicationTokens: the source is nil")
			return
		}
		s.appTokens = src
	}
}

// WithClientCredentials fetches the partner's own tokens from Wise's
// /oauth/token with the partner's client id and secret, as HTTP Basic
// authentication, and keeps them until shortly before they expire. It takes
// the place of [WithApplicationTokens].
func WithClientCredentials(clientID, clientSecret string) Option {
	return func(s *settings) {
		s.timesAppToken++
		if clientID == "" || clientSecret == "" {
			s.complain("WithClientCredentials: client id and client secret can't be empty")
			return
		}
		s.clientID, s.clientSecret, s.credentials = clientID, clientSecret, true
	}
}

// WithUserTokens says where the access tokens of end customers come from. The
// source is asked for the very user that a method was called for. Creating a
// PIN, a face map or a device fingerprint needs one.
func WithUserTokens(src TokenSource) Option {
	return func(s *settings) {
		if isNilSource(src) {
			s.complain("WithUserTokens: the source is nil")
			return
		}
		s.userTokens = src
	}
}

func isNilSource(src TokenSource) bool {
	f, isFunc := src.(TokenFunc)
	return src == nil || isFunc && f == nil
}

// WithJWE seals the bodies that must be sealed, those of CreatePin and
// CreateDeviceFingerprint, as JWE to a key of Wise's. Without [JWEKeys] the
// key is fetched from Wise, with the application's token, and kept.
func WithJWE(opts ...JWEOption) Option {
	return func(s *settings) {
		if s.jwe == nil {
			s.jwe = &jweSettings{replyKeys: map[string]crypto.Decrypter{}}
		}
		for _, o := range opts {
			if o == nil {
				s.complain("WithJWE: an option is nil")
				continue
			}
			o(s)
		}
	}
}

// WithUnsealedBodies sends PINs and device fingerprints to the base URL as
// plain JSON. It is for a gateway that seals them downstream, and contradicts
// [WithJWE]. Wise itself refuses such bodies.
func WithUnsealedBodies() Option {
	return func(s *settings) { s.unsealed = true }
}

// WithHTTPClient sends through the transport of c, with c's timeout for each
// attempt. c is copied and never changed; its cookie jar and redirect policy
// are left out: cookies of one user must not reach another's request, and a
// redirect is never followed.
//
// Without it the client has a transport of its own, made for a backend: many
// connections kept to one host, HTTP/2, TLS 1.2 and up, no proxy.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) {
		if c == nil {
			s.complain("WithHTTPClient: the client is nil")
			return
		}
		s.httpClient = c
	}
}

// RetryPolicy says how often and how long a call tries. A zero field means its
// default.
type RetryPolicy struct {
	// MaxAttempts is how many requests one call may send; 4 by default, 1 to
	// repeat nothing. A repeat with a fresh token or with the other method of the
	// fingerprint list comes on top, once, and so does one for a new key of
	// Wise's, for up to three keys.
	MaxAttempts int
	// MinWait bounds the wait before the second attempt; the bound doubles with
	// each further one. The wait is drawn between nothing and the bound. 250 ms
	// by default.
	MinWait time.Duration
	// MaxWait is the highest bound of a wait; 5 s by default.
	MaxWait time.Duration
	// MaxRetryAfter is the longest wait that Wise may ask for; 30 s by default.
	// If it asks for more, the call ends at once.
	MaxRetryAfter time.Duration
}

const longestWait = 24 * time.Hour

// WithRetry changes how often and how long a call tries.
func WithRetry(p RetryPolicy) Option {
	return func(s *settings) {
		if p.MaxAttempts < 0 || p.MinWait < 0 || p.MaxWait < 0 || p.MaxRetryAfter < 0 {
			s.complain("WithRetry: a negative value")
			return
		}
		if max(p.MinWait, p.MaxWait, p.MaxRetryAfter) > longestWait {
			s.complain("WithRetry: a wait of more than a day")
			return
		}
		q := p.orDefault()
		if q.MinWait > q.MaxWait {
			s.complain("WithRetry: MinWait is longer than MaxWait")
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
			s.complain("WithTimeouts: a negative value")
			return
		}
		s.attempt, s.total = attempt, total
	}
}

// WithLogger logs every attempt and every call to l: ids, statuses, durations
// and classes of errors, no secrets, URLs or bodies. A call that worked is
// logged at debug level; one that Wise refused for what the user has or has not
// (400, 404, 409, 422) at info; one that failed, or was refused for its token or
// its rate, at warn; one whose outcome is unknown, or whose reply can't be
// opened, at error. An attempt that is repeated is logged at info, any other at
// debug.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) {
		if l == nil {
			s.complain("WithLogger: the logger is nil")
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
			s.complain("WithObserver: the observer is nil")
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
			s.complain("WithUserAgent: the product must be visible ASCII, such as acme-bank/1.4")
			return
		}
		s.product = product
	}
}

// WithFingerprintListMethod fixes the HTTP method of ListDeviceFingerprints:
// "GET" or "POST". Wise's documents disagree about it. By default the client
// sends POST, and changes to GET for good once POST is answered with 405.
func WithFingerprintListMethod(method string) Option {
	return func(s *settings) {
		if method != http.MethodGet && method != http.MethodPost {
			s.complain("WithFingerprintListMethod: the method must be GET or POST")
			return
		}
		s.listMethod = method
	}
}

// check looks for what is missing and for what contradicts.
func (s *settings) check() error {
	if s.timesBaseURL == 0 {
		s.complain("WithBaseURL is missing: say Production, Sandbox or the URL of a gateway")
	}
	if s.timesBaseURL > 1 {
		s.complain("WithBaseURL is given more than once")
	}
	if s.timesAppToken > 1 {
		s.complain("WithApplicationTokens and WithClientCredentials: give one of them, once")
	}
	if s.jwe != nil && s.unsealed {
		s.complain("WithJWE and WithUnsealedBodies contradict each other")
	}
	if s.jwe != nil {
		s.jwe.check(s)
	}
	return errors.Join(s.complaints...)
}

// JWEOption is a setting of [WithJWE].
type JWEOption func(*settings)

type jweSettings struct {
	source         KeySource
	replyKeys      map[string]crypto.Decrypter // by lower-case id
	newestReplyKey string
	sendReplyKeyID bool
	requireSealed  bool
}

func (j *jweSettings) check(s *settings) {
	if j.sendReplyKeyID && len(j.replyKeys) == 0 {
		s.complain("JWESendReplyKeyID needs a JWEReplyKey")
	}
}

// JWEKeys says where Wise's encryption key comes from, instead of from Wise's
// key endpoint: a file, a config service, [StaticKey].
func JWEKeys(src KeySource) JWEOption {
	return func(s *settings) {
		if src == nil {
			s.complain("JWEKeys: the source is nil")
			return
		}
		if static, ok := src.(staticKey); ok && static.key.check() != nil {
			s.complain("JWEKeys: StaticKey needs an RSA key of at least 2048 bits")
			return
		}
		s.jwe.source = src
	}
}

// JWEReplyKey opens replies that Wise sealed to a key which the partner has
// registered under id, with [Client.RegisterReplyKey] or otherwise. The key is
// an RSA key of at least 2048 bits, in memory or in an HSM: anything that
// decrypts RSA-OAEP with SHA-256 through [crypto.Decrypter], from many
// goroutines at once. While keys are rotated, give the old and the new one.
func JWEReplyKey(id uuid.UUID, key crypto.Decrypter) JWEOption {
	return func(s *settings) {
		private, inMemory := key.(*rsa.PrivateKey)
		if id == uuid.Nil || key == nil || inMemory && private == nil {
			s.complain("JWEReplyKey: id and key can't be empty")
			return
		}
		pub, ok := key.Public().(*rsa.PublicKey)
		if !ok || pub == nil || pub.N == nil || pub.N.BitLen() < minKeyBits {
			s.complain("JWEReplyKey: the key must be RSA of at least 2048 bits")
			return
		}
		if inMemory {
			if private.Validate() != nil {
				s.complain("JWEReplyKey: the key is not a valid RSA key")
				return
			}
			own := *private // decrypting with a key that isn't precomputed takes far longer
			own.Precompute()
			key = &own
		}
		s.jwe.newestReplyKey = id.String()
		s.jwe.replyKeys[s.jwe.newestReplyKey] = key
	}
}

// JWESendReplyKeyID names the reply key given last in the header
// X-TW-JOSE-Encryption-kid of sealed requests, so that a Wise that knows
// several keys of the partner's picks that one. Wise's documents disagree on
// whether the header is wanted; replies to PINs and fingerprints don't need it.
func JWESendReplyKeyID() JWEOption {
	return func(s *settings) { s.jwe.sendReplyKeyID = true }
}

// JWERequireSealedReplies refuses a reply in clear to a sealed request, with
// [ErrPlaintextReply].
func JWERequireSealedReplies() JWEOption {
	return func(s *settings) { s.jwe.requireSealed = true }
}

// CallOption is a setting of one call.
type CallOption func(*callOptions)

type callOptions struct {
	correlationID uuid.UUID
	token         string
	maxAttempts   int
	meta          *Meta
	complaint     string
}

// WithCorrelationID sends id as X-External-Correlation-Id with every attempt of
// the call. Without it each call gets a fresh one.
func WithCorrelationID(id uuid.UUID) CallOption {
	return func(o *callOptions) {
		if id == uuid.Nil {
			o.complaint = "WithCorrelationID: the id is the zero UUID"
		}
		o.correlationID = id
	}
}

// WithToken makes the call with this access token instead of asking a source.
// A 401 then ends the call with [ErrUnauthorized].
func WithToken(accessToken string) CallOption {
	return func(o *callOptions) {
		if !isVisible(accessToken) {
			o.complaint = "WithToken: the token must be visible ASCII and not empty"
		}
		o.token = accessToken
	}
}

// WithMaxAttempts changes [RetryPolicy].MaxAttempts for the call.
func WithMaxAttempts(n int) CallOption {
	return func(o *callOptions) {
		if n < 1 {
			o.complaint = "WithMaxAttempts: a call needs at least one attempt"
		}
		o.maxAttempts = n
	}
}

// WithMeta fills m when the call ends, whether it worked or not.
func WithMeta(m *Meta) CallOption {
	return func(o *callOptions) {
		if m == nil {
			o.complaint = "WithMeta: the pointer is nil"
		}
		o.meta = m
	}
}

// Meta tells what a call's requests were, for logs and for Wise's support.
type Meta struct {
	// StatusCode is the status of the last answer; 0 where none came.
	StatusCode int
	// TraceID is Wise's own id of the last request (x-trace-id).
	TraceID string
	// CorrelationID is the id the client sent with every attempt.
	CorrelationID uuid.UUID
	// Attempts is how many requests the call sent.
	Attempts int
}

// isVisible reports whether s is visible ASCII and not empty, as a token or a
// header value must be.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
