package usersecuritytest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// keyBits is the size of Wise's keys, and the smallest that a key of the partner's
// may have.
const keyBits = 2048

// wiseKeys are Wise's encryption keys, of which only the newest opens anything.
// The first one is made when it is first needed.
type wiseKeys struct {
	first  sync.Once
	adding sync.Mutex // one at a time: making a key takes long

	mu   sync.Mutex
	keys []*wiseKey
}

type wiseKey struct {
	version int
	id      uuid.UUID
	private *rsa.PrivateKey
}

func (w *wiseKeys) newest() *wiseKey {
	w.begin()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys[len(w.keys)-1]
}

func (w *wiseKeys) rotate() {
	w.begin()
	w.add()
}

func (w *wiseKeys) begin() {
	w.first.Do(func() {
		if len(w.list()) == 0 {
			w.add()
		}
	})
}

// list returns the keys, the first one first.
func (w *wiseKeys) list() []*wiseKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.keys)
}

// add makes a key while the one there is stays in use.
func (w *wiseKeys) add() {
	w.adding.Lock()
	defer w.adding.Unlock()
	n := len(w.list())
	key := &wiseKey{version: n + 1, id: uuid.New(), private: pooledKey(n)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys = append(w.keys, key)
}

// version returns nil where there is no such version.
func (w *wiseKeys) version(n int) *wiseKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n < 1 || n > len(w.keys) {
		return nil
	}
	return w.keys[n-1]
}

// keyPool shares keys between the servers of a process: a test suite starts
// many servers, and each key takes a good part of a second to make.
var keyPool struct {
	mu   sync.Mutex
	keys map[int]*rsa.PrivateKey
}

func pooledKey(i int) *rsa.PrivateKey {
	keyPool.mu.Lock()
	defer keyPool.mu.Unlock()
	if key := keyPool.keys[i]; key != nil {
		return key
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: an encryption key can't be made: %v", err))
	}
	if keyPool.keys == nil {
		keyPool.keys = map[int]*rsa.PrivateKey{}
	}
	keyPool.keys[i] = key
	return key
}
