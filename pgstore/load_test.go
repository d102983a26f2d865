package pgstore_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// Two processes under load, and all users' tokens fall due in the same second:
// each is refreshed once, and no call fails.
func TestAllUsersDueAtOnce(t *testing.T) {
	for _, test := range []struct {
		name     string
		users    int
		poolSize int32
		options  []usersecuritytest.ServerOption
	}{
		{"50 users", 50, 4, nil},
		{"500 users, pools of 10, refresh tokens that serve once", 500, 10, []usersecuritytest.ServerOption{usersecuritytest.WithRotatingRefreshTokens()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFleet(t, newDatabase(t), test.users, test.poolSize, test.options...)
			before := map[usersecurity.UserID]string{}
			for user := range f.users() {
				f.leave(t, user, 5*time.Hour)
				before[user] = f.access(t, user)
			}
			replicas := []*child{f.startReplica(t), f.startReplica(t)}
			for _, r := range replicas {
				if _, err := r.in.Write([]byte("\n")); err != nil {
					t.Fatal(err)
				}
			}
			began := time.Now()
			for user := range f.users() {
				for f.access(t, user) == before[user] {
					if time.Since(began) > time.Minute {
						t.Fatalf("the tokens of user %d are not renewed after a minute", user)
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
			renewed := time.Since(began)
			time.Sleep(time.Second) // for tokens that are renewed twice, and for calls with the new ones
			var sum report
			for n, r := range replicas {
				saw := r.end(t)
				for text, times := range saw.Failures {
					t.Errorf("replica %d: %d calls failed: %s", n, times, text)
				}
				sum.Calls += saw.Calls
				sum.Refreshes += saw.Refreshes
				sum.Unauthorized += saw.Unauthorized
				sum.Stale += saw.Stale
				sum.Slowest = max(sum.Slowest, saw.Slowest)
			}
			t.Logf("%d users renewed in %s by %d refreshes; %d calls, %d answers of 401, the slowest call took %s",
				test.users, renewed.Round(time.Millisecond), sum.Refreshes, sum.Calls, sum.Unauthorized, sum.Slowest.Round(time.Millisecond))
			if sum.Refreshes != int64(test.users) {
				t.Errorf("%d refreshes for %d users", sum.Refreshes, test.users)
			}
			if sum.Stale != 0 {
				t.Errorf("%d answers of 401 to calls that began when the process had the newer token", sum.Stale)
			}
			if sum.Calls < int64(5*test.users) {
				t.Errorf("only %d calls: that is no load", sum.Calls)
			}
			for user := range f.users() {
				if !f.accepts(t, f.access(t, user)) {
					t.Errorf("what is stored for user %d is void", user)
				}
			}
		})
	}
}

// A call that carries the voided token gets one 401, takes the newer token from
// the store, and sends no refresh.
func TestVoidedTokenIsTakenFromTheStore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, newDatabase(t), 1, 4)
	w := newWatcher()
	one := f.settings.client(t, f.store)
	two := f.settings.client(t, newStore(t, f.database.pool(t, 4), oneKey), usersecurity.WithObserver(w), usersecurity.WithHTTPClient(w.client()))
	t.Cleanup(two.CloseIdleConnections)
	for round := int64(0); round < 3; round++ {
		for range 3 {
			if err := callAs(w.begin(t.Context(), 1), two, 1); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.unauthorized.Load(); n != round {
			t.Errorf("%d answers of 401 after %d refreshes of the other's", n, round)
		}
		if err := one.UserTokens.Refresh(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.refreshes.Load(); n != 0 {
		t.Errorf("%d refreshes", n)
	}
}

// Twelve refreshes of four seconds and a pool of four: calls of other users,
// whose tokens are still to be loaded, don't wait for any of them.
func TestRefreshesHoldNoConnection(t *testing.T) {
	t.Parallel()
	const refreshing, others = 12, 48
	f := newFleet(t, newDatabase(t), refreshing+others, 4)
	for user := usersecurity.UserID(1); user <= refreshing; user++ {
		f.leave(t, user, -time.Second)
	}
	w := newWatcher()
	client := f.settings.client(t, newStore(t, f.database.pool(t, 4), oneKey), usersecurity.WithHTTPClient(w.client()))
	t.Cleanup(client.CloseIdleConnections)
	before := f.wise.Count(usersecurity.OpFetchToken)
	f.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Delay, Delay: 4 * time.Second, Operation: usersecurity.OpFetchToken})
	done := make(chan error, refreshing)
	for user := usersecurity.UserID(1); user <= refreshing; user++ {
		go func() { done <- callAs(t.Context(), client, user) }()
	}
	for f.wise.Count(usersecurity.OpFetchToken)-before < refreshing {
		time.Sleep(10 * time.Millisecond)
	}
	var calls sync.WaitGroup
	var mu sync.Mutex
	var slowest time.Duration
	for user := usersecurity.UserID(refreshing + 1); user <= refreshing+others; user++ {
		calls.Go(func() {
			began := time.Now()
			err := callAs(t.Context(), client, user)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, time.Since(began))
			if err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	t.Logf("the slowest of %d calls took %s", others, slowest.Round(time.Millisecond))
	if n := len(done); n != 0 {
		t.Errorf("%d refreshes of 4 s ended before the calls of others did", n)
	}
	for range refreshing {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A process is killed while its refreshes are under way. The other goes on; what
// is lost is what was under way, and that only where Wise makes new refresh
// tokens.
func TestKilledWhileRefreshing(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]usersecuritytest.ServerOption{
		"refresh tokens stay":       nil,
		"refresh tokens serve once": {usersecuritytest.WithRotatingRefreshTokens()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const all, inFlight = 10, 5
			f := newFleet(t, newDatabase(t), all, 4, options...)
			before := map[usersecurity.UserID]string{}
			for user := range f.users() {
				f.leave(t, user, 5*time.Hour) // the other holds it, and may go on with it
				before[user] = f.access(t, user)
			}
			for user := usersecurity.UserID(1); user <= inFlight; user++ {
				f.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Delay, After: true, Delay: time.Minute, Operation: usersecurity.OpFetchToken, Times: 1})
			}
			victim := startChild(t, f.database, "refresh at Wise", "PGSTORE_TEST_REPLICA="+f.encoded(t))
			for user := usersecurity.UserID(1); user <= inFlight; user++ {
				for f.accepts(t, before[user]) { // until Wise has done it
					time.Sleep(10 * time.Millisecond)
				}
			}
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			killed := time.Now()
			client := f.settings.client(t, newStore(t, f.database.pool(t, 4), oneKey))
			var calls sync.WaitGroup
			for user := range f.users() {
				calls.Go(func() {
					err := callAs(soon(t, 15*time.Second), client, user)
					if lost := user <= inFlight && options != nil; lost != errors.Is(err, usersecurity.ErrReauthorise) || !lost && err != nil {
						t.Errorf("user %d: %v", user, err)
					}
				})
			}
			calls.Wait()
			t.Logf("the other process has gone on %s after the kill", time.Since(killed).Round(time.Millisecond))
			for user := range f.users() {
				err := client.UserTokens.Refresh(soon(t, 15*time.Second), user)
				if lost := user <= inFlight && options != nil; lost != (err != nil) {
					t.Errorf("the refresh token of user %d: %v", user, err)
				}
			}
		})
	}
}
