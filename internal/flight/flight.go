// Package flight lets many callers share one fetch, while each of them waits
// with a context of its own.
//
// It differs from golang.org/x/sync/singleflight in three ways: a fetch that
// takes too long is given up and holds up nobody, a caller learns whether the
// fetch was its own, and neither a panic nor runtime.Goexit in a fetch ends the
// program or leaves anybody waiting.
package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How a flight can end without a result.
var (
	// ErrAbandoned: the fetch took longer than its limit. It matches
	// context.DeadlineExceeded too.
	ErrAbandoned = fmt.Errorf("flight: the fetch took too long: %w", context.DeadlineExceeded)
	// ErrExited: the fetch ended its goroutine instead of returning.
	ErrExited = errors.New("flight: the fetch ended its goroutine")
)

// Group runs one fetch for all who want the same key at the same time. Its zero
// value is ready to use; it must not be copied once it was used.
type Group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
}

type flight[V any] struct {
	ctx    context.Context // ends with the limit
	landed chan struct{}   // closed once the result stands

	result result[V]
}

type result[V any] struct {
	value    V
	err      error
	panicked any
}

// Do returns what fetch returns, or what the fetch returns that another caller
// has begun for the same key; own tells whether it was this caller's.
//
// The fetch runs on a goroutine of its own. Its context carries the values of
// the caller who began it, is ended by none of the callers, and ends after
// limit. Then the fetch is abandoned: all who wait get ErrAbandoned, the next
// caller begins another, and whatever the abandoned one still returns is
// dropped.
//
// A caller whose ctx ends gets ctx.Err(), and the fetch goes on. A panic in
// fetch becomes a panic with the same value in all who wait for it.
func (g *Group[K, V]) Do(ctx context.Context, key K, limit time.Duration, fetch func(context.Context) (V, error)) (v V, own bool, err error) {
	if err := ctx.Err(); err != nil {
		return v, false, err
	}
	f, own := g.join(ctx, key, limit, fetch)
	select {
	case <-ctx.Done():
		return v, own, ctx.Err()
	case <-f.landed:
	}
	switch {
	case f.result.panicked != nil:
		panic(f.result.panicked)
	case f.result.err == ErrAbandoned && ctx.Err() != nil:
		return v, own, ctx.Err() // both ended at once: the caller's own end comes first
	}
	return f.result.value, own, f.result.err
}

// join returns the flight that is under way, or begins one.
func (g *Group[K, V]) join(ctx context.Context, key K, limit time.Duration, fetch func(context.Context) (V, error)) (f *flight[V], own bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.flights[key]; f != nil && f.ctx.Err() == nil {
		return f, false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	f = &flight[V]{ctx: ctx, landed: make(chan struct{})}
	if g.flights == nil {
		g.flights = map[K]*flight[V]{}
	}
	g.flights[key] = f
	context.AfterFunc(ctx, func() { g.land(key, f, result[V]{err: ErrAbandoned}) })
	go run(ctx, fetch, func(r result[V]) {
		g.land(key, f, r)
		cancel()
	})
	return f, true
}

// run calls fetch and hands on its result, however it ends.
func run[V any](ctx context.Context, fetch func(context.Context) (V, error), land func(result[V])) {
	r := result[V]{err: ErrExited}
	defer func() {
		if p := recover(); p != nil {
			r = result[V]{panicked: p}
		}
		if ctx.Err() != nil {
			// Whether the fetch or the limit comes first here is chance: what a
			// fetch returns because its context ended must not depend on it.
			r = result[V]{err: ErrAbandoned}
		}
		land(r)
	}()
	r.value, r.err = fetch(ctx)
}

// land ends the flight with its first result.
func (g *Group[K, V]) land(key K, f *flight[V], r result[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-f.landed:
		return
	default:
	}
	f.result = r
	close(f.landed)
	if g.flights[key] == f {
		delete(g.flights, key)
	}
}
