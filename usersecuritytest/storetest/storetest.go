// Package storetest is the contract of [usersecurity.TokenStore] as a test, for
// whoever writes a store of his own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) usersecurity.TokenStore {
//			return newStore(t, testDatabase)
//		})
//	}
//
// What one process can't show it doesn't test: that two processes exclude each
// other, that a process which dies frees its user, that one which stalls doesn't
// write over what another has stored since, that nothing readable lies in the
// database.
package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// Run runs a subtest for each promise of [usersecurity.TokenStore], each on a
// store of its own that newStore makes. The stores may share one database, and
// other users' tokens may lie in it: the users of the subtests are random
// numbers between 2^40 and 2^53. What was stored for them is left behind.
//
// No subtest measures time, but a call of the store that is not back after half
// a minute, without any reason to wait, fails.
func Run(t *testing.T, newStore func(*testing.T) usersecurity.TokenStore) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, newStore(t)) })
	}
}

// promises are all that is tested, in the order of reading.
var promises = []promise{
	{"a user without tokens", noTokens},
	{"what is stored is loaded", roundTrip},
	{"a token without expiry", noExpiry},
	{"long tokens", longTokens},
	{"users have tokens of their own", ownTokens},
	{"Update sees what is stored", seesCurrent},
	{"nil deletes", nilDeletes},
	{"an error of change stores nothing", errorStoresNothing},
	{"tokens are copied", copies},
	{"what can't be read is an error", unreadable},
	{"one Update of a user at a time", oneAtATime},
	{"the first Updates of a user", firstUpdates},
	{"users don't wait for each other", independentUsers},
	{"ctx ends the wait", contextEndsWait},
	{"an ended ctx", endedContext},
	{"ctx doesn't end the storing", contextEndsInChange},
	{"a panic releases the user", panicReleases},
}

type promise struct {
	name  string
	check func(r reporter, s usersecurity.TokenStore)
}

// reporter is what is needed of *testing.T, so that this package's own tests can
// look on while a promise is found broken.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// patience is how long a call may take that has no reason to wait.
var patience = 30 * time.Second

// customer is one user in one store.
type customer struct {
	reporter
	store usersecurity.TokenStore
	id    usersecurity.UserID
}

func newCustomer(r reporter, s usersecurity.TokenStore) customer {
	return customer{reporter: r, store: s, id: usersecurity.UserID(1<<40 + rand.Int64N(1<<53-1<<40))}
}

type changeFunc = func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error)

// result is what a call brought.
type result struct {
	token    *oauth2.Token
	err      error
	panicked any
}

// begin starts a call on a goroutine of its own: nothing else can give up on a
// store that hangs.
func begin(call func(ctx context.Context) (*oauth2.Token, error)) <-chan result {
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			r.panicked = recover()
			done <- r
		}()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r.token, r.err = call(ctx)
	}()
	return done
}

// end waits for a call that was begun.
func (c customer) end(what string, done <-chan result) result {
	c.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(patience + patience/2): // the store gets the chance to report the end of its context
		c.Fatalf("%s has not come back", what)
		return result{}
	}
}

// load returns the user's tokens.
func (c customer) load() *oauth2.Token {
	c.Helper()
	r := c.end("Load", begin(func(ctx context.Context) (*oauth2.Token, error) { return c.store.Load(ctx, c.id) }))
	c.expectNoError("Load", r)
	return r.token
}

func (c customer) beginUpdate(change changeFunc) <-chan result {
	return begin(func(ctx context.Context) (*oauth2.Token, error) { return c.store.Update(ctx, c.id, change) })
}

// update is an Update that must come back, with whatever result.
func (c customer) update(change changeFunc) result {
	c.Helper()
	return c.end("Update", c.beginUpdate(change))
}

// put stores a token, or deletes it.
func (c customer) put(token *oauth2.Token) *oauth2.Token {
	c.Helper()
	r := c.update(func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil })
	c.expectNoError("Update", r)
	return r.token
}

func (c customer) expectNoError(what string, r result) {
	c.Helper()
	if r.panicked != nil {
		c.Fatalf("%s panicked: %v", what, r.panicked)
	}
	if r.err != nil {
		c.Fatalf("%s: %v", what, r.err)
	}
}

// expect compares field by field and prints none of them: the tokens of a test
// may be real ones.
func (c customer) expect(what string, got, want *oauth2.Token) {
	c.Helper()
	if got == nil || want == nil {
		if got != want {
			c.Errorf("%s: got tokens: %t, want tokens: %t", what, got != nil, want != nil)
		}
		return
	}
	for field, same := range map[string]bool{
		"AccessToken":  got.AccessToken == want.AccessToken,
		"TokenType":    got.TokenType == want.TokenType,
		"RefreshToken": got.RefreshToken == want.RefreshToken,
		"Expiry":       got.Expiry.Equal(want.Expiry) && got.Expiry.IsZero() == want.Expiry.IsZero(),
		"ExpiresIn":    got.ExpiresIn == want.ExpiresIn,
	} {
		if !same {
			c.Errorf("%s: %s is another than it should be", what, field)
		}
	}
}
