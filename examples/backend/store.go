package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// openStore opens where the customers' tokens are kept: in PostgreSQL, for all
// replicas of the service, or, where databaseURL is empty, in this process, which
// forgets them when it ends. The customers then link their accounts again.
func openStore(ctx context.Context, databaseURL, keys string) (store usersecurity.TokenStore, closeStore func(), err error) {
	if databaseURL == "" {
		return usersecurity.NewMemoryTokenStore(), func() {}, nil
	}
	parsed, err := parseKeys(keys)
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.New(ctx, databaseURL)
	if err != nil {
		return nil, nil, errors.New("DATABASE_URL can't be used") // pgx's text repeats it
	}
	inPostgres, err := pgstore.New(pool, parsed)
	if err == nil {
		err = inPostgres.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return inPostgres, pool.Close, nil
}

// parseKeys reads the keys that the tokens are encrypted with, such as
// "2026-11:<32 bytes in base64>". The first one encrypts; of several, separated
// by commas, the others only decrypt.
func parseKeys(text string) (keys pgstore.Keys, err error) {
	for n, entry := range strings.Split(text, ",") {
		id, encoded, _ := strings.Cut(entry, ":")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(secret) != 32 {
			return keys, fmt.Errorf("TOKEN_KEYS: entry %d must be a name, a colon and 32 bytes in base64 (openssl rand -base64 32)", n+1)
		}
		key := pgstore.Key{ID: id, Secret: secret}
		if n == 0 {
			keys.Current = key
		} else {
			keys.Previous = append(keys.Previous, key)
		}
	}
	return keys, nil
}
