package flight

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const limit = time.Minute

// outcome is what one caller of Do got.
type outcome struct {
	value    int
	own      bool
	err      error
	panicked any
	after    time.Duration
}

// do calls Do on a goroutine of its own.
func do(ctx context.Context, g *Group[string, int], key string, fetch func(context.Context) (int, error)) <-chan outcome {
	done, start := make(chan outcome, 1), time.Now()
	go func() {
		var o outcome
		defer func() {
			o.panicked, o.after = recover(), time.Since(start)
			done <- o
		}()
		o.value, o.own, o.err = g.Do(ctx, key, limit, fetch)
	}()
	synctest.Wait()
	return done
}

func gives(value int, err error) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return value, err }
}

// after waits for release, whatever becomes of the context.
func after(release <-chan struct{}, value int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		<-release
		return value, nil
	}
}

// untilEnded waits for the end of the context, as a fetch should.
func untilEnded(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 7, ctx.Err()
}

func refuse(t *testing.T) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		t.Error("a fetch that must not run")
		return 0, nil
	}
}

// flown waits for all flights and checks that the group has forgotten them.
func flown(t *testing.T, g *Group[string, int]) {
	t.Helper()
	synctest.Wait()
	if len(g.flights) > 0 {
		t.Errorf("%d flights are kept", len(g.flights))
	}
}

func TestOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		release, broken := make(chan struct{}), errors.New("broken")
		first := do(t.Context(), &g, "a", func(context.Context) (int, error) {
			<-release
			return 1, broken
		})
		var joined []<-chan outcome
		for range 5 {
			joined = append(joined, do(t.Context(), &g, "a", refuse(t)))
		}
		if o := <-do(t.Context(), &g, "b", gives(2, nil)); o != (outcome{value: 2, own: true}) {
			t.Errorf("another key: %+v", o)
		}
		close(release)
		if o := <-first; o != (outcome{value: 1, own: true, err: broken}) {
			t.Errorf("the first: %+v", o)
		}
		for _, done := range joined {
			if o := <-done; o != (outcome{value: 1, err: broken}) {
				t.Errorf("one that joined: %+v", o)
			}
		}
		flown(t, &g)
		if o := <-do(t.Context(), &g, "a", gives(3, nil)); o != (outcome{value: 3, own: true}) {
			t.Errorf("the next: %+v", o)
		}
	})
}

func TestCallersLeave(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		first, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "carried"))
		second, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		beginner := do(first, &g, "a", func(ctx context.Context) (int, error) {
			time.Sleep(10 * time.Second)
			if ctx.Err() != nil || ctx.Value(key{}) != "carried" {
				t.Errorf("the fetch's context: %v, %v", ctx.Err(), ctx.Value(key{}))
			}
			if at, ok := ctx.Deadline(); !ok || time.Until(at) != limit-10*time.Second {
				t.Errorf("the fetch's deadline is in %v", time.Until(at))
			}
			return 1, nil
		})
		joined := do(second, &g, "a", refuse(t))
		stays := do(t.Context(), &g, "a", refuse(t))
		leave(errors.New("a cause"))
		if o := <-beginner; o != (outcome{own: true, err: context.Canceled}) {
			t.Errorf("the one who began it: %+v", o)
		}
		if o := <-joined; o != (outcome{err: context.DeadlineExceeded, after: time.Second}) {
			t.Errorf("one that joined: %+v", o)
		}
		if o := <-stays; o != (outcome{value: 1, after: 10 * time.Second}) {
			t.Errorf("the one that stays: %+v", o)
		}
		if o := <-do(first, &g, "a", refuse(t)); o != (outcome{err: context.Canceled}) {
			t.Errorf("with an ended context: %+v", o)
		}
		flown(t, &g)
	})
}

func TestLimit(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, fetch := range map[string]func(context.Context) (int, error){
		"a fetch that ends with its context": untilEnded,
		"one that succeeds at the limit": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 7, nil
		},
		"one that panics at the limit": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			panic("late")
		},
		"one that exits at the limit": func(ctx context.Context) (int, error) {
			<-ctx.Done()
			runtime.Goexit()
			return 0, nil
		},
		"one that ignores its context": func(context.Context) (int, error) {
			time.Sleep(2 * limit)
			return 7, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[string, int]
				first := do(t.Context(), &g, "a", fetch)
				time.Sleep(limit / 2)
				joined := do(t.Context(), &g, "a", refuse(t))
				for _, o := range []outcome{<-first, <-joined} {
					if !errors.Is(o.err, ErrAbandoned) || !errors.Is(o.err, context.DeadlineExceeded) || o.value != 0 || o.panicked != nil {
						t.Errorf("%+v", o)
					}
					if o.own && o.after != limit || !o.own && o.after != limit/2 {
						t.Errorf("own: %v; ended after %v", o.own, o.after)
					}
				}
				if o := <-do(t.Context(), &g, "a", gives(2, nil)); o != (outcome{value: 2, own: true}) {
					t.Errorf("the next: %+v", o)
				}
				time.Sleep(3 * limit)
				flown(t, &g)
			})
		})
	}
}

// A caller whose deadline is the flight's limit sees its own deadline.
func TestCallersDeadlineIsTheLimit(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var g Group[string, int]
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if o := <-do(strict{ctx}, &g, "a", untilEnded); o.err != context.DeadlineExceeded {
				t.Errorf("%+v", o)
			}
		})
	}
}

