package usersecurity

import (
	"context"
	"crypto"
	"crypto/rsa"
	"math"
	"math/big"
)

// WiseKey is a key of Wise's that requests are sealed to.
type WiseKey struct {
	// ID is Wise's id of the key; empty where Wise gives none.
	ID string
	// Version counts Wise's keys; 0 where it is unknown.
	Version int
	// PublicKey is the key: RSA of 2048 to 8192 bits.
	PublicKey *rsa.PublicKey
}

// KeySource gives the key of Wise's that requests are sealed to. It is asked
// before every sealed call and must be quick and safe for concurrent use.
//
// rejected is nil, or the key of a request that Wise has just failed to read.
// If Wise has a new key the source returns that one, and the request is sealed
// again; if it returns the same key, the failure is taken for any other.
type KeySource interface {
	EncryptionKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error)
}

// StaticKey always gives the same key. When Wise rotates its key, sealed calls
// fail with [ErrServer] until the program is given the new one.
func StaticKey(pub *rsa.PublicKey) KeySource {
	return staticKey{&WiseKey{PublicKey: pub}}
}

type staticKey struct{ key *WiseKey }

func (s staticKey) EncryptionKey(context.Context, *WiseKey) (*WiseKey, error) { return s.key, nil }

const (
	minKeyBits = 2048
	maxKeyBits = 8192
)

// flaw says why nothing should be sealed to the key; empty if it is good.
func (k *WiseKey) flaw() string {
	if k == nil {
		return "there is no key"
	}
	return keyFlaw(k.PublicKey)
}

// keyFlaw looks for what makes an RSA key unusable, before anything is computed
// with it.
func keyFlaw(pub *rsa.PublicKey) string {
	switch {
	case pub == nil || pub.N == nil:
		return "there is no key"
	case pub.N.Sign() <= 0 || pub.N.BitLen() < minKeyBits || pub.N.BitLen() > maxKeyBits:
		return "the key is not RSA of 2048 to 8192 bits"
	case pub.N.Bit(0) == 0:
		return "the key has an even modulus"
	case pub.E < 3 || pub.E%2 == 0 || pub.E > math.MaxInt32:
		return "the key's exponent is not an odd number from 3 to 2^31-1"
	}
	return ""
}

// same reports whether two keys have the same public key.
func (k *WiseKey) same(other *WiseKey) bool {
	return k != nil && other != nil && k.PublicKey.Equal(other.PublicKey)
}

// clone is for whoever must not be able to change the client's own key.
func (k *WiseKey) clone() *WiseKey {
	own := *k
	own.PublicKey = &rsa.PublicKey{N: new(big.Int).Set(k.PublicKey.N), E: k.PublicKey.E}
	return &own
}

// sealing says how a client seals requests and which replies it opens.
type sealing struct {
	keys           KeySource                   // nil where nothing is sealed
	replyKeys      map[string]crypto.Decrypter // by lower-case id
	newestReplyKey string
	sendReplyKeyID bool
	requireSealed  bool
}
