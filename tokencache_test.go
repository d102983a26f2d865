package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// issuer is a source that counts: the nth token of a user is "<user>/<n>". It
// lives for life, or for good. Its hooks may be changed between calls.
type issuer struct {
	life time.Duration
	wait chan struct{} // each fetch waits for it
	fail error

	mu      sync.Mutex
	fetches map[usersecurity.UserID]int
	told    []string // the rejected tokens
}

func (i *issuer) Token(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	i.mu.Lock()
	if i.fetches == nil {
		i.fetches = map[usersecurity.UserID]int{}
	}
	i.fetches[req.User]++
	n, fail := i.fetches[req.User], i.fail
	i.told = append(i.told, req.Rejected)
	i.mu.Unlock()
	if i.wait != nil {
		select {
		case <-i.wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail != nil {
		return nil, fail
	}
	token := &oauth2.Token{AccessToken: fmt.Sprintf("%d/%d", req.User, n)}
	if i.life != 0 {
		token.Expiry = time.Now().Add(i.life)
	}
	return token, nil
}

func (i *issuer) setFail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fail = err
}

func (i *issuer) count(user usersecurity.UserID) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[user]
}

// However many ask at once, a user's token is fetched once; users don't wait
// for one another.
func TestCacheFetchesOncePerUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{wait: make(chan struct{})}
		cache := usersecurity.CacheTokens(src)
		var asking sync.WaitGroup
		for user := range usersecurity.UserID(3) {
			for range 50 {
				asking.Go(func() { checkToken(t, cache, requestOf{User: user}, fmt.Sprintf("%d/1", user)) })
			}
		}
		synctest.Wait()
		for user := range usersecurity.UserID(3) {
			if n := src.count(user); n != 1 {
				t.Errorf("%d fetches under way for user %d", n, user)
			}
		}
		close(src.wait)
		asking.Wait()
		for user := range usersecurity.UserID(3) {
			checkToken(t, cache, requestOf{User: user}, fmt.Sprintf("%d/1", user))
		}
		if n := len(src.told); n != 3 {
			t.Errorf("%d fetches for 3 users", n)
		}
	})
}

// A waiter leaves with its own context; the fetch goes on for the others.
func TestCacheWaitersKeepTheirContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{wait: make(chan struct{})}
		cache := usersecurity.CacheTokens(src)
		first, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var asking sync.WaitGroup
		asking.Go(func() { // the one that began the fetch
			if _, err := cache.Token(first, requestOf{User: 7}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		asking.Go(func() { checkToken(t, cache, requestOf{User: 7}, "7/1") })
		time.Sleep(10 * time.Second)
		close(src.wait)
		asking.Wait()
		if n := src.count(7); n != 1 {
			t.Errorf("%d fetches", n)
		}
		if _, err := cache.Token(first, requestOf{User: 8}); !errors.Is(err, context.DeadlineExceeded) || src.count(8) != 0 {
			t.Errorf("with a context that has ended: %v, %d fetches", err, src.count(8))
		}
	})
}

// A fetch that nobody waits for any more ends by itself.
func TestCacheFetchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		cache := usersecurity.CacheTokens(&issuer{wait: make(chan struct{})})
		if _, err := cache.Token(t.Context(), requestOf{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// What a caller's context carries reaches the source.
func TestCachePassesContextValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got any
	cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(ctx context.Context, _ requestOf) (*oauth2.Token, error) {
		got = ctx.Value(key{})
		return &oauth2.Token{AccessToken: "token"}, nil
	}))
	if _, err := cache.Token(context.WithValue(t.Context(), key{}, "value"), requestOf{}); err != nil || got != "value" {
		t.Errorf("%v, %v", got, err)
	}
}

