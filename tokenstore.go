package usersecurity

import (
	"context"

	"golang.org/x/oauth2"
)

// TokenStore keeps the tokens of users: for one process that may forget them
// [NewMemoryTokenStore] makes one, for a fleet on PostgreSQL the module pgstore.
// Whoever writes another runs the tests of usersecuritytest/storetest against
// it.
//
// A refresh at Wise voids the user's earlier access token at once, and it runs
// inside Update. So what Update promises is what keeps the processes of a fleet
// from ending each other's tokens.
//
// Of an [oauth2.Token] a store keeps the exported fields; what
// [oauth2.Token.WithExtra] added need not survive. What a store returns, and
// what it is given, belongs to whoever holds it: changing it changes nothing
// that is stored. A store is safe for concurrent use, and its errors hold no
// token. The client's own errors repeat their texts only where they have a method
// SafeText() string, and then what that returns; errors.Is and errors.As find
// them in any case.
type TokenStore interface {
	// Load returns the user's tokens, or nil if there are none. What can't be
	// read is an error, never nil.
	Load(ctx context.Context, user UserID) (*oauth2.Token, error)

	// Update calls change with the tokens that are stored now (nil if there are
	// none), stores what it returns, and then returns it. If change returns nil,
	// the user's tokens are deleted; if it returns an error, nothing is stored,
	// and Update returns an error that matches it.
	//
	// While change runs, no other Update of this user begins, in any process,
	// unless this one stalls for longer than the store allows: then what change
	// returns is not stored over what another has stored since, and Update
	// returns an error. Updates of other users don't wait for it. So change must
	// not call Update for its own user: that waits until ctx ends.
	//
	// ctx ends the wait for the user, and then change isn't called. What change
	// returned is stored even if ctx has ended by then, as it can't be had again.
	// A panic in change stores nothing, releases the user and goes on panicking.
	Update(ctx context.Context, user UserID, change func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error)
}
