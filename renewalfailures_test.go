package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// A store that is away costs nothing as long as the process holds a good token.
func TestStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		stored(t, store, 7, 0)
		stored(t, store, 8, 0)
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0")
		store.set(errShaky, errShaky, nil)
		for range 11 {
			time.Sleep(time.Hour)
			g.expectCall(client, 7, "access-7-0")
			err := callAs(t, client, 8)
			expectMatches(t, err, usersecurity.ErrNoToken)
			if !errors.Is(err, errShaky) || !strings.Contains(err.Error(), "the token store failed") {
				t.Error(err)
			}
			expectNoSecret(t, err)
		}
		loads, _ := store.counts()
		for range 1000 { // due, and the store fails: not every call asks it
			g.expectCall(client, 7, "access-7-0")
			time.Sleep(100 * time.Millisecond)
		}
		if after, _ := store.counts(); after-loads > 10 {
			t.Errorf("%d reads in 100 s of a store that is away", after-loads)
		}
		time.Sleep(time.Hour)
		expectMatches(t, callAs(t, client, 7), usersecurity.ErrNoToken)
		store.set(nil, nil, nil)
		g.expectCall(client, 7, "access-7-1")
		g.expectCall(client, 8, "access-8-1")
	})
}

// It fails before Wise is asked: nothing is sent, nothing is lost.
func TestStoreThatCannotBeClaimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		stored(t, store, 7, tokenLife)
		store.set(nil, errShaky, nil)
		client := g.client(store)
		for range 10 {
			err := callAs(t, client, 7)
			expectMatches(t, err, usersecurity.ErrNoToken)
			if !errors.Is(err, errShaky) {
				t.Error(err)
			}
		}
		g.expectRefreshes(0)
		store.set(nil, nil, nil)
		g.expectCall(client, 7, "access-7-1")
	})
}

// It fails when Wise has answered: what Wise gave is never lost, and nobody uses
// it before it is saved.
func TestStoreThatCannotSave(t *testing.T) {
	t.Parallel()
	for _, away := range []time.Duration{50 * time.Millisecond, 12 * time.Second, time.Hour} {
		scripted(t, away.String(), func(t *testing.T) {
			g := newGranter(t)
			store := newShakyStore()
			stored(t, store, 7, tokenLife)
			store.set(nil, nil, errShaky)
			time.AfterFunc(away, func() { store.set(nil, nil, nil) })
			client := g.client(store)
			began := time.Now()
			err := callAs(t, client, 7)
			switch took := time.Since(began); {
			case away < 15*time.Second:
				if err != nil || took > away+2*time.Second {
					t.Errorf("after %s: %v", took, err)
				}
			default:
				if took < 14*time.Second || took > 16*time.Second {
					t.Errorf("saving was given up after %s", took)
				}
				expectMatches(t, err, usersecurity.ErrNoToken)
				if err == nil || !errors.Is(err, errShaky) || !strings.Contains(err.Error(), "are kept until they can be") {
					t.Error(err)
				}
				expectNoSecret(t, err)
				for range 50 { // each tries to save once, and doesn't wait
					if err := callAs(t, client, 7); !errors.Is(err, errShaky) {
						t.Error(err)
					}
				}
				if took := time.Since(began); took > 16*time.Second {
					t.Errorf("the further calls took %s", took)
				}
				if used := g.used(); len(used) != 0 {
					t.Errorf("used before it was saved: %q", used)
				}
				time.Sleep(away)
			}
			g.expectCall(client, 7, "access-7-1")
			expectStored(t, store, 7, "access-7-1")
			g.expectRefreshes(1)
		})
	}
}

// While one process can't save what it was given, another one goes on: what that
// one stores counts.
func TestUnsavedTokensGiveWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		stored(t, store, 7, tokenLife)
		store.set(nil, nil, errShaky)
		one, two := g.client(store), g.client(store.MemoryTokenStore)
		if err := callAs(t, one, 7); err == nil {
			t.Fatal("no error")
		}
		g.expectCall(two, 7, "access-7-2")
		store.set(nil, nil, nil)
		g.expectCall(one, 7, "access-7-2")
		expectStored(t, store, 7, "access-7-2")
		g.expectRefreshes(2)
		// The customer leaves meanwhile: nothing is stored for them.
		stored(t, store, 8, tokenLife)
		store.set(nil, nil, errShaky)
		if err := callAs(t, one, 8); err == nil {
			t.Fatal("no error")
		}
		store.set(nil, nil, nil)
		put(t, store, 8, nil)
		err := callAs(t, one, 8)
		expectMatches(t, err, usersecurity.ErrNoToken)
		expectStored(t, store, 8, "")
	})
}

