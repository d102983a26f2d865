package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
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

// A Wise that is broken in one way, and how many requests it gets from a client
// that 16 goroutines make calls with as fast as they can.
const stormGoroutines = 16

// endpoint counts its requests, and answers them all alike.
type endpoint struct {
	answer step
	count  atomic.Int64
}

// brokenWise has a token endpoint, a key endpoint, and the rest.
type brokenWise struct{ token, key, api endpoint }

func (w *brokenWise) RoundTrip(r *http.Request) (*http.Response, error) {
	a := arrivalOf(r)
	e := &w.api
	switch {
	case strings.HasSuffix(r.URL.Path, "/oauth/token"):
		e = &w.token
	case strings.HasSuffix(r.URL.Path, "/public-keys"):
		e = &w.key
	}
	e.count.Add(1)
	return e.answer(r, a.body)
}

// issuesTokens issues a new one each time.
func issuesTokens() step {
	var n atomic.Int64
	return func(r *http.Request, body string) (*http.Response, error) {
		return answers(200, fmt.Sprintf(`{"access_token":"issued-%d","token_type":"bearer","expires_in":43199}`, n.Add(1)))(r, body)
	}
}

func givesKey() step {
	return answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", publicKey())))
}

// unreached is a dial that took too long, which matches context.DeadlineExceeded.
var unreached = func() step {
	_, err := net.DialTimeout("tcp", "127.0.0.1:9", time.Nanosecond)
	return fails(err)
}()

// storm makes 500 calls in each goroutine within so long, and checks what each of them ends with.
func storm(t *testing.T, lasts time.Duration, call func(ctx context.Context, user usersecurity.UserID) error, want ...error) {
	t.Helper()
	var calls sync.WaitGroup
	end := time.Now().Add(lasts)
	for n := range stormGoroutines {
		calls.Go(func() {
			for time.Now().Before(end) {
				if err := call(t.Context(), usersecurity.UserID(n+1)); !matches(err, want...) {
					t.Errorf("a call ended with %v; want %v", err, want)
					return
				}
				time.Sleep(lasts / 500)
			}
		})
	}
	calls.Wait()
}

func (e *endpoint) atMost(t *testing.T, what string, most int64) {
	t.Helper()
	if n := e.count.Load(); n > most || n == 0 {
		t.Errorf("%d requests for %s, want 1 to %d", n, what, most)
	}
}

