package pgstore

import (
	"context"

	"github.com/wise-partner/usersecurity"
)

// Extend is an extension of a claim that reaches the database late.
func Extend(ctx context.Context, s *Store, user usersecurity.UserID, claim string) (ours bool, err error) {
	table, _ := s.parts()
	return table.extend(ctx, user, claim)
}
