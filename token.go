package usersecurity

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

// TokenSource gives access tokens. It is asked before every call and must be
// safe for concurrent use; wrap a source that does any work in [CacheTokens].
//
// A source that has no token for the request returns an error. The client
// repeats nothing of that error's text, but unwraps to it.
type TokenSource interface {
	Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error)
}

// TokenRequest says which token is wanted.
type TokenRequest struct {
	// User is the end customer whose token is wanted, or 0 for the partner's own
	// (client credentials) token.
	User UserID
	// Rejected is the access token that Wise has just answered with 401; empty on
	// the first try. A source that returns it again ends the call with
	// [ErrUnauthorized].
	Rejected string
}

// Format prints the request with the rejected token masked.
func (r TokenRequest) Format(f fmt.State, verb rune) { writeText(f, verb, r.masked()) }

// MarshalText writes the request with the rejected token masked.
func (r TokenRequest) MarshalText() ([]byte, error) { return []byte(r.masked()), nil }

func (r TokenRequest) masked() string {
	rejected := ""
	if r.Rejected != "" {
		rejected = mask
	}
	return "{User:" + strconv.FormatInt(int64(r.User), 10) + " Rejected:" + rejected + "}"
}

// TokenFunc is a function that serves as a [TokenSource].
type TokenFunc func(ctx context.Context, req TokenRequest) (*oauth2.Token, error)

// Token calls f.
func (f TokenFunc) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	return f(ctx, req)
}

// StaticToken always gives the same access token, whoever it is asked for:
// give it to [WithUserTokens] only where the client serves that one user.
func StaticToken(accessToken string) TokenSource {
	token := &oauth2.Token{AccessToken: accessToken}
	return TokenFunc(func(context.Context, TokenRequest) (*oauth2.Token, error) { return token, nil })
}

// OAuth2 makes a source of any of golang.org/x/oauth2's. Such a source knows no
// users: like [StaticToken] it serves one user, or the application.
//
// A call doesn't wait for src longer than its own context allows; but as src
// takes no context, calls go on waiting for one that hangs, so give its HTTP
// client a timeout.
func OAuth2(src oauth2.TokenSource) TokenSource {
	if src == nil {
		return TokenFunc(nil) // which New refuses
	}
	var flights singleflight.Group
	return TokenFunc(func(ctx context.Context, _ TokenRequest) (*oauth2.Token, error) {
		return share(ctx, &flights, "", func(context.Context) (*oauth2.Token, error) { return src.Token() })
	})
}

// How CacheTokens keeps tokens.
const (
	maxCachedTokens = 10_000
	earliestRenewal = 5 * time.Minute
	renewalPatience = time.Second      // how long a call that has a token waits for a newer one
	renewalPause    = 15 * time.Second // before a renewal that failed is tried again
	maxTokenFetch   = time.Minute
	renewalOfLife   = 10 // a token is renewed in the last tenth of its life
)

// CacheTokens keeps the tokens of src, by user, until shortly before they
// expire (the last tenth of their life, at most five minutes) or until Wise
// rejects them. However many calls want a user's token at once, src is asked
// once; each of them waits no longer than its own context allows, and src's
// context ends with none of theirs, but after a minute. While an early renewal
// fails or takes long, the token that is still good is served.
//
// At most 10,000 tokens are kept: the longest unused one goes first.
func CacheTokens(src TokenSource) TokenSource {
	if isNilSource(src) {
		return TokenFunc(nil) // which New refuses
	}
	c := &tokenCache{src: src, byUser: map[UserID]*list.Element{}}
	return TokenFunc(c.token)
}

type tokenCache struct {
	src     TokenSource
	flights singleflight.Group

	mu     sync.Mutex
	byUser map[UserID]*list.Element // of *cachedToken
	recent list.List                // the most recently used first
}

type cachedToken struct {
	user    UserID
	token   *oauth2.Token
	renewAt time.Time // zero for a token without expiry
}

func (c *tokenCache) token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	if cached := c.lookup(req); cached != nil {
		return cached, nil
	}
	good := c.stillGood(req)
	if good == nil {
		return c.fetched(ctx, req)
	}
	ctx, cancel := context.WithTimeout(ctx, renewalPatience)
	defer cancel()
	token, err := c.fetched(ctx, req)
	if err != nil || token == nil || token.AccessToken == "" {
		c.pauseRenewal(req.User)
		return good, nil
	}
	return token, nil
}

// fetched waits for the fetch that is under way or begins one.
func (c *tokenCache) fetched(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	key := strconv.FormatInt(int64(req.User), 10)
	for {
		var own atomic.Bool
		token, err := share(ctx, &c.flights, key, func(ctx context.Context) (*oauth2.Token, error) {
			own.Store(true)
			return c.fetch(ctx, req)
		})
		// A fetch that was under way already may bring just the token that was
		// rejected; the next one is asked for another.
		if own.Load() || err != nil || token == nil || token.AccessToken != req.Rejected {
			return token, err
		}
	}
}