func TestStorms(t *testing.T) {
	t.Parallel()
	unknown := usersecurity.ErrOutcomeUnknown
	list := func(c *usersecurity.Client) func(context.Context, usersecurity.UserID) error {
		return func(ctx context.Context, user usersecurity.UserID) error {
			_, err := c.ListPhoneNumbers(ctx, user)
			return err
		}
	}
	create := func(c *usersecurity.Client) func(context.Context, usersecurity.UserID) error {
		return func(ctx context.Context, user usersecurity.UserID) error { return c.CreatePin(ctx, user, usual.pin) }
	}
	for _, test := range []struct {
		name      string
		wise      *brokenWise
		call      func(*usersecurity.Client) func(context.Context, usersecurity.UserID) error
		want      []error
		token     int64 // requests for tokens in the first second, and in a minute
		tokenLong int64
		key       int64 // and for keys
		keyLong   int64
	}{
		{
			name:  "the token endpoint wants a minute",
			wise:  &brokenWise{token: endpoint{answer: answers(429, "", "Retry-After", "60")}},
			call:  list,
			want:  []error{usersecurity.ErrNoToken},
			token: 1, tokenLong: 2,
		},
		{
			name:  "the token endpoint wants a day",
			wise:  &brokenWise{token: endpoint{answer: answers(429, "", "Retry-After", "86400")}},
			call:  list,
			want:  []error{usersecurity.ErrNoToken},
			token: 1, tokenLong: 2,
		},
		{
			name:  "the token endpoint refuses",
			wise:  &brokenWise{token: endpoint{answer: answers(401, `{"error":"invalid_client"}`)}},
			call:  list,
			want:  []error{usersecurity.ErrNoToken},
			token: 2, tokenLong: 8,
		},
		{
			name:  "the token endpoint fails",
			wise:  &brokenWise{token: endpoint{answer: answers(503, "")}},
			call:  list,
			want:  []error{usersecurity.ErrNoToken},
			token: 4, tokenLong: 4 * 7,
		},
		{
			name:  "every token is rejected",
			wise:  &brokenWise{token: endpoint{answer: issuesTokens()}, api: endpoint{answer: answers(401, "")}},
			call:  list,
			want:  []error{usersecurity.ErrUnauthorized},
			token: 3, tokenLong: 10,
		},
		{
			name: "every sealed request fails under the same key",
			wise: &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: givesKey()}, api: endpoint{answer: answers(500, `{"message":"x"}`)}},
			call: create, want: []error{usersecurity.ErrServer, unknown},
			token: 1, tokenLong: 1, key: 3, keyLong: 9,
		},
		{
			name: "the key endpoint fails",
			wise: &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: answers(503, "")}},
			call: create, want: []error{usersecurity.ErrNoKey},
			token: 1, tokenLong: 1, key: 4, keyLong: 4 * 7,
		},
		{
			name: "the token endpoint isn't reached in time",
			wise: &brokenWise{token: endpoint{answer: unreached}},
			call: list, want: []error{usersecurity.ErrNoToken, context.DeadlineExceeded},
			token: 4, tokenLong: 4 * 7,
		},
		{
			name: "the key endpoint isn't reached in time",
			wise: &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: unreached}},
			call: create, want: []error{usersecurity.ErrNoKey, context.DeadlineExceeded},
			token: 1, tokenLong: 1, key: 4, keyLong: 4 * 7,
		},
		{
			name: "the key endpoint wants a minute",
			wise: &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: answers(429, "", "Retry-After", "60")}},
			call: create, want: []error{usersecurity.ErrNoKey},
			token: 1, tokenLong: 1, key: 1, keyLong: 2,
		},
	} {
		for lasts, most := range map[time.Duration][2]int64{time.Second: {test.token, test.key}, time.Minute: {test.tokenLong, test.keyLong}} {
			scripted(t, test.name+"/"+lasts.String(), func(t *testing.T) {
				wise := &brokenWise{}
				wise.token.answer, wise.key.answer, wise.api.answer = test.wise.token.answer, test.wise.key.answer, test.wise.api.answer
				client := longestWaits(bareClient(t, wise,
					usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokens(userTokens), usersecurity.WithJWE()))
				storm(t, lasts, test.call(client), test.want...)
				wise.token.atMost(t, "tokens", most[0])
				if most[1] > 0 {
					wise.key.atMost(t, "keys", most[1])
				}
			})
		}
	}
}

// A source of users' tokens behind a cache is asked for one user once, and again
// after a moment, whatever Wise thinks of what it gives.
func TestStormOfRejectedUserTokens(t *testing.T) {
	t.Parallel()
	for name, gives := range map[string]func(rejected string) string{
		"always another one": func(rejected string) string { return rejected + "x" },
		"always the same":    func(string) string { return "same" },
	} {
		scripted(t, name, func(t *testing.T) {
			var asked atomic.Int64
			source := usersecurity.CacheTokens(usersecurity.TokenFunc(func(_ context.Context, req requestOf) (*oauth2.Token, error) {
				asked.Add(1)
				time.Sleep(10 * time.Millisecond) // so that all who want one come meanwhile
				return &oauth2.Token{AccessToken: gives(req.Rejected)}, nil
			}))
			client := bareClient(t, play(t, answers(401, "")), usersecurity.WithUserTokens(source), usersecurity.WithUnsealedBodies())
			call := func(ctx context.Context, _ usersecurity.UserID) error { return client.CreatePin(ctx, 1001, usual.pin) }
			storm(t, 900*time.Millisecond, call, usersecurity.ErrUnauthorized)
			if n := asked.Load(); n > 3 || n < 2 {
				t.Errorf("in a second the source was asked %d times", n)
			}
			storm(t, time.Minute, call, usersecurity.ErrUnauthorized)
			if n := asked.Load(); n > 10 || n < 4 {
				t.Errorf("in a minute the source was asked %d times", n)
			}
		})
	}
}

