package pgstore

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wise-partner/usersecurity"
)

// createTable makes the only table. A row is a user who has tokens, or for whom
// an Update runs. claim is the Update that had the user last, and stays when it
// has ended, so that a save whose answer was lost can be repeated; claimed_until
// is NULL when it has ended.
const createTable = `
CREATE TABLE IF NOT EXISTS usersecurity_tokens (
	user_id       bigint      PRIMARY KEY,
	key_id        text        NOT NULL DEFAULT '',
	sealed        bytea,
	claim         text        NOT NULL,
	claimed_until timestamptz
)`

// table is all that is said to the database about a user. Each of its methods is
// one statement, in a transaction of its own; values are parameters.
type table struct {
	pool *pgxpool.Pool
}

func (t table) load(ctx context.Context, user usersecurity.UserID) (sealedToken, error) {
	var s sealedToken
	err := t.pool.QueryRow(ctx,
		`SELECT key_id, sealed FROM usersecurity_tokens WHERE user_id = $1`,
		int64(user)).Scan(&s.keyID, &s.bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return sealedToken{}, nil
	}
	return s, err
}

// errTaken: another claim on the user has not ended yet.
var errTaken = errors.New("the user is taken")

// claim takes the user, if nobody has him, and returns what is stored. sent says
// whether the statement may have reached the database.
func (t table) claim(ctx context.Context, user usersecurity.UserID, claim string) (s sealedToken, sent bool, err error) {
	conn, err := t.pool.Acquire(ctx)
	if err != nil {
		return s, false, err
	}
	defer conn.Release()
	err = conn.QueryRow(ctx, `
		INSERT INTO usersecurity_tokens AS t (user_id, claim, claimed_until)
		VALUES ($1, $2, now() + interval '10 seconds')
		ON CONFLICT (user_id) DO UPDATE SET claim = excluded.claim, claimed_until = excluded.claimed_until
		WHERE t.claimed_until IS NULL OR t.claimed_until < now()
		RETURNING key_id, sealed`,
		int64(user), claim).Scan(&s.keyID, &s.bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, true, errTaken
	}
	return s, !pgconn.SafeToRetry(err), err
}

// extend gives a claim that has not been released its ten seconds again. It says
// whether the claim is still there.
func (t table) extend(ctx context.Context, user usersecurity.UserID, claim string) (ours bool, err error) {
	return t.changed(ctx, `
		UPDATE usersecurity_tokens SET claimed_until = now() + interval '10 seconds'
		WHERE user_id = $1 AND claim = $2 AND claimed_until IS NOT NULL`,
		int64(user), claim)
}

// save stores the tokens, or deletes them, and releases the claim, if that is
// still there.
func (t table) save(ctx context.Context, user usersecurity.UserID, claim string, s sealedToken) (ours bool, err error) {
	if s.bytes == nil {
		return t.changed(ctx,
			`DELETE FROM usersecurity_tokens WHERE user_id = $1 AND claim = $2`,
			int64(user), claim)
	}
	return t.changed(ctx, `
		UPDATE usersecurity_tokens SET key_id = $3, sealed = $4, claimed_until = NULL
		WHERE user_id = $1 AND claim = $2`,
		int64(user), claim, s.keyID, s.bytes)
}

// release ends a claim that changed nothing.
func (t table) release(ctx context.Context, user usersecurity.UserID, claim string) error {
	_, err := t.pool.Exec(ctx, `
		WITH without_tokens AS (
			DELETE FROM usersecurity_tokens WHERE user_id = $1 AND claim = $2 AND sealed IS NULL
		)
		UPDATE usersecurity_tokens SET claimed_until = NULL
		WHERE user_id = $1 AND claim = $2 AND sealed IS NOT NULL`,
		int64(user), claim)
	return err
}

// storedRow is what Reencrypt reads.
type storedRow struct {
	user   usersecurity.UserID
	sealed sealedToken
}

// beforeAllUsers is where a walk through the table begins.
const beforeAllUsers = usersecurity.UserID(math.MinInt64)

// underOtherKeys returns the next rows, in the order of users, that keyID has not
// encrypted.
func (t table) underOtherKeys(ctx context.Context, keyID string, after usersecurity.UserID) ([]storedRow, error) {
	rows, err := t.pool.Query(ctx, `
		SELECT user_id, key_id, sealed FROM usersecurity_tokens
		WHERE user_id > $1 AND key_id <> $2 AND sealed IS NOT NULL
		ORDER BY user_id LIMIT 200`,
		int64(after), keyID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (storedRow, error) {
		var r storedRow
		err := row.Scan((*int64)(&r.user), &r.sealed.keyID, &r.sealed.bytes)
		return r, err
	})
}

// replace stores the same tokens under another key, if they are still the same.
// It asks for no claim: an Update that runs meanwhile saves over it.
func (t table) replace(ctx context.Context, old storedRow, s sealedToken) (done bool, err error) {
	return t.changed(ctx, `
		UPDATE usersecurity_tokens SET key_id = $3, sealed = $4
		WHERE user_id = $1 AND sealed = $2`,
		int64(old.user), old.sealed.bytes, s.keyID, s.bytes)
}

func (t table) changed(ctx context.Context, sql string, args ...any) (bool, error) {
	tag, err := t.pool.Exec(ctx, sql, args...)
	return tag.RowsAffected() > 0, err
}
