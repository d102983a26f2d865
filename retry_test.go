package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wise-partner/usersecurity"
)

// failures are the ways in which all attempts may fail.
var failures = []struct {
	name     string
	step     step
	attempts int
	want     error
	open     bool // a write may have been done
}{
	{"refused", refused, 4, usersecurity.ErrTransport, false},
	{"no dial", fails(&net.OpError{Op: "dial", Err: errors.New("refused")}), 4, usersecurity.ErrTransport, false},
	{"unknown host", fails(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), 4, usersecurity.ErrTransport, false},
	{"lost", lost, 4, usersecurity.ErrTransport, true},
	{"unknown", fails(errors.New("reset")), 4, usersecurity.ErrTransport, true},
	{"closed", fails(io.EOF), 4, usersecurity.ErrTransport, true},
	{"429", answers(429, ""), 4, usersecurity.ErrRateLimited, false},
	{"408", answers(408, ""), 4, usersecurity.ErrUnexpectedStatus, true},
	{"500", answers(500, ""), 4, usersecurity.ErrServer, true},
	{"502", answers(502, ""), 4, usersecurity.ErrServer, true},
	{"503", answers(503, ""), 4, usersecurity.ErrServer, true},
	{"504", answers(504, ""), 4, usersecurity.ErrServer, true},

	{"425", answers(425, ""), 4, usersecurity.ErrRateLimited, false},
	{"524", answers(524, ""), 4, usersecurity.ErrServer, true},

	{"101", answers(101, ""), 1, usersecurity.ErrUnexpectedStatus, true},
	{"499", answers(499, ""), 1, usersecurity.ErrUnexpectedStatus, true},
	{"561", answers(561, ""), 1, usersecurity.ErrServer, true},
	{"302", answers(302, ""), 1, usersecurity.ErrRedirect, false},
	{"401", answers(401, ""), 1, usersecurity.ErrUnauthorized, false}, // the source has no other token
	{"403", answers(403, ""), 1, usersecurity.ErrForbidden, false},
	{"410", answers(410, ""), 1, usersecurity.ErrNotInVersion, false},
	{"422", answers(422, ""), 1, usersecurity.ErrInvalidRequest, false},
	{"501", answers(501, ""), 1, usersecurity.ErrServer, false},
	{"505", answers(505, ""), 1, usersecurity.ErrServer, false},
}

// How many attempts each operation makes, and what the error is when all fail
// in the same way.
func TestAttemptsWhenAllFail(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range failures {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.step)
				open, attempts := test.open && r.writes(), test.attempts
				if open && r.class == aOnce {
					attempts = 1
				}
				if r.class == aNumber && open {
					wise.readBack = []step{answers(200, "[]")}
				}
				var meta usersecurity.Meta
				_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
				want := []error{test.want}
				if open {
					want = append(want, usersecurity.ErrOutcomeUnknown)
				}
				checkMatches(t, "the error", err, want...)
				if wise.count() != attempts || meta.Attempts != attempts {
					t.Errorf("%d requests, %d attempts; want %d", wise.count(), meta.Attempts, attempts)
				}
				// Before each repeat, and at the end.
				if wise.readBack != nil && len(wise.lists) != attempts {
					t.Errorf("%d lists", len(wise.lists))
				}
				var api *usersecurity.APIError
				if errors.As(err, &api) && (api.Attempts != attempts || api.Uncertain) {
					t.Errorf("%d attempts, uncertain %t", api.Attempts, api.Uncertain)
				}
				var outcome *usersecurity.OutcomeError
				if errors.As(err, &outcome) != open || open && (outcome.Op != r.op || outcome.Attempts != attempts || outcome.CorrelationID != meta.CorrelationID) {
					t.Errorf("the outcome is %+v", outcome)
				}
				for _, a := range slices.Concat(wise.requests, wise.lists) {
					if a.header.Get("X-External-Correlation-Id") != meta.CorrelationID.String() {
						t.Error("an attempt has another correlation id")
					}
				}
			})
		}
	}
}

