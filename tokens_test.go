package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// checkToken asks for a token and compares it.
func checkToken(t *testing.T, src usersecurity.TokenSource, req usersecurity.TokenRequest, want string) {
	t.Helper()
	token, err := src.Token(t.Context(), req)
	if err != nil || token == nil || token.AccessToken != want {
		t.Errorf("for user %d: %v, %v; want %s", int64(req.User), token, err, want)
	}
}

type requestOf = usersecurity.TokenRequest

func TestSimpleSources(t *testing.T) {
	t.Parallel()
	static := usersecurity.StaticToken("static")
	for _, req := range []requestOf{{}, {User: 7}, {User: 7, Rejected: "static"}} {
		checkToken(t, static, req, "static")
	}
	of := usersecurity.OAuth2(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "of oauth2"}))
	checkToken(t, of, requestOf{}, "of oauth2")
	checkToken(t, of, requestOf{User: 7}, "of oauth2")
	var asked requestOf
	function := usersecurity.TokenFunc(func(_ context.Context, req requestOf) (*oauth2.Token, error) {
		asked = req
		return &oauth2.Token{AccessToken: "of a function"}, nil
	})
	checkToken(t, function, requestOf{User: 7, Rejected: "r"}, "of a function")
	if asked != (requestOf{User: 7, Rejected: "r"}) {
		t.Error("the function was asked for something else")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", asked, asked, asked, asked); strings.Contains(text, `"r"`) || !strings.Contains(text, "7") {
		t.Errorf("printed: %s", text)
	}
}

type oauth2Func func() (*oauth2.Token, error)

func (f oauth2Func) Token() (*oauth2.Token, error) { return f() }

// x/oauth2 knows no contexts; a caller doesn't wait longer than its own allows.
func TestOAuth2KeepsContexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := usersecurity.OAuth2(oauth2Func(func() (*oauth2.Token, error) {
			time.Sleep(time.Minute)
			return &oauth2.Token{AccessToken: "late"}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := src.Token(ctx, requestOf{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		checkToken(t, src, requestOf{}, "late")
		failing := usersecurity.OAuth2(oauth2Func(func() (*oauth2.Token, error) { return nil, io.ErrClosedPipe }))
		if _, err := failing.Token(t.Context(), requestOf{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the source's error became %v", err)
		}
	})
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

// The same through a client: the caller can recover, and go on.
func TestPanickingSourceOfAClient(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		broken := true
		source := usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) {
			if broken {
				panic("the source is broken")
			}
			return &oauth2.Token{AccessToken: "token"}, nil
		})
		wise := play(t, r.answersWell())
		client := bareClient(t, wise, usersecurity.WithApplicationTokens(usersecurity.CacheTokens(source)), usersecurity.WithUserTokens(usersecurity.CacheTokens(source)),
			usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t)))))
		func() {
			defer func() {
				if p := recover(); p != "the source is broken" {
					t.Errorf("%s: recovered %v", r.op, p)
				}
			}()
			_, err := r.call(t.Context(), client)
			t.Errorf("%s: it went on, with %v", r.op, err)
		}()
		if wise.count() != 0 {
			t.Errorf("%s: %d requests", r.op, wise.count())
		}
		broken = false
		if got, err := r.call(t.Context(), client); err != nil {
			t.Errorf("%s: %v", r.op, err)
		} else {
			r.checkResult(t, got)
		}
	}
}

