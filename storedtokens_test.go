package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// A token is renewed between 45 and 55 percent of its life, at another moment
// for each user, by the first call after that.
func TestRenewalAtHalfOfLife(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expiresIn int64
		life      time.Duration // when it is loaded
	}{
		"by its life":         {43_199, tokenLife},
		"by what is left":     {0, 4 * time.Hour},
		"loaded late in life": {43_199, 7 * time.Hour},
	} {
		scripted(t, name, func(t *testing.T) {
			g := newGranter(t)
			store := usersecurity.NewMemoryTokenStore()
			client := g.client(store)
			whole := test.life
			if test.expiresIn > 0 {
				whole = time.Duration(test.expiresIn) * time.Second
			}
			expiry := time.Now().Add(test.life)
			earliest := expiry.Add(-whole * 55 / 100)
			const users = 101
			for user := usersecurity.UserID(1); user <= users; user++ {
				put(t, store, user, &oauth2.Token{
					AccessToken: fmt.Sprintf("access-%d-0", user), RefreshToken: fmt.Sprintf("refresh-%d", user),
					Expiry: expiry, ExpiresIn: test.expiresIn,
				})
			}
			callAll := func() {
				for user := usersecurity.UserID(1); user <= users; user++ {
					if err := callAs(t, client, user); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
			}
			callAll()
			time.Sleep(time.Until(earliest) - time.Millisecond)
			callAll()
			if n := g.refreshes(); n != 0 {
				t.Errorf("%d are renewed before 45 percent of their life", n)
			}
			for step := whole / 1000; time.Until(expiry.Add(-whole*45/100)) > -time.Millisecond; {
				time.Sleep(step)
				before := g.refreshes()
				callAll()
				if n := g.refreshes() - before; n > 3 {
					t.Errorf("%d fall due within a thousandth of their life", n)
				}
			}
			time.Sleep(whole / 1000)
			callAll()
			if n := g.refreshes(); n != users {
				t.Errorf("%d of %d are renewed after 55 percent of their life", n, users)
			}
		})
	}
	scripted(t, "without an expiry", func(t *testing.T) {
		g := newGranter(t)
		store := usersecurity.NewMemoryTokenStore()
		put(t, store, 7, &oauth2.Token{AccessToken: "access-7-0", RefreshToken: "refresh-7"})
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0")
		time.Sleep(1000 * time.Hour)
		g.expectCall(client, 7, "access-7-0")
		g.reject("access-7-0")
		g.expectCall(client, 7, "access-7-1")
	})
}

// However slow Wise is, calls go on with the token that is good, and one refresh
// is made for all of them.
func TestCallsDoNotWaitForARenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.delay = 5 * time.Second
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 10*time.Hour) // long due
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0") // this one has loaded it
		for range 20 {
			g.expectCall(client, 7, "access-7-0")
			time.Sleep(200 * time.Millisecond)
		}
		expectStored(t, store, 7, "access-7-0")
		time.Sleep(2 * time.Second)
		expectStored(t, store, 7, "access-7-1")
		g.expectCall(client, 7, "access-7-1")
		g.expectRefreshes(1)
	})
}

// Nothing good is there: the calls wait, and share one refresh.
func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.delay = 5 * time.Second
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, tokenLife)
		put(t, store, 8, &oauth2.Token{RefreshToken: "refresh-8"}) // as brought from elsewhere
		client := g.client(store)
		var calls sync.WaitGroup
		for n := range 100 {
			calls.Go(func() {
				if err := callAs(t, client, usersecurity.UserID(7+n%2)); err != nil {
					t.Error(err)
				}
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.ListProfiles(impatient, 7)
		expectMatches(t, err, usersecurity.ErrNoToken)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		calls.Wait()
		used := g.used()
		slices.Sort(used)
		if used = slices.Compact(used); g.refreshes() != 2 || !slices.Equal(used, []string{"access-7-1", "access-8-1"}) {
			t.Errorf("%d refreshes, used are %q", g.refreshes(), used)
		}
	})
}

