package usersecurity_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// patience is what calls with so much time left do about a wait of 20 s, or of
// what else they would have to wait for.
var patience = []struct {
	left, wait time.Duration
	waits      bool
}{
	{19 * time.Second, 20 * time.Second, false},
	{20 * time.Second, 20 * time.Second, false},
	{20*time.Second + time.Millisecond, 20 * time.Second, false},
	{20*time.Second + 49*time.Millisecond, 20 * time.Second, false},
	{20*time.Second + 50*time.Millisecond, 20 * time.Second, true},
	{time.Minute, 20 * time.Second, true},
	// Where there is little time, a tenth of it is for the attempt.
	{200 * time.Millisecond, 181 * time.Millisecond, false},
	{200 * time.Millisecond, 180 * time.Millisecond, true},
	{40 * time.Millisecond, 36 * time.Millisecond, true},
}

// Whatever a call waits for, it leaves time for an attempt, or doesn't wait.
func TestWaitsLeaveTimeForAnAttempt(t *testing.T) {
	t.Parallel()
	for _, p := range patience {
		name := fmt.Sprintf("%s of %s", p.wait, p.left)
		check := func(t *testing.T, began time.Time, sent int, err error) {
			t.Helper()
			took, want := time.Since(began), time.Duration(0)
			if p.waits {
				want = p.wait
			}
			if took != want || sent != map[bool]int{true: 1}[p.waits] || (err == nil) != p.waits {
				t.Errorf("%d more requests in %s, %v", sent, took, err)
			}
			if !p.waits {
				checkMatches(t, "the error", err, usersecurity.ErrRateLimited)
			}
		}
		if p.wait%time.Second == 0 {
			scripted(t, "held back/"+name, func(t *testing.T) {
				wise := play(t, limited(fmt.Sprint(p.wait.Seconds()), "x"), answers(204, ""))
				client := newClient(t, wise)
				_, _ = client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
				ctx, cancel := context.WithTimeout(t.Context(), p.left)
				defer cancel()
				began := time.Now()
				err := client.CreatePin(ctx, 1001, usual.pin)
				check(t, began, wise.count()-1, err)
			})
			scripted(t, "before a repeat, as asked/"+name, func(t *testing.T) {
				wise := play(t, limited(fmt.Sprint(p.wait.Seconds()), ""), answers(204, ""))
				ctx, cancel := context.WithTimeout(t.Context(), p.left)
				defer cancel()
				began := time.Now()
				err := newClient(t, wise).CreatePin(ctx, 1001, usual.pin)
				check(t, began, wise.count()-1, err)
			})
		}
		scripted(t, "before a repeat, as drawn/"+name, func(t *testing.T) {
			wise := play(t, answers(429, ""), answers(204, ""))
			client := longestWaits(newClient(t, wise, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: p.wait, MaxWait: p.wait})))
			ctx, cancel := context.WithTimeout(t.Context(), p.left)
			defer cancel()
			began := time.Now()
			err := client.CreatePin(ctx, 1001, usual.pin)
			check(t, began, wise.count()-1, err)
		})
	}
}
