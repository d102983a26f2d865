package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// The connections break while Wise is asked.
func TestSaveOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	config := d.config(t)
	config.MaxConns = 2
	config.ConnConfig.RuntimeParams["application_name"] = d.schema
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // so that the store finds out
	store := newStore(t, openPool(t, config), oneKey)
	admin := d.pool(t, 1)
	for name, next := range map[string]*oauth2.Token{"stored": token("after"), "deleted": nil} {
		put(t, store, 1001, token("before"))
		ctx, cancel := context.WithCancel(t.Context())
		_, err := store.Update(ctx, 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			d.exec(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, d.schema)
			cancel() // the caller has gone as well
			return next, nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expectStored(t, store, 1001, accessOf(next))
	}
}

func TestRestartOfTheServer(t *testing.T) {
	t.Parallel()
	server := privateServer(t)
	d := newDatabaseAt(t, server.url())
	store := newStore(t, d.pool(t, 4), oneKey)

	// Some count in tokens all the time. Whoever is in change when the server
	// goes must not lose what change brings.
	var begun [4]atomic.Int64
	var workers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for n := range begun {
		workers.Go(func() {
			for ctx.Err() == nil {
				_, _ = store.Update(context.Background(), usersecurity.UserID(n), func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
					begun[n].Add(1)
					return countOn(ctx, now)
				})
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	for n := range begun {
		for begun[n].Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		server.stop()
		expectUnreachable(t, store)
		workers.Go(func() {
			if err := server.start(); err != nil {
				t.Error(err)
			}
		})
		return token("after"), nil
	})
	if err != nil {
		t.Errorf("the Update in the middle of which PostgreSQL restarted: %v", err)
	}
	expectStored(t, store, 1001, "after")
	stop()
	workers.Wait()
	for n := range begun {
		expectStored(t, store, usersecurity.UserID(n), fmt.Sprint(begun[n].Load()))
	}
}

func expectUnreachable(t *testing.T, store *pgstore.Store) {
	t.Helper()
	got, err := store.Load(t.Context(), 1001)
	if err == nil || got != nil {
		t.Errorf("Load without a server returned tokens: %t, and the error %v", got != nil, err)
	}
	_, err = store.Update(t.Context(), 1002, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		t.Error("change was called without a server")
		return nil, nil
	})
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("Update without a server returned %v", err)
	}
}

func TestErrorsOfTheDatabase(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store, err := pgstore.New(pool, oneKey) // not migrated
	if err != nil {
		t.Fatal(err)
	}
	_, loading := store.Load(t.Context(), 1001)
	_, updating := store.Update(t.Context(), 1001, to(token("new")))
	for _, err := range []error{loading, updating, store.Reencrypt(t.Context())} {
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42P01" {
			t.Errorf("%v doesn't unwrap to PostgreSQL's error", err)
		}
		if err == nil || !strings.Contains(err.Error(), "SQLSTATE 42P01") || !strings.Contains(err.Error(), "Migrate") {
			t.Errorf("%v doesn't say what to do", err)
		}
		if errors.Unwrap(err) != nil {
			t.Errorf("pgx's text is in the chain of %v", err)
		}
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Load(ended, 1001); !errors.Is(err, context.Canceled) || err.Error() != "pgstore: loading tokens: context canceled" {
		t.Errorf("Load with a context that has ended returned %v", err)
	}
}

// PostgreSQL's own text of this refusal repeats the row.
func TestSaveThatIsRefused(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	store := newStore(t, pool, oneKey)
	put(t, store, 1001, token("before"))
	d.exec(t, pool, `ALTER TABLE usersecurity_tokens ADD CHECK (length(sealed) < 1000)`)
	long := token(strings.Repeat("tok-7f3a91", 200))
	_, err := store.Update(t.Context(), 1001, to(long))
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "23514" {
		t.Fatalf("Update returned %v", err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "tok-7f3a91") {
		t.Error("the token is in the error")
	}
	expectStored(t, store, 1001, "before")
	put(t, store, 1001, token("after")) // the user was released
}

func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	_ = closed.Close()
	config, err := pgxpool.ParseConfig("postgres://partner:pw-5c91e0@" + address + "/tokens?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	store, err := pgstore.New(openPool(t, config), oneKey)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Load(t.Context(), 1001)
	var unreached *pgconn.ConnectError
	if !errors.As(err, &unreached) || err.Error() != "pgstore: loading tokens: PostgreSQL can't be reached" {
		t.Errorf("Load returned %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v %#v", err, err, err, struct{ err error }{err}); strings.Contains(text, "pw-5c91e0") {
		t.Errorf("the password is in %s", text)
	}
}
