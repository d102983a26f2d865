package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// limits lets as many requests pass as Wise allows, and no more in any second or
// any minute, wherever Wise begins to count. It is a usersecurity.RateLimiter.
type limits struct{ second, minute *window }

func newLimits(perSecond, perMinute int) *limits {
	return &limits{newWindow(perSecond, time.Second), newWindow(perMinute, time.Minute)}
}

// Wait waits for the one and then for the other. As each lets requests pass in the order
// in which they have come, both limits hold for what comes out at the end.
func (l *limits) Wait(ctx context.Context) error {
	if err := l.second.Wait(ctx); err != nil {
		return err
	}
	return l.minute.Wait(ctx)
}

// used counts a request that a run before this one has sent.
func (l *limits) used(at time.Time) {
	l.second.used(at)
	l.minute.used(at)
}

// window lets a number of requests pass in any stretch of time of one length. It is
// a ring of limiters, each of which lets one pass in that time. A single
// rate.Limiter would waste a part of the limit: what it lets pass at once, its
// burst, comes on top of its rate, and both together must stay below the limit.
type window struct {
	slots []*rate.Limiter
	next  atomic.Uint64
}

// slack is added to a window's length, as requests don't all take equally long to
// arrive at Wise, where they are counted.
const slack = 20 * time.Millisecond

func newWindow(limit int, length time.Duration) *window {
	w := &window{slots: make([]*rate.Limiter, limit)}
	for i := range w.slots {
		w.slots[i] = rate.NewLimiter(rate.Every(length+slack), 1)
	}
	return w
}

func (w *window) slot() *rate.Limiter {
	return w.slots[(w.next.Add(1)-1)%uint64(len(w.slots))]
}

func (w *window) Wait(ctx context.Context) error { return w.slot().Wait(ctx) }

func (w *window) used(at time.Time) { w.slot().AllowN(at, 1) }
