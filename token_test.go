package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

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
			time.Sleep(time.Minute - time.Second)
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

// A source that hangs is given up, and asked again by whoever comes next.
func TestOAuth2GivesUpWhatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		src := usersecurity.OAuth2(oauth2Func(func() (*oauth2.Token, error) {
			n := asked.Add(1)
			if n == 1 {
				time.Sleep(time.Hour)
			}
			return &oauth2.Token{AccessToken: fmt.Sprint("token ", n)}, nil
		}))
		start := time.Now()
		if _, err := src.Token(t.Context(), requestOf{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		checkToken(t, src, requestOf{}, "token 2")
		time.Sleep(time.Hour) // the first one ends
		checkToken(t, src, requestOf{}, "token 3")
	})
}

// Without a token nothing is sent.
func TestNoTokenNothingSent(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret reason")
	sealing := sealing()
	gives := func(token string) usersecurity.TokenSource {
		return usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) { return &oauth2.Token{AccessToken: token}, nil })
	}
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
			"an empty token":   gives(""),
			"a space":          gives("secret token"),
			"a newline":        gives("secret\r\nX-Header: y"),
			"beyond ASCII":     gives("secretü"),
			"a control":        gives("secret\x00"),
			"nothing, cached":  usersecurity.CacheTokens(gives("")),
			"an error, cached": usersecurity.CacheTokens(usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) { return nil, secret })),
			"oauth2's error":   usersecurity.OAuth2(oauth2Func(func() (*oauth2.Token, error) { return nil, secret })),
			"another user's":   usersecurity.ForUser(1002, gives("secret")),
		} {
			mine := usersecurity.WithApplicationTokens(source)
			if r.token == tokenOfUser {
				mine = usersecurity.WithUserTokens(usersecurity.ForUser(1001, source))
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
				sealing())
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
			sealing())
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
		sealing())
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
					client.CreatePin(t.Context(), user, usual.pin, own),
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

// A source whose own request takes too long hasn't given up because a context has
// ended, though its error matches that.
func TestSlowNetworkOfASource(t *testing.T) {
	t.Parallel()
	_, slow := net.DialTimeout("tcp", "127.0.0.1:9", time.Nanosecond)
	for err, says := range map[error]string{
		slow:                     "no token: the source failed with dial timed out, which errors.As finds",
		context.DeadlineExceeded: "no token: the source gave up: context deadline exceeded",
	} {
		source := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
			return nil, fmt.Errorf("vault: %w", err)
		})
		err := bareClient(t, nothingSent{t}, oneSource(source)...).DeletePin(t.Context(), 1001)
		if !strings.HasSuffix(err.Error(), says) || !errors.Is(err, usersecurity.ErrNoToken) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v doesn't say %q", err, says)
		}
	}
}
