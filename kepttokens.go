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
	// renewal is when a token is to be renewed.
	renewal func(user UserID, token *oauth2.Token) time.Time
	// behind are the slots of renewals that no call waits for; without any, calls
	// wait for a moment.
	behind  chan struct{}
	flights flight.Group[UserID, *oauth2.Token]

	mu       sync.Mutex
	byUser   map[UserID]*list.Element // of *cachedToken
	recent   list.List                // the most recently used first
	most     int
	fetches  uint64            // how many have begun
	fetching map[UserID]uint64 // the fetch whose token is to be kept
}

// fetchToken asks for a token. held is the one that is to be renewed, if there is
// one. found says that the token was only looked up, and may be void by now.
type fetchToken func(ctx context.Context, req TokenRequest, held *oauth2.Token) (token *oauth2.Token, found bool, err error)

// newKeptTokens keeps what fetch brings; a fetch is given up after patience.
func newKeptTokens(fetch fetchToken, patience time.Duration) *keptTokens {
	return &keptTokens{
		fetchToken: fetch, patience: patience, renewal: renewLate,
		byUser: map[UserID]*list.Element{}, most: maxCachedTokens, fetching: map[UserID]uint64{},
	}
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
	pause     time.Time // no renewal is begun before
	void      bool      // Wise has rejected it
	found     bool      // it was only looked up
	replaced  time.Time // when the source was last asked for another because of that
	rejection restraint // of asking for yet another
}

// Token returns the token that is kept for the user, or asks the source.
func (c *keptTokens) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	if kept := c.lookup(req); kept != nil {
		return kept, nil
	}
	good, due := c.stillGood(req.User)
	switch {
	case good == nil:
		return c.fetched(ctx, req)
	case !due:
		return good, nil
	case c.behind != nil:
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

// renewBehind begins a renewal that nobody waits for, if there is a slot for it.
func (c *keptTokens) renewBehind(ctx context.Context, req TokenRequest) {
	select {
	case c.behind <- struct{}{}:
	default:
		return
	}
	if !c.pauseRenewal(req.User) {
		<-c.behind
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() {
			// What panics in a store is met by the next call that must wait for
			// it; here it would end the program.
			_ = recover()
			<-c.behind
		}()
		_, _ = c.fetched(ctx, req)
	}()
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
	held, void, id := c.begin(req.User)
	defer c.end(req.User, id)
	if void && req.Rejected == "" {
		req.Rejected = held.AccessToken // of an earlier call: it is another one that is wanted
	}
	token, found, err := c.fetchToken(ctx, req, held)
	usable := err == nil && token != nil && token.AccessToken != ""
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fetching[req.User] != id: // the user was forgotten, or this fetch given up
	case usable:
		c.store(req, &cachedToken{user: req.User, token: token, found: found, renewAt: c.renewal(req.User, token)})
	case req.Rejected != "" && c.behind == nil:
		// A store's stays, as one that is void: it would give the same again.
		c.drop(req)
	}
	return token, err
}

// begin registers a fetch, and returns what is kept for the user, and whether Wise
// has rejected it.
func (c *keptTokens) begin(user UserID) (held *oauth2.Token, void bool, id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetches++
	c.fetching[user] = c.fetches
	if e := c.byUser[user]; e != nil {
		t := e.Value.(*cachedToken)
		held, void = t.token, t.void
	}
	return held, void, c.fetches
}

func (c *keptTokens) end(user UserID, id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fetching[user] == id {
		delete(c.fetching, user)
	}
}

// stillGood returns a token that has not expired, and whether a renewal of it is
// to be begun now.
func (c *keptTokens) stillGood(user UserID) (token *oauth2.Token, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[user]
	if e == nil {
		return nil, false
	}
	t := e.Value.(*cachedToken)
	now := time.Now()
	if t.void || !now.Before(t.token.Expiry) {
		return nil, false
	}
	return t.token, !now.Before(t.pause)
}

// pauseRenewal lets the calls of the next seconds pass without a renewal, but not
// all that come before the token expires. It reports whether it is for the caller
// to begin one now.
func (c *keptTokens) pauseRenewal(user UserID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[user]
	now := time.Now()
	if e == nil || now.Before(e.Value.(*cachedToken).pause) {
		return false
	}
	t := e.Value.(*cachedToken)
	t.pause = now.Add(min(renewalPause, t.token.Expiry.Sub(now)/2))
	return true
}

// store keeps a token. The lock is held.
func (c *keptTokens) store(req TokenRequest, t *cachedToken) {
	now := time.Now()
	e := c.byUser[req.User]
	if e != nil {
		old := e.Value.(*cachedToken)
		t.replaced, t.rejection = old.replaced, old.rejection
	}
	if req.Rejected != "" {
		if t.token.AccessToken == req.Rejected || now.Sub(t.replaced) < maxRestraint {
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
	delete(c.fetching, user) // what one that is under way brings may be what was there before
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
