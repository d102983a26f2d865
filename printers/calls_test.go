package printers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// callID is that of every call: a random one holds a mark once in a while.
var callID = usersecurity.WithCorrelationID(uuid.MustParse("00000000-0000-4000-8000-000000000001"))

// calls are those whose errors are printed: one of each kind of operation.
var calls = map[string]func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error{
	"CreatePin": func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error {
		return c.CreatePin(ctx, 1, pin, callID, o)
	},
	"EnrolFaceMap": func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error {
		return c.EnrolFaceMap(ctx, 1, faceMap, callID, o)
	},
	"CreateDeviceFingerprint": func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error {
		_, err := c.CreateDeviceFingerprint(ctx, 1, fingerprint, callID, o)
		return err
	},
	"CreatePhoneNumber": func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error {
		_, err := c.CreatePhoneNumber(ctx, 1, markPhone, callID, o)
		return err
	},
	"ListPhoneNumbers": func(ctx context.Context, c *usersecurity.Client, o usersecurity.CallOption) error {
		_, err := c.ListPhoneNumbers(ctx, 1, callID, o)
		return err
	},
}

// failing are the transports beneath the calls.
func failing(t *testing.T) map[string]http.RoundTripper {
	t.Helper()
	talks := func(status int, body string) http.RoundTripper {
		return answering(func(*http.Request) (int, string) { return status, body })
	}
	fails := func(err error) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	const errorBody = `{"errors":[{"code":"` + mark + ` code","message":"` + markBody + `","path":"` + markPhone + `"},{"code":"` + mark + `@x","path":"` + markPin + `"}]}`
	return map[string]http.RoundTripper{
		"299":       talks(299, `{"`+mark+`":"`+markBody+`"}`),
		"400":       talks(400, errorBody),
		"401":       talks(401, `{"error":"invalid_token `+markAppToken+`","error_description":"`+markUserToken+`"}`),
		"403":       challenging{},
		"500":       talks(500, errorBody),
		"502":       talks(502, "<html>"+markBody),
		"error":     fails(&url.Error{Op: "Post", URL: "https://" + mark, Err: errors.New(mark)}),
		"step":      fails(&net.OpError{Op: mark, Err: errors.New(mark)}),
		"embedding": fails(embedsOurs{&usersecurity.APIError{}, mark}),
		"request": roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, holdsRequest{r}
		}),
		"header": dialling(repliesWith(t, "HTTP/1.1 200 OK\r\n"+mark+" without a colon\r\n\r\n")),
		"status": dialling(repliesWith(t, mark+"\r\n\r\n")),
		"proxy":  viaProxy(repliesWith(t, "HTTP/1.1 403 "+mark+"\r\n\r\n")),
	}
}

// embedsOurs is a caller's error that has our methods and a text of its own.
type embedsOurs struct {
	*usersecurity.APIError
	text string
}

func (e embedsOurs) Error() string { return e.text }

// holdsRequest is a transport's error with all that was sent.
type holdsRequest struct{ r *http.Request }

func (e holdsRequest) Error() string { return fmt.Sprint(e.r.Header) }

type challenging struct{}

func (challenging) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := answering(func(*http.Request) (int, string) { return 403, "" }).RoundTrip(r)
	resp.Header.Set("X-2fa-Approval", markOneTime)
	resp.Header.Set("X-Trace-Id", mark+" trace")
	resp.Header.Set("Location", "https://"+mark)
	return resp, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// No printer makes more of the errors of calls than their own texts, and
// nothing that Unwrap finds is another's.
func TestErrorsOfCalls(t *testing.T) {
	t.Parallel()
	for name, transport := range failing(t) {
		for op, call := range calls {
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				client := must(usersecurity.New(options(transport, tokens)...))
				var meta usersecurity.Meta
				checkError(t, call(t.Context(), client, usersecurity.WithMeta(&meta)))
				for _, p := range printers {
					check(t, p, meta, struct{ m usersecurity.Meta }{meta})
				}
			})
		}
	}
}

// The same where a source fails.
func TestErrorsOfSources(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"text":      errors.New(mark),
		"oauth2":    &oauth2.RetrieveError{Response: &http.Response{Status: mark}, Body: []byte(markSecret), ErrorCode: mark},
		"ours":      challenge(),
		"embedding": embedsOurs{challenge(), mark},
		"outcome":   &usersecurity.OutcomeError{Op: usersecurity.OpCreatePin, Err: errors.New(mark)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) { return nil, err })
			client := must(usersecurity.New(options(challenging{}, src)...))
			for _, call := range calls {
				checkError(t, call(t.Context(), client, usersecurity.WithMaxAttempts(2)))
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(err)
			checkError(t, calls["CreatePin"](ctx, client, usersecurity.WithMaxAttempts(1)))
		})
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("the call did not fail")
	}
	for _, p := range printers {
		check(t, p, err, fmt.Errorf("wrapped: %w", errors.Join(err, err)), struct{ E any }{err}, struct{ e error }{err})
	}
	walk(t, err)
}

