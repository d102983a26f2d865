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
	all   hold
	calls map[heldCalls]hold
}

// hold is until when nothing is sent, and until when Wise wanted nothing: that can
// be much later.
type hold struct{ until, wanted time.Time }

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
	if held := g.held(calls); !held.until.IsZero() {
		if err := held.wait(ctx, calls.op); err != nil {
			return err
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

func (g *gate) held(calls heldCalls) hold {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.calls) == 0 {
		return g.all
	}
	return g.all.or(g.calls[calls])
}

func (h hold) wait(ctx context.Context, op Operation) error {
	wait := time.Until(h.until)
	if wait <= 0 {
		return nil
	}
	if !isWorthWaiting(ctx, wait) {
		return failure(op, ErrRateLimited, heldBack(time.Until(h.wanted)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-timer.C:
		return nil
	}
}

// or returns the longer of two holds.
func (h hold) or(other hold) hold {
	if other.until.After(h.until) {
		return other
	}
	return h
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
	held := hold{until: now.Add(min(r.refusal.RetryAfter, g.longest)), wanted: now.Add(r.refusal.RetryAfter)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.refusal.RateLimitedBy != "" {
		g.all = g.all.or(held)
		return
	}
	if g.calls == nil {
		g.calls = map[heldCalls]hold{}
	}
	if len(g.calls) >= maxHeld {
		g.forget(now)
	}
	g.calls[calls] = g.calls[calls].or(held)
}

// forget drops what is over, and everything where nothing is. The lock is held.
func (g *gate) forget(now time.Time) {
	for calls, held := range g.calls {
		if !held.until.After(now) {
			delete(g.calls, calls)
		}
	}
	if len(g.calls) >= maxHeld {
		clear(g.calls)
	}
}
