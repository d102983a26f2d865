package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"

	"github.com/wise-partner/usersecurity"
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

// sealedCall is CreateDeviceFingerprint by other means than the library's.
type sealedCall struct {
	send  func(req *http.Request) (*http.Response, error)
	seal  func(plaintext []byte) (compact string, cek []byte, err error)
	open  func(cek []byte, compact string) ([]byte, error)
	fresh bool // a deadline and a correlation id of its own
}

func (s sealedCall) do(base string) error {
	plaintext, err := json.Marshal(struct {
		Fingerprint string `json:"deviceFingerprint"`
	}{fingerprintText})
	if err != nil {
		return err
	}
	compact, cek, err := s.seal(plaintext)
	if err != nil {
		return err
	}
	ctx, id := context.Background(), correlationID
	if s.fresh {
		id = uuid.NewString()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+fingerprintPath, strings.NewReader(compact))
	if err != nil {
		return err
	}
	setHeaders(req.Header, id)
	req.Header.Set("Accept", joseType)
	req.Header.Set("Content-Type", joseType)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("Content-Encoding", "identity")
	req.Header.Set("X-Tw-Jose-Method", "jwe")
	resp, err := s.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	reply, err := s.open(cek, string(body))
	if err != nil {
		return err
	}
	var created usersecurity.DeviceFingerprint
	if err := json.Unmarshal(reply, &created); err != nil {
		return err
	}
	return wasCreated(&created, nil)
}

func wasCreated(created *usersecurity.DeviceFingerprint, err error) error {
	if err == nil && created.ID == uuid.Nil {
		err = errNotOpened
	}
	return err
}

// sealedCallOfLibrary is the same work by the library.
func sealedCallOfLibrary(client *usersecurity.Client) func() error {
	return func() error {
		fingerprint, err := usersecurity.NewFingerprint(fingerprintText)
		if err != nil {
			return err
		}
		return wasCreated(client.CreateDeviceFingerprint(context.Background(), user, fingerprint))
	}
}

// sendBare sends with go-retryablehttp.
func sendBare(client *retryablehttp.Client) func(req *http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		wrapped, err := retryablehttp.FromRequest(req)
		if err != nil {
			return nil, err
		}
		return client.Do(wrapped)
	}
}

// sealWithGoJose seals with a content key that go-jose makes and doesn't tell.
func sealWithGoJose(pub *rsa.PublicKey) (func(plaintext []byte) (string, []byte, error), error) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: pub}, nil)
	if err != nil {
		return nil, err
	}
	return func(plaintext []byte) (string, []byte, error) {
		sealed, err := encrypter.Encrypt(plaintext)
		if err != nil {
			return "", nil, err
		}
		compact, err := sealed.CompactSerialize()
		return compact, nil, err
	}, nil
}

var openRSARow = timedRow{
	name: "open-rsa", about: "a sealed call over a stub transport whose reply is sealed to a registered RSA key",
	setup: func() ([]contestant, func(), error) {
		wise, own := newKey(), newKey()
		compact, _, err := sealByHand(&own.PublicKey, rsaReplyHeader, []byte(fingerprintReply))
		if err != nil {
			return nil, nil, err
		}
		answer := stub{http.StatusOK, compact, http.Header{"Content-Type": {joseType}, "X-Trace-Id": {"3f1a"}}}
		client, err := stubClient(answer, usersecurity.WithJWE(
			usersecurity.JWEKeys(usersecurity.StaticKey(&wise.PublicKey)),
			usersecurity.JWEReplyKey(replyKeyID, own)))
		if err != nil {
			return nil, nil, err
		}
		withGoJose, err := sealWithGoJose(&wise.PublicKey)
		if err != nil {
			return nil, nil, err
		}
		byHand := sealedCall{
			send: (&http.Client{Transport: answer}).Do,
			seal: func(plaintext []byte) (string, []byte, error) {
				return sealByHand(&wise.PublicKey, requestHeader, plaintext)
			},
			open: func(_ []byte, compact string) ([]byte, error) { return openRSAByHand(own, compact) },
		}
		goJose := sealedCall{
			send:  sendBare(bareRunner(answer)),
			seal:  withGoJose,
			open:  func(_ []byte, compact string) ([]byte, error) { return openWithGoJose(own, compact) },
			fresh: true,
		}
		plain := &rsa.PrivateKey{PublicKey: own.PublicKey, D: own.D, Primes: own.Primes} // not precomputed
		notPrecomputed := byHand
		notPrecomputed.open = func(_ []byte, compact string) ([]byte, error) { return openRSAByHand(plain, compact) }
		return []contestant{
			{"by hand", func() error { return byHand.do(usersecurity.Production) }},
			{library, sealedCallOfLibrary(client)},
			{"go-jose, go-retryablehttp", func() error { return goJose.do(usersecurity.Production) }},
			{"by hand, key not precomputed", func() error { return notPrecomputed.do(usersecurity.Production) }},
		}, func() {}, nil
	},
}

var wholeCallRow = timedRow{
	name: "whole-call", about: "a whole sealed call on loopback, the reply sealed with the request's content key",
	setup: func() ([]contestant, func(), error) {
		wise := newKey()
		server, err := serve(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, "", http.StatusBadRequest)
				return
			}
			cek, err := contentKeyByHand(wise, string(body))
			if err != nil {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			reply, err := encryptByHand(directHeader, nil, cek, []byte(fingerprintReply))
			if err != nil {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", joseType)
			_, _ = io.WriteString(w, reply)
		}))
		if err != nil {
			return nil, nil, err
		}
		client, err := usersecurity.New(
			usersecurity.WithBaseURL(server.url),
			usersecurity.WithUserTokens(usersecurity.ForUser(user, usersecurity.StaticToken(token))),
			usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&wise.PublicKey))))
		if err != nil {
			return nil, nil, err
		}
		byHand := sealedCall{
			send: (&http.Client{Transport: &http.Transport{}}).Do,
			seal: func(plaintext []byte) (string, []byte, error) {
				return sealByHand(&wise.PublicKey, requestHeader, plaintext)
			},
			open: openByHand,
		}
		goJose := sealedCall{
			send:  sendBare(bareRunner(&http.Transport{})),
			seal:  byHand.seal, // go-jose doesn't tell the content key, which opens the reply
			open:  func(cek []byte, compact string) ([]byte, error) { return openWithGoJose(cek, compact) },
			fresh: true,
		}
		return []contestant{
			{"by hand", func() error { return byHand.do(server.url) }},
			{library, sealedCallOfLibrary(client)},
			{"opened by go-jose, go-retryablehttp", func() error { return goJose.do(server.url) }},
		}, server.close, nil
	},
}
