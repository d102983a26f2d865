package usersecurity

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// How CacheTokens keeps tokens.
const (
	maxCachedTokens = 10_000
	earliestRenewal = 5 * time.Minute
	renewalPatience = time.Second      // how long a call that has a token waits for a newer one
	renewalPause    = 15 * time.Second // before a renewal that failed is tried again
	renewalOfLife   = 10               // a token is renewed in the last tenth of its life
)

// CacheTokens keeps the tokens of src, by user, until shortly before they
// expire (the last tenth of their life, at most five minutes) or until Wise
// rejects them. However many calls want a user's token at once, src is asked
// once; each of them waits no longer than its own context allows, and src's
// context ends with none of theirs, but after a minute: then src is given up,
// and asked again by the next call. While an early renewal fails or takes long,
// the token that is still good is served.
//
// Tokens that Wise rejects one after the other are not replaced again and again:
// src is asked after a second, which doubles to thirty, and until then the calls
// end with [ErrUnauthorized].
//
// At most 10,000 tokens are kept: the longest unused one goes first.
func CacheTokens(src TokenSource) *TokenCache {
	kept := newKeptTokens(src, maxTokenFetch)
	return &TokenCache{kept: func() *keptTokens { return kept }}
}

// TokenCache is a [TokenSource] that keeps tokens: see [CacheTokens].
type TokenCache struct {
	kept func() *keptTokens // behind a function, where no printer finds the tokens
}

func (c *TokenCache) flaw() string { return flawOf(c.kept().src) }

func (c *TokenCache) isBlind() bool { return isBlind(c.kept().src) }

// Token returns the token that is kept for the user, or asks the source.
func (c *TokenCache) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	return c.kept().Token(ctx, req)
}

// Format prints that there is a cache, and nothing that it holds.
func (c *TokenCache) Format(f fmt.State, verb rune) { writeText(f, verb, "usersecurity.TokenCache") }

// keptTokens are tokens by user.
type keptTokens struct {
	src     TokenSource
	limit   time.Duration // of one fetch
	flights flight.Group[UserID, *oauth2.Token]

	mu     sync.Mutex
	byUser map[UserID]*list.Element // of *cachedToken
	recent list.List                // the most recently used first
}

func newKeptTokens(src TokenSource, limit time.Duration) *keptTokens {
	return &keptTokens{src: src, limit: limit, byUser: map[UserID]*list.Element{}}
}

type cachedToken struct {
	user      UserID
	token     *oauth2.Token
	renewAt   time.Time // zero for a token without expiry
	void      bool      // Wise has rejected it
	replaced  time.Time // when the source was last asked for another because of that
	rejection restraint // of asking for yet another
}

// Token returns the token that is kept for the user, or asks the source.
func (c *keptTokens) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	if kept := c.lookup(req); kept != nil {
		return kept, nil
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
func (c *keptTokens) fetched(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	for {
		token, own, err := c.flights.Do(ctx, req.User, c.limit, func(ctx context.Context) (*oauth2.Token, error) {
			return c.fetch(ctx, req)
		})
		// A fetch that was under way already may bring just the token that was
		// rejected; the next one is asked for another, unless one was just now.
		if own || err != nil || token == nil || token.AccessToken != req.Rejected {
			return token, err
		}
		if kept := c.lookup(req); kept != nil {
			return kept, nil
		}
	}
}

// lookup returns a token that needs no fetch: one that is good, or a rejected
// one whose replacement was asked for a moment ago.
func (c *keptTokens) lookup(req TokenRequest) *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[req.User]
	if e == nil {
		return nil
	}
	t := e.Value.(*cachedToken)
	now := time.Now()
	t.void = t.void || t.token.AccessToken == req.Rejected
	switch {
	case t.void && !t.rejection.holds(now):
		return nil
	case !t.void && !t.renewAt.IsZero() && !now.Before(t.renewAt):
		return nil
	}
	c.recent.MoveToFront(e)
	return t.token
}

func (c *keptTokens) fetch(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	if kept := c.lookup(req); kept != nil {
		return kept, nil // brought by the flight before this one
	}
	token, err := c.src.Token(ctx, req)
	usable := err == nil && token != nil && token.AccessToken != ""
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case usable:
		c.store(req, token)
	case req.Rejected != "":
		c.drop(req)
	}
	return token, err
}

// stillGood returns a token that is due for renewal but has not expired.
func (c *keptTokens) stillGood(req TokenRequest) *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[req.User]
	if e == nil {
		return nil
	}
	t := e.Value.(*cachedToken)
	if t.void || !time.Now().Before(t.token.Expiry) {
		return nil
	}
	return t.token
}

// pauseRenewal lets the calls of the next seconds pass without a renewal.
func (c *keptTokens) pauseRenewal(user UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[user]
	if e == nil {
		return
	}
	t := e.Value.(*cachedToken)
	if next := time.Now().Add(renewalPause); next.After(t.renewAt) && next.Before(t.token.Expiry) {
		t.renewAt = next
	}
}

// store keeps a token. The lock is held.
func (c *keptTokens) store(req TokenRequest, token *oauth2.Token) {
	t := &cachedToken{user: req.User, token: token}
	now := time.Now()
	if !token.Expiry.IsZero() {
		life := token.Expiry.Sub(now)
		t.renewAt = token.Expiry.Add(-min(earliestRenewal, life/renewalOfLife))
	}
	e := c.byUser[req.User]
	if e != nil {
		old := e.Value.(*cachedToken)
		t.replaced, t.rejection = old.replaced, old.rejection
	}
	if req.Rejected != "" {
		if token.AccessToken == req.Rejected || now.Sub(t.replaced) < maxRestraint {
			t.rejection.refused(now, 0)
		}
		t.replaced = now
	}
	if e != nil {
		e.Value = t
		c.recent.MoveToFront(e)
		return
	}
	c.byUser[req.User] = c.recent.PushFront(t)
	if c.recent.Len() > maxCachedTokens {
		oldest := c.recent.Back()
		delete(c.byUser, oldest.Value.(*cachedToken).user)
		c.recent.Remove(oldest)
	}
}

// drop forgets a token that was rejected and could not be replaced. The lock is
// held.
func (c *keptTokens) drop(req TokenRequest) {
	if e := c.byUser[req.User]; e != nil && e.Value.(*cachedToken).token.AccessToken == req.Rejected {
		c.recent.Remove(e)
		delete(c.byUser, req.User)
	}
}
