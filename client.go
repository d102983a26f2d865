package usersecurity

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Client performs the operations of Wise's User Security API. Make one with
// [New], once for the life of the program: it is safe for concurrent use, and
// all its calls share one pool of connections.
type Client struct {
	// SCA are the Strong Customer Authentication calls, which take the place of
	// the deprecated ones below.
	SCA *SCAService
	// OneTimeTokens are the calls about one-time tokens, with which challenges are
	// cleared: see also [Client.ClearChallenges].
	OneTimeTokens *OneTimeTokenService
	// UserTokens are sign-up, grants and renewal of users' tokens, for a client
	// with [WithUserTokenStore].
	UserTokens *UserTokenService

	engine func() *engine // behind a function, where no printer finds keys and credentials
}

const (
	defaultAttemptTime = 10 * time.Second
	defaultTotalTime   = 60 * time.Second
)

// New makes a client. [WithBaseURL] is required; the sources of tokens and keys
// are needed by the operations that use them. Everything that is missing or
// contradictory is named in one error, which matches [ErrInvalidArgument].
func New(opts ...Option) (*Client, error) {
	var s settings
	for _, o := range opts {
		if o == nil {
			s.refuse("an option is nil")
			continue
		}
		o(&s)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	e := newEngine(&s)
	it := func() *engine { return e }
	c := &Client{SCA: &SCAService{it}, OneTimeTokens: &OneTimeTokenService{it}, UserTokens: &UserTokenService{engine: it}, engine: it}
	if s.hasStore {
		stored := newStoredTokens(e, s.store, s.clientID, s.clientSecret, cmp.Or(s.page, authorizationPage(s.baseURL)))
		e.userTokens = stored.kept
		c.UserTokens.stored = func() *storedTokens { return stored }
	}
	return c, nil
}

func newEngine(s *settings) *engine {
	retry := s.retry.orDefault()
	e := &engine{
		address:    address{base: s.baseURL, version: s.version},
		sender:     sender{transport: NewTransport(), userAgent: "usersecurity-go/" + Version, timeout: defaultTo(s.attempt, defaultAttemptTime)},
		gate:       gate{limiter: s.limiter, longest: retry.MaxRetryAfter},
		appTokens:  s.appTokens,
		userTokens: s.userTokens,
		sealing:    s.sealing,
		unsealed:   s.unsealed,
		retry:      retry,
		total:      defaultTo(s.total, defaultTotalTime),
		observers:  s.observers,
		jitter:     func(bound time.Duration) time.Duration { return rand.N(bound + 1) },
	}
	if s.product != "" {
		e.sender.userAgent = s.product + " " + e.sender.userAgent
	}
	if s.listMethod != "" {
		e.methods.fixed = map[Operation]string{OpListDeviceFingerprints: s.listMethod}
	}
	if c := s.httpClient; c != nil {
		e.sender.transport = c.Transport
		if c.Transport == nil {
			e.sender.transport = http.DefaultTransport
		}
		if c.Timeout > 0 {
			e.sender.timeout = min(e.sender.timeout, c.Timeout)
		}
	}
	if s.credentials {
		e.appTokens = newClientCredentials(e, s.clientID, s.clientSecret)
	}
	if s.seals && e.sealing.keys == nil {
		e.sealing.keys = &wiseKeys{engine: e}
	}
	return e
}

func (c *Client) do(ctx context.Context, r request, opts []CallOption) (reply, error) {
	return c.engine().do(ctx, r, opts)
}

// CloseIdleConnections closes the connections that no call is using. The client
// can be used afterwards.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.engine().sender.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Format prints the base URL's host and no setting.
func (c *Client) Format(f fmt.State, verb rune) {
	if c == nil || c.engine == nil {
		writeText(f, verb, "<nil>")
		return
	}
	writeText(f, verb, "usersecurity.Client("+c.engine().address.base.Host+")")
}
