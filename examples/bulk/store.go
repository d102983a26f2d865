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

// openStore opens where the partner's backend keeps its customers' tokens: here in
// PostgreSQL, with pgstore. What is due is renewed there, for the backend too.
func openStore(ctx context.Context, databaseURL, keys string) (store usersecurity.TokenStore, closeStore func(), err error) {
	if databaseURL == "" {
		return nil, nil, errors.New("DATABASE_URL must say where the customers' tokens are")
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
		_, err = inPostgres.Load(ctx, 1) // is it there?
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