// Two processes, one store: the one that learns by a 401 that the other has
// refreshed takes the newer token and sends no refresh.
func TestTokenRenewedElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		stored(t, store, 7, 0)
		one, two := g.client(store), g.client(store)
		g.expectCall(one, 7, "access-7-0")
		g.expectCall(two, 7, "access-7-0")
		if err := one.UserTokens.Refresh(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		g.expectCall(one, 7, "access-7-1")
		g.expectCall(two, 7, "access-7-1")
		g.expectCall(two, 7, "access-7-1")
		want := []string{"access-7-0", "access-7-0", "access-7-1", "access-7-0", "access-7-1", "access-7-1"}
		if used := g.used(); !slices.Equal(used, want) || g.refreshes() != 1 {
			t.Errorf("%d refreshes, used are %q", g.refreshes(), used)
		}

		// While a refresh of the other's is under way, a call waits for that, and asks for none.
		g.delay = time.Second
		var refreshing sync.WaitGroup
		refreshing.Go(func() {
			if err := one.UserTokens.Refresh(t.Context(), 7); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		g.reject("access-7-1") // Wise has got it, and its answer is on its way
		if err := callAs(t, two, 7); err != nil {
			t.Error(err)
		}
		refreshing.Wait()
		g.expectRefreshes(2)
	})
}

// Refresh renews what is current when it is called, and nothing newer.
func TestRefreshAheadOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.delay = time.Second
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 0)
		clients := []*usersecurity.Client{g.client(store), g.client(store), g.client(store)}
		var jobs sync.WaitGroup
		for _, client := range clients {
			for range 10 {
				jobs.Go(func() {
					if err := client.UserTokens.Refresh(t.Context(), 7); err != nil {
						t.Error(err)
					}
				})
			}
		}
		jobs.Wait()
		if n := g.refreshes(); n != 1 {
			t.Errorf("%d refreshes by jobs of one moment", n)
		}
		if err := clients[0].UserTokens.Refresh(t.Context(), 7); err != nil || g.refreshes() != 2 {
			t.Errorf("%d refreshes, %v", g.refreshes(), err)
		}
		err := clients[0].UserTokens.Refresh(t.Context(), 9)
		expectMatches(t, err, usersecurity.ErrNoToken)
	})
}

// A lost answer is repeated once, with the same refresh token.
func TestLostAnswerToARefresh(t *testing.T) {
	t.Parallel()
	dead := refuses(401, "invalid_grant")
	for _, test := range []struct {
		name  string
		steps func(g *granter) []step
		sent  int
		want  []error
	}{
		{"lost", func(g *granter) []step { return []step{lost, g.renews} }, 2, nil},
		{"hangs", func(g *granter) []step { return []step{hangs, g.renews} }, 2, nil},
		{"500", func(g *granter) []step { return []step{answers(500, ""), g.renews} }, 2, nil},
		{"cut off", func(g *granter) []step {
			return []step{breaksOff(`{"access_token":"access-7-1","expires_in":43199}`), g.renews}
		}, 2, nil},
		{"lost twice", func(*granter) []step { return []step{lost} }, 2, []error{usersecurity.ErrNoToken}},
		{"lost, and the token with it", func(*granter) []step { return []step{lost, dead} }, 2, []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken}},
		{"of no use", func(*granter) []step { return []step{answers(200, `{"token_type":"bearer"}`)} }, 1, []error{usersecurity.ErrNoToken}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			g := newGranter(t)
			g.grant = inTurn(test.steps(g)...)
			store := usersecurity.NewMemoryTokenStore()
			stored(t, store, 7, 0)
			err := g.client(store).UserTokens.Refresh(t.Context(), 7)
			if test.want == nil && err != nil || test.want != nil && err == nil {
				t.Error(err)
			}
			expectMatches(t, err, test.want...)
			expectNoSecret(t, err)
			if n := g.refreshes(); n != test.sent {
				t.Errorf("%d requests", n)
			}
			for _, form := range g.grants {
				if form.Get("refresh_token") != "refresh-7" {
					t.Errorf("the refresh token is %q", form.Get("refresh_token"))
				}
			}
			if test.want != nil {
				expectStored(t, store, 7, "access-7-0")
			}
		})
	}
}