// lookup returns a token that needs no fetch, and forgets a rejected one.
func (c *tokenCache) lookup(req TokenRequest) *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[req.User]
	if e == nil {
		return nil
	}
	t := e.Value.(*cachedToken)
	switch {
	case t.token.AccessToken == req.Rejected:
		c.recent.Remove(e)
		delete(c.byUser, req.User)
		return nil
	case !t.renewAt.IsZero() && !time.Now().Before(t.renewAt):
		return nil
	}
	c.recent.MoveToFront(e)
	return t.token
}

func (c *tokenCache) fetch(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	if cached := c.lookup(req); cached != nil {
		return cached, nil // brought by the flight before this one
	}
	token, err := c.src.Token(ctx, req)
	if err == nil && token != nil && token.AccessToken != "" {
		c.store(req.User, token)
	}
	return token, err
}

// stillGood returns a token that is due for renewal but has not expired.
func (c *tokenCache) stillGood(req TokenRequest) *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[req.User]
	if e == nil {
		return nil
	}
	t := e.Value.(*cachedToken).token
	if !time.Now().Before(t.Expiry) {
		return nil
	}
	return t
}

// pauseRenewal lets the calls of the next seconds pass without a renewal.
func (c *tokenCache) pauseRenewal(user UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[user]
	if e == nil {
		return
	}
	t := e.Value.(*cachedToken)
	if next := time.Now().Add(renewalPause); next.After(t.renewAt) && next.Before(t.token.Expiry) {
		e.Value = &cachedToken{user: user, token: t.token, renewAt: next}
	}
}

func (c *tokenCache) store(user UserID, token *oauth2.Token) {
	t := &cachedToken{user: user, token: token}
	if !token.Expiry.IsZero() {
		life := time.Until(token.Expiry)
		t.renewAt = token.Expiry.Add(-min(earliestRenewal, life/renewalOfLife))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byUser[user]; e != nil {
		e.Value = t
		c.recent.MoveToFront(e)
		return
	}
	c.byUser[user] = c.recent.PushFront(t)
	if c.recent.Len() > maxCachedTokens {
		oldest := c.recent.Back()
		delete(c.byUser, oldest.Value.(*cachedToken).user)
		c.recent.Remove(oldest)
	}
}

// share runs fetch once for all who want key at the same time. Each waits with
// a context of its own; the fetch goes on without the ones that left. A panic
// in the fetch is a panic in those who wait for it, not in a goroutine that
// nobody can recover.
func share[T any](ctx context.Context, flights *singleflight.Group, key string, fetch func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxTokenFetch)
		defer cancel()
		return isolate(func() (T, error) { return fetch(ctx) })
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-done:
		var p *panicked
		if errors.As(r.Err, &p) {
			panic(p.value)
		}
		value, _ := r.Val.(T)
		return value, r.Err
	}
}

// isolate runs f on a goroutine of its own, so that neither a panic nor an exit
// of that goroutine is lost on those who wait.
func isolate[T any](f func() (T, error)) (value T, err error) {
	err = errExited
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = &panicked{p}
			}
		}()
		value, err = f()
	}()
	<-done
	return value, err
}

var errExited = &callError{text: "the callback ended its goroutine"}

type panicked struct{ value any }

func (*panicked) Error() string { return "a callback panicked" }

// clientCredentials asks Wise's token endpoint for the partner's own tokens. It
// leaves the exchange to x/oauth2, and the sending to the client, so that a
// token request is repeated, bounded and observed like any other.
func clientCredentials(c *Client, clientID, clientSecret string) TokenSource {
	config := clientcredentials.Config{
		ClientID:     clientID,
		ClientSecret: clientSecret,
		TokenURL:     c.url(fetchToken.path, "").String(),
		AuthStyle:    oauth2.AuthStyleInHeader,
	}
	httpClient := &http.Client{Transport: tokenTransport{c}}
	return CacheTokens(TokenFunc(func(ctx context.Context, _ TokenRequest) (*oauth2.Token, error) {
		token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, httpClient))
		var sending *url.Error
		switch {
		case err == nil:
			return token, nil
		case errors.As(err, &sending):
			return nil, sending.Err // the call's own error, without the URL
		}
		// x/oauth2's text may repeat the reply.
		return nil, replyError(OpFetchToken, http.StatusOK, ErrMalformedReply)
	}))
}

// tokenTransport sends x/oauth2's token request as a call of the client's.
type tokenTransport struct{ client *Client }

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	reply, err := t.client.call(req.Context(), request{
		op:            &fetchToken,
		path:          fetchToken.path,
		body:          body,
		contentType:   req.Header.Get("Content-Type"),
		authorization: req.Header.Get("Authorization"),
	}, nil)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: reply.status,
		Header:     reply.header,
		Body:       io.NopCloser(bytes.NewReader(reply.body)),
		Request:    req,
	}, nil
}
