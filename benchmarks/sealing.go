package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"

	"github.com/wise-partner/usersecurity"
)

var sealRow = timedRow{
	name: "seal", about: "sealing 14 bytes, RSA-2048",
	setup: func() ([]contestant, func(), error) {
		key := newKey()
		pub := &key.PublicKey
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return nil, nil, err
		}
		pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		pin, err := usersecurity.NewPin("0417")
		if err != nil {
			return nil, nil, err
		}
		wiseKey := &usersecurity.WiseKey{PublicKey: pub}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: pub}, nil)
		if err != nil {
			return nil, nil, err
		}
		plaintext := []byte(pinBody)
		return []contestant{
			{"by hand", func() error {
				_, _, err := sealByHand(pub, requestHeader, plaintext)
				return err
			}},
			{library, func() error {
				_, err := usersecurity.Seal(wiseKey, pin)
				return err
			}},
			{"go-jose", func() error {
				sealed, err := encrypter.Encrypt(plaintext)
				if err != nil {
					return err
				}
				_, err = sealed.CompactSerialize()
				return err
			}},
			{"jwx", func() error {
				_, err := jwe.Encrypt(plaintext, jwe.WithKey(jwa.RSA_OAEP_256(), pub), jwe.WithContentEncryption(jwa.A256GCM()))
				return err
			}},
			{"by hand, PEM parsed per call", func() error {
				block, _ := pem.Decode(pemText)
				parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
				if err != nil {
					return err
				}
				_, _, err = sealByHand(parsed.(*rsa.PublicKey), requestHeader, plaintext)
				return err
			}},
		}, func() {}, nil
	},
}

// opened makes sure that a reply was opened, whoever did it.
func opened(plaintext []byte, err error) error {
	if err == nil && string(plaintext) != fingerprintReply {
		err = errNotOpened
	}
	return err
}

var openDirectRow = timedRow{
	name: "open-dir", about: "opening a dir reply",
	setup: func() ([]contestant, func(), error) {
		key := newKey()
		fingerprint, err := usersecurity.NewFingerprint(fingerprintText)
		if err != nil {
			return nil, nil, err
		}
		sealed, err := usersecurity.Seal(&usersecurity.WiseKey{PublicKey: &key.PublicKey}, fingerprint)
		if err != nil {
			return nil, nil, err
		}
		cek, err := contentKeyByHand(key, sealed.Compact())
		if err != nil {
			return nil, nil, err
		}
		reply, err := encryptByHand(directHeader, nil, cek, []byte(fingerprintReply))
		if err != nil {
			return nil, nil, err
		}
		otherReply, err := encryptByHand(otherHeader, nil, cek, []byte(fingerprintReply))
		if err != nil {
			return nil, nil, err
		}
		body, other := []byte(reply), []byte(otherReply)
		return []contestant{
			{"by hand", func() error { return opened(openByHand(cek, string(body))) }},
			{library, func() error { return opened(sealed.OpenReply(body)) }},
			{library + ", a header with more in it", func() error { return opened(sealed.OpenReply(other)) }},
			{"go-jose", func() error { return opened(openWithGoJose(cek, string(body))) }},
		}, func() {}, nil
	},
}