// Without a token nothing is sent.
func TestNoTokenNothingSent(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret reason")
	sealing := usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t))))
	static := func(token string) usersecurity.TokenSource { return usersecurity.StaticToken(token) }
	for _, r := range contract {
		other := usersecurity.WithUserTokens(userTokens) // the source of the other kind is no help
		if r.token == tokenOfUser {
			other = usersecurity.WithApplicationTokens(applicationTokens)
		}
		_, err := r.call(t.Context(), bareClient(t, nothingSent{t}, sealing, other))
		checkMatches(t, fmt.Sprint(r.op, " without a source"), err, usersecurity.ErrNoToken)
		_, err = r.call(t.Context(), bareClient(t, nothingSent{t}, sealing))
		checkMatches(t, fmt.Sprint(r.op, " without any source"), err, usersecurity.ErrNoToken)

		for name, source := range map[string]usersecurity.TokenSource{
			"an error": usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) { return nil, secret }),
			"a token next to an error": usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) {
				return &oauth2.Token{AccessToken: "secret"}, secret
			}),
			"nil":              usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) { return nil, nil }),
			"an empty token":   static(""),
			"a space":          static("secret token"),
			"a newline":        static("secret\r\nX-Header: y"),
			"beyond ASCII":     static("secretü"),
			"a control":        static("secret\x00"),
			"nothing, cached":  usersecurity.CacheTokens(static("")),
			"an error, cached": usersecurity.CacheTokens(usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) { return nil, secret })),
			"oauth2's error":   usersecurity.OAuth2(oauth2Func(func() (*oauth2.Token, error) { return nil, secret })),
		} {
			mine := usersecurity.WithApplicationTokens(source)
			if r.token == tokenOfUser {
				mine = usersecurity.WithUserTokens(source)
			}
			_, err := r.call(t.Context(), bareClient(t, nothingSent{t}, sealing, mine, other))
			what := fmt.Sprint(r.op, ", ", name)
			checkMatches(t, what, err, usersecurity.ErrNoToken)
			if strings.Contains(name, "error") && !errors.Is(err, secret) {
				t.Errorf("%s: the source's error is lost: %v", what, err)
			}
			for form, text := range printed(t, err) {
				if strings.Contains(text, "secret") {
					t.Errorf("%s: %s shows what the source said: %s", what, form, text)
				}
			}
		}
		// A token that comes with the call needs no source.
		wise := play(t, r.answersWell())
		if _, err := r.call(t.Context(), bareClient(t, wise, sealing), usersecurity.WithToken("own")); err != nil {
			t.Errorf("%s with its own token: %v", r.op, err)
		}
		if got := wise.requests[0].header.Get("Authorization"); got != "Bearer own" {
			t.Errorf("%s was sent with %q", r.op, got)
		}
	}
}

// A call waits for its token no longer than its context allows.
func TestContextEndsWhileATokenIsFetched(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		scripted(t, string(r.op), func(t *testing.T) {
			stuck := usersecurity.TokenFunc(func(ctx context.Context, _ requestOf) (*oauth2.Token, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			client := bareClient(t, nothingSent{t}, usersecurity.WithApplicationTokens(stuck), usersecurity.WithUserTokens(stuck),
				usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t)))))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			_, err := r.call(ctx, client)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, usersecurity.ErrOutcomeUnknown) || time.Since(start) != time.Second {
				t.Errorf("%v after %s", err, time.Since(start))
			}
		})
	}
}