// The store answers after the caller has gone.
func TestStoreThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := &slowSaves{MemoryTokenStore: usersecurity.NewMemoryTokenStore(), wait: 20 * time.Second}
		stored(t, store.MemoryTokenStore, 7, tokenLife)
		client := g.client(store)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.ListProfiles(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		// Fails after that: what Wise gave is there nevertheless.
		store.mu.Lock()
		store.err = errShaky
		store.mu.Unlock()
		time.Sleep(10 * time.Minute)
		store.mu.Lock()
		store.err, store.wait = nil, 0
		store.mu.Unlock()
		g.expectCall(client, 7, "access-7-1")
		g.expectRefreshes(1)
	})
}

// slowSaves takes its time between change and storing, and may fail then.
type slowSaves struct {
	*usersecurity.MemoryTokenStore
	mu   sync.Mutex
	wait time.Duration
	err  error
}

func (s *slowSaves) Update(ctx context.Context, user usersecurity.UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	return s.MemoryTokenStore.Update(ctx, user, func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		next, err := change(ctx, now)
		s.mu.Lock()
		wait := s.wait
		s.mu.Unlock()
		time.Sleep(wait)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil && s.err != nil {
			return nil, s.err
		}
		return next, err
	})
}

// A store that panics ends no program behind anybody's back, and what Wise gave
// is still there.
func TestStoreThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := &panickingStore{MemoryTokenStore: usersecurity.NewMemoryTokenStore()}
		stored(t, store.MemoryTokenStore, 7, 11*time.Hour)
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0")
		store.panics = true
		g.expectCall(client, 7, "access-7-0") // which begins the renewal
		synctest.Wait()
		time.Sleep(time.Hour)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a call that must wait for the store didn't panic")
				}
			}()
			_ = callAs(t, client, 7)
		}()
		store.panics = false
		g.expectCall(client, 7, "access-7-1")
		g.expectRefreshes(1)
	})
}

type panickingStore struct {
	*usersecurity.MemoryTokenStore
	panics bool
}

func (s *panickingStore) Update(ctx context.Context, user usersecurity.UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	token, err := s.MemoryTokenStore.Update(ctx, user, func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		next, err := change(ctx, now)
		if s.panics {
			panic("the store is broken")
		}
		return next, err
	})
	return token, err
}

// However many users are due at once, a client has 32 refreshes in flight.
func TestRefreshesInFlight(t *testing.T) {
	t.Parallel()
	const users = 300
	for name, age := range map[string]time.Duration{"due": 10 * time.Hour, "expired": tokenLife} {
		scripted(t, name, func(t *testing.T) {
			g := newGranter(t)
			g.delay = 4 * time.Second
			store := usersecurity.NewMemoryTokenStore()
			for user := range usersecurity.UserID(users) {
				stored(t, store, user+1, age)
			}
			client := g.client(store)
			for second := range 60 {
				var calls sync.WaitGroup
				for user := range usersecurity.UserID(users) {
					calls.Go(func() {
						if err := callAs(t, client, user+1); err != nil {
							t.Error(err)
						}
					})
				}
				calls.Wait()
				if second > 0 {
					time.Sleep(time.Second)
				}
			}
			if g.most != 32 || g.refreshes() != users {
				t.Errorf("%d refreshes of %d users, %d at once", g.refreshes(), users, g.most)
			}
		})
	}
}