// walk looks at every error that Unwrap finds: it is this package's or
// context's, and holds no mark.
func walk(t *testing.T, err error) {
	t.Helper()
	if found := findMarks(err.Error()); found != nil {
		t.Errorf("Unwrap shows %q", found)
	}
	own := reflect.TypeOf(err)
	if own.Kind() == reflect.Pointer {
		own = own.Elem()
	}
	if own.PkgPath() != reflect.TypeFor[usersecurity.APIError]().PkgPath() && err != context.Canceled && err != context.DeadlineExceeded { //nolint:errorlint // this very error
		t.Errorf("Unwrap finds a %T: %v", err, err)
	}
	switch e := err.(type) { //nolint:errorlint // one level at a time
	case interface{ Unwrap() error }:
		walk(t, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			walk(t, inner)
		}
	}
}

func options(transport http.RoundTripper, src usersecurity.TokenSource) []usersecurity.Option {
	return []usersecurity.Option{
		usersecurity.WithBaseURL("https://wise.example"),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
		usersecurity.WithApplicationTokens(src), usersecurity.WithUserTokens(src),
		usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&wiseKey().PublicKey))),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond}),
	}
}

// repliesWith listens, and answers every request with the same bytes.
func repliesWith(t *testing.T, reply string) (addr string) {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, reply)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// dialling sends everything to one address, without TLS.
func dialling(addr string) http.RoundTripper {
	transport := usersecurity.NewTransport()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme = "http"
		return transport.RoundTrip(r)
	})
}

func viaProxy(addr string) http.RoundTripper {
	transport := usersecurity.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr})
	return transport
}

// contextKey is of a value that the caller's context carries.
type contextKey struct{}

// A context that the client hands out shows nothing of the call, and nothing of
// what the caller's carries to whoever asks for its text.
func TestContextsAreAsked(t *testing.T) {
	t.Parallel()
	eachContext(context.WithValue(context.Background(), contextKey{}, markUserToken), t, func(ctx context.Context) {
		if ctx.Value(contextKey{}) != markUserToken {
			t.Error("the caller's value is lost")
		}
		for _, p := range printers {
			// A verb that fits no pointer has fmt walk, too.
			if walks := p.blunt || p.name == "kr/pretty" || p.name == "fmt"; !walks {
				check(t, p, ctx, struct{ C context.Context }{ctx}, []any{ctx})
			}
		}
	})
}

// Whoever walks through such a context finds the caller's own values alone.
func TestContextsAreWalked(t *testing.T) {
	t.Parallel()
	wiseKey()
	synctest.Test(t, func(t *testing.T) {
		var (
			mu  sync.Mutex
			all []context.Context
		)
		eachContext(context.Background(), t, func(ctx context.Context) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, ctx)
		})
		synctest.Wait() // a walk asks for no lock
		for _, ctx := range all {
			for _, p := range printers {
				check(t, p, ctx, struct{ c context.Context }{ctx})
			}
		}
	})
}

// eachContext makes calls under ctx, and shows look what contexts sources,
// transports, observers and limiters get.
func eachContext(ctx context.Context, t *testing.T, look func(context.Context)) {
	t.Helper()
	var seen atomic.Int32
	looks := func(ctx context.Context) { seen.Add(1); look(ctx) }
	src := usersecurity.TokenFunc(func(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		looks(ctx)
		return tokens(ctx, req)
	})
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		looks(r.Context())
		return challenging{}.RoundTrip(r)
	})
	client := must(usersecurity.New(append(options(transport, usersecurity.CacheTokens(src)),
		usersecurity.WithObserver(observing(looks)), usersecurity.WithRateLimiter(limiting(looks)),
		usersecurity.WithJWE(usersecurity.JWEKeys(keySource(looks))))...))
	for _, call := range calls {
		for _, o := range []usersecurity.CallOption{usersecurity.WithToken(markUserToken), usersecurity.WithMaxAttempts(1)} {
			if call(ctx, client, o) == nil {
				t.Error("the call did not fail")
			}
		}
	}
	if least := int32(3 * 2 * len(calls)); seen.Load() < least {
		t.Errorf("only %d contexts were seen", seen.Load())
	}
}

type observing func(context.Context)

func (o observing) AttemptDone(ctx context.Context, _ usersecurity.AttemptEvent) { o(ctx) }
func (o observing) CallDone(context.Context, usersecurity.CallEvent)             {} // gets the caller's own

type limiting func(context.Context)

func (l limiting) Wait(ctx context.Context) error { l(ctx); return nil }

type keySource func(context.Context)

func (k keySource) EncryptionKey(ctx context.Context, _ *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	k(ctx)
	return &usersecurity.WiseKey{PublicKey: &wiseKey().PublicKey}, nil
}

// Events are made to be printed.
func TestEvents(t *testing.T) {
	t.Parallel()
	keeps := &keeping{}
	client := must(usersecurity.New(append(options(challenging{}, tokens), usersecurity.WithObserver(keeps))...))
	for _, call := range calls {
		_ = call(t.Context(), client, usersecurity.WithMaxAttempts(1))
	}
	if len(keeps.events) < 2*len(calls) {
		t.Fatalf("only %d events", len(keeps.events))
	}
	for _, e := range keeps.events {
		for _, p := range printers {
			check(t, p, e, struct{ e any }{e}, []any{&e})
		}
	}
}

type keeping struct{ events []any }

func (k *keeping) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) {
	k.events = append(k.events, e)
}
func (k *keeping) CallDone(_ context.Context, e usersecurity.CallEvent) {
	k.events = append(k.events, e)
}
