package pgstore_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// PostgreSQL restarts in the middle of the load. Calls with good tokens go on,
// the others end with errors that say so, and what Wise gave meanwhile is saved:
// refresh tokens serve once here, so that one that was lost would show.
func TestOutageUnderLoad(t *testing.T) {
	t.Parallel()
	server := privateServer(t)
	const due, good, unloaded = 10, 10, 10
	f := newFleet(t, newDatabaseAt(t, server.url()), due+good+unloaded, 4, usersecuritytest.WithRotatingRefreshTokens())
	replicas := make([]*usersecurity.Client, 2)
	for n := range replicas {
		replicas[n] = f.settings.client(t, newStore(t, f.database.pool(t, 4), oneKey))
	}
	for user := usersecurity.UserID(1); user <= due; user++ {
		f.leave(t, user, 5*time.Hour)
	}
	for user := usersecurity.UserID(1); user <= due+good; user++ {
		for _, client := range replicas {
			if err := callAs(t.Context(), client, user); err != nil {
				t.Fatal(err)
			}
		}
	}

	// The refreshes are at Wise, which has done them, when the server goes.
	before := f.wise.Count(usersecurity.OpFetchToken)
	f.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Delay, After: true, Delay: 2 * time.Second, Operation: usersecurity.OpFetchToken})
	for user := usersecurity.UserID(1); user <= due; user++ {
		if err := callAs(t.Context(), replicas[int(user)%2], user); err != nil {
			t.Error(err)
		}
	}
	for f.wise.Count(usersecurity.OpFetchToken)-before < due {
		time.Sleep(10 * time.Millisecond)
	}
	server.stop()

	var calls atomic.Int64
	var load sync.WaitGroup
	back := make(chan struct{})
	for user := usersecurity.UserID(due + 1); user <= due+good; user++ {
		load.Go(func() {
			for n := 0; ; n++ {
				if err := callAs(t.Context(), replicas[n%2], user); err != nil {
					t.Errorf("user %d, whose token is good: %v", user, err)
				}
				calls.Add(1)
				select {
				case <-back:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
	for user := usersecurity.UserID(due + good + 1); user <= due+good+unloaded; user++ {
		for _, client := range replicas {
			err := callAs(t.Context(), client, user)
			if !errors.Is(err, usersecurity.ErrNoToken) || errors.Is(err, usersecurity.ErrReauthorise) ||
				!strings.Contains(err.Error(), "the token store failed: pgstore: loading tokens: ") || !strings.Contains(err.Error(), "PostgreSQL") {
				t.Errorf("user %d, without the database: %v", user, err)
			}
		}
	}
	time.Sleep(4 * time.Second) // Wise has answered, and the first tries to save have failed
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	close(back)
	load.Wait()
	t.Logf("%d calls while the database was away", calls.Load())
	if calls.Load() < good*50 {
		t.Errorf("only %d calls: that is no load", calls.Load())
	}
	f.wise.ClearFaults()
	for user := range f.users() {
		for n, client := range replicas {
			if err := callAs(soon(t, 30*time.Second), client, user); err != nil {
				t.Errorf("user %d at replica %d, with the database back: %v", user, n, err)
			}
		}
		if err := replicas[0].UserTokens.Refresh(soon(t, 30*time.Second), user); err != nil {
			t.Errorf("the refresh token of user %d: %v", user, err)
		}
	}
}