// The newest refresh token counts; where none comes, the old one.
func TestRefreshTokenOfTheReply(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{`,"refresh_token":"refresh-new"`: "refresh-new", `,"refresh_token":null`: "refresh-7", "": "refresh-7"} {
		g := newGranter(t)
		g.grant = answers(200, `{"access_token":"access-7-1","token_type":"bearer","expires_in":43199`+sent+`}`)
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 0)
		if err := g.client(store).UserTokens.Refresh(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		if token, _ := store.Load(t.Context(), 7); token.RefreshToken != want {
			t.Errorf("%q: stored is %q", sent, token.RefreshToken)
		}
	}
}

// A refresh token that Wise refuses isn't sent again and again. The access token
// serves until it expires, and then the customer must be asked.
func TestDeadRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.grant = refuses(400, "invalid_grant")
		store := newShakyStore()
		stored(t, store, 7, tokenLife-time.Hour)
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0")
		for range 3600 - 1 {
			time.Sleep(time.Second)
			g.expectCall(client, 7, "access-7-0")
		}
		if n := g.refreshes(); n != 4 { // in an hour
			t.Errorf("the dead token was sent %d times while the access token was good", n)
		}
		time.Sleep(time.Second)
		before, calls := g.refreshes(), len(g.used())
		for range 600 {
			err := callAs(t, client, 7)
			expectMatches(t, err, usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
			expectNoSecret(t, err)
			time.Sleep(time.Second)
		}
		if n := g.refreshes() - before; n > 1 {
			t.Errorf("the dead token was sent %d times in ten minutes", n)
		}
		if n := len(g.used()) - calls; n != 0 {
			t.Errorf("%d calls were sent without a good token", n)
		}
		// A job that comes by learns the same.
		before = g.refreshes()
		expectMatches(t, client.UserTokens.Refresh(t.Context(), 7), usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
		if g.refreshes() != before {
			t.Error("Refresh has sent it")
		}
		// The customer comes back, in another process.
		put(t, store, 7, &oauth2.Token{AccessToken: "access-new", RefreshToken: "refresh-new", Expiry: time.Now().Add(time.Hour)})
		g.expectCall(client, 7, "access-new")
	})
}

// Both tokens are dead: one call of Wise's shows it, and no further one.
func TestWithdrawnTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.grant = refuses(401, "invalid_grant")
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 0)
		client := g.client(store)
		g.reject("access-7-0")
		expectMatches(t, callAs(t, client, 7), usersecurity.ErrReauthorise, usersecurity.ErrNoToken, usersecurity.ErrUnauthorized)
		for range 100 {
			expectMatches(t, callAs(t, client, 7), usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
		}
		if calls := len(g.used()); calls != 1 || g.refreshes() != 1 {
			t.Errorf("%d calls, %d refreshes", calls, g.refreshes())
		}
	})
}

// Another process has overtaken this one, whose claim on the user ended while it
// stalled: what that one has stored counts.
func TestOvertakenRefresh(t *testing.T) {
	t.Parallel()
	newer := &oauth2.Token{AccessToken: "access-newer", RefreshToken: "refresh-newer"}
	for _, test := range []struct {
		name string
		load error
		now  *oauth2.Token // what the store has when it is read once more
		want []error       // nil: the call works, with what the store has
	}{
		{"overtaken", nil, newer, nil},
		{"not overtaken", nil, &oauth2.Token{AccessToken: "access-7-0", RefreshToken: "refresh-7"}, []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken, usersecurity.ErrUnauthorized}},
		{"forgotten", nil, nil, []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken, usersecurity.ErrUnauthorized}},
		{"nobody knows", errShaky, newer, []error{usersecurity.ErrUnauthorized}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			g := newGranter(t)
			inner := newShakyStore()
			store := &overtakenStore{shakyStore: inner}
			stored(t, inner, 7, 0)
			g.reject("access-7-0")
			g.grant = func(r *http.Request, body string) (*http.Response, error) {
				store.overtake(test.now)
				inner.set(test.load, nil, nil)
				return refuses(401, "invalid_grant")(r, body)
			}
			client := g.client(store)
			err := callAs(t, client, 7)
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				g.expectCall(client, 7, "access-newer")
				return
			}
			expectMatches(t, err, test.want...)
			if errors.Is(err, errShaky) != (test.load != nil) {
				t.Errorf("%v", err)
			}
		})
	}
}

