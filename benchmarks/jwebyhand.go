package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

const (
	pinBody          = `{"pin":"0417"}` // 14 bytes
	fingerprintReply = `{"deviceFingerprintId":"6f1e2d3c-4b5a-4c7d-8e9f-a0b1c2d3e4f5","createdAt":"2026-01-02T03:04:05.123456Z"}`
	fingerprintPath  = "/v1/user/partner-device-fingerprints"
	joseType         = "application/jose+json"
)

var (
	b64             = base64.RawURLEncoding
	requestHeader   = b64.EncodeToString([]byte(`{"alg":"RSA-OAEP-256","enc":"A256GCM"}`))
	directHeader    = b64.EncodeToString([]byte(`{"enc":"A256GCM","alg":"dir"}`))
	otherHeader     = b64.EncodeToString([]byte(`{"typ":"JOSE","enc":"A256GCM","alg":"dir"}`))
	errNotOpened    = errors.New("the reply is not what was sealed")
	replyKeyID      = uuid.MustParse("0b6e1a52-7c1d-4a0f-9d53-2f1c8a7b6e5d")
	rsaReplyHeader  = b64.EncodeToString([]byte(`{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + replyKeyID.String() + `"}`))
	keyAlgorithms   = []jose.KeyAlgorithm{jose.DIRECT, jose.RSA_OAEP_256}
	contentCiphers  = []jose.ContentEncryption{jose.A256GCM}
	fingerprintText = "a device that one of the customers has"
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system's randomness is gone
	}
	return key
}

func newGCM(cek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealByHand makes a compact JWE with the standard library alone.
func sealByHand(pub *rsa.PublicKey, header string, plaintext []byte) (compact string, cek []byte, err error) {
	cek = make([]byte, 32)
	_, _ = rand.Read(cek)
	encryptedKey, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, cek, nil)
	if err != nil {
		return "", nil, err
	}
	compact, err = encryptByHand(header, encryptedKey, cek, plaintext)
	return compact, cek, err
}

func encryptByHand(header string, encryptedKey, cek, plaintext []byte) (string, error) {
	gcm, err := newGCM(cek)
	if err != nil {
		return "", err
	}
	iv := make([]byte, 12)
	_, _ = rand.Read(iv)
	sealed := gcm.Seal(nil, iv, plaintext, []byte(header))
	ciphertext, tag := sealed[:len(sealed)-16], sealed[len(sealed)-16:]
	return header + "." + b64.EncodeToString(encryptedKey) + "." + b64.EncodeToString(iv) + "." +
		b64.EncodeToString(ciphertext) + "." + b64.EncodeToString(tag), nil
}

// contentKeyByHand opens the key part of a compact JWE.
func contentKeyByHand(key *rsa.PrivateKey, compact string) ([]byte, error) {
	segments := strings.Split(compact, ".")
	if len(segments) != 5 {
		return nil, errNotOpened
	}
	encryptedKey, err := b64.DecodeString(segments[1])
	if err != nil {
		return nil, err
	}
	return rsa.DecryptOAEP(sha256.New(), nil, key, encryptedKey, nil)
}

// openByHand opens a compact JWE with its content key. It trusts the header.
func openByHand(cek []byte, compact string) ([]byte, error) {
	segments := strings.Split(compact, ".")
	if len(segments) != 5 {
		return nil, errNotOpened
	}
	iv, err := b64.DecodeString(segments[2])
	if err != nil {
		return nil, err
	}
	ciphertext, err := b64.DecodeString(segments[3])
	if err != nil {
		return nil, err
	}
	tag, err := b64.DecodeString(segments[4])
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(cek)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, iv, append(ciphertext, tag...), []byte(segments[0]))
}

func openRSAByHand(key *rsa.PrivateKey, compact string) ([]byte, error) {
	cek, err := contentKeyByHand(key, compact)
	if err != nil {
		return nil, err
	}
	return openByHand(cek, compact)
}

func openWithGoJose(key any, compact string) ([]byte, error) {
	parsed, err := jose.ParseEncryptedCompact(compact, keyAlgorithms, contentCiphers)
	if err != nil {
		return nil, err
	}
	return parsed.Decrypt(key)
}
