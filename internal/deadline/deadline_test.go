package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity/internal/deadline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is how the package is used.
type call struct {
	deadline.Context
	attempts int
}

type key struct{}

func begin(parent context.Context, t *testing.T, at time.Time) *deadline.Context {
	t.Helper()
	c := new(deadline.Context)
	c.Begin(parent, at)
	t.Cleanup(c.End)
	return c
}

func isDone(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// ways in which the end of a context can be noticed: some make the timer before
// the end, some don't.
var ways = map[string]func(c context.Context){
	"nobody waits":   func(context.Context) {},
	"Err was asked":  func(c context.Context) { _ = c.Err() },
	"somebody waits": func(c context.Context) { _ = c.Done() },
}

// expect checks all that can be asked of a context that has ended, and of one
// made from it now.
func expect(c context.Context, t *testing.T, err, cause error) {
	t.Helper()
	for range 2 {
		if got := c.Err(); got != err {
			t.Errorf("Err: %v, want %v", got, err)
		}
		if got := context.Cause(c); got != cause {
			t.Errorf("Cause: %v, want %v", got, cause)
		}
		if !isDone(c) {
			t.Error("those who wait still wait")
		}
	}
	child, cancel := context.WithCancel(c)
	defer cancel()
	if child.Err() != err || context.Cause(child) != cause || child.Value(key{}) != c.Value(key{}) {
		t.Errorf("a context made of it: %v, %v, %v", child.Err(), context.Cause(child), child.Value(key{}))
	}
}

func TestOwnDeadline(t *testing.T) {
	for name, before := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := time.Now().Add(time.Second)
				parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "carried"))
				later, stop := context.WithDeadline(parent, at.Add(1))
				defer stop()
				c := begin(later, t, at)
				before(c)
				if d, ok := c.Deadline(); !ok || d != at {
					t.Errorf("Deadline: %v, %v", d, ok)
				}
				time.Sleep(time.Second - time.Nanosecond)
				if c.Err() != nil || context.Cause(c) != nil {
					t.Errorf("before the deadline: %v, %v", c.Err(), context.Cause(c))
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if err := c.Err(); err != context.DeadlineExceeded {
					t.Errorf("at the deadline: %v", err)
				}
				cancel(errors.New("too late to be the cause"))
				expect(c, t, context.DeadlineExceeded, context.DeadlineExceeded)
				c.End()
				expect(c, t, context.DeadlineExceeded, context.DeadlineExceeded)
				if c.Value(key{}) != "carried" {
					t.Errorf("Value: %v", c.Value(key{}))
				}
			})
		})
	}
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := begin(t.Context(), t, start.Add(time.Second))
		<-c.Done()
		if c.Err() != context.DeadlineExceeded || time.Since(start) != time.Second {
			t.Errorf("%v after %v", c.Err(), time.Since(start))
		}
	})
}

// lateTimer is a parent whose timer hasn't fired at its deadline.
type lateTimer struct {
	context.Context
	at time.Time
}

func (l lateTimer) Deadline() (time.Time, bool) { return l.at, true }

// The clock counts before the timer, and yet the parent says why.
func TestParentsTimerIsLate(t *testing.T) {
	because := errors.New("because")
	for name, before := range ways {
		for _, later := range []time.Duration{-1, 0, 1} {
			t.Run(fmt.Sprint(name, ", ", later), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancelCause(t.Context())
					at := time.Now().Add(time.Second)
					own := at.Add(later)
					if later < 0 {
						own = time.Time{}
					}
					c := begin(lateTimer{parent, at}, t, own)
					before(c)
					time.Sleep(time.Second - time.Nanosecond)
					if err := c.Err(); err != nil {
						t.Errorf("before the deadline: %v", err)
					}
					time.Sleep(time.Nanosecond)
					for range 2 {
						if c.Err() != context.DeadlineExceeded || context.Cause(c) != context.DeadlineExceeded {
							t.Errorf("at the deadline: %v because of %v", c.Err(), context.Cause(c))
						}
					}
					cancel(because)
					if c.Err() != context.DeadlineExceeded || context.Cause(c) != because || !isDone(c) {
						t.Errorf("when the timer fires: %v because of %v", c.Err(), context.Cause(c))
					}
				})
			})
		}
	}
}

// lateDone is a parent that has ended, and hasn't told its children yet.
type lateDone struct {
	context.Context
	done chan struct{}
}

func (l lateDone) Done() <-chan struct{} { return l.done }

// Who asks between the parent's end and the moment in which the inner context
// learns of it is told the cause, and so is who asks later.
func TestCauseBeforeTheInnerContextKnows(t *testing.T) {
	because := errors.New("because")
	for name, before := range ways {
		parent, cancel := context.WithCancelCause(t.Context())
		c := begin(lateDone{parent, make(chan struct{})}, t, time.Now().Add(time.Hour))
		before(c)
		cancel(because)
		for range 2 {
			if c.Err() != context.Canceled || context.Cause(c) != because {
				t.Errorf("%s: %v because of %v", name, c.Err(), context.Cause(c))
			}
			c.End()
		}
	}
}

func TestWhichDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, test := range []struct{ parents, own, want time.Duration }{
			{0, 0, 0}, {0, 1, 1}, {1, 0, 1}, {1, 2, 1}, {2, 1, 1}, {1, 1, 1},
		} {
			parent, at := t.Context(), time.Time{}
			if test.parents != 0 {
				ctx, cancel := context.WithDeadline(parent, now.Add(test.parents*time.Hour))
				defer cancel()
				parent = ctx
			}
			if test.own != 0 {
				at = now.Add(test.own * time.Hour)
			}
			d, ok := begin(parent, t, at).Deadline()
			if ok != (test.want != 0) || ok && d != now.Add(test.want*time.Hour) {
				t.Errorf("%d and %d: %v, %v", test.parents, test.own, d, ok)
			}
		}
	})
}