// A call that fails and then works needs just that many attempts.
func TestAttemptsUntilSuccess(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		failures := map[string]step{"refused": refused, "429": answers(429, "")}
		if r.class != aOnce {
			maps.Copy(failures, map[string]step{"lost": lost, "500": answers(500, ""), "503": answers(503, "")})
		}
		for name, failure := range failures {
			for failures := range 4 {
				scripted(t, fmt.Sprint(r.op, "/", failures, " times ", name), func(t *testing.T) {
					wise := r.script(t, append(slices.Repeat([]step{failure}, failures), r.answersWell())...)
					var meta usersecurity.Meta
					got, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
					if err != nil {
						t.Fatal(err)
					}
					r.checkResult(t, got)
					if wise.count() != failures+1 || meta.Attempts != failures+1 || meta.StatusCode != r.success {
						t.Errorf("%d requests, meta %+v", wise.count(), meta)
					}
				})
			}
		}
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy usersecurity.RetryPolicy
		call   []usersecurity.CallOption
		want   int
	}{
		{usersecurity.RetryPolicy{}, nil, 4},
		{usersecurity.RetryPolicy{MaxAttempts: 1}, nil, 1},
		{usersecurity.RetryPolicy{MaxAttempts: 2}, nil, 2},
		{usersecurity.RetryPolicy{MaxAttempts: 9, MaxWait: time.Second}, nil, 9},
		{usersecurity.RetryPolicy{MaxAttempts: 2}, []usersecurity.CallOption{usersecurity.WithMaxAttempts(3)}, 3},
		{usersecurity.RetryPolicy{}, []usersecurity.CallOption{usersecurity.WithMaxAttempts(1)}, 1},
	} {
		scripted(t, fmt.Sprint(test.policy, len(test.call)), func(t *testing.T) {
			wise := play(t, answers(503, ""))
			_, err := newClient(t, wise, usersecurity.WithRetry(test.policy)).ListPhoneNumbers(t.Context(), 1001, test.call...)
			checkMatches(t, "the error", err, usersecurity.ErrServer)
			if wise.count() != test.want {
				t.Errorf("%d attempts, want %d", wise.count(), test.want)
			}
		})
	}
}

// A read whose reply breaks off is read again; a write's is a success that
// can't be read.
func TestBrokenReplyOfARead(t *testing.T) {
	t.Parallel()
	for _, r := range rowsOf(aRead) {
		scripted(t, string(r.op), func(t *testing.T) {
			wise := play(t, breaksOff(r.reply), r.answersWell())
			got, err := r.call(t.Context(), newClient(t, wise))
			if err != nil || wise.count() != 2 {
				t.Fatalf("%d attempts, %v", wise.count(), err)
			}
			r.checkResult(t, got)
		})
		scripted(t, string(r.op)+"/always", func(t *testing.T) {
			wise := play(t, breaksOff(r.reply))
			_, err := r.call(t.Context(), newClient(t, wise))
			checkMatches(t, "the error", err, usersecurity.ErrMalformedReply, usersecurity.ErrTransport)
			if wise.count() != 4 {
				t.Errorf("%d attempts", wise.count())
			}
		})
	}
}

