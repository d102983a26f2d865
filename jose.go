package usersecurity

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// The one way a request is sealed, and the two ways a reply may be. Nothing
// here can be configured: an algorithm that can be chosen can be chosen badly.
const (
	algRSA    = jose.RSA_OAEP_256
	algDirect = jose.DIRECT
	encGCM    = jose.A256GCM

	cekSize = 32
	ivSize  = 12
	tagSize = 16

	minKeyBits   = 2048
	maxProtected = 4 << 10 // of a JWE's protected header, encoded
	maxCompact   = maxReply
)

// protected is the encoded protected header of every request:
// {"alg":"RSA-OAEP-256","enc":"A256GCM"}.
var protected = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + string(algRSA) + `","enc":"` + string(encGCM) + `"}`))

// segmentEncoding is strict: of the texts that decode to the same bytes only
// one is right.
var segmentEncoding = base64.RawURLEncoding.Strict()

// envelope is a sealed request and the content encryption key (CEK) that opens
// the direct reply to it.
type envelope struct {
	compact []byte
	cek     [cekSize]byte
}

// seal encrypts plaintext to pub as a compact JWE (RFC 7516, section 7.1) with
// a fresh content key and initialization vector.
func seal(pub *rsa.PublicKey, plaintext []byte) (*envelope, error) {
	e := &envelope{}
	var iv [ivSize]byte
	_, _ = rand.Read(e.cek[:]) // never fails
	_, _ = rand.Read(iv[:])
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, e.cek[:], nil)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(e.cek[:])
	if err != nil {
		return nil, err
	}
	ciphertext := gcm.Seal(nil, iv[:], plaintext, []byte(protected))
	tag := ciphertext[len(ciphertext)-tagSize:]
	ciphertext = ciphertext[:len(ciphertext)-tagSize]

	b := make([]byte, 0, len(protected)+4+
		base64.RawURLEncoding.EncodedLen(len(encryptedKey))+base64.RawURLEncoding.EncodedLen(ivSize)+
		base64.RawURLEncoding.EncodedLen(len(ciphertext))+base64.RawURLEncoding.EncodedLen(tagSize))
	b = append(b, protected...)
	for _, segment := range [][]byte{encryptedKey, iv[:], ciphertext, tag} {
		b = append(b, '.')
		b = base64.RawURLEncoding.AppendEncode(b, segment)
	}
	e.compact = b
	return e, nil
}

// wipe forgets the content key.
func (e *envelope) wipe() {
	if e != nil {
		clear(e.cek[:])
	}
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// joseHeader is what counts of a protected header.
type joseHeader struct{ alg, enc, kid string }

// inspectCompact checks the shape of a compact JWE: five segments of strict
// base64url, an initialization vector and a tag of the right size, a header
// without compression and critical extensions. It opens nothing.
func inspectCompact(compact string) (h joseHeader, encryptedKeySize int, ok bool) {
	if len(compact) > maxCompact {
		return h, 0, false
	}
	segments := strings.SplitN(compact, ".", 6)
	if len(segments) != 5 || len(segments[0]) > maxProtected {
		return h, 0, false
	}
	for _, s := range segments {
		// The standard decoder skips line breaks.
		if strings.ContainsAny(s, "\r\n") {
			return h, 0, false
		}
	}
	encryptedKey, err := segmentEncoding.DecodeString(segments[1])
	if err != nil {
		return h, 0, false
	}
	iv, err := segmentEncoding.DecodeString(segments[2])
	if err != nil || len(iv) != ivSize {
		return h, 0, false
	}
	if _, err := segmentEncoding.DecodeString(segments[3]); err != nil {
		return h, 0, false
	}
	tag, err := segmentEncoding.DecodeString(segments[4])
	if err != nil || len(tag) != tagSize {
		return h, 0, false
	}
	raw, err := segmentEncoding.DecodeString(segments[0])
	if err != nil {
		return h, 0, false
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return h, 0, false
	}
	if fields["zip"] != nil || fields["crit"] != nil {
		return h, 0, false
	}
	for name, into := range map[string]*string{"alg": &h.alg, "enc": &h.enc, "kid": &h.kid} {
		if raw, there := fields[name]; there && json.Unmarshal(raw, into) != nil {
			return h, 0, false
		}
	}
	return h, len(encryptedKey), true
}

// openReply opens a sealed reply by its protected header: dir with the content
// key of the request it answers, RSA-OAEP-256 with the reply key that kid
// names. Whatever is wrong, the error is ErrDecrypt and nothing more, so that
// it tells nobody how far an attempt got.
func openReply(compact []byte, cek []byte, replyKeys map[string]crypto.Decrypter) ([]byte, error) {
	text := string(compact)
	header, encryptedKeySize, ok := inspectCompact(text)
	if !ok || header.enc != string(encGCM) {
		return nil, ErrDecrypt
	}
	var (
		alg jose.KeyAlgorithm
		key any
	)
	switch header.alg {
	case string(algDirect):
		if encryptedKeySize != 0 || len(cek) != cekSize {
			return nil, ErrDecrypt
		}
		alg, key = algDirect, cek
	case string(algRSA):
		replyKey := replyKeys[strings.ToLower(header.kid)]
		if encryptedKeySize == 0 || replyKey == nil {
			return nil, ErrDecrypt
		}
		alg, key = algRSA, keyDecrypter{replyKey}
	default:
		return nil, ErrDecrypt
	}
	jwe, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{encGCM})
	if err != nil {
		return nil, ErrDecrypt
	}
	plaintext, err := jwe.Decrypt(key)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// keyDecrypter lets go-jose use any crypto.Decrypter, one that lives in an HSM
// included.
type keyDecrypter struct{ key crypto.Decrypter }

// DecryptKey decrypts the content key.
func (d keyDecrypter) DecryptKey(encryptedKey []byte, _ jose.Header) ([]byte, error) {
	return d.key.Decrypt(rand.Reader, encryptedKey, &rsa.OAEPOptions{Hash: crypto.SHA256})
}

// looksSealed reports whether a body is a compact JWE rather than JSON or HTML:
// by its content type and, failing that, by its shape, because error replies
// are not known to keep to one of the two.
func looksSealed(contentType string, body []byte) bool {
	if len(body) == 0 {
		return false
	}
	if strings.HasPrefix(contentType, "application/jose") {
		return body[0] != '{' && body[0] != '['
	}
	return strings.HasPrefix(string(body[:min(len(body), 3)]), "eyJ") && strings.Count(string(body), ".") == 4
}
