package pgstore

import (
	"context"
	"fmt"
)

// Reencrypt encrypts under the current key all that lies under other ones. It
// may run while the store is in use, in several processes at once, and again
// after it failed. Call it once no process has another current key: such a
// process goes on writing with that.
//
// A row that doesn't open is left as it is; once all others are done, Reencrypt
// returns an error for it that matches [ErrUnreadable]. When Reencrypt returns
// nil, the other keys are needed for nothing that was there when it was called.
func (s *Store) Reencrypt(ctx context.Context) error {
	table, keys := s.parts()
	for {
		missed, err := reencryptOnce(ctx, table, keys)
		if err != nil || missed == 0 {
			return err
		}
	}
}

// reencryptOnce goes through the table once. Rows that were written meanwhile
// are missed.
func reencryptOnce(ctx context.Context, t table, keys *keyring) (missed int, err error) {
	var unread []error
	after := beforeAllUsers
	for {
		rows, err := t.underOtherKeys(ctx, keys.current, after)
		if err != nil {
			return 0, failed(ctx, "reading rows to encrypt again", err)
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			after = row.user
			text, err := keys.openText(row.user, row.sealed)
			if err != nil {
				unread = append(unread, err)
				continue
			}
			done, err := t.replace(ctx, row, keys.sealText(row.user, text))
			if err != nil {
				return 0, failed(ctx, "encrypting a row again", err)
			}
			if !done {
				missed++
			}
		}
	}
	if missed == 0 && len(unread) > 0 {
		return 0, fmt.Errorf("pgstore: %d rows can't be encrypted again, the first: %w", len(unread), unread[0])
	}
	return missed, nil
}
