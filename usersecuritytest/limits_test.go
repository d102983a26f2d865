package usersecuritytest_test

import (
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// spend sends n requests, and returns how many passed and the last answer.
func spend(t *testing.T, srv *usersecuritytest.Server, n int) (passed int, last response) {
	t.Helper()
	for range n {
		if last = send(t, srv, asApplication(srv, "GET", phones(user), "")); last.status == 200 {
			passed++
		}
	}
	return passed, last
}

// Second by second, until the minute is full. The clock is moved to the begin of
// each second, so that the time the requests take doesn't count.
func TestRateLimits(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithRateLimits(0.05)) // 5 a second, 50 a minute
	var ahead time.Duration
	next := func(unit time.Duration) {
		now := time.Now().Add(ahead)
		d := now.Truncate(unit).Add(unit).Sub(now)
		srv.Advance(d)
		ahead += d
	}
	limited := func(last response, retryAfter ...string) {
		t.Helper()
		mustEmpty(t, last, 429)
		got := last.header.Get("Retry-After")
		for _, want := range retryAfter {
			if got == want && last.header.Get("X-Rate-Limited-By") == "wise-public-api" {
				return
			}
		}
		t.Errorf("header = %v, want one of %q", last.header, retryAfter)
	}
	next(time.Minute)
	for second := range 10 {
		passed, last := spend(t, srv, 6)
		if passed != 5 {
			t.Errorf("%d requests passed in second %d, want 5", passed, second)
		}
		if second < 9 {
			limited(last, "1")
		} else {
			limited(last, "50", "51") // the minute's
		}
		next(time.Second)
	}
	passed, last := spend(t, srv, 3)
	if passed != 0 {
		t.Errorf("%d requests passed in a minute that is full", passed)
	}
	limited(last, "49", "50")
	next(time.Minute)
	if passed, _ := spend(t, srv, 1); passed != 1 {
		t.Error("nothing passes in the next minute")
	}
	if r := srv.Requests()[5]; r.Status != 429 {
		t.Errorf("what is refused is recorded with status %d", r.Status)
	}
}

func TestNoRateLimitsWithoutTheOption(t *testing.T) {
	srv := newServer(t)
	if passed, last := spend(t, srv, 300); passed != 300 {
		t.Errorf("%d passed, then status %d", passed, last.status)
	}
}