// A token is renewed in the last tenth of its life, at most five minutes
// before its end.
func TestCacheRenewsEarly(t *testing.T) {
	t.Parallel()
	for life, early := range map[time.Duration]time.Duration{
		12 * time.Hour:   5 * time.Minute,
		time.Hour:        5 * time.Minute,
		50 * time.Minute: 5 * time.Minute,
		10 * time.Minute: time.Minute,
		10 * time.Second: time.Second,
	} {
		scripted(t, life.String(), func(t *testing.T) {
			cache := usersecurity.CacheTokens(&issuer{life: life})
			checkToken(t, cache, requestOf{}, "0/1")
			time.Sleep(life - early - time.Millisecond)
			checkToken(t, cache, requestOf{}, "0/1")
			time.Sleep(time.Millisecond)
			checkToken(t, cache, requestOf{}, "0/2")
			checkToken(t, cache, requestOf{}, "0/2")
		})
	}
	scripted(t, "no end", func(t *testing.T) {
		cache := usersecurity.CacheTokens(&issuer{})
		checkToken(t, cache, requestOf{}, "0/1")
		time.Sleep(10 * 365 * 24 * time.Hour)
		checkToken(t, cache, requestOf{}, "0/1")
	})
	scripted(t, "expired already", func(t *testing.T) {
		cache := usersecurity.CacheTokens(&issuer{life: -time.Second})
		checkToken(t, cache, requestOf{}, "0/1")
		checkToken(t, cache, requestOf{}, "0/2")
	})
}

// While the early renewal fails, the token that is good is served; not longer.
func TestCacheServesTheOldOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{life: time.Hour}
		cache := usersecurity.CacheTokens(src)
		checkToken(t, cache, requestOf{User: 7}, "7/1")
		checkToken(t, cache, requestOf{User: 8}, "8/1")
		time.Sleep(56 * time.Minute)
		src.setFail(io.ErrClosedPipe)
		checkToken(t, cache, requestOf{User: 7}, "7/1")
		if n := src.count(7); n != 2 {
			t.Errorf("%d fetches", n)
		}
		// Not to a call whose request was answered with 401 because of it, nor to
		// any call after that.
		for _, rejected := range []string{"8/1", ""} {
			if token, err := cache.Token(t.Context(), requestOf{User: 8, Rejected: rejected}); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("rejected: %v, %v", token, err)
			}
		}
		time.Sleep(4*time.Minute - time.Millisecond)
		checkToken(t, cache, requestOf{User: 7}, "7/1")
		time.Sleep(time.Millisecond)
		if token, err := cache.Token(t.Context(), requestOf{User: 7}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("expired: %v, %v", token, err)
		}
		src.setFail(nil)
		checkToken(t, cache, requestOf{User: 7}, fmt.Sprintf("7/%d", src.count(7)+1))
	})
}

// A renewal that hangs costs a call that has a token a second, and the next
// ones nothing.
func TestCacheDoesNotWaitForARenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(ctx context.Context, _ usersecurity.TokenRequest) (*oauth2.Token, error) {
			if hangs {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &oauth2.Token{AccessToken: "good", Expiry: time.Now().Add(time.Hour)}, nil
		}))
		checkToken(t, cache, requestOf{User: 7}, "good")
		hangs = true
		time.Sleep(56 * time.Minute)
		for _, want := range []time.Duration{time.Second, 0, 0} {
			began := time.Now()
			checkToken(t, cache, requestOf{User: 7}, "good")
			if took := time.Since(began); took != want {
				t.Errorf("the call waited %s, want %s", took, want)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(20 * time.Second)
		if token, err := cache.Token(ended, requestOf{User: 7}); err != nil || token.AccessToken != "good" {
			t.Errorf("under a context that has ended: %v, %v", token, err)
		}
		time.Sleep(2 * time.Minute) // for the fetch to end
	})
}

