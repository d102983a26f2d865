package usersecuritytest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
)

// The algorithms that JOSE with Wise is about.
const (
	algRSA    = "RSA-OAEP-256"
	algDirect = "dir"
	encGCM    = "A256GCM"

	cekSize = 32
	ivSize  = 12
	tagSize = 16
)

var base64url = base64.RawURLEncoding.Strict()

// isCompact reports whether a body looks like a JWE: five parts of base64url.
func isCompact(body []byte) bool {
	if bytes.Count(body, []byte{'.'}) != 4 {
		return false
	}
	for _, c := range body {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// openCompact opens a request, and returns the content key that its reply is
// sealed with. JOSE libraries keep that key to themselves.
func openCompact(key *rsa.PrivateKey, parts []string) (payload, cek []byte, ok bool) {
	var decoded [5][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64url.DecodeString(part); err != nil {
			return nil, nil, false
		}
	}
	encryptedKey, iv, ciphertext, tag := decoded[1], decoded[2], decoded[3], decoded[4]
	cek, err := rsa.DecryptOAEP(sha256.New(), nil, key, encryptedKey, nil)
	if err != nil || len(cek) != cekSize || len(iv) != ivSize || len(tag) != tagSize {
		return nil, nil, false
	}
	payload, err = newGCM(cek).Open(nil, iv, append(ciphertext, tag...), []byte(parts[0]))
	return payload, cek, err == nil
}

// sealDirect seals with the content key of the request. The order of the header
// is Wise's: nobody should compare headers as text.
func sealDirect(cek, plaintext []byte) []byte {
	return sealCompact(`{"enc":"`+encGCM+`","alg":"`+algDirect+`"}`, nil, cek, plaintext)
}

// sealToKey seals with a content key of its own, wrapped to a key of the
// partner's.
func sealToKey(id uuid.UUID, public *rsa.PublicKey, plaintext []byte) []byte {
	cek := make([]byte, cekSize)
	_, _ = rand.Read(cek) // never fails
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, cek, nil)
	if err != nil {
		panic("usersecuritytest: a reply can't be sealed to the partner's key: " + err.Error())
	}
	header, err := json.Marshal(struct {
		KeyID uuid.UUID `json:"kid"`
		Enc   string    `json:"enc"`
		Alg   string    `json:"alg"`
	}{id, encGCM, algRSA})
	if err != nil {
		panic("usersecuritytest: a protected header can't be encoded: " + err.Error())
	}
	return sealCompact(string(header), wrapped, cek, plaintext)
}

func sealCompact(header string, wrapped, cek, plaintext []byte) []byte {
	iv := make([]byte, ivSize)
	_, _ = rand.Read(iv) // never fails
	protected := base64url.EncodeToString([]byte(header))
	box := newGCM(cek).Seal(nil, iv, plaintext, []byte(protected))
	ciphertext, tag := box[:len(box)-tagSize], box[len(box)-tagSize:]
	return []byte(strings.Join([]string{
		protected,
		base64url.EncodeToString(wrapped),
		base64url.EncodeToString(iv),
		base64url.EncodeToString(ciphertext),
		base64url.EncodeToString(tag),
	}, "."))
}

// newGCM takes a key of 32 bytes, which never fails.
func newGCM(cek []byte) cipher.AEAD {
	block, err := aes.NewCipher(cek)
	if err != nil {
		panic("usersecuritytest: " + err.Error())
	}
	var gcm cipher.AEAD
	// A program in FIPS 140-only mode may be tested against the simulator.
	fips140.WithoutEnforcement(func() { gcm, err = cipher.NewGCM(block) })
	if err != nil {
		panic("usersecuritytest: " + err.Error())
	}
	return gcm
}
