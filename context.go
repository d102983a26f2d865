package usersecurity

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of a call: the caller's, with a deadline of the
// call's own if the caller set none. It makes a timer only when somebody waits
// for its end; most calls end before anybody does.
type callContext struct {
	context.Context // the caller's

	call     *call
	deadline time.Time // zero if the caller's context has one

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
}

func (c *callContext) begin(parent context.Context, k *call, total time.Duration) {
	c.Context, c.call = parent, k
	if _, ok := parent.Deadline(); !ok {
		c.deadline = k.start.Add(total)
	}
}

// end releases the timer, and whoever still waits.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed = ended
		return
	}
	c.cancel()
}

// ended is the context of a call that is over.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (c *callContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

func (c *callContext) Done() <-chan struct{} {
	if c.deadline.IsZero() {
		return c.Context.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.Context, c.deadline)
	}
	return c.timed.Done()
}

func (c *callContext) Err() error {
	if c.deadline.IsZero() {
		return c.Context.Err()
	}
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	switch {
	case timed != nil && timed.Err() != nil:
		return timed.Err()
	case c.Context.Err() != nil:
		return c.Context.Err()
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded // even if the timer is about to fire only now
	}
	return nil
}

// Value asks the context that has the timer, so that the standard library finds
// it and needs no goroutine to watch over a context made from this one.
func (c *callContext) Value(key any) any {
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed != nil && timed != ended {
		return timed.Value(key)
	}
	return c.Context.Value(key)
}
