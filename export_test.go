package usersecurity

import (
	"crypto"
	"crypto/rsa"
	"time"
)

// What the tests, which stand outside the package, need of its inside.

// SetJitter replaces the drawing of waits.
func SetJitter(c *Client, draw func(bound time.Duration) time.Duration) { c.engine().jitter = draw }

// SealBytes seals what need not be a secret of the package's types. The content
// key is the one that wipe is to forget.
func SealBytes(pub *rsa.PublicKey, plaintext []byte) (compact, contentKey []byte, wipe func(), err error) {
	e, err := seal(pub, plaintext)
	if err != nil {
		return nil, nil, nil, err
	}
	return e.compact, e.cek[:], e.wipe, nil
}

// OpenReply opens a reply with keys that no call holds.
func OpenReply(compact, contentKey []byte, replyKeys map[string]crypto.Decrypter) ([]byte, error) {
	opened, ok := openReply(compact, contentKey, replyKeys)
	if !ok {
		return nil, ErrDecrypt
	}
	return opened, nil
}
