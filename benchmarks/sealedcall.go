package main

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/wise-partner/usersecurity"
)

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
	setSealedHeaders(req.Header)
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

func setSealedHeaders(h http.Header) {
	h.Set("Accept", joseType)
	h.Set("Content-Type", joseType)
	h.Set("Accept-Encoding", "identity")
	h.Set("Content-Encoding", "identity")
	h.Set("X-Tw-Jose-Method", "jwe")
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
		server, err := serve(nil, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
