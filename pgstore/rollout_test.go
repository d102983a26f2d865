package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

const keyIDs = `SELECT DISTINCT key_id FROM usersecurity_tokens WHERE sealed IS NOT NULL ORDER BY 1`

// Each roll-out runs beside the one before it, and each reads what the other
// writes.
func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 4)
	old := newStore(t, pool, oneKey)
	put(t, old, 1, token("0"))
	put(t, old, 2, token("untouched"))
	rollouts := []pgstore.Keys{
		{Current: key("1"), Previous: []pgstore.Key{key("2")}},
		{Current: key("2"), Previous: []pgstore.Key{key("1")}},
		{Current: key("2")},
	}
	for n, keys := range rollouts {
		next := newStore(t, pool, keys)
		if n == 2 {
			if err := old.Reencrypt(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for round, store := range []*pgstore.Store{next, old, next} {
			access := fmt.Sprint(n, round)
			put(t, store, 1, token(access))
			expectStored(t, old, 1, access)
			expectStored(t, next, 1, access)
			expectStored(t, next, 2, "untouched")
		}
		old = next
	}
	if got := texts(t, pool, keyIDs); !slices.Equal(got, []string{"2"}) {
		t.Errorf("the rows lie under the keys %q", got)
	}
}

func TestReencryptWhileUpdatesRun(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 8)
	old := newStore(t, pool, oneKey)
	const users = 450 // three batches
	var fill sync.WaitGroup
	for user := range usersecurity.UserID(users) {
		fill.Go(func() { put(t, old, user, token("0")) })
	}
	fill.Wait()

	// Users 0 to 9 are counted up throughout; some of it is written under the old
	// key while the others are encrypted again.
	next := newStore(t, pool, pgstore.Keys{Current: key("2"), Previous: []pgstore.Key{key("1")}})
	mixed := newStore(t, pool, pgstore.Keys{Current: key("1"), Previous: []pgstore.Key{key("2")}})
	const rounds = 30
	ctx := soon(t, time.Minute)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			store := []*pgstore.Store{next, mixed}[n/10]
			for range rounds {
				if _, err := store.Update(ctx, usersecurity.UserID(n%10), countOn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		all.Go(func() {
			if err := next.Reencrypt(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := next.Reencrypt(ctx); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, pool, keyIDs); !slices.Equal(got, []string{"2"}) {
		t.Errorf("the rows lie under the keys %q", got)
	}
	only2 := newStore(t, pool, pgstore.Keys{Current: key("2")})
	for user := range usersecurity.UserID(users) {
		want := "0"
		if user < 10 {
			want = fmt.Sprint(43199 + 2*rounds)
		}
		expectStored(t, only2, user, want)
	}
}

// A row that a process with an older current key writes, after Reencrypt has read
// it, is encrypted again as well.
func TestReencryptTakesWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	old := newStore(t, pool, oneKey)
	put(t, old, 1001, token("before"))
	config := d.config(t)
	meanwhile := &onReplace{do: func() { put(t, old, 1001, token("meanwhile")) }}
	config.ConnConfig.Tracer = meanwhile
	next := newStore(t, openPool(t, config), pgstore.Keys{Current: key("2"), Previous: []pgstore.Key{key("1")}})
	if err := next.Reencrypt(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectStored(t, newStore(t, pool, pgstore.Keys{Current: key("2")}), 1001, "meanwhile")
	if !meanwhile.done {
		t.Error("nothing was written meanwhile")
	}
}

// onReplace does something before a row is first encrypted again.
type onReplace struct {
	do   func()
	done bool
}

func (r *onReplace) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !r.done && strings.Contains(data.SQL, "AND sealed = $2") {
		r.done = true
		r.do()
	}
	return ctx
}

func (*onReplace) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestReencryptGoesOnBehindWhatDoesntOpen(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	unknown := newStore(t, pool, pgstore.Keys{Current: key("0")})
	old := newStore(t, pool, oneKey)
	put(t, unknown, 1, token("lost"))
	put(t, old, 2, token("old"))
	put(t, unknown, 3, token("lost"))
	put(t, old, 4, token("old"))

	next := newStore(t, pool, pgstore.Keys{Current: key("2"), Previous: []pgstore.Key{key("1")}})
	err := next.Reencrypt(t.Context())
	if !errors.Is(err, pgstore.ErrUnreadable) {
		t.Fatalf("Reencrypt returned %v", err)
	}
	for _, says := range []string{"2 rows", "user 1 ", `"0"`, "Keys.Previous"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %v", says, err)
		}
	}
	if got := texts(t, pool, keyIDs); !slices.Equal(got, []string{"0", "2"}) {
		t.Errorf("the rows lie under the keys %q", got)
	}
	_, err = next.Load(t.Context(), 1)
	if !errors.Is(err, pgstore.ErrUnreadable) || !strings.Contains(err.Error(), `key "0"`) {
		t.Errorf("Load of a row under an unknown key returned %v", err)
	}
}
