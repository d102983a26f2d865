package usersecurity

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// RateLimiter is asked before every request; Wait returns when it may be sent,
// or an error when it may not. golang.org/x/time/rate's Limiter is one.
type RateLimiter interface {
	Wait(ctx context.Context) error
}

// gate holds requests back: for the partner's own limiter, and after a 429, so
// that not every call has to find out by itself that Wise wants none.
type gate struct {
	limiter RateLimiter // nil where there is none
	longest time.Duration

	mu    sync.Mutex
	all   time.Time
	calls map[heldCalls]time.Time
}

// heldCalls are the calls of one operation for one user.
type heldCalls struct {
	op   Operation
	user UserID
}

// maxHeld bounds what is remembered of users; what is over is forgotten first.
const maxHeld = 10_000

// pass waits until a request may be sent. Where it may not, the error matches
// ErrRateLimited.
func (g *gate) pass(ctx context.Context, calls heldCalls) error {
	if wait := g.wait(calls); wait > 0 {
		if deadline, ok := ctx.Deadline(); ok && wait >= time.Until(deadline) {
			return failure(calls.op, ErrRateLimited, heldBack(wait))
		}
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-timer.C:
		}
	}
	if g.limiter == nil {
		return nil
	}
	if err := g.limiter.Wait(ctx); err != nil {
		if over := ended(ctx); over != nil {
			return failure(calls.op, over, ErrRateLimited, err)
		}
		return failure(calls.op, ErrRateLimited, err)
	}
	return nil
}

func (g *gate) wait(calls heldCalls) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.all
	if g.calls != nil && g.calls[calls].After(until) {
		until = g.calls[calls]
	}
	if until.IsZero() {
		return 0
	}
	return time.Until(until)
}

// hear takes in a response: after a 429 with a limit's name all calls are held
// back for what Wise asked for, and otherwise those of the same operation and
// user. Nobody is held for longer than MaxRetryAfter, whatever Wise asks for: who
// comes then finds out whether it still wants none.
func (g *gate) hear(r *result, calls heldCalls) {
	if r.status != http.StatusTooManyRequests || r.refusal == nil || r.refusal.RetryAfter == 0 {
		return
	}
	now := time.Now()
	until := now.Add(min(r.refusal.RetryAfter, g.longest))
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.refusal.RateLimitedBy != "" {
		if until.After(g.all) {
			g.all = until
		}
		return
	}
	if g.calls == nil {
		g.calls = map[heldCalls]time.Time{}
	}
	if len(g.calls) >= maxHeld {
		g.forget(now)
	}
	if until.After(g.calls[calls]) {
		g.calls[calls] = until
	}
}

// forget drops what is over, and everything where nothing is. The lock is held.
func (g *gate) forget(now time.Time) {
	for calls, until := range g.calls {
		if !until.After(now) {
			delete(g.calls, calls)
		}
	}
	if len(g.calls) >= maxHeld {
		clear(g.calls)
	}
}
