package pgstore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// A change may last longer than a claim.
func TestClaimIsExtended(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 2), oneKey)
	running := make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := store.Update(context.Background(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			close(running)
			time.Sleep(13 * time.Second)
			return token("first"), nil
		})
		first <- err
	}()
	<-running
	_, err := store.Update(soon(t, 40*time.Second), 1001, func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		if accessOf(now) != "first" {
			t.Errorf("the second Update began with the access token %q", accessOf(now))
		}
		return token("second"), nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	expectStored(t, store, 1001, "second")
}

// expire makes the claim on a user end, as a stall of its holder would.
func expire(t *testing.T, d database, pool *pgxpool.Pool) {
	t.Helper()
	d.exec(t, pool, `UPDATE usersecurity_tokens SET claimed_until = now() - interval '1 second'`)
}

func TestLostClaimStoresNothing(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	fails := func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return nil, refused }
	for name, c := range map[string]struct {
		other func(context.Context, *oauth2.Token) (*oauth2.Token, error)
		want  string
	}{
		"the other stores":  {to(token("other")), "other"},
		"the other fails":   {fails, "before"},
		"the other deletes": {to(nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			pool := d.pool(t, 2)
			store := newStore(t, pool, oneKey)
			put(t, store, 1001, token("before"))
			got, err := store.Update(soon(t, 30*time.Second), 1001, func(ctx context.Context, _ *oauth2.Token) (*oauth2.Token, error) {
				expire(t, d, pool)
				if _, err := store.Update(ctx, 1001, c.other); err != nil && !errors.Is(err, refused) {
					t.Error(err)
				}
				return token("late"), nil
			})
			if !errors.Is(err, pgstore.ErrClaimLost) || got != nil {
				t.Errorf("the Update whose claim was lost returned tokens: %t, and the error %v", got != nil, err)
			}
			expectStored(t, store, 1001, c.want)
		})
	}
}

// What Wise has handed out is kept as long as that harms nobody.
func TestClaimThatNobodyTookIsStillGood(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store := newStore(t, pool, oneKey)
	_, err := store.Update(soon(t, 30*time.Second), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		expire(t, d, pool)
		return token("late"), nil
	})
	if err != nil {
		t.Error(err)
	}
	expectStored(t, store, 1001, "late")
}

func TestLostClaimEndsTheContextOfChange(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store := newStore(t, pool, oneKey)
	put(t, store, 1001, token("before"))
	_, err := store.Update(soon(t, 30*time.Second), 1001, func(ctx context.Context, _ *oauth2.Token) (*oauth2.Token, error) {
		expire(t, d, pool)
		put(t, store, 1001, token("other"))
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), pgstore.ErrClaimLost) {
			t.Errorf("the context of change ended because of %v", context.Cause(ctx))
		}
		return nil, ctx.Err()
	})
	if !errors.Is(err, pgstore.ErrClaimLost) || !errors.Is(err, context.Canceled) {
		t.Errorf("Update returned %v", err)
	}
	expectStored(t, store, 1001, "other")
}

// An extension that is under way when change returns may reach the database
// after the save.
func TestLateExtensionClaimsNothing(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store := newStore(t, pool, oneKey)
	put(t, store, 1001, token("new"))
	claim := texts(t, pool, `SELECT claim FROM usersecurity_tokens`)
	if ours, err := pgstore.Extend(t.Context(), store, 1001, claim[0]); ours || err != nil {
		t.Errorf("a claim that has ended was extended: %t, %v", ours, err)
	}
}

// Updates that store nothing leave nothing of their user behind.
func TestUpdatesWithoutTokensLeaveNoRow(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store := newStore(t, pool, oneKey)
	put(t, store, 1001, nil)
	_, _ = store.Update(t.Context(), 1002, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return nil, errors.New("refused") })
	put(t, store, 1003, token("new"))
	put(t, store, 1003, nil)
	if rows := texts(t, pool, `SELECT user_id::text FROM usersecurity_tokens`); len(rows) > 0 {
		t.Errorf("there are rows of the users %q", rows)
	}
}

// What ends without having stored anything doesn't wait for its claim to end.
func TestFailedUpdatesFreeTheUser(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 2), oneKey)
	for name, change := range map[string]func(context.Context, *oauth2.Token) (*oauth2.Token, error){
		"an error": func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return nil, errors.New("refused") },
		"a panic":  func(context.Context, *oauth2.Token) (*oauth2.Token, error) { panic("in change") },
		"an exit":  func(context.Context, *oauth2.Token) (*oauth2.Token, error) { runtime.Goexit(); return nil, nil },
		"a token whose expiry has no date": func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			return &oauth2.Token{Expiry: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}, nil
		},
	} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer func() { _ = recover() }()
			if _, err := store.Update(context.Background(), 1001, change); err == nil {
				t.Errorf("%s: Update returned no error", name)
			}
		}()
		<-ended
		// Half the life of a claim.
		if _, err := store.Update(soon(t, 5*time.Second), 1001, to(token("after"))); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// A caller who leaves in the middle of claiming leaves nothing claimed.
func TestCallersWhoLeaveFreeTheUser(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 4), oneKey)
	put(t, store, 1001, token("before"))
	for range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*time.Millisecond))
		_, _ = store.Update(ctx, 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return nil, errors.New("refused") })
		cancel()
		// Half the life of a claim.
		if _, err := store.Update(soon(t, 5*time.Second), 1001, to(token("after"))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoConnectionIsHeldWhileChangeRuns(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 4)
	store := newStore(t, pool, oneKey)
	put(t, store, 1, token("good"))

	const refreshes = 12
	var running, all sync.WaitGroup
	running.Add(refreshes)
	end := make(chan struct{})
	for user := range usersecurity.UserID(refreshes) {
		all.Go(func() {
			_, err := store.Update(context.Background(), 1000+user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
				running.Done()
				<-end
				return token("new"), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	// The last claims give their connections back right after change has begun.
	for ctx := soon(t, 10*time.Second); pool.Stat().AcquiredConns() > 0; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("%d connections are held while Wise is asked", pool.Stat().AcquiredConns())
		}
	}
	var transactions int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
		WHERE state LIKE 'idle in transaction%' AND query LIKE '%usersecurity_tokens%'`).Scan(&transactions); err != nil {
		t.Fatal(err)
	}
	if transactions > 0 {
		t.Errorf("%d transactions are held while Wise is asked", transactions)
	}
	expectStored(t, store, 1, "good")
	close(end)
	all.Wait()
	for user := range usersecurity.UserID(refreshes) {
		expectStored(t, store, 1000+user, "new")
	}
}

func TestManyUsersFewConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 10), oneKey)
	const users = 500
	var inside, most atomic.Int64
	var all sync.WaitGroup
	ctx := soon(t, time.Minute)
	for user := range usersecurity.UserID(users) {
		all.Go(func() {
			_, err := store.Update(ctx, user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
				n := inside.Add(1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				time.Sleep(200 * time.Millisecond)
				inside.Add(-1)
				return token("new"), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() <= 10 {
		t.Errorf("never more than %d Updates ran at once", most.Load())
	}
	for user := range usersecurity.UserID(users) {
		expectStored(t, store, user, "new")
	}
}