// A token endpoint that fails gets no storm of refreshes, however many calls of
// however many users want one. It is found out when it works again.
func TestTokenEndpointThatFails(t *testing.T) {
	t.Parallel()
	const users, duration = 200, 2 * time.Minute
	for _, test := range []struct {
		name   string
		answer step
		most   int // requests in that time
	}{
		{"500", answers(500, ""), 100},
		{"a gateway's page", answers(502, "<html>"), 100},
		{"lost", lost, 100},
		{"429", answers(429, ""), 100},
		{"429, come back in a minute", answers(429, "", "Retry-After", "60"), 75},
		{"429 of all", answers(429, "", "Retry-After", "60", "X-Rate-Limited-By", "TRANSFERS"), 75},
		{"invalid_client", refuses(401, "invalid_client"), 50},
	} {
		scripted(t, test.name, func(t *testing.T) {
			g := newGranter(t)
			g.grant = test.answer
			store := usersecurity.NewMemoryTokenStore()
			for user := range usersecurity.UserID(users) {
				stored(t, store, user+1, tokenLife)
			}
			stored(t, store, 5000, 10*time.Hour) // due, and good
			client := g.client(store)
			began := time.Now()
			var calls sync.WaitGroup
			for user := range usersecurity.UserID(users) {
				calls.Go(func() {
					for time.Since(began) < duration {
						expectMatches(t, callAs(t, client, user+1), usersecurity.ErrNoToken)
						time.Sleep(2 * time.Second)
					}
				})
			}
			for time.Since(began) < duration {
				if test.name != "429 of all" { // which holds back every call
					g.expectCall(client, 5000, "access-5000-0")
				}
				time.Sleep(time.Second)
			}
			calls.Wait()
			if n := g.refreshes(); n < 5 || n > test.most {
				t.Errorf("%d requests in %s", n, time.Since(began))
			}
			g.grant = nil
			time.Sleep(31 * time.Second)
			if strings.HasPrefix(test.name, "429,") || test.name == "429 of all" {
				time.Sleep(time.Minute)
			}
			for user := range usersecurity.UserID(users) {
				g.expectCall(client, user+1, fmt.Sprintf("access-%d-1", user+1))
			}
		})
	}
}

// Refreshes that fail at the same time are one failure: a second later the next
// one is sent.
func TestTokenEndpointThatFailsForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.delay = 100 * time.Millisecond
		g.grant = refuses(400, "invalid_request")
		store := usersecurity.NewMemoryTokenStore()
		client := g.client(store)
		var calls sync.WaitGroup
		for user := usersecurity.UserID(1); user <= 30; user++ {
			stored(t, store, user, tokenLife)
			calls.Go(func() { expectMatches(t, callAs(t, client, user), usersecurity.ErrNoToken) })
		}
		calls.Wait()
		g.expectRefreshes(30)
		stored(t, store, 31, tokenLife)
		expectMatches(t, callAs(t, client, 31), usersecurity.ErrNoToken)
		g.expectRefreshes(30)
		g.grant, g.delay = nil, 0
		time.Sleep(1001 * time.Millisecond)
		g.expectCall(client, 31, "access-31-1")
	})
}

// One user whom the token endpoint fails costs the others nothing.
func TestTokenEndpointThatFailsOneUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.grant = func(r *http.Request, body string) (*http.Response, error) {
			if strings.HasSuffix(body, "refresh-7") {
				return answers(500, "")(r, body)
			}
			return g.renews(r, body)
		}
		store := usersecurity.NewMemoryTokenStore()
		client := g.client(store)
		stored(t, store, 7, tokenLife)
		for user := usersecurity.UserID(100); user < 200; user++ {
			stored(t, store, user, tokenLife)
			_ = callAs(t, client, 7)
			g.expectCall(client, user, fmt.Sprintf("access-%d-1", user))
			time.Sleep(10 * time.Second)
		}
		if n := g.refreshes() - 100; n != 2*100 { // once, and repeated
			t.Errorf("%d requests for the one", n)
		}
	})
}

// What is remembered of users is bounded.
func TestRememberedRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		g.grant = refuses(400, "invalid_grant")
		store := usersecurity.NewMemoryTokenStore()
		client := g.client(store)
		const users = 10_050
		for user := range usersecurity.UserID(users) {
			stored(t, store, user+1, tokenLife)
			_ = callAs(t, client, user+1)
		}
		before := g.refreshes()
		for user := range usersecurity.UserID(50) {
			_ = callAs(t, client, users-user) // those of the end are remembered
		}
		if n := g.refreshes() - before; n != 0 {
			t.Errorf("%d of the last 50 were sent again", n)
		}
		for user := range usersecurity.UserID(50) {
			_ = callAs(t, client, user+1) // those of the beginning are not
		}
		if n := g.refreshes() - before; n != 50 {
			t.Errorf("%d of the first 50 were sent again: nothing is ever forgotten", n)
		}
	})
}
