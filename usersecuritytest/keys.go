package usersecuritytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// How the key endpoints name the one algorithm and the one use the simulator
// knows; JOSE headers write the algorithm with hyphens.
const (
	keyAlgorithm = "RSA_OAEP_256"
	keyScope     = "PAYLOAD_ENCRYPTION"
	keyBits      = 2048
)

// EncryptionKey is Wise's encryption key as it is now.
func (s *Server) EncryptionKey() *rsa.PublicKey {
	pub := s.wiseKeys.newest().private.PublicKey
	return &pub
}

// RotateKey gives Wise a new encryption key. Bodies sealed to the old one can't
// be opened any more: they are answered with Wise's 500.
func (s *Server) RotateKey() { s.wiseKeys.rotate() }

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

// wiseKeyReply is what the key endpoint says of a key.
type wiseKeyReply struct {
	Version     int         `json:"version"`
	KeyID       string      `json:"keyId"`
	KeyMaterial keyMaterial `json:"keyMaterial"`
	Scope       string      `json:"scope"`
}

type keyMaterial struct {
	Algorithm   string `json:"algorithm"`
	KeyMaterial string `json:"keyMaterial"`
}

func (w *wiseKeys) newest() *wiseKey {
	w.first.Do(w.add)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys[len(w.keys)-1]
}

func (w *wiseKeys) rotate() {
	w.first.Do(w.add)
	w.add()
}

// add makes a key while the one there is stays in use.
func (w *wiseKeys) add() {
	w.adding.Lock()
	defer w.adding.Unlock()
	w.mu.Lock()
	n := len(w.keys)
	w.mu.Unlock()
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
	keys []*rsa.PrivateKey
}

func pooledKey(i int) *rsa.PrivateKey {
	keyPool.mu.Lock()
	defer keyPool.mu.Unlock()
	for len(keyPool.keys) <= i {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			panic(fmt.Sprintf("usersecuritytest: an encryption key can't be made: %v", err))
		}
		keyPool.keys = append(keyPool.keys, key)
	}
	return keyPool.keys[i]
}

// fetchWiseKey publishes Wise's key: the newest, or the version asked for.
func (x *exchange) fetchWiseKey() answer {
	query := x.request.URL.Query()
	if query.Get("algorithm") != keyAlgorithm || query.Get("scope") != keyScope {
		return *refusal(http.StatusBadRequest, "query.wrong", "the query must have algorithm="+keyAlgorithm+" and scope="+keyScope)
	}
	key := x.server.wiseKeys.newest()
	if query.Has("version") {
		n, err := strconv.Atoi(query.Get("version"))
		if err != nil {
			return *refusal(http.StatusBadRequest, "query.wrong", "version is a number")
		}
		if key = x.server.wiseKeys.version(n); key == nil {
			return emptyAnswer(http.StatusNotFound)
		}
	}
	der, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: an encryption key can't be encoded: %v", err))
	}
	return jsonAnswer(http.StatusOK, wiseKeyReply{
		Version:     key.version,
		KeyID:       key.id.String(),
		KeyMaterial: keyMaterial{keyAlgorithm, base64.StdEncoding.EncodeToString(der)},
		Scope:       keyScope,
	})
}