// overtakenStore is one in which another process can store over an Update that
// is under way, which is then refused, as TokenStore says.
type overtakenStore struct {
	*shakyStore
	mu        sync.Mutex
	overtaken bool
	now       *oauth2.Token
}

func (s *overtakenStore) overtake(now *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overtaken, s.now = true, now
}

func (s *overtakenStore) Load(ctx context.Context, user usersecurity.UserID) (*oauth2.Token, error) {
	token, err := s.shakyStore.Load(ctx, user)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.overtaken {
		return s.now, nil
	}
	return token, err
}

func (s *overtakenStore) Update(ctx context.Context, user usersecurity.UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	before, err := s.Load(ctx, user)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	was := s.overtaken
	s.mu.Unlock()
	next, err := change(ctx, before)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case s.overtaken && !was:
		return nil, errors.New("the claim was lost")
	}
	return next, nil
}

// A user who is forgotten while a fetch is under way stays forgotten.
func TestForgetWhileLoading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := &slowStore{MemoryTokenStore: usersecurity.NewMemoryTokenStore()}
		stored(t, store, 7, 0)
		client := g.client(store)
		var calling sync.WaitGroup
		calling.Go(func() { _ = callAs(t, client, 7) }) // which is allowed to use the token
		synctest.Wait()
		if err := client.UserTokens.Forget(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		calling.Wait()
		err := callAs(t, client, 7)
		expectMatches(t, err, usersecurity.ErrNoToken)
		if err == nil || !strings.Contains(err.Error(), "has not authorised") {
			t.Error(err)
		}
	})
}

// slowStore takes a second to hand out what it has read.
type slowStore struct{ *usersecurity.MemoryTokenStore }

func (s *slowStore) Load(ctx context.Context, user usersecurity.UserID) (*oauth2.Token, error) {
	token, err := s.MemoryTokenStore.Load(ctx, user)
	time.Sleep(time.Second)
	return token, err
}

// A process that has kept a token for long finds one in the store that is void
// as well: it was withdrawn, or another process is about to replace it.
func TestStoredTokenIsVoidAsWell(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		meanwhile func(g *granter, refreshing *sync.WaitGroup, refresh func())
	}{
		{"withdrawn", func(g *granter, _ *sync.WaitGroup, _ func()) { g.reject("access-7-1") }},
		{"being replaced", func(_ *granter, refreshing *sync.WaitGroup, refresh func()) {
			refreshing.Go(refresh)
			synctest.Wait() // it is given, and not stored yet
		}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			g := newGranter(t)
			store := &slowlySaving{MemoryTokenStore: usersecurity.NewMemoryTokenStore()}
			stored(t, store.MemoryTokenStore, 7, 0)
			client, other := g.client(store), g.client(store)
			g.expectCall(client, 7, "access-7-0")
			var refreshing sync.WaitGroup
			defer refreshing.Wait()
			refresh := func() {
				if err := other.UserTokens.Refresh(t.Context(), 7); err != nil {
					t.Error(err)
				}
			}
			refresh()
			test.meanwhile(g, &refreshing, refresh)
			if err := callAs(t, client, 7); err != nil {
				t.Error(err)
			}
			if used := g.used(); !slices.Equal(used, []string{"access-7-0", "access-7-0", "access-7-1", "access-7-2"}) {
				t.Errorf("the calls used %v", used)
			}
			g.expectRefreshes(2)
		})
	}
}

// slowlySaving is a store that takes a second to save.
type slowlySaving struct{ *usersecurity.MemoryTokenStore }

func (s *slowlySaving) Update(ctx context.Context, user usersecurity.UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	return s.MemoryTokenStore.Update(ctx, user, func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		defer time.Sleep(time.Second)
		return change(ctx, now)
	})
}

// Where Wise refuses what it has just given, no third token is asked for.
func TestFreshTokenIsRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 0)
		client := g.client(store)
		g.reject("access-7-0")
		g.reject("access-7-1")
		checkMatches(t, "the error", callAs(t, client, 7), usersecurity.ErrUnauthorized)
		if used := g.used(); !slices.Equal(used, []string{"access-7-0", "access-7-1"}) {
			t.Errorf("the calls used %v", used)
		}
		g.expectRefreshes(1)
	})
}
