package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

func oneAtATime(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.put(count(0))
	c.contend(32)
}

// firstUpdates differs from oneAtATime in that there is nothing yet that a store
// could lock.
func firstUpdates(r reporter, s usersecurity.TokenStore) {
	newCustomer(r, s).contend(16)
}

// contend lets many goroutines count in the user's tokens.
func (c customer) contend(workers int) {
	c.Helper()
	var inside atomic.Int32
	change := func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		if inside.Add(1) != 1 {
			c.Errorf("two Updates of one user run at once")
		}
		defer inside.Add(-1)
		time.Sleep(2 * time.Millisecond) // time enough for another to begin
		if now == nil {
			now = count(0)
		}
		return count(now.ExpiresIn + 1), nil
	}
	var calls []<-chan result
	for range workers {
		calls = append(calls, c.beginUpdate(change))
	}
	for _, call := range calls {
		c.expectNoError("Update", c.end("Update", call))
	}
	if got := c.load(); got == nil || got.ExpiresIn != int64(workers) {
		c.Errorf("of %d Updates that each count on by one, some wrote over what others had stored", workers)
	}
}

func count(n int64) *oauth2.Token {
	return &oauth2.Token{AccessToken: "access", ExpiresIn: n}
}

// hold begins an Update whose change lasts until release is called, and returns
// once change runs. Its ctx ends later than that of any other call.
func (c customer) hold() (release func(), done <-chan result) {
	c.Helper()
	running, free := make(chan struct{}), make(chan struct{})
	done = begin(func(context.Context) (*oauth2.Token, error) {
		return c.store.Update(context.Background(), c.id, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			close(running)
			<-free
			return sample(1), nil
		})
	})
	select {
	case <-running:
	case got := <-done:
		c.Fatalf("Update came back without calling change: %v", got.err)
	case <-time.After(patience):
		c.Fatalf("Update of a free user has not called change")
	}
	return func() { close(free) }, done
}

func independentUsers(r reporter, s usersecurity.TokenStore) {
	holder, other := newCustomer(r, s), newCustomer(r, s)
	release, done := holder.hold()
	defer release()
	got := other.update(func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return sample(2), nil })
	if got.err != nil {
		r.Fatalf("Update of a user, while another's Update ran: %v", got.err)
	}
	other.expect("Load", other.load(), sample(2))
	select {
	case <-done:
		r.Errorf("the Update that was to run meanwhile ended before its change did")
	default:
	}
}

func contextEndsWait(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	release, done := c.hold()
	ctx, cancel := context.WithCancel(context.Background())
	var called atomic.Bool
	waiting := begin(func(context.Context) (*oauth2.Token, error) {
		return c.store.Update(ctx, c.id, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			called.Store(true)
			return sample(2), nil
		})
	})
	time.Sleep(20 * time.Millisecond) // so that it has begun to wait
	cancel()
	select {
	case got := <-waiting:
		if !errors.Is(got.err, context.Canceled) {
			r.Errorf("the Update whose context ended returned %v, which doesn't match context.Canceled", got.err)
		}
	case <-time.After(patience):
		r.Errorf("an Update went on waiting for the user after its context had ended")
	}
	release()
	c.expectNoError("the Update that was waited for", c.end("the Update that was waited for", done))
	if called.Load() {
		r.Errorf("change was called by the Update whose context ended while it waited")
	}
	c.expect("Load", c.load(), sample(1))
}

func endedContext(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	got := c.end("Update", begin(func(ctx context.Context) (*oauth2.Token, error) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return c.store.Update(ended, c.id, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			c.Errorf("change was called although the context had ended before")
			return nil, nil
		})
	}))
	if !errors.Is(got.err, context.Canceled) {
		r.Errorf("Update returned %v, which doesn't match context.Canceled", got.err)
	}
}

// contextEndsInChange is about a refresh that Wise has answered when the caller
// has gone: what it brought can't be asked for again.
func contextEndsInChange(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	c.put(sample(1))
	got := c.end("Update", begin(func(ctx context.Context) (*oauth2.Token, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return c.store.Update(ctx, c.id, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			cancel()
			return sample(2), nil
		})
	}))
	c.expectNoError("the Update whose context ended in change", got)
	c.expect("Load", c.load(), sample(2))
}

func panicReleases(r reporter, s usersecurity.TokenStore) {
	c := newCustomer(r, s)
	for _, want := range []*oauth2.Token{nil, sample(1)} {
		c.put(want)
		got := c.update(func(context.Context, *oauth2.Token) (*oauth2.Token, error) { panic("in change") })
		if got.panicked != "in change" {
			c.Errorf("the panic of change has not reached the caller of Update, but %v", got.panicked)
		}
		c.expect("Load after the panic", c.load(), want)
		got = c.update(func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
			c.expect("the tokens in change after the panic", now, want)
			return sample(2), nil
		})
		c.expectNoError("the Update after the panic", got)
	}
}
