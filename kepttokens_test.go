package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

func TestCacheForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{}
		cache := usersecurity.CacheTokens(src)
		checkToken(t, cache, requestOf{User: 7}, "7/1")
		checkToken(t, cache, requestOf{User: 8}, "8/1")
		cache.Forget(7)
		cache.Forget(9) // who isn't there
		checkToken(t, cache, requestOf{User: 7}, "7/2")
		checkToken(t, cache, requestOf{User: 8}, "8/1")

		// What a fetch brings that was under way serves those who wait, and is not kept.
		cache.Forget(7)
		src.wait = make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() { checkToken(t, cache, requestOf{User: 7}, "7/3") })
		synctest.Wait()
		cache.Forget(7)
		close(src.wait)
		asking.Wait()
		checkToken(t, cache, requestOf{User: 7}, "7/4")
		checkToken(t, cache, requestOf{User: 7}, "7/4")
	})
}

func TestCacheLimit(t *testing.T) {
	t.Parallel()
	src := &issuer{}
	cache := usersecurity.CacheTokens(src)
	ask := func(users ...usersecurity.UserID) {
		for _, user := range users {
			if _, err := cache.Token(t.Context(), requestOf{User: user}); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(user usersecurity.UserID, fetches int) {
		t.Helper()
		if n := src.count(user); n != fetches {
			t.Errorf("%d fetches for user %d, want %d", n, user, fetches)
		}
	}
	ask(1, 2, 3, 1)
	cache.SetLimit(2) // user 2 was used longest ago
	ask(1, 3)
	expect(1, 1)
	expect(3, 1)
	ask(2)
	expect(2, 2)
	ask(3, 1)
	expect(3, 1)
	expect(1, 2)
	cache.SetLimit(0)
	ask(1, 1)
	expect(1, 2)
	ask(2, 1)
	expect(1, 3)
	cache.SetLimit(20_000)
	for user := range usersecurity.UserID(15_000) {
		ask(user + 1)
	}
	before := len(src.told)
	for user := range usersecurity.UserID(15_000) {
		ask(user + 1)
	}
	if n := len(src.told) - before; n != 0 {
		t.Errorf("%d of 15000 were not kept", n)
	}
}

// Close to its end, a token whose renewal fails is not asked for by every call.
func TestCachePausesUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour}
		cache := usersecurity.CacheTokens(src)
		checkToken(t, cache, requestOf{}, "0/1")
		time.Sleep(time.Hour - 10*time.Second)
		src.setFail(io.ErrClosedPipe)
		for range 1000 {
			checkToken(t, cache, requestOf{}, "0/1")
			time.Sleep(9 * time.Millisecond)
		}
		if n := src.count(0); n < 3 || n > 12 {
			t.Errorf("%d fetches in the last ten seconds", n)
		}
		time.Sleep(time.Second)
		if _, err := cache.Token(t.Context(), requestOf{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
}

// A fetch that was given up and ends late replaces nothing newer.
func TestCacheAbandonedFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &stubborn{}
		cache := usersecurity.CacheTokens(src)
		if _, err := cache.Token(t.Context(), requestOf{User: 7}); err == nil {
			t.Error("no error after a minute")
		}
		checkToken(t, cache, requestOf{User: 7}, "fetch 2")
		time.Sleep(10 * time.Minute)
		checkToken(t, cache, requestOf{User: 7}, "fetch 2")
	})
}

// stubborn takes five minutes for its first token, whatever its context says.
type stubborn struct {
	mu sync.Mutex
	n  int
}

func (s *stubborn) Token(context.Context, requestOf) (*oauth2.Token, error) {
	s.mu.Lock()
	s.n++
	n := s.n
	s.mu.Unlock()
	if n == 1 {
		time.Sleep(5 * time.Minute)
	}
	return &oauth2.Token{AccessToken: fmt.Sprintf("fetch %d", n)}, nil
}
