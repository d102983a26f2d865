package usersecuritytest

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// Digest is the SHA-256 of a secret: what the simulator keeps instead of the
// secret itself. Compare it with [DigestOf]. It prints as a mask, whatever the
// verb, because the digest of four digits is soon traced back to them.
type Digest [sha256.Size]byte

// DigestOf is the digest of a PIN's digits, of a face map's base64 text or of a
// device fingerprint's value.
func DigestOf(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// Format prints a mask.
func (Digest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText writes a mask.
func (Digest) MarshalText() ([]byte, error) { return []byte(mask), nil }

// mask is printed for every secret.
const mask = "****"
