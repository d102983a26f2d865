package usersecurity_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wise-partner/usersecurity"
)

// limited is a 429 that asks to wait, with the name of a limit or without.
func limited(seconds, limit string) step {
	if limit == "" {
		return answers(429, "", "Retry-After", seconds)
	}
	return answers(429, "", "Retry-After", seconds, "X-Rate-Limited-By", limit)
}

// What waits after a 429, and for how long.
func TestHoldsBack(t *testing.T) {
	t.Parallel()
	list := func(user usersecurity.UserID) func(context.Context, *usersecurity.Client) error {
		return func(ctx context.Context, c *usersecurity.Client) error {
			_, err := c.ListPhoneNumbers(ctx, user)
			return err
		}
	}
	create := func(ctx context.Context, c *usersecurity.Client) error { return c.CreatePin(ctx, 1001, usual.pin) }
	for _, test := range []struct {
		name   string
		first  step
		policy usersecurity.RetryPolicy
		next   func(context.Context, *usersecurity.Client) error
		waits  time.Duration
		wanted time.Duration // by Wise, where it is more
	}{
		{name: "a named limit, the same call", first: limited("20", "wise-public-api"), next: list(1001), waits: 20 * time.Second},
		{name: "a named limit, another user", first: limited("20", "wise-public-api"), next: list(1002), waits: 20 * time.Second},
		{name: "a named limit, another operation", first: limited("20", "wise-public-api"), next: create, waits: 20 * time.Second},
		{name: "a named limit that asks for more", first: limited("45", "x"), next: create, waits: 30 * time.Second, wanted: 45 * time.Second},
		{name: "a named limit that asks for a day", first: limited("86400", "x"), next: create, waits: 30 * time.Second, wanted: 24 * time.Hour},
		{
			name: "a named limit, under an own bound", first: limited("45", "x"), next: create, waits: 5 * time.Second, wanted: 45 * time.Second,
			policy: usersecurity.RetryPolicy{MaxRetryAfter: 5 * time.Second},
		},
		{name: "a named limit without a time", first: answers(429, "", "X-Rate-Limited-By", "x"), next: list(1001)},
		{name: "no name, the same call", first: limited("20", ""), next: list(1001), waits: 20 * time.Second},
		{name: "no name, another user", first: limited("20", ""), next: list(1002)},
		{name: "no name, another operation", first: limited("20", ""), next: create},
		{name: "no name and no time", first: answers(429, ""), next: list(1001)},
		{name: "503", first: answers(503, "", "Retry-After", "20", "X-Rate-Limited-By", "x"), next: list(1001)},
		{name: "425", first: answers(425, "", "Retry-After", "20", "X-Rate-Limited-By", "x"), next: list(1001)},
	} {
		scripted(t, test.name, func(t *testing.T) {
			wise := play(t, test.first, answers(200, "[]"))
			client := newClient(t, wise, usersecurity.WithRetry(test.policy))
			_, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			var first *usersecurity.APIError
			if !errors.As(err, &first) || usersecurity.RetryAfterOf(err) != first.RetryAfter {
				t.Fatalf("the first call ended with %v", err)
			}
			// A call that has no time to wait is not sent.
			brief, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			err = test.next(brief, client)
			if test.waits == 0 {
				if err != nil || wise.count() != 2 {
					t.Errorf("%d requests, %v", wise.count(), err)
				}
				return
			}
			checkMatches(t, "the call without time", err, usersecurity.ErrRateLimited)
			wanted := max(test.waits, test.wanted)
			if got := usersecurity.RetryAfterOf(err); got != wanted || !strings.HasSuffix(err.Error(), "Wise wants no such call for another "+wanted.String()) {
				t.Errorf("it tells of %s to wait, not of %s: %v", got, wanted, err)
			}
			var api *usersecurity.APIError
			if errors.As(err, &api) || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone || wise.count() != 1 || time.Since(began) != 0 {
				t.Errorf("%d requests in %s, %v", wise.count(), time.Since(began), err)
			}
			if err := test.next(t.Context(), client); err != nil || wise.count() != 2 || time.Since(began) != test.waits {
				t.Errorf("%d requests in %s, %v", wise.count(), time.Since(began), err)
			}
			// And that is all.
			if err := test.next(t.Context(), client); err != nil || time.Since(began) != test.waits {
				t.Errorf("the next call after %s, %v", time.Since(began), err)
			}
		})
	}
}

