package usersecurity

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// How tokens are kept.
const (
	maxCachedTokens = 10_000
	earliestRenewal = 5 * time.Minute
	renewalPatience = time.Second      // how long a call that has a token waits for a newer one
	renewalPause    = 15 * time.Second // before a renewal that failed is tried again
	renewalOfLife   = 10               // a token is renewed in the last tenth of its life
)

// keptTokens are tokens by user.
type keptTokens struct {
	fetchToken fetchToken
	patience   time.Duration // of one fetch
	// renewal is when a token is to be renewed; behind says that no call waits for
	// that.
	renewal func(user UserID, token *oauth2.Token) time.Time
	behind  bool
	flights flight.Group[UserID, *oauth2.Token]

	mu     sync.Mutex
	byUser map[UserID]*list.Element // of *cachedToken
	recent list.List                // the most recently used first
	most   int
}

// fetchToken asks for a token. held is the one that is to be renewed, if there is
// one.
type fetchToken func(ctx context.Context, req TokenRequest, held *oauth2.Token) (*oauth2.Token, error)

// newKeptTokens keeps what fetch brings; a fetch is given up after patience.
func newKeptTokens(fetch fetchToken, patience time.Duration) *keptTokens {
	return &keptTokens{fetchToken: fetch, patience: patience, renewal: renewLate, byUser: map[UserID]*list.Element{}, most: maxCachedTokens}
}

// renewLate renews in the last tenth of a token's life.
func renewLate(_ UserID, token *oauth2.Token) time.Time {
	if token.Expiry.IsZero() {
		return time.Time{}
	}
	return token.Expiry.Add(-min(earliestRenewal, time.Until(token.Expiry)/renewalOfLife))
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
	switch {
	case good == nil:
		return c.fetched(ctx, req)
	case c.behind:
		c.renewBehind(ctx, req)
		return good, nil
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

// renewBehind begins a renewal that nobody waits for.
func (c *keptTokens) renewBehind(ctx context.Context, req TokenRequest) {
	c.pauseRenewal(req.User) // until this one has ended, or failed
	ctx = context.WithoutCancel(ctx)
	go func() { _, _ = c.fetched(ctx, req) }()
}

// fetched waits for the fetch that is under way or begins one.
func (c *keptTokens) fetched(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	for {
		token, own, err := c.flights.Do(ctx, req.User, c.patience, func(ctx context.Context) (*oauth2.Token, error) {
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
	token, err := c.fetchToken(ctx, req, c.held(req.User))
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

// held returns what is kept for the user, good or not.
func (c *keptTokens) held(user UserID) *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byUser[user]; e != nil {
		return e.Value.(*cachedToken).token
	}
	return nil
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
	t := &cachedToken{user: req.User, token: token, renewAt: c.renewal(req.User, token)}
	now := time.Now()
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
	c.trim()
}

// trim drops the longest unused tokens beyond the limit. The lock is held.
func (c *keptTokens) trim() {
	for c.recent.Len() > c.most {
		oldest := c.recent.Back()
		delete(c.byUser, oldest.Value.(*cachedToken).user)
		c.recent.Remove(oldest)
	}
}

func (c *keptTokens) setLimit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = n
	c.trim()
}

func (c *keptTokens) forget(user UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byUser[user]; e != nil {
		c.recent.Remove(e)
		delete(c.byUser, user)
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
