package pgstore

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// Store is a [usersecurity.TokenStore] on PostgreSQL. Make one with [New]; it is
// safe for concurrent use.
//
// It can't be printed: neither keys nor the pool's settings are found by a fmt
// verb, an encoder or a printer that walks through fields.
type Store struct {
	// Reflection sees of a function only its address.
	parts func() (table, *keyring)
}

var _ usersecurity.TokenStore = (*Store)(nil)

// New makes a store that uses the caller's pool and doesn't close it. Call
// [Store.Migrate] before the first use. An error matches
// [usersecurity.ErrInvalidArgument] and names what is wrong with keys or pool;
// the database is not asked.
func New(pool *pgxpool.Pool, keys Keys) (*Store, error) {
	if pool == nil {
		return nil, invalid("the pool is nil")
	}
	ring, err := newKeyring(keys)
	if err != nil {
		return nil, err
	}
	return &Store{parts: func() (table, *keyring) { return table{pool}, ring }}, nil
}

// Format prints the name of the type, whatever the verb.
func (Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "pgstore.Store") }

// Load returns the user's tokens, or nil if there are none. It waits for no
// Update. A row that doesn't open is [ErrUnreadable].
func (s *Store) Load(ctx context.Context, user usersecurity.UserID) (*oauth2.Token, error) {
	table, keys := s.parts()
	stored, err := table.load(ctx, user)
	if err != nil {
		return nil, failed(ctx, "loading tokens", err)
	}
	return keys.open(user, stored)
}

// Update does what [usersecurity.TokenStore] says, with a claim that ends by
// itself (see the package text). change runs on ctx, which also ends where the
// claim turns out to be lost, with [ErrClaimLost] as its cause.
//
// It matches [ErrClaimLost] where the claim was lost while change ran, and
// [ErrUnreadable], without having called change, where the user's row doesn't
// open. Where the database fails before change is called, it returns at once.
// Where it fails afterwards, Update tries to store for up to fifteen seconds;
// if it then returns an error, what change returned may have been stored or not,
// and Load says which.
func (s *Store) Update(ctx context.Context, user usersecurity.UserID, change func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	table, keys := s.parts()
	claim, stored, err := take(ctx, table, user)
	if err != nil {
		return nil, err
	}
	saved := false
	defer func() { // after a panic as well
		if !saved {
			claim.release(ctx)
		}
	}()

	now, err := keys.open(user, stored)
	if err != nil {
		return nil, err
	}
	var next *oauth2.Token
	if err := claim.hold(ctx, func(ctx context.Context) (err error) {
		next, err = change(ctx, now)
		return err
	}); err != nil {
		return nil, err
	}
	sealed, err := keys.seal(user, next)
	if err != nil {
		return nil, err
	}
	if err := claim.save(ctx, sealed); err != nil {
		return nil, err
	}
	saved = true
	return next, nil
}