// strict is a context that knows by the clock that it has ended.
type strict struct{ context.Context }

func (s strict) Err() error {
	if at, ok := s.Deadline(); ok && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return s.Context.Err()
}

// Nobody waits when the limit is over.
func TestAbandonedByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		release := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		<-do(ctx, &g, "a", after(release, 1))
		time.Sleep(limit)
		flown(t, &g)
		if o := <-do(t.Context(), &g, "a", gives(2, nil)); o != (outcome{value: 2, own: true}) {
			t.Errorf("the next: %+v", o)
		}
		close(release)
	})
}

func TestLateFetchDisturbsNobody(t *testing.T) {
	for name, end := range map[string]func(){
		"it returns": func() {},
		"it panics":  func() { panic("late") },
		"it exits":   runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[string, int]
				oldEnds, newEnds := make(chan struct{}), make(chan struct{})
				if o := <-do(t.Context(), &g, "a", func(context.Context) (int, error) {
					<-oldEnds
					end()
					return 1, nil
				}); !errors.Is(o.err, ErrAbandoned) {
					t.Fatalf("%+v", o)
				}
				begins := do(t.Context(), &g, "a", after(newEnds, 2))
				close(oldEnds)
				synctest.Wait()
				joins := do(t.Context(), &g, "a", refuse(t))
				close(newEnds)
				if o := <-begins; o != (outcome{value: 2, own: true}) {
					t.Errorf("the one who began the newer flight: %+v", o)
				}
				if o := <-joins; o != (outcome{value: 2}) {
					t.Errorf("the one who joined it: %+v", o)
				}
				flown(t, &g)
			})
		})
	}
}

func TestPanicAndExit(t *testing.T) {
	cause := errors.New("the value of the panic")
	for name, test := range map[string]struct {
		end  func()
		want outcome
	}{
		"panic":  {func() { panic(cause) }, outcome{panicked: cause}},
		"Goexit": {runtime.Goexit, outcome{err: ErrExited}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[string, int]
				release := make(chan struct{})
				begins := do(t.Context(), &g, "a", func(context.Context) (int, error) {
					<-release
					test.end()
					return 1, nil
				})
				joins := do(t.Context(), &g, "a", refuse(t))
				close(release)
				own := test.want
				own.own = test.want.panicked == nil
				if o := <-begins; o != own {
					t.Errorf("the one who began it: %+v", o)
				}
				if o := <-joins; o != test.want {
					t.Errorf("the one who joined: %+v", o)
				}
				flown(t, &g)
			})
		})
	}
}

// The limit is over, and what is to happen then is about to.
func TestBetweenLimitAndLanding(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	run(ended, gives(1, nil), func(r result[int]) {
		if r.err != ErrAbandoned || r.value != 0 {
			t.Errorf("a fetch that returns now: %+v", r)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		old := &flight[int]{ctx: ended, landed: make(chan struct{})}
		g := Group[string, int]{flights: map[string]*flight[int]{"a": old}}
		release := make(chan struct{})
		begins := do(t.Context(), &g, "a", after(release, 2))
		g.land("a", old, result[int]{err: ErrAbandoned})
		joins := do(t.Context(), &g, "a", refuse(t))
		close(release)
		if o := <-begins; o != (outcome{value: 2, own: true}) {
			t.Errorf("the one who comes now: %+v", o)
		}
		if o := <-joins; o != (outcome{value: 2}) {
			t.Errorf("the one after: %+v", o)
		}
		flown(t, &g)
	})
}

// The timer of a fetch that has returned is released.
func TestContextEndsWithTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		var its context.Context
		<-do(t.Context(), &g, "a", func(ctx context.Context) (int, error) {
			its = ctx
			return 1, nil
		})
		synctest.Wait()
		if its.Err() != context.Canceled {
			t.Error(its.Err())
		}
	})
}

func TestFetchThatFetches(t *testing.T) {
	var g Group[int, string]
	v, own, err := g.Do(t.Context(), 1, limit, func(ctx context.Context) (string, error) {
		inner, _, err := g.Do(ctx, 2, limit, func(context.Context) (string, error) { return "inner", nil })
		return inner + " and outer", err
	})
	if v != "inner and outer" || !own || err != nil {
		t.Errorf("%q, %v, %v", v, own, err)
	}
}

// Many callers, some of whom leave: each of those who stay gets the value of a
// fetch of its own key, and of one key no two fetches run at a time.
func TestManyCallers(t *testing.T) {
	var g Group[int, string]
	var running [3]atomic.Int32
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			key := i % len(running)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%7 == 0 {
				time.AfterFunc(time.Duration(i)*time.Microsecond, cancel)
			}
			v, _, err := g.Do(ctx, key, limit, func(context.Context) (string, error) {
				if running[key].Add(1) != 1 {
					t.Error("two fetches at a time")
				}
				defer running[key].Add(-1)
				time.Sleep(time.Millisecond)
				return fmt.Sprint(key), nil
			})
			if err == nil && v != fmt.Sprint(key) || err != nil && ctx.Err() == nil {
				t.Errorf("key %d: %q, %v", key, v, err)
			}
		})
	}
	all.Wait()
}