// An error is not kept.
func TestCacheAsksAgainAfterAnError(t *testing.T) {
	t.Parallel()
	src := &issuer{fail: io.ErrClosedPipe}
	cache := usersecurity.CacheTokens(src)
	if _, err := cache.Token(t.Context(), requestOf{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the error became %v", err)
	}
	src.setFail(nil)
	checkToken(t, cache, requestOf{}, "0/2")
	checkToken(t, cache, requestOf{}, "0/2")
}

func TestCacheReplacesRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &issuer{}
		cache := usersecurity.CacheTokens(src)
		checkToken(t, cache, requestOf{User: 7}, "7/1")
		checkToken(t, cache, requestOf{User: 8}, "8/1")
		checkToken(t, cache, requestOf{User: 7, Rejected: "7/1"}, "7/2")
		if got := src.told[len(src.told)-1]; got != "7/1" {
			t.Errorf("the source was told that %q was rejected", got)
		}
		// Calls that learn late that the old one was rejected need no other.
		checkToken(t, cache, requestOf{User: 7, Rejected: "7/1"}, "7/2")
		checkToken(t, cache, requestOf{User: 7}, "7/2")
		checkToken(t, cache, requestOf{User: 8}, "8/1")
		if n := src.count(7); n != 2 {
			t.Errorf("%d fetches", n)
		}
		// All at once.
		src.wait = make(chan struct{})
		var asking sync.WaitGroup
		for range 50 {
			asking.Go(func() { checkToken(t, cache, requestOf{User: 7, Rejected: "7/2"}, "7/3") })
		}
		synctest.Wait()
		close(src.wait)
		asking.Wait()
		if n := src.count(7); n != 3 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A fetch that began before a token was rejected may bring that very token.
func TestCacheRejectedWhileFetching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(_ context.Context, req requestOf) (*oauth2.Token, error) {
			fetches++
			time.Sleep(time.Second)
			if req.Rejected == "old" {
				return &oauth2.Token{AccessToken: "new"}, nil
			}
			return &oauth2.Token{AccessToken: "old"}, nil
		}))
		var asking sync.WaitGroup
		asking.Go(func() { checkToken(t, cache, requestOf{}, "old") })
		synctest.Wait()
		asking.Go(func() { checkToken(t, cache, requestOf{Rejected: "old"}, "new") })
		asking.Wait()
		if fetches != 2 {
			t.Errorf("%d fetches", fetches)
		}
	})
}

// At most 10,000 tokens are kept; what was used longest ago goes first.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	src := &issuer{}
	cache := usersecurity.CacheTokens(src)
	const most = 10_000
	for user := range usersecurity.UserID(most) {
		checkToken(t, cache, requestOf{User: user + 1}, fmt.Sprintf("%d/1", user+1))
	}
	checkToken(t, cache, requestOf{User: 1}, "1/1")          // now the last used
	checkToken(t, cache, requestOf{User: 20_000}, "20000/1") // takes the place of user 2
	checkToken(t, cache, requestOf{User: 1}, "1/1")          // still there
	checkToken(t, cache, requestOf{User: most}, "10000/1")   // still there
	checkToken(t, cache, requestOf{User: 3}, "3/1")          // still there
	checkToken(t, cache, requestOf{User: 2}, "2/2")          // fetched again, in place of user 4
	checkToken(t, cache, requestOf{User: 4}, "4/2")          // fetched again
}

// A panic in the source is one in those who wait for it, and costs nobody else
// anything.
func TestCachePanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		src := &issuer{}
		cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(ctx context.Context, req requestOf) (*oauth2.Token, error) {
			time.Sleep(time.Second)
			if req.User == 7 && broken.Load() {
				panic("the source is broken")
			}
			return src.Token(ctx, req)
		}))
		var asking sync.WaitGroup
		var panics atomic.Int32
		for range 5 {
			asking.Go(func() {
				defer func() {
					if p := recover(); p == "the source is broken" {
						panics.Add(1)
					} else {
						t.Errorf("recovered %v", p)
					}
				}()
				_, _ = cache.Token(t.Context(), requestOf{User: 7})
			})
			asking.Go(func() { checkToken(t, cache, requestOf{User: 8}, "8/1") })
		}
		asking.Wait()
		if panics.Load() != 5 {
			t.Errorf("%d of 5 waiters panicked", panics.Load())
		}
		broken.Store(false)
		checkToken(t, cache, requestOf{User: 7}, "7/1")

		// One who has left isn't bothered, nor is the program.
		broken.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := cache.Token(ctx, requestOf{User: 7, Rejected: "7/1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the one who left: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestSourceThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		runtime.Goexit()
		return nil, nil
	}))
	if token, err := cache.Token(t.Context(), requestOf{}); err == nil {
		t.Errorf("token %v", token)
	}
	client := bareClient(t, play(t), usersecurity.WithApplicationTokens(cache))
	err := client.DeletePin(t.Context(), 1)
	if !errors.Is(err, usersecurity.ErrNoToken) || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("the error doesn't say what happened: %v", err)
	}
}
