package usersecurity

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
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
	_, _ = rand.Read(e.cek[:]) // never fails
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, e.cek[:], nil)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(e.cek[:])
	if err != nil {
		return nil, err
	}
	sealed := gcm.Seal(nil, nil, plaintext, []byte(protected)) //nolint:gosec // no fixed vector: newGCM makes its own
	iv, ciphertext, tag := sealed[:ivSize], sealed[ivSize:len(sealed)-tagSize], sealed[len(sealed)-tagSize:]

	b := make([]byte, 0, len(protected)+4+
		base64.RawURLEncoding.EncodedLen(len(encryptedKey))+base64.RawURLEncoding.EncodedLen(ivSize)+
		base64.RawURLEncoding.EncodedLen(len(ciphertext))+base64.RawURLEncoding.EncodedLen(tagSize))
	b = append(b, protected...)
	for _, segment := range [][]byte{encryptedKey, iv, ciphertext, tag} {
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

// newGCM makes its own initialization vectors and puts them before the
// ciphertext: the only GCM that programs in FIPS 140-only mode may seal with.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// message is a compact JWE taken apart. Nothing in it is opened.
type message struct {
	alg, enc, kid string
	protected     []byte // as it came: the additional authenticated data
	encryptedKey  []byte
	sealed        []byte // initialization vector, ciphertext and tag
}

// parseCompact checks the shape of a compact JWE: five segments of strict
// base64url, an initialization vector and a tag of the right size, a header
// without compression and critical extensions.
func parseCompact(compact []byte) (m message, ok bool) {
	// The standard decoder skips line breaks.
	if len(compact) > maxCompact || bytes.ContainsAny(compact, "\r\n") {
		return m, false
	}
	var segments [5][]byte
	rest, more := compact, true
	for i := range segments {
		if !more {
			return m, false
		}
		segments[i], rest, more = bytes.Cut(rest, []byte("."))
	}
	if more || len(segments[0]) > maxProtected {
		return m, false
	}
	m.protected = segments[0]
	if !m.parseHeader() {
		return m, false
	}
	var err error
	decode := func(dst, segment []byte) []byte {
		if err == nil {
			dst, err = segmentEncoding.AppendDecode(dst, segment)
		}
		return dst
	}
	m.encryptedKey = decode(nil, segments[1])
	m.sealed = decode(make([]byte, 0, ivSize+segmentEncoding.DecodedLen(len(segments[3]))+tagSize), segments[2])
	iv := len(m.sealed)
	m.sealed = decode(m.sealed, segments[3])
	beforeTag := len(m.sealed)
	m.sealed = decode(m.sealed, segments[4])
	return m, err == nil && iv == ivSize && len(m.sealed)-beforeTag == tagSize
}

// parseHeader reads what counts of the protected header. How Wise is known to
// write it needs no JSON decoder.
func (m *message) parseHeader() bool {
	raw, err := segmentEncoding.AppendDecode(nil, m.protected)
	if err != nil {
		return false
	}
	if s := string(raw); s == `{"enc":"A256GCM","alg":"dir"}` || s == `{"alg":"dir","enc":"A256GCM"}` {
		m.alg, m.enc = string(algDirect), string(encGCM)
		return true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields["zip"] != nil || fields["crit"] != nil {
		return false
	}
	for name, into := range map[string]*string{"alg": &m.alg, "enc": &m.enc, "kid": &m.kid} {
		if raw, there := fields[name]; there && json.Unmarshal(raw, into) != nil {
			return false
		}
	}
	return true
}

// openReply opens a sealed reply by its protected header: dir with the content
// key of the request it answers, RSA-OAEP-256 with the reply key that kid
// names. Whatever is wrong, the error is ErrDecrypt and nothing more, so that
// it tells nobody how far an attempt got.
func openReply(compact []byte, cek []byte, replyKeys map[string]crypto.Decrypter) ([]byte, error) {
	m, ok := parseCompact(compact)
	switch {
	case !ok || m.enc != string(encGCM):
		return nil, ErrDecrypt
	case m.alg == string(algDirect) && len(m.encryptedKey) == 0 && len(cek) == cekSize:
		return m.openDirect(cek)
	case m.alg == string(algRSA) && len(m.encryptedKey) > 0:
		if key := replyKeys[strings.ToLower(m.kid)]; key != nil {
			return openRSA(string(compact), key)
		}
	}
	return nil, ErrDecrypt
}

// openDirect is the other half of seal, over the same primitives.
func (m *message) openDirect(cek []byte) ([]byte, error) {
	gcm, err := newGCM(cek)
	if err != nil {
		return nil, ErrDecrypt
	}
	plaintext, err := gcm.Open(m.sealed[:0], nil, m.sealed, m.protected)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

func openRSA(compact string, key crypto.Decrypter) ([]byte, error) {
	jwe, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{algRSA}, []jose.ContentEncryption{encGCM})
	if err != nil {
		return nil, ErrDecrypt
	}
	var plaintext []byte
	// FIPS 140 allows to open with the initialization vector of the message. Go's
	// enforcement refuses it all the same: it can't tell opening from sealing.
	fips140.WithoutEnforcement(func() {
		plaintext, err = jwe.Decrypt(keyDecrypter{key})
	})
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
