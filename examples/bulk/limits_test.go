package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shortest is when the last of so many requests can be sent, the first being sent at
// 0, if no second and no minute may have more than the limits.
func shortest(requests, perSecond, perMinute int) time.Duration {
	at := make([]time.Duration, requests)
	for i := range at {
		if i >= perSecond {
			at[i] = max(at[i], at[i-perSecond]+time.Second)
		}
		if i >= perMinute {
			at[i] = max(at[i], at[i-perMinute]+time.Minute)
		}
	}
	return at[requests-1]
}

func TestShortest(t *testing.T) {
	for _, test := range []struct {
		requests, perSecond, perMinute int
		want                           time.Duration
	}{
		{100, 100, 1000, 0},
		{101, 100, 1000, time.Second},
		{1000, 100, 1000, 9 * time.Second},
		{1001, 100, 1000, time.Minute},
		{3000, 100, 1000, 129 * time.Second},
		{3000, 2000, 20_000, time.Second},
	} {
		if got := shortest(test.requests, test.perSecond, test.perMinute); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// passing is when each of so many requests passed.
func passing(l *limits, requests, workers int) []time.Time {
	var (
		mu     sync.Mutex
		passed []time.Time
		wg     sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				over := len(passed) >= requests
				mu.Unlock()
				if over || l.Wait(context.Background()) != nil {
					return
				}
				mu.Lock()
				passed = append(passed, time.Now())
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return passed
}

// checkWindows looks at every stretch of time that begins with a request: if none of
// these has too many, no other has.
func checkWindows(t *testing.T, passed []time.Time, limit int, length time.Duration) {
	t.Helper()
	for i := limit; i < len(passed); i++ {
		if apart := passed[i].Sub(passed[i-limit]); apart < length {
			t.Fatalf("requests %d to %d are within %s", i-limit, i, apart)
		}
	}
}

func TestLimitsAreKeptAndUsed(t *testing.T) {
	for _, perSecond := range []int{100, 30, 7} {
		synctest.Test(t, func(t *testing.T) {
			const requests, perMinute = 5000, 1000
			passed := passing(newLimits(perSecond, perMinute), requests, 32)
			checkWindows(t, passed, perSecond, time.Second)
			checkWindows(t, passed, perMinute, time.Minute)
			took, least := passed[requests-1].Sub(passed[0]), shortest(requests, perSecond, perMinute)
			if took > least*105/100 {
				t.Errorf("%d a second: %s, and %s is possible", perSecond, took, least)
			}
		})
	}
}

// After a pause, too, there are no more than that in a minute.
func TestLimitsAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(100, 1000)
		passed := passing(l, 1500, 32)
		time.Sleep(45 * time.Second)
		passed = append(passed, passing(l, 1500, 32)...)
		checkWindows(t, passed, 100, time.Second)
		checkWindows(t, passed, 1000, time.Minute)
	})
}

func TestLimitsKnowOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var passed []time.Time
		for range 10 {
			for range 100 {
				passed = append(passed, time.Now())
			}
			time.Sleep(time.Second)
		}
		l := newLimits(100, 1000)
		for _, at := range passed {
			l.used(at)
		}
		passed = append(passed, passing(l, 100, 32)...)
		checkWindows(t, passed, 1000, time.Minute)
	})
}

func TestLimitsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(1, 1)
		ctx, cancel := context.WithCancel(t.Context())
		if err := l.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if err := l.Wait(ctx); err == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
