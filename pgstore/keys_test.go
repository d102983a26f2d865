package pgstore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// idlePool makes no connection.
func idlePool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig("postgres://partner:pw-5c91e0@localhost:1/tokens")
	if err != nil {
		t.Fatal(err)
	}
	return openPool(t, config)
}

func TestNewRefuses(t *testing.T) {
	pool := idlePool(t)
	short := key("1")
	short.Secret = short.Secret[:31]
	for name, c := range map[string]struct {
		pool *pgxpool.Pool
		keys pgstore.Keys
		says string
	}{
		"no pool":            {nil, oneKey, "the pool is nil"},
		"no key":             {pool, pgstore.Keys{}, "Keys.Current: the key has no ID"},
		"a short secret":     {pool, pgstore.Keys{Current: short}, `the secret of key "1" must have 32 bytes, it has 31`},
		"no secret":          {pool, pgstore.Keys{Current: pgstore.Key{ID: "1"}}, "it has 0"},
		"a repeated ID":      {pool, pgstore.Keys{Current: key("1"), Previous: []pgstore.Key{key("2"), key("1")}}, `Keys.Previous[1]: the ID "1" is there twice`},
		"an ID with newline": {pool, pgstore.Keys{Current: key("1\n")}, "printable"},
		"an ID with NUL":     {pool, pgstore.Keys{Current: key("1\x00")}, "printable"},
		"an ID not in UTF-8": {pool, pgstore.Keys{Current: key("1\xff")}, "printable"},
		"a long ID":          {pool, pgstore.Keys{Current: key(strings.Repeat("1", 65))}, "64 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := pgstore.New(c.pool, c.keys)
			if store != nil || !errors.Is(err, usersecurity.ErrInvalidArgument) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New returned %v, which isn't ErrInvalidArgument with %q", err, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "key-secret") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

// A caller may overwrite the secret once New has returned.
func TestNewCopiesTheSecret(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 2)
	keys := pgstore.Keys{Current: key("1")}
	store := newStore(t, pool, keys)
	clear(keys.Current.Secret)
	put(t, store, 1001, token("new"))
	expectStored(t, newStore(t, pool, oneKey), 1001, "new")
}

func TestKeysCannotBePrinted(t *testing.T) {
	secret := key("1").Secret
	store, err := pgstore.New(idlePool(t), oneKey)
	if err != nil {
		t.Fatal(err)
	}
	keys := pgstore.Keys{Current: key("1"), Previous: []pgstore.Key{key("2")}}
	var printed bytes.Buffer
	log := func(handler slog.Handler, value any) { slog.New(handler).Info("keys", "value", value) }
	for _, value := range []any{
		keys.Current, &keys.Current, keys, &keys, keys.Previous, map[string]any{"keys": keys}, struct{ Keys any }{keys},
		store, *store, struct{ store *pgstore.Store }{store}, struct{ store pgstore.Store }{*store},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%T", "%t", "%z"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		log(slog.NewTextHandler(&printed, nil), value)
		log(slog.NewJSONHandler(&printed, nil), value)
		_ = json.NewEncoder(&printed).Encode(value)
		_ = xml.NewEncoder(&printed).Encode(value)
		_ = gob.NewEncoder(&printed).Encode(value)
	}
	for what, form := range formsOf(string(secret)) {
		if strings.Contains(printed.String(), form) {
			t.Errorf("the secret is there in %s:\n%s", what, printed.String())
		}
	}
	if strings.Contains(printed.String(), "pw-5c91e0") {
		t.Error("the password of the pool is there")
	}
	if got := fmt.Sprint(keys.Current); got != `{ID:"1" Secret:****}` {
		t.Errorf("a key prints as %s", got)
	}
	if got := fmt.Sprintf("%+v", store); got != "pgstore.Store" {
		t.Errorf("a store prints as %s", got)
	}
}

// formsOf are the ways in which a printer, a dump or a log may show a text.
func formsOf(secret string) map[string]string {
	decimal := strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")
	return map[string]string{
		"plain text":       secret,
		"hex":              fmt.Sprintf("%x", secret),
		"capital hex":      fmt.Sprintf("%X", secret),
		"spaced hex":       fmt.Sprintf("% x", secret),
		"decimal":          decimal,
		"JSON's decimal":   strings.ReplaceAll(decimal, " ", ","),
		"base64":           strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret[:len(secret)/3*3])), "="),
		"base64, by one":   base64.StdEncoding.EncodeToString([]byte(" " + secret))[4 : len(secret)/3*4],
		"base64, by two":   base64.StdEncoding.EncodeToString([]byte("  " + secret))[4 : len(secret)/3*4],
		"base64 for URLs":  strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret[:len(secret)/3*3])), "="),
		"hex of its hex":   fmt.Sprintf("%x", fmt.Sprintf("%x", secret)),
		"Go's hex literal": strings.Trim(strings.ReplaceAll(fmt.Sprintf("%#v", []byte(secret)), "[]byte", ""), "{}"),
	}
}
