package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

const (
	markedAccess  = "access-tok-7f3a91c2"
	markedRefresh = "refresh-tok-0b64de58"
)

var markedToken = &oauth2.Token{AccessToken: markedAccess, RefreshToken: markedRefresh, TokenType: "bearer", ExpiresIn: 43199}

// expectNoSecret searches a text for the tokens and for the keys.
func expectNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{markedAccess, markedRefresh, string(key("1").Secret), string(key("2").Secret)} {
		for what, form := range formsOf(secret) {
			if strings.Contains(text, form) {
				t.Errorf("%s holds a secret in %s", where, what)
			}
		}
	}
}

// Everything that the store does, before a server that logs every statement and
// a tracer that sees every argument.
func TestNoSecretLeavesTheProcess(t *testing.T) {
	t.Parallel()
	server := privateServer(t)
	d := newDatabaseAt(t, server.url())
	config := d.config(t)
	tracer := &tracer{}
	config.ConnConfig.Tracer = tracer
	pool := openPool(t, config)
	store := newStore(t, pool, oneKey)
	useEverything(t, pool.Close, store, newStore(t, pool, pgstore.Keys{Current: key("2"), Previous: []pgstore.Key{key("1")}}))

	expectNoSecret(t, "what pgx's tracer sees", tracer.String())
	if !strings.Contains(tracer.String(), "sealed") || !strings.Contains(tracer.String(), "4711") {
		t.Error("the tracer has seen nothing")
	}
	expectNoSecret(t, "the server's log", server.log(t))
	if !strings.Contains(server.log(t), "SET key_id = $3, sealed = $4") || !strings.Contains(server.log(t), "'4711'") {
		t.Error("the server has not logged statements and parameters")
	}
	dump := exec.Command(filepath.Join(server.bin, "pg_dumpall"), "-d", server.url())
	dumped, err := dump.CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dumpall: %v: %s", err, dumped)
	}
	expectNoSecret(t, "a dump", string(dumped))
	if !strings.Contains(string(dumped), "4711\t2\t\\\\x") {
		t.Error("the row is not in the dump")
	}
}

// useEverything leaves the marked tokens of user 4711, under the second store's
// key.
func useEverything(t *testing.T, closePool func(), store, next *pgstore.Store) {
	t.Helper()
	put(t, store, 4711, markedToken)
	expectStored(t, store, 4711, markedAccess)
	put(t, store, 4711, nil)
	put(t, store, 4711, markedToken)
	failed := errors.New("failed with " + markedRefresh)
	_, err := store.Update(t.Context(), 4711, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return markedToken, failed })
	if !errors.Is(err, failed) {
		t.Error(err)
	}
	if err := next.Reencrypt(t.Context()); err != nil {
		t.Error(err)
	}
	expectStored(t, next, 4711, markedAccess)
	closePool()
	_, err = store.Update(t.Context(), 4711, to(markedToken))
	expectNoSecret(t, "an error", fmt.Sprintf("%v %+v %#v", err, err, err))
}

type tracer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, "%s %v %q %x\n", data.SQL, data.Args, data.Args, data.Args)
	return ctx
}

func (r *tracer) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, "%v\n", data)
}

func (r *tracer) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// What somebody does who may write to the table, but has no key.
func TestChangedRowsDontOpen(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"moved to another user":       `UPDATE usersecurity_tokens a SET sealed = b.sealed, key_id = b.key_id FROM usersecurity_tokens b WHERE a.user_id = 1001 AND b.user_id = 1002`,
		"given to another user":       `WITH gone AS (DELETE FROM usersecurity_tokens WHERE user_id = 1001) UPDATE usersecurity_tokens SET user_id = 1003 WHERE user_id = 1002`,
		"under another key's name":    `UPDATE usersecurity_tokens SET key_id = '2'`,
		"under the key's other name":  `UPDATE usersecurity_tokens SET key_id = '1b'`,
		"under an unknown key's name": `UPDATE usersecurity_tokens SET key_id = '3'`,
		"the first bit flipped":       `UPDATE usersecurity_tokens SET sealed = set_bit(sealed, 0, 1 - get_bit(sealed, 0))`,
		"the last bit flipped":        `UPDATE usersecurity_tokens SET sealed = set_bit(sealed, length(sealed) * 8 - 1, 1 - get_bit(sealed, length(sealed) * 8 - 1))`,
		"cut":                         `UPDATE usersecurity_tokens SET sealed = substr(sealed, 1, 20)`,
		"emptied":                     `UPDATE usersecurity_tokens SET sealed = ''`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			pool := d.pool(t, 2)
			store := newStore(t, pool, pgstore.Keys{Current: key("1"), Previous: []pgstore.Key{key("2"), {ID: "1b", Secret: key("1").Secret}}})
			put(t, store, 1001, markedToken)
			put(t, store, 1002, markedToken)
			d.exec(t, pool, sql)
			user := usersecurity.UserID(1001)
			if strings.HasPrefix(name, "given") {
				user = 1003
			}
			got, err := store.Load(t.Context(), user)
			if got != nil || !errors.Is(err, pgstore.ErrUnreadable) || !strings.Contains(err.Error(), fmt.Sprint(user)) {
				t.Errorf("Load returned tokens: %t, and the error %v", got != nil, err)
			}
			for range 2 { // the first releases the user
				_, err = store.Update(t.Context(), user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
					t.Error("change was called")
					return nil, nil
				})
				if !errors.Is(err, pgstore.ErrUnreadable) {
					t.Errorf("Update returned %v", err)
				}
			}
			expectNoSecret(t, "the error", err.Error())
		})
	}
}
