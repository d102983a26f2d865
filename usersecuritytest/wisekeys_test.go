package usersecuritytest_test

import (
	"crypto/rsa"
	"sync"
	"testing"
)

func TestKeyIsMadeOnce(t *testing.T) {
	srv := newServer(t)
	var wg sync.WaitGroup
	keys := make([]*rsa.PublicKey, 16)
	for i := range keys {
		wg.Go(func() { keys[i] = srv.EncryptionKey() })
	}
	wg.Wait()
	for _, key := range keys {
		if !key.Equal(keys[0]) {
			t.Fatal("the first key was made twice")
		}
	}
}
