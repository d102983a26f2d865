package pgstore_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wise-partner/usersecurity/pgstore"
)

func TestMigrateByManyAtOnce(t *testing.T) {
	t.Parallel()
	for range 10 {
		d := newDatabase(t)
		pool := d.pool(t, 8)
		store, err := pgstore.New(pool, oneKey)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := store.Migrate(soon(t, time.Minute)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestMigrateKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 2), oneKey)
	put(t, store, 1001, token("before"))
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectStored(t, store, 1001, "before")
}

// The rights that the README lists are enough, and without them the error says
// so.
func TestRightsOfTheDatabaseUser(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	admin := d.pool(t, 2)
	role := "pgstore_" + strings.ToLower(rand.Text())
	d.exec(t, admin, `CREATE ROLE `+role)
	t.Cleanup(func() { d.exec(t, admin, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	config := d.config(t)
	config.ConnConfig.RuntimeParams["role"] = role
	limited, err := pgstore.New(openPool(t, config), pgstore.Keys{Current: key("2"), Previous: []pgstore.Key{key("1")}})
	if err != nil {
		t.Fatal(err)
	}
	d.exec(t, admin, `GRANT USAGE ON SCHEMA `+d.schema+` TO `+role)
	expectNoRight(t, limited.Migrate(t.Context()))

	owner := newStore(t, admin, oneKey)
	put(t, owner, 1001, token("before"))
	_, err = limited.Load(t.Context(), 1001)
	expectNoRight(t, err)

	d.exec(t, admin, `GRANT SELECT, INSERT, UPDATE, DELETE ON usersecurity_tokens TO `+role)
	if err := limited.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate where the table is there: %v", err)
	}
	if err := limited.Reencrypt(t.Context()); err != nil {
		t.Error(err)
	}
	expectStored(t, limited, 1001, "before")
	put(t, limited, 1001, token("after"))
	put(t, limited, 1001, nil)
	_, err = limited.Update(t.Context(), 1001, countOn)
	if err != nil {
		t.Error(err)
	}
}

func expectNoRight(t *testing.T, err error) {
	t.Helper()
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" || !strings.Contains(err.Error(), "README") {
		t.Errorf("without the right to: %v", err)
	}
}
