package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// migrationLock is an advisory lock's number: "wise" and "toks" in ASCII.
const migrationLock = 0x77697365_746f6b73

// Migrate creates the table usersecurity_tokens in the first schema of the
// connection's search_path. Where it is there already, Migrate does nothing and
// needs no right to create tables: every process can call it whenever it starts,
// and several may at once.
func (s *Store) Migrate(ctx context.Context) error {
	table, _ := s.parts()
	err := pgx.BeginFunc(ctx, table.pool, func(tx pgx.Tx) error {
		var there bool
		err := tx.QueryRow(ctx, `SELECT to_regclass('usersecurity_tokens') IS NOT NULL`).Scan(&there)
		if err != nil || there {
			return err
		}
		// IF NOT EXISTS alone fails where two create the table at once.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, createTable)
		return err
	})
	if err != nil {
		return failed(ctx, "creating the table", err)
	}
	return nil
}