// Of two 429s for calls that were under way at the same time the longer one
// counts.
func TestShorterHoldDoesNotReplaceALongerOne(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"", "wise-public-api"} {
		scripted(t, "named "+limit, func(t *testing.T) {
			arrived := make(chan struct{}, 2)
			wise := play(t, limited("20", limit), limited("1", limit), answers(200, "[]"))
			client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := wise.RoundTrip(r)
				if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
					arrived <- struct{}{}
					time.Sleep(time.Duration(wise.count()) * time.Millisecond) // the shorter one is heard last
				}
				return resp, err
			}))
			var calls sync.WaitGroup
			began := time.Now()
			for range 2 {
				calls.Go(func() { _, _ = client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1)) })
				<-arrived
			}
			calls.Wait()
			if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil || time.Since(began) < 20*time.Second {
				t.Errorf("the third call, after %s: %v", time.Since(began), err)
			}
		})
	}
}

// A call that is held back, after an attempt of it was lost, is as unknown as
// without.
func TestHeldBackAfterALostAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := play(t, lost, answers(204, ""))
		client := newClient(t, wise)
		limit := newClient(t, play(t, limited("30", "x")))
		_, _ = limit.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		// Meanwhile another call of the same client is told to wait.
		other := roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return limited("30", "x")(r, "")
			}
			resp, err := wise.RoundTrip(r)
			_, _ = client.ListPhoneNumbers(r.Context(), 1001, usersecurity.WithMaxAttempts(1))
			return resp, err
		})
		client = newClient(t, other)
		err := client.CreatePin(ctx, 1001, usual.pin)
		checkMatches(t, "the error", err, usersecurity.ErrRateLimited, usersecurity.ErrOutcomeUnknown)
		if usersecurity.OutcomeOf(err) != usersecurity.OutcomeUnknown || wise.count() != 1 {
			t.Errorf("%d requests, %v", wise.count(), err)
		}
	})
}

// A held call ends with its context.
func TestHeldCallIsCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, play(t, limited("20", "x")))
		_, _ = client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		err := client.CreatePin(ctx, 1001, usual.pin)
		checkMatches(t, "the error", err, context.Canceled)
		if time.Since(began) != time.Second || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// turnstile is a limiter.
type turnstile func(ctx context.Context) error

func (l turnstile) Wait(ctx context.Context) error { return l(ctx) }

// The limiter is asked before every request, those for tokens and keys too.
func TestRateLimiterIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := &brokenWise{token: endpoint{answer: issuesTokens()}, key: endpoint{answer: givesKey()}}
		tries := 0
		wise.api.answer = func(r *http.Request, body string) (*http.Response, error) {
			if tries++; tries == 1 {
				return answers(503, "")(r, body)
			}
			return answers(204, "")(r, body)
		}
		var asked atomic.Int64
		client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokens(userTokens),
			usersecurity.WithJWE(), usersecurity.WithRateLimiter(turnstile(func(context.Context) error {
				sent := wise.token.count.Load() + wise.key.count.Load() + wise.api.count.Load()
				if n := asked.Add(1); n != sent+1 {
					t.Errorf("asked for the %d. time after %d requests", n, sent)
				}
				time.Sleep(time.Second)
				return nil
			})))
		if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil {
			t.Fatal(err)
		}
		if asked.Load() != 4 { // token, key, and twice the PIN
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

// What the limiter refuses is not sent, and its error matches.
func TestRateLimiterRefuses(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		scripted(t, string(r.op), func(t *testing.T) {
			full := errors.New("the bucket is empty")
			refuses := turnstile(func(context.Context) error { return full })
			_, err := r.call(t.Context(), newClient(t, nothingSent{t}, usersecurity.WithRateLimiter(refuses)))
			checkMatches(t, "refused", err, usersecurity.ErrRateLimited)
			var api *usersecurity.APIError
			if !errors.Is(err, full) || errors.As(err, &api) || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
				t.Errorf("refused: %v", err)
			}
			// After a lost attempt.
			asked := 0
			refusesTheSecond := turnstile(func(context.Context) error {
				if asked++; asked > 1 {
					return full
				}
				return nil
			})
			wise := play(t, lost)
			_, err = r.call(t.Context(), newClient(t, wise, usersecurity.WithRateLimiter(refusesTheSecond)))
			want, known := []error{usersecurity.ErrRateLimited}, usersecurity.OutcomeNotDone
			if r.writes() {
				want, known = append(want, usersecurity.ErrOutcomeUnknown), usersecurity.OutcomeUnknown
			}
			if r.class == aNumber || r.class == aOnce { // it couldn't look either, or makes no second attempt
				want = []error{usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown}
			}
			checkMatches(t, "the second refused", err, want...)
			if usersecurity.OutcomeOf(err) != known || wise.count() != 1 {
				t.Errorf("the second refused: %d requests, %v", wise.count(), err)
			}
			// While it waits, the context ends.
			waits := turnstile(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err = r.call(ctx, newClient(t, nothingSent{t}, usersecurity.WithRateLimiter(waits)))
			checkMatches(t, "the context ends", err, context.DeadlineExceeded, usersecurity.ErrRateLimited)
		})
	}
}
