package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

// databaseVariable names a database for the row user-tokens, in which it may
// create a schema.
const databaseVariable = "PGSTORE_TEST_DATABASE_URL"

const (
	// knownUsers are fewer than a client keeps the tokens of; of manyUsers each
	// call finds that its user's are not kept any more.
	knownUsers = 1000
	manyUsers  = 12_000
)

var userTokensRow = timedRow{
	name: "user-tokens", about: "users' calls in turn, stub transport, with tokens from a store",
	setup: func() ([]contestant, func(), error) {
		static, err := stubClient(profilesAnswer)
		if err != nil {
			return nil, nil, err
		}
		contestants := []contestant{{"one user, a static token", func() error { return listProfiles(static, user) }}}
		memory := usersecurity.NewMemoryTokenStore()
		if err := fill(memory); err != nil {
			return nil, nil, err
		}
		if contestants, err = withStore(contestants, "memory", memory); err != nil {
			return nil, nil, err
		}
		if os.Getenv(databaseVariable) == "" {
			return contestants, func() {}, nil
		}
		postgres, done, err := postgresStore()
		if err != nil {
			return nil, nil, err
		}
		if contestants, err = withStore(contestants, "PostgreSQL", postgres); err != nil {
			done()
			return nil, nil, err
		}
		return contestants, done, nil
	},
}

var profilesAnswer = stub{200, `[{"id":3,"userId":1,"type":"PERSONAL","currentState":"VISIBLE"}]`, jsonAnswer.header}

func listProfiles(client *usersecurity.Client, user usersecurity.UserID) error {
	profiles, err := client.ListProfiles(context.Background(), user)
	if err == nil && len(profiles) != 1 {
		err = errors.New("no profile came")
	}
	return err
}

// withStore adds the calls with a store, of users whose tokens are kept and of
// users whose tokens are loaded for every call.
func withStore(contestants []contestant, name string, store usersecurity.TokenStore) ([]contestant, error) {
	for _, way := range []struct {
		name  string
		users int64
	}{
		{fmt.Sprintf("%s, %d users", name, knownUsers), knownUsers},
		{fmt.Sprintf("%s, %d users: each call loads", name, manyUsers), manyUsers},
	} {
		client, err := stubClient(profilesAnswer, usersecurity.WithClientCredentials("acme", "secret"), usersecurity.WithUserTokenStore(store))
		if err != nil {
			return nil, err
		}
		var turn atomic.Int64
		once := func() error { return listProfiles(client, usersecurity.UserID(turn.Add(1)%way.users+1)) }
		for range way.users { // what a process does once isn't measured
			if err := once(); err != nil {
				return nil, err
			}
		}
		contestants = append(contestants, contestant{way.name, once})
	}
	return contestants, nil
}

func fill(store usersecurity.TokenStore) error {
	for user := range usersecurity.UserID(manyUsers) {
		token := &oauth2.Token{
			AccessToken: fmt.Sprintf("not-a-real-token-of-%d", user+1), RefreshToken: "none",
			Expiry: time.Now().Add(12 * time.Hour), ExpiresIn: 43_199,
		}
		_, err := store.Update(context.Background(), user+1, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// postgresStore is in a schema of its own, which done drops.
func postgresStore() (store *pgstore.Store, done func(), err error) {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(os.Getenv(databaseVariable))
	if err != nil {
		return nil, nil, err
	}
	schema := fmt.Sprintf("benchmarks_%x", rand.Uint64())
	config.ConnConfig.RuntimeParams["search_path"] = schema
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	done = func() {
		_, _ = pool.Exec(ctx, `DROP SCHEMA `+schema+` CASCADE`)
		pool.Close()
	}
	if _, err = pool.Exec(ctx, `CREATE SCHEMA `+schema); err == nil {
		store, err = pgstore.New(pool, pgstore.Keys{Current: pgstore.Key{ID: "1", Secret: []byte(strings.Repeat("k", 32))}})
	}
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err == nil {
		err = fill(store)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return store, done, nil
}
