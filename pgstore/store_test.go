package pgstore_test

import (
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest/storetest"
)

func TestStoreKeepsThePromises(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 4)
	storetest.Run(t, func(t *testing.T) usersecurity.TokenStore { return newStore(t, pool, oneKey) })
}

// Nothing that an Update does needs two connections at once.
func TestStoreKeepsThePromisesOnOneConnection(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	pool := d.pool(t, 1)
	storetest.Run(t, func(t *testing.T) usersecurity.TokenStore { return newStore(t, pool, oneKey) })
}