// One cache serves both kinds of token to a client with many users at work, and
// every request carries the token of its own.
func TestTokensOfUsersAreKeptApart(t *testing.T) {
	t.Parallel()
	var wrong, requests atomic.Int32
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		// The correlation id's last digits say whose call it is.
		requests.Add(1)
		user := strings.TrimLeft(r.Header.Get("X-External-Correlation-Id")[24:], "0")
		if got := r.Header.Get("Authorization"); got != "Bearer token-of-"+user {
			wrong.Add(1)
			t.Errorf("a call for %q was made with %q", user, got)
		}
		if r.Method == http.MethodGet {
			return answers(200, "[]")(r, "")
		}
		return answers(204, "")(r, "")
	})
	cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(_ context.Context, req requestOf) (*oauth2.Token, error) {
		name := fmt.Sprint(int64(req.User))
		if req.User == 0 {
			name = "900000"
		}
		return &oauth2.Token{AccessToken: "token-of-" + name, Expiry: time.Now().Add(time.Hour)}, nil
	}))
	client := bareClient(t, transport, usersecurity.WithApplicationTokens(cache), usersecurity.WithUserTokens(cache),
		usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t)))))
	faceMap := must(usersecurity.NewFaceMap([]byte{1}))
	var calls sync.WaitGroup
	for user := range usersecurity.UserID(100) {
		user++
		calls.Go(func() {
			own := usersecurity.WithCorrelationID(idEndingWith(int64(user)))
			application := usersecurity.WithCorrelationID(idEndingWith(900_000))
			for range 3 {
				_, err := client.ListPhoneNumbers(t.Context(), user, application)
				if err := errors.Join(err,
					client.EnrolFaceMap(t.Context(), user, faceMap, own),
					client.CreatePin(t.Context(), user, somePin(t), own),
					client.DeletePin(t.Context(), user, application),
				); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	if n := requests.Load(); n != 100*3*4 || wrong.Load() != 0 {
		t.Errorf("%d of %d requests had another's token", wrong.Load(), n)
	}
}

// credentials is a Wise that issues client credentials tokens: the nth is
// "issued-<n>". It takes the one issued last.
type credentials struct {
	*loopback
	mu     sync.Mutex
	issued int
	accept string // the token it takes
}

func issueTokens(t *testing.T, pause time.Duration) *credentials {
	c := &credentials{}
	c.loopback = listen(t, func(w http.ResponseWriter, a arrival) {
		if a.uri == tokenURI {
			time.Sleep(pause) // so that all who want one come meanwhile
			c.mu.Lock()
			c.issued++
			c.accept = fmt.Sprintf("issued-%d", c.issued)
			body := `{"access_token":"` + c.accept + `","token_type":"bearer","expires_in":43199,"expires_at":"2124-01-01T00:00:00.000Z","scope":"transfers"}`
			c.mu.Unlock()
			reply(w, 200, body)
			return
		}
		c.mu.Lock()
		accepted := a.header.Get("Authorization") == "Bearer "+c.accept
		c.mu.Unlock()
		if !accepted {
			reply(w, 401, `{"error":"invalid_token","error_description":"`+a.header.Get("Authorization")+`"}`)
			return
		}
		reply(w, 200, "[]")
	})
	return c
}

func (c *credentials) revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accept = "none"
}

// lists makes n calls at once.
func (c *credentials) lists(t *testing.T, client *usersecurity.Client, n int) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if _, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	wise := issueTokens(t, 20*time.Millisecond)
	client := wise.client(t, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	const calls = 50
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 1 {
		t.Errorf("%d tokens fetched by %d calls at once", n, calls)
	}
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 1 {
		t.Errorf("%d tokens fetched, though the first is good", n)
	}
	before := wise.count("")
	wise.revoke()
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 2 {
		t.Errorf("%d tokens fetched after one was revoked", n)
	}
	if n := wise.count("") - before; n > 2*calls+1 {
		t.Errorf("%d requests for %d calls", n, calls)
	}
	// Another client has tokens of its own.
	wise.lists(t, wise.client(t, usersecurity.WithClientCredentials("acme-client", "acme-secret")), 1)
	if n := wise.count(tokenURI); n != 3 {
		t.Errorf("%d tokens fetched by two clients", n)
	}
}

// Client id and secret are form-encoded before they are joined (RFC 6749,
// section 2.3.1), so that a colon in one of them does no harm.
func TestClientCredentialsEncoding(t *testing.T) {
	t.Parallel()
	wise := issueTokens(t, 0)
	client := wise.client(t, usersecurity.WithClientCredentials("acme:client", "s e/c+r%t&ü"))
	wise.lists(t, client, 1)
	a := wise.all()[0]
	// base64 of acme%3Aclient:s+e%2Fc%2Br%25t%26%C3%BC
	if got, want := a.header.Get("Authorization"), "Basic YWNtZSUzQWNsaWVudDpzK2UlMkZjJTJCciUyNXQlMjYlQzMlQkM="; got != want {
		t.Errorf("Authorization is %q, want %q", got, want)
	}
	if a.body != "grant_type=client_credentials" {
		t.Errorf("the body is %q", a.body)
	}
}

// The user's calls don't use the application's token.
func TestClientCredentialsServeNoUser(t *testing.T) {
	t.Parallel()
	client := bareClient(t, nothingSent{t}, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	err := client.EnrolFaceMap(t.Context(), 1001, must(usersecurity.NewFaceMap([]byte{1})))
	checkMatches(t, "the error", err, usersecurity.ErrNoToken)
}

// A token request is repeated as a read is, and its failure is the call's.
func TestClientCredentialsFail(t *testing.T) {
	t.Parallel()
	good := answers(200, `{"access_token":"issued","token_type":"bearer","expires_in":43199}`)
	for _, test := range []struct {
		name     string
		steps    []step
		requests int
		status   int
		also     error // what it matches besides ErrNoToken
	}{
		{"refused, then good", []step{refused, good, answers(200, "[]")}, 3, 0, nil},
		{"503, then good", []step{answers(503, ""), lost, good, answers(200, "[]")}, 4, 0, nil},
		{"401", []step{answers(401, `{"error":"invalid_client","error_description":"acme-secret"}`)}, 1, 401, usersecurity.ErrUnauthorized},
		{"400", []step{answers(400, `{"error":"invalid_request","error_description":"acme-secret"}`)}, 1, 400, nil},
		{"429", []step{answers(429, "")}, 4, 429, usersecurity.ErrRateLimited},
		{"500", []step{answers(500, "acme-secret")}, 4, 500, usersecurity.ErrServer},
		{"lost", []step{lost}, 4, 0, usersecurity.ErrTransport},
		{"HTML", []step{answers(200, "<html>acme-secret")}, 1, 0, nil},
		{"empty", []step{answers(200, "")}, 1, 0, nil},
		{"no token", []step{answers(200, `{"token_type":"bearer"}`)}, 1, 0, nil},
	} {
		scripted(t, test.name, func(t *testing.T) {
			wise := play(t, test.steps...)
			client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
			err := func() error { _, err := client.ListPhoneNumbers(t.Context(), 1001); return err }()
			if wise.count() != test.requests {
				t.Errorf("%d requests", wise.count())
			}
			if strings.HasSuffix(test.name, "good") {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := []error{usersecurity.ErrNoToken}
			if test.also != nil {
				want = append(want, test.also)
			}
			checkMatches(t, "the error", err, want...)
			var api *usersecurity.APIError
			if errors.As(err, &api) != (test.status != 0) || test.status != 0 && (api.Op != usersecurity.OpFetchToken || api.StatusCode != test.status) {
				t.Errorf("the answer is lost: %v", err)
			}
			for form, text := range printed(t, err) {
				if strings.Contains(text, "acme-") || strings.Contains(text, "YWNtZS") {
					t.Errorf("%s shows the credentials: %s", form, text)
				}
			}
		})
	}
}

// The token is renewed before it expires.
func TestClientCredentialsAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued := 0
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != tokenURI {
				if got := r.Header.Get("Authorization"); got != fmt.Sprintf("Bearer issued-%d", issued) {
					t.Errorf("sent with %q", got)
				}
				return answers(200, "[]")(r, "")
			}
			issued++
			return answers(200, fmt.Sprintf(`{"access_token":"issued-%d","token_type":"bearer","expires_in":43199}`, issued))(r, "")
		})
		client := bareClient(t, transport, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
		for _, at := range []struct {
			wait   time.Duration
			issued int
		}{{0, 1}, {11 * time.Hour, 1}, {50 * time.Minute, 1}, {6 * time.Minute, 2}, {11 * time.Hour, 2}, {time.Hour, 3}} {
			time.Sleep(at.wait)
			if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil || issued != at.issued {
				t.Errorf("after %s: %d tokens, %v", at.wait, issued, err)
			}
		}
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

func TestSourceThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	cache := usersecurity.CacheTokens(usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		runtime.Goexit()
		return nil, nil
	}))
	if token, err := cache.Token(t.Context(), requestOf{}); err == nil {
		t.Errorf("token %v", token)
	}
}