// One call doesn't ask for the key again and again.
func TestKeyEndpointFailsDuringACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := &brokenWise{key: endpoint{answer: givesKey()}, api: endpoint{answer: answers(500, "")}}
		client := bareClient(t, wise, append(withTokens(), usersecurity.WithJWE())...)
		if _, err := client.WiseKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		wise.key.answer = answers(503, "")
		err := client.CreatePin(t.Context(), 1001, usual.pin)
		checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
		if keys, sent := wise.key.count.Load(), wise.api.count.Load(); keys != 1+4 || sent != 4 {
			t.Errorf("%d requests for keys, %d for the PIN", keys, sent)
		}
	})
}

// stuckObserver is stuck on its first event of an operation.
type stuckObserver struct {
	op      usersecurity.Operation
	stuck   atomic.Bool
	release chan struct{}
}

func (o *stuckObserver) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) {
	if e.Operation == o.op && o.stuck.CompareAndSwap(false, true) {
		<-o.release
	}
}

func (*stuckObserver) CallDone(context.Context, usersecurity.CallEvent) {}

// What is stuck in a fetch that calls share holds up each of them no longer than
// its own context allows, and after the time of a whole call nobody else.
func TestStuckFetchesAreAbandoned(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpFetchToken, usersecurity.OpFetchWiseKey} {
		scripted(t, string(op), func(t *testing.T) {
			stuck := &stuckObserver{op: op, release: make(chan struct{})}
			defer synctest.Wait()
			defer close(stuck.release)
			wise := &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: givesKey()}, api: endpoint{answer: answers(204, "")}}
			client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokens(userTokens),
				usersecurity.WithJWE(), usersecurity.WithObserver(stuck))
			call := func(limit time.Duration) error {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				return client.CreatePin(ctx, 1001, usual.pin)
			}
			began := time.Now()
			if err := call(5 * time.Second); !errors.Is(err, context.DeadlineExceeded) || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
				t.Errorf("the call that was held up ended with %v", err)
			}
			if err := call(2 * time.Minute); err == nil || time.Since(began) != time.Minute {
				t.Errorf("the call that came meanwhile ended after %s with %v", time.Since(began), err)
			}
			time.Sleep(time.Nanosecond) // the flights end at one instant, in any order
			began = time.Now()
			if err := call(time.Minute); err != nil || time.Since(began) != 0 {
				t.Errorf("the next call ended after %s with %v", time.Since(began), err)
			}
		})
	}
}

// So it is with a source that doesn't look at its context, behind a cache.
func TestStuckSourceIsAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer synctest.Wait()
		defer close(release)
		var asked atomic.Int64
		source := usersecurity.CacheTokens(usersecurity.TokenFunc(func(context.Context, requestOf) (*oauth2.Token, error) {
			if asked.Add(1) == 1 {
				<-release
			}
			return &oauth2.Token{AccessToken: "token"}, nil
		}))
		client := bareClient(t, play(t, answers(204, "")), usersecurity.WithUserTokens(source), usersecurity.WithUnsealedBodies())
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := client.CreatePin(ctx, 1001, usual.pin)
		checkMatches(t, "the error", err, usersecurity.ErrNoToken, context.DeadlineExceeded)
		if time.Since(began) != 3*time.Second {
			t.Errorf("it took %s", time.Since(began))
		}
		if err := client.CreatePin(t.Context(), 1002, usual.pin); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("another user's call: %v after %s", err, time.Since(began))
		}
		time.Sleep(time.Minute)
		if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil || asked.Load() != 3 {
			t.Errorf("the next call: %v, and the source was asked %d times", err, asked.Load())
		}
	})
}