// The waits are drawn between nothing and a bound that doubles.
func TestWaitsAreJittered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		policy usersecurity.RetryPolicy
		bounds []time.Duration
	}{
		{"default", usersecurity.RetryPolicy{}, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}},
		{"default, more attempts", usersecurity.RetryPolicy{MaxAttempts: 8}, []time.Duration{
			250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second,
		}},
		{"own", usersecurity.RetryPolicy{MaxAttempts: 5, MinWait: time.Second, MaxWait: 3 * time.Second}, []time.Duration{
			time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second,
		}},
		{"highest below the default lowest", usersecurity.RetryPolicy{MaxWait: 10 * time.Millisecond}, []time.Duration{
			10 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond,
		}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			const calls = 200
			shortest, longest := slices.Clone(test.bounds), make([]time.Duration, len(test.bounds))
			for range calls {
				wise := play(t, answers(503, ""))
				_, err := newClient(t, wise, usersecurity.WithRetry(test.policy)).ListPhoneNumbers(t.Context(), 1001)
				if !errors.Is(err, usersecurity.ErrServer) {
					t.Fatal(err)
				}
				waits := wise.waits()
				if len(waits) != len(test.bounds) {
					t.Fatalf("%d waits", len(waits))
				}
				for i, wait := range waits {
					if wait < 0 || wait > test.bounds[i] {
						t.Fatalf("wait %d took %s, of at most %s", i, wait, test.bounds[i])
					}
					shortest[i], longest[i] = min(shortest[i], wait), max(longest[i], wait)
				}
			}
			// By chance this fails once in 10⁹ times.
			for i, bound := range test.bounds {
				if shortest[i] > bound/9 || longest[i] < bound-bound/9 {
					t.Errorf("wait %d took between %s and %s, of at most %s", i, shortest[i], longest[i], bound)
				}
			}
		})
	}
}

// dateIn is a date as the header has it.
func dateIn(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }

// retryAfters are values of the header, and what follows.
var retryAfters = []struct {
	name   string
	value  func() string
	policy usersecurity.RetryPolicy
	least  time.Duration // the wait is at least this; no answer comes if it is negative
	after  time.Duration // what the error says
}{
	{name: "seconds", value: func() string { return "3" }, least: 3 * time.Second, after: 3 * time.Second},
	{name: "the most", value: func() string { return "30" }, least: 30 * time.Second, after: 30 * time.Second},
	{name: "a date", value: func() string { return dateIn(3 * time.Second) }, least: 3 * time.Second, after: 3 * time.Second},
	{name: "a date that is past", value: func() string { return dateIn(-time.Hour) }},
	{name: "none", value: func() string { return "0" }},
	{name: "empty", value: func() string { return "" }},
	{name: "negative", value: func() string { return "-3" }},
	{name: "no number", value: func() string { return "soon" }},
	{name: "a fraction", value: func() string { return "1.5" }, least: 2 * time.Second, after: 2 * time.Second},
	{name: "a whole fraction", value: func() string { return "3.0" }, least: 3 * time.Second, after: 3 * time.Second},
	{name: "too long", value: func() string { return "31" }, least: -1, after: 31 * time.Second},
	{name: "a date too far", value: func() string { return dateIn(time.Hour) }, least: -1, after: time.Hour},
	{name: "a date in 9999", value: func() string { return "Fri, 31 Dec 9999 23:59:59 GMT" }, least: -1, after: -1},
	{name: "more than fits", value: func() string { return "99999999999999999999999" }, least: -1, after: -1},
	{name: "more than a duration", value: func() string { return "18446744073709551615" }, least: -1, after: -1},
	{name: "within an own bound", value: func() string { return "45" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: 45 * time.Second}, least: 45 * time.Second, after: 45 * time.Second},
	{name: "above an own bound", value: func() string { return "2" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: time.Second}, least: -1, after: 2 * time.Second},
	{name: "longer than the call may take", value: func() string { return "61" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: time.Hour}, least: -1, after: 61 * time.Second},
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		for _, test := range retryAfters {
			scripted(t, fmt.Sprint(status, " ", test.name), func(t *testing.T) {
				value := test.value()
				wise := play(t, answers(status, "", "Retry-After", value), answers(status, ""), answers(200, "[]"))
				client := newClient(t, wise, usersecurity.WithRetry(test.policy))
				start := time.Now()
				_, err := client.ListPhoneNumbers(t.Context(), 1001)
				if test.least >= 0 {
					if err != nil || wise.count() != 3 {
						t.Fatalf("%d attempts, %v", wise.count(), err)
					}
					if wait := wise.waits()[0]; wait < test.least || wait > max(test.least, 250*time.Millisecond)+250*time.Millisecond {
						t.Errorf("it waited %s", wait)
					}
					if wait := wise.waits()[1]; wait > 500*time.Millisecond {
						t.Errorf("with no word of Wise's it waited %s", wait)
					}
				} else {
					checkMatches(t, "the error", err, byStatus[status])
					if wise.count() != 1 || time.Since(start) != 0 {
						t.Errorf("%d attempts in %s", wise.count(), time.Since(start))
					}
				}
				// What the error says of it.
				_, err = newClient(t, play(t, answers(status, "", "Retry-After", value))).ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
				var api *usersecurity.APIError
				if !errors.As(err, &api) {
					t.Fatal(err)
				}
				elapsed := time.Since(start)
				switch after := api.RetryAfter; {
				case test.after < 0:
					if after < 24*time.Hour {
						t.Errorf("the error says to retry after %s", after)
					}
				case after > test.after || after < test.after-elapsed:
					t.Errorf("the error says to retry after %s, want %s", after, test.after)
				}
			})
		}
	}
}

