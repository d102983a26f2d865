package usersecurity_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

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
		if err := client.CreatePin(t.Context(), 1001, somePin(t)); err != nil {
			t.Fatal(err)
		}
		wise.Inject(usersecuritytest.Fault{Kind: kind, Operation: usersecurity.OpDeletePin, Times: 1})
		if err := client.DeletePin(t.Context(), 1001); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Many users share one client, and each request carries its own user's token.
func TestOneClientManyUsers(t *testing.T) {
	wise, client := newPair(t, nil)
	const users = 100
	for n := range users {
		wise.AddUser(usersecurity.UserID(n + 1))
	}
	var calls sync.WaitGroup
	for n := range users {
		calls.Go(func() {
			digits := string([]byte{'0', '0' + byte(n/100), '0' + byte(n/10%10), '0' + byte(n%10)})
			pin, err := usersecurity.NewPin(digits)
			if err != nil {
				t.Error(err)
			}
			user := usersecurity.UserID(n + 1)
			if err := client.CreatePin(t.Context(), user, pin); err != nil {
				t.Error(err)
			}
			if state, _ := wise.User(user); state.PinDigest != usersecuritytest.DigestOf(digits) {
				t.Errorf("user %d has another one's PIN", user)
			}
		})
	}
	calls.Wait()
}
