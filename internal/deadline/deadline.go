// Package deadline has a context that makes its timer only when somebody waits
// for its end: most calls end before anybody does.
package deadline

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Context is a parent's context with a deadline. It lies by value in the struct
// of a call, so that a call for whose end nobody waits allocates nothing. Begin
// it before anything else, and End it; it must not be copied.
type Context struct {
	parent context.Context
	at     time.Time // the earlier of the two deadlines; zero if there is none
	own    bool      // at is before the parent's

	mu sync.Mutex
	// err is why the context ended, once somebody has seen that it has. An
	// error that was seen must not change.
	err    error
	alone  bool // it ended by itself, not with its parent
	theirs bool // err is what the parent said
	// inner is a context of the standard library's that ends when this one does;
	// nil as long as nobody has asked for what only such a one has.
	inner  context.Context
	cancel context.CancelFunc
}

// Begin makes c the context of a call that ends at the given time, or with
// parent. With the zero time, or one that is not before the parent's deadline,
// the parent's alone counts.
func (c *Context) Begin(parent context.Context, at time.Time) {
	c.parent, c.at, c.own = parent, at, !at.IsZero()
	if earlier, ok := parent.Deadline(); ok && (at.IsZero() || !at.Before(earlier)) {
		c.at, c.own = earlier, false
	}
}

// End releases the timer and whoever still waits. Err is context.Canceled
// afterwards, unless the context had ended otherwise before, and somebody was
// there to see it.
func (c *Context) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early() == nil {
		c.err, c.alone = context.Canceled, true
	}
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline is the earlier of the call's and the parent's.
func (c *Context) Deadline() (time.Time, bool) {
	if c.at.IsZero() {
		return c.parent.Deadline()
	}
	return c.at, true
}

// Done makes the timer.
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.wait()
	}
	return c.inner.Done()
}

// Err is nil until the context has ended. It goes by the clock, even if the
// timer is about to fire only now.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended()
}

// Value is the parent's. The inner context is asked where there is one, so that
// the standard library finds it there: it needs no goroutine then to watch over
// a context made from this one. Once the parent was seen to have ended, it tells
// the cause: the inner context may learn of it a moment later.
func (c *Context) Value(key any) any {
	c.mu.Lock()
	if c.inner == nil && c.alone && c.parent.Err() != nil {
		c.wait() // or the parent's end would look like the cause
	}
	asked := c.inner
	if asked == nil || c.theirs {
		asked = c.parent
	}
	c.mu.Unlock()
	return asked.Value(key)
}

// ended returns err, which it sets if the context has ended since.
func (c *Context) ended() error {
	if c.early() == nil && !c.at.IsZero() && !time.Now().Before(c.at) {
		c.err, c.alone = context.DeadlineExceeded, c.own
	}
	return c.err
}

// early is ended without a look at the clock, which costs as much as all the rest.
func (c *Context) early() error {
	if c.err == nil && c.inner != nil {
		c.err = c.inner.Err() // a clock that was set back must not hide a timer that has fired
	}
	if c.err == nil {
		c.err = c.parent.Err()
		c.theirs = c.err != nil
	}
	return c.err
}

// wait makes the inner context.
func (c *Context) wait() {
	switch {
	case c.alone && c.err == context.DeadlineExceeded:
		c.inner, c.cancel = context.WithDeadline(context.WithoutCancel(c.parent), c.at)
	case c.alone:
		c.inner, c.cancel = context.WithCancel(context.WithoutCancel(c.parent))
		c.cancel()
	case c.own:
		c.inner, c.cancel = context.WithDeadline(c.parent, c.at)
	default:
		c.inner, c.cancel = context.WithCancel(c.parent)
	}
}

// String says what this is, and nothing of what the parent carries.
func (c *Context) String() string { return "deadline.Context" }

// Format prints String, whatever the verb: printed by reflection, a context
// shows the values that the parent carries, which may be secrets.
func (c *Context) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
