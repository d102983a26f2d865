package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// sample is a token as Wise's replies make one. The expiry is a whole second,
// as not every database keeps more, in a zone that isn't UTC.
func sample(n int) *oauth2.Token {
	return &oauth2.Token{
		AccessToken:  fmt.Sprintf("access-%d", n),
		TokenType:    "bearer",
		RefreshToken: fmt.Sprintf("refresh-%d", n),
		Expiry:       time.Date(2027, 3, 4, 5, 6, n, 0, time.FixedZone("", 3600)),
		ExpiresIn:    43199,
	}
}

func noTokens(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.expect("Load of a user who was never stored", c.load(), nil)
	got := c.update(func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		c.expect("the tokens in change", now, nil)
		return nil, nil
	})
	c.expectNoError("Update", got)
	c.expect("the result of an Update that stores nothing", got.token, nil)
	c.expect("Load after it", c.load(), nil)
}

func roundTrip(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	// Every character that RFC 6749 allows in a token.
	var all strings.Builder
	for b := byte(0x20); b <= 0x7e; b++ {
		all.WriteByte(b)
	}
	want := sample(1)
	want.AccessToken, want.RefreshToken = all.String(), all.String()+all.String()
	c.expect("the result of Update", c.put(want), want)
	c.expect("Load", c.load(), want)
	c.expect("a second Load", c.load(), want)
}

func noExpiry(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	want := &oauth2.Token{AccessToken: "access"}
	c.expect("the result of Update", c.put(want), want)
	c.expect("Load", c.load(), want)
}

func longTokens(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	want := sample(1)
	want.AccessToken = strings.Repeat("a", 10<<10) + "."
	want.RefreshToken = strings.Repeat("r", 10<<10) + "."
	c.put(want)
	c.expect("Load", c.load(), want)
}

func ownTokens(r reporter, s usersecurity.TokenStore) {
	var all []customer
	for n := range 20 {
		c := newCustomer(r, s)
		c.put(sample(n))
		all = append(all, c)
	}
	all[0].put(nil)
	for n, c := range all {
		want := sample(n)
		if n == 0 {
			want = nil
		}
		c.expect(fmt.Sprintf("Load of user %d of 20", n+1), c.load(), want)
	}
}

func seesCurrent(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.put(sample(0))
	for n := range 5 {
		got := c.update(func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
			c.expect("the tokens in change", now, sample(n))
			return sample(n + 1), nil
		})
		c.expectNoError("Update", got)
		c.expect("the result of Update", got.token, sample(n+1))
		c.expect("Load after Update", c.load(), sample(n+1))
	}
}

func nilDeletes(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.put(sample(1))
	c.expect("the result of an Update that deletes", c.put(nil), nil)
	c.expect("Load of what was deleted", c.load(), nil)
	got := c.update(func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		c.expect("the tokens in change, after they were deleted", now, nil)
		return sample(2), nil
	})
	c.expectNoError("Update", got)
	c.expect("Load of what was stored again", c.load(), sample(2))
}

func errorStoresNothing(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	refused := errors.New("refused")
	fail := func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return sample(9), refused }

	for _, want := range []*oauth2.Token{nil, sample(1)} {
		c.put(want)
		got := c.update(fail)
		if !errors.Is(got.err, refused) {
			c.Errorf("Update returned %v, which doesn't match the error of change", got.err)
		}
		c.expect("Load after an Update that failed", c.load(), want)
	}
	// The user is free again.
	c.put(sample(2))
	c.expect("Load after the next Update", c.load(), sample(2))
}

func copies(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	spoil := func(token *oauth2.Token) {
		if token != nil {
			*token = oauth2.Token{AccessToken: "spoiled"}
		}
	}
	given := sample(1)
	returned := c.put(given)
	spoil(given)
	c.expect("Load, after the token that change returned was changed", c.load(), sample(1))
	spoil(returned)
	c.expect("Load, after the token that Update returned was changed", c.load(), sample(1))
	spoil(c.load())
	c.expect("Load, after the token that Load returned was changed", c.load(), sample(1))
	c.update(func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		spoil(now)
		return nil, errors.New("refused")
	})
	c.expect("Load, after the token that change was given was changed", c.load(), sample(1))
}

// unreadable shows that a Load which can't ask doesn't say that there is
// nothing: a customer would be sent to log in again.
func unreadable(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.put(sample(1))
	got := c.end("Load", begin(func(ctx context.Context) (*oauth2.Token, error) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return c.store.Load(ended, c.id)
	}))
	if got.err == nil {
		c.expect("Load with a context that has ended, without an error", got.token, sample(1))
	}
}
