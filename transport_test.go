package usersecurity_test

import (
	"compress/gzip"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A redirect is an error, whatever the caller's own client would do: the other
// host sees nothing of tokens and bodies.
func TestWireRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := listen(t, func(w http.ResponseWriter, a arrival) {
		t.Errorf("the redirect was followed: %s %s", a.method, a.uri)
		reply(w, 200, "[]")
	})
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		status, _ := strconv.Atoi(a.header.Get("User-Agent")[:3])
		w.Header().Set("Location", elsewhere.URL+a.uri)
		reply(w, status, "")
	})
	follow := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, own := range []bool{false, true} {
			options := append(complete(), usersecurity.WithUserAgent(strconv.Itoa(status)))
			if own {
				options = append(options, usersecurity.WithHTTPClient(follow))
			}
			client := wise.client(t, options...)
			for _, r := range contract {
				_, err := r.call(t.Context(), client)
				checkMatches(t, string(r.op), err, usersecurity.ErrRedirect)
			}
		}
	}
	if n, want := wise.count(""), 5*2*len(contract); n != want {
		t.Errorf("%d requests arrived, want %d", n, want)
	}
	// So it is for a token, too.
	tokens := wise.client(t, usersecurity.WithUserAgent("307"), usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	err := tokens.DeletePin(t.Context(), 1001)
	checkMatches(t, "a token", err, usersecurity.ErrNoToken)
	var api *usersecurity.APIError
	if !errors.As(err, &api) || api.Op != usersecurity.OpFetchToken || api.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a token: %v", err)
	}
}

// The caller's http.Client is used, never changed, and neither its cookies nor
// those that Wise sets go along.
func TestWireOwnHTTPClient(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "of-another", Path: "/"})
		reply(w, 200, "[]")
	})
	jar := must(cookiejar.New(nil))
	home := must(url.Parse(wise.URL))
	jar.SetCookies(home, []*http.Cookie{{Name: "old", Value: "cookie"}})
	used := 0
	transport := &http.Transport{DisableKeepAlives: true}
	own := &http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			used++
			return transport.RoundTrip(r)
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Jar:           jar,
		Timeout:       time.Minute,
	}
	before := *own
	client := wise.client(t, append(complete(), usersecurity.WithHTTPClient(own))...)
	for range 3 {
		if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseIdleConnections()
	for _, a := range wise.all() {
		if c := a.header["Cookie"]; c != nil {
			t.Errorf("cookies arrived: %q", c)
		}
	}
	if used != 3 {
		t.Errorf("the transport made %d of 3 requests", used)
	}
	if n := len(jar.Cookies(home)); n != 1 {
		t.Errorf("the jar has %d cookies", n)
	}
	if own.Jar != before.Jar || own.Timeout != before.Timeout ||
		reflect.ValueOf(own.Transport).Pointer() != reflect.ValueOf(before.Transport).Pointer() ||
		reflect.ValueOf(own.CheckRedirect).Pointer() != reflect.ValueOf(before.CheckRedirect).Pointer() {
		t.Error("the caller's client was changed")
	}
}

// The default client keeps no cookies either.
func TestWireCookiesAreNotKept(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "of-another", Path: "/"})
		reply(w, 204, "")
	})
	client := wise.client(t, complete()...)
	for range 3 {
		if err := client.DeletePin(t.Context(), 1001); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range wise.all() {
		if c := a.header["Cookie"]; c != nil {
			t.Errorf("cookies arrived: %q", c)
		}
	}
}

// A reply that net/http asked to be compressed is read all the same.
func TestWireGzipReply(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("[" + numberReply + "]"))
		_ = z.Close()
	})
	got, err := wise.client(t, complete()...).ListPhoneNumbers(t.Context(), 1001)
	if err != nil || !slices.Equal(got, []usersecurity.PhoneNumber{number}) {
		t.Errorf("%v, %v", got, err)
	}
}

// counting makes a transport like the library's own, as far as pooling goes,
// that counts what it dials.
func counting() (*http.Client, *atomic.Int64) {
	var dials atomic.Int64
	transport := &http.Transport{
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     time.Minute,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	return &http.Client{Transport: transport}, &dials
}

// One call that is cancelled in its wait, or whose attempts are used up, costs
// the others none of their connections.
func TestPoolSurvivesAnothersFailure(t *testing.T) {
	const conns = 100
	httpClient, dials := counting()
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithLatency(50 * time.Millisecond)},
		usersecurity.WithHTTPClient(httpClient),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 2, MinWait: time.Hour, MaxWait: time.Hour}),
		usersecurity.WithTimeouts(0, 3*time.Hour))
	wise.AddUser(7)
	lists := func() {
		t.Helper()
		var calls sync.WaitGroup
		for range conns {
			calls.Go(func() {
				if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	lists()
	if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
		t.Fatal(err)
	}
	before := dials.Load()
	lists()
	if n := dials.Load() - before; n != 0 {
		t.Fatalf("%d dials with %d idle connections", n, conns)
	}

	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, User: 7})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel) // it waits for up to an hour by then
	if _, err := client.ListPhoneNumbers(ctx, 7); !errors.Is(err, context.Canceled) {
		t.Fatalf("the cancelled call: %v", err)
	}
	if _, err := client.ListPhoneNumbers(t.Context(), 7, usersecurity.WithMaxAttempts(1)); !errors.Is(err, usersecurity.ErrServer) {
		t.Fatalf("the failing call: %v", err)
	}
	lists()
	if n := dials.Load() - before; n != 0 {
		t.Errorf("%d dials after one call was cancelled and one failed", n)
	}
}

// The connection of an answer that nobody reads to its end is used again.
func TestPoolReusesAfterOversizedReplies(t *testing.T) {
	httpClient, dials := counting()
	wise, client := newPair(t, nil, usersecurity.WithHTTPClient(httpClient))
	large := make([]byte, 100<<10)
	for i := range large {
		large[i] = ' '
	}
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 422, Body: string(large)})
	for range 10 {
		_, err := client.ListPhoneNumbers(t.Context(), 1001)
		var api *usersecurity.APIError
		if !errors.As(err, &api) || len(api.Body()) != 64<<10 {
			t.Fatalf("error %v", err)
		}
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d dials for calls one after the other", n)
	}
}

func TestCloseIdleConnections(t *testing.T) {
	httpClient, dials := counting()
	_, client := newPair(t, nil, usersecurity.WithHTTPClient(httpClient))
	for range 3 {
		if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
			t.Fatal(err)
		}
		client.CloseIdleConnections()
	}
	if n := dials.Load(); n != 3 {
		t.Errorf("%d dials for three calls with the connections closed in between", n)
	}
}

func TestHTTP2(t *testing.T) {
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithTLS()})
	for _, kind := range []usersecuritytest.FaultKind{usersecuritytest.ResetAfter, usersecuritytest.Cut} {
		if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil {
			t.Fatal(err)
		}
		wise.Inject(usersecuritytest.Fault{Kind: kind, Operation: usersecurity.OpDeletePin, Times: 1})
		if err := client.DeletePin(t.Context(), 1001); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
