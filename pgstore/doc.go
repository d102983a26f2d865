// Package pgstore keeps users' tokens in PostgreSQL, for all processes of a
// fleet: a [usersecurity.TokenStore] on pgx. It is a module of its own, so that
// programs without PostgreSQL need none of it.
//
//	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
//	…
//	store, err := pgstore.New(pool, pgstore.Keys{
//		Current: pgstore.Key{ID: "2026-11", Secret: secret}, // 32 bytes from your secret manager
//	})
//	…
//	err = store.Migrate(ctx) // creates the table, once
//	…
//	client, err := usersecurity.New(
//		usersecurity.WithBaseURL(usersecurity.Production),
//		usersecurity.WithClientCredentials(id, secret),
//		usersecurity.WithUserTokenStore(store),
//	)
//
// # Claims
//
// While Wise is asked for new tokens, neither a connection nor a transaction is
// held. [Store.Update] puts a claim on the user's row that ends by itself after
// ten seconds, extends it every three seconds while change runs, and saves only
// if nobody has taken the claim over meanwhile. A process that dies frees its
// users within those ten seconds. One that stalls for longer, or can't reach the
// database for longer, may be overtaken; then its Update ends with
// [ErrClaimLost]. All times are those of the database's clock.
//
// Whoever waits for a user asks again after 25 ms, then less and less often, but
// at least every half second.
//
// # Encryption
//
// Access and refresh token, with all that belongs to them, are encrypted with
// AES-256-GCM before they leave the process, bound to the user's id: a row that
// is moved to another user doesn't open. The database sees the user's id, the
// key's id, times, and about how long the tokens are. [Keys] says how keys are
// replaced.
//
// # Failures
//
// An error says in words of this package what failed, which the client's errors
// repeat. errors.As and errors.Is find pgx's own errors in it, of which its text
// repeats nothing but the SQLSTATE. Neither an error, nor what a tracer of pgx sees,
// nor a log of the server's holds a token or a key.
//
// A save that fails is tried again for fifteen seconds, as a refresh token may
// hang on it, even if the caller's context has ended. Everything else is the
// caller's to repeat.
package pgstore
