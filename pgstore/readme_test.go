package pgstore_test

import (
	"testing"

	"github.com/wise-partner/usersecurity/internal/readmetest"
)

func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	readmetest.Compiles(t, `package snippet

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/pgstore"
)

var (
	ctx                                 context.Context
	databaseURL, clientID, clientSecret string
	secret                              []byte
)

func _() error {
`, `
	_ = client
	return err
}
`)
}