// A wait that the caller's deadline would cut short is not begun.
func TestWaitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, status := range []int{429, 503} {
			for asked, left := range map[time.Duration]time.Duration{10 * time.Second: 10 * time.Second, 20 * time.Second: 19 * time.Second} {
				scripted(t, fmt.Sprint(r.op, " ", status, ", ", asked, " with ", left), func(t *testing.T) {
					wise := play(t, answers(status, "", "Retry-After", fmt.Sprint(asked.Seconds())))
					if r.class == aNumber && status == 503 {
						wise.readBack = []step{answers(200, "[]")}
					}
					ctx, cancel := context.WithTimeout(t.Context(), left)
					defer cancel()
					start := time.Now()
					_, err := r.call(ctx, newClient(t, wise))
					want := []error{byStatus[status]}
					if status == 503 && r.writes() {
						want = append(want, usersecurity.ErrOutcomeUnknown)
					}
					checkMatches(t, "the error", err, want...)
					var api *usersecurity.APIError
					if !errors.As(err, &api) || api.RetryAfter != asked || api.Attempts != 1 {
						t.Errorf("the error is %v", err)
					}
					if wise.count() != 1 || time.Since(start) != 0 {
						t.Errorf("%d attempts in %s", wise.count(), time.Since(start))
					}
				})
			}
		}
	}
}

// The drawing reaches both ends of what is allowed, and goes no further.
func TestWaitsAreDrawnBelowTheBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := play(t, answers(503, ""))
		const draws = 1000
		client := newClient(t, wise, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: draws + 1, MinWait: time.Second, MaxWait: time.Second}),
			usersecurity.WithTimeouts(0, time.Hour))
		_, err := client.ListPhoneNumbers(t.Context(), 1001)
		waits := wise.waits()
		if !errors.Is(err, usersecurity.ErrServer) || len(waits) != draws {
			t.Fatalf("%d waits, %v", len(waits), err)
		}
		if lowest, highest := slices.Min(waits), slices.Max(waits); lowest < 0 || lowest > 100*time.Millisecond || highest > time.Second || highest < 900*time.Millisecond {
			t.Errorf("waits from %s to %s", lowest, highest)
		}
	})
}

func TestWaitsStopDoublingAtTheHighest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := play(t, answers(503, ""))
		_, err := longestWaits(newClient(t, wise)).ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(8))
		checkMatches(t, "the error", err, usersecurity.ErrServer)
		want := []time.Duration{
			250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second,
		}
		if waits := wise.waits(); !slices.Equal(waits, want) {
			t.Errorf("waited for %s, want %s", waits, want)
		}
	})
}