func TestParentEnds(t *testing.T) {
	because := errors.New("because")
	for name, before := range ways {
		for what, at := range map[string]time.Duration{"with a deadline": time.Hour, "without": 0} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancelCause(t.Context())
					own := time.Time{}
					if at != 0 {
						own = time.Now().Add(at)
					}
					c := begin(parent, t, own)
					before(c)
					cancel(because)
					expect(c, t, context.Canceled, because)
					c.End()
					time.Sleep(2 * at)
					expect(c, t, context.Canceled, because)
				})
			})
		}
		t.Run(name+", at its deadline", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithTimeoutCause(t.Context(), time.Second, because)
				defer cancel()
				at, _ := parent.Deadline()
				for _, own := range []time.Time{{}, at, at.Add(1)} {
					c := begin(parent, t, own)
					before(c)
					time.Sleep(time.Until(at))
					synctest.Wait()
					expect(c, t, context.DeadlineExceeded, because)
				}
			})
		})
	}
}

func TestEnd(t *testing.T) {
	for name, before := range ways {
		for what, at := range map[string]time.Duration{"with a deadline": time.Hour, "without": 0} {
			t.Run(name+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "carried"), 3*time.Hour)
					defer cancel()
					own := time.Time{}
					if at != 0 {
						own = time.Now().Add(at)
					}
					c := begin(parent, t, own)
					before(c)
					c.End()
					if c.Err() != context.Canceled {
						t.Errorf("Err: %v", c.Err())
					}
					time.Sleep(4 * time.Hour) // the deadlines pass
					c.End()
					expect(c, t, context.Canceled, context.Canceled)
					if c.Value(key{}) != "carried" {
						t.Errorf("Value: %v", c.Value(key{}))
					}
				})
			})
		}
	}
}

func TestEndReleasesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for _, at := range []time.Time{{}, start.Add(time.Hour)} {
			c := begin(t.Context(), t, at)
			var waiting sync.WaitGroup
			for range 3 {
				waiting.Go(func() { <-c.Done() })
			}
			child, cancel := context.WithTimeout(c, time.Hour)
			defer cancel()
			waiting.Go(func() { <-child.Done() })
			synctest.Wait()
			c.End()
			waiting.Wait()
			if child.Err() != context.Canceled || time.Since(start) != 0 {
				t.Errorf("%v after %v", child.Err(), time.Since(start))
			}
		}
	})
}

// The standard library starts a goroutine for a child of a context that it
// doesn't know.
func TestChildrenNeedNoGoroutine(t *testing.T) {
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "carried"))
	defer cancel()
	before := runtime.NumGoroutine()
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour)} {
		var c call
		c.Begin(parent, at)
		defer c.End()
		for range 20 {
			child, cancel := context.WithCancel(&c)
			defer cancel()
			grandchild, cancel := context.WithDeadline(context.WithValue(child, key{}, "other"), time.Now().Add(time.Minute))
			defer cancel()
			defer context.AfterFunc(&c, func() {})()
			if grandchild.Err() != nil || child.Value(key{}) != "carried" {
				t.Fatal(grandchild.Err(), child.Value(key{}))
			}
		}
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d more goroutines", n-before)
	}
}

func TestCallWithoutWaitersAllocatesNothing(t *testing.T) {
	parent, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour), time.Now().Add(3 * time.Hour)} {
		var c *call
		n := testing.AllocsPerRun(100, func() {
			c = new(call)
			c.Begin(parent, at)
			c.attempts++
			_, ok := c.Deadline()
			if c.Err() != nil || c.Value(key{}) != nil || !ok {
				t.Error(c.Err())
			}
			c.End()
			if c.Err() != context.Canceled || c.Value(key{}) != nil {
				t.Error(c.Err())
			}
		})
		if n != 1 || c.attempts != 1 { // the call itself
			t.Errorf("%v allocations", n)
		}
	}
}

func TestNothingOfTheParentIsPrinted(t *testing.T) {
	const secret = "tok-secret"
	c := begin(context.WithValue(t.Context(), key{}, secret), t, time.Now().Add(time.Hour))
	child, cancel := context.WithCancel(c)
	defer cancel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, c), fmt.Sprintf(verb, &call{}), fmt.Sprint(child)} {
			if !strings.HasPrefix(text, "deadline.Context") || strings.Contains(text, secret) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}

// Everything at once, for the race detector; and what one goroutine has seen
// doesn't change.
func TestConcurrentUse(t *testing.T) {
	for i := range 200 {
		parent, cancel := context.WithCancelCause(t.Context())
		c := begin(parent, t, time.Now().Add(time.Duration(i)*10*time.Microsecond))
		var all sync.WaitGroup
		all.Go(c.End)
		all.Go(func() { cancel(errors.New("because")) })
		for range 2 {
			all.Go(func() {
				<-c.Done()
				if err := c.Err(); err == nil || err != c.Err() || context.Cause(c) == nil {
					t.Errorf("%v, then %v, because of %v", err, c.Err(), context.Cause(c))
				}
			})
			all.Go(func() {
				child, cancel := context.WithCancel(c)
				defer cancel()
				<-child.Done()
				_, _ = c.Deadline()
			})
			all.Go(func() {
				for err := error(nil); err == nil; err = c.Err() {
					runtime.Gosched()
				}
			})
		}
		all.Wait()
	}
}
