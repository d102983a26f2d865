package pgstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// database is a schema of one test's own.
type database struct {
	url, schema string
}

// newDatabase makes an empty schema in the shared database, and drops it at the
// end.
func newDatabase(t *testing.T) database {
	t.Helper()
	return newDatabaseAt(t, sharedURL(t))
}

func newDatabaseAt(t *testing.T, url string) database {
	t.Helper()
	d := database{url: url, schema: "pgstore_" + strings.ToLower(rand.Text())}
	admin := d.pool(t, 2)
	d.exec(t, admin, `CREATE SCHEMA `+d.schema)
	t.Cleanup(func() { _, _ = admin.Exec(context.Background(), `DROP SCHEMA `+d.schema+` CASCADE`) })
	return d
}

func (d database) config(t *testing.T) *pgxpool.Config {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = d.schema
	return config
}

func (d database) pool(t *testing.T, size int32) *pgxpool.Pool {
	t.Helper()
	config := d.config(t)
	config.MaxConns = size
	return openPool(t, config)
}

func openPool(t *testing.T, config *pgxpool.Config) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (d database) exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// texts returns the first column of a query.
func texts(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func key(id string) pgstore.Key {
	return pgstore.Key{ID: id, Secret: bytes.Repeat([]byte("key-secret-"+id), 32)[:32]}
}

var oneKey = pgstore.Keys{Current: key("1")}

// newStore makes a store in a migrated database.
func newStore(t *testing.T, pool *pgxpool.Pool, keys pgstore.Keys) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(pool, keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return store
}

// soon is a context for calls that have no reason to last: the tests fail, and
// don't hang, where they do.
func soon(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func token(access string) *oauth2.Token {
	return &oauth2.Token{AccessToken: access, RefreshToken: "refresh-of-" + access, ExpiresIn: 43199}
}

func put(t *testing.T, store usersecurity.TokenStore, user usersecurity.UserID, token *oauth2.Token) {
	t.Helper()
	_, err := store.Update(soon(t, 30*time.Second), user, to(token))
	if err != nil {
		t.Fatalf("storing tokens of user %d: %v", user, err)
	}
}

func to(token *oauth2.Token) func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
	return func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil }
}

// expectStored compares access tokens; "" stands for no tokens.
func expectStored(t *testing.T, store usersecurity.TokenStore, user usersecurity.UserID, access string) {
	t.Helper()
	got, err := store.Load(soon(t, 30*time.Second), user)
	if err != nil {
		t.Errorf("loading the tokens of user %d: %v", user, err)
		return
	}
	if accessOf(got) != access {
		t.Errorf("the access token of user %d is %q and not %q", user, accessOf(got), access)
	}
}

func accessOf(token *oauth2.Token) string {
	if token == nil {
		return ""
	}
	return token.AccessToken
}

// countOn is a change that counts, in a way that shows whether two ran at once.
func countOn(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
	next := int64(1)
	if now != nil {
		next = now.ExpiresIn + 1
	}
	time.Sleep(time.Millisecond)
	return &oauth2.Token{AccessToken: fmt.Sprint(next), ExpiresIn: next}, nil
}

// childVariable names the function of children that a process runs instead of
// the tests.
const childVariable = "PGSTORE_TEST_CHILD"

// childStore is the store of a child process, in its parent's database.
func childStore() (*pgstore.Store, func()) { return childStoreOf(4) }

func childStoreOf(poolSize int32) (*pgstore.Store, func()) {
	config, err := pgxpool.ParseConfig(os.Getenv("PGSTORE_TEST_CHILD_URL"))
	if err != nil {
		panic(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = os.Getenv("PGSTORE_TEST_CHILD_SCHEMA")
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		panic(err)
	}
	store, err := pgstore.New(pool, oneKey)
	if err != nil {
		panic(err)
	}
	return store, pool.Close
}
