package usersecurity_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A client that can't seal doesn't send what must be sealed.
func TestSealingIsRequired(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		transport := http.RoundTripper(nothingSent{t})
		if !r.sealed {
			transport = play(t, r.answersWell())
		}
		client := bareClient(t, transport, usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(userTokens))
		_, err := r.call(t.Context(), client)
		if r.sealed {
			checkMatches(t, string(r.op), err, usersecurity.ErrJWERequired)
		} else if err != nil {
			t.Errorf("%s: %v", r.op, err)
		}
	}
	client := bareClient(t, nothingSent{t}, usersecurity.WithApplicationTokens(applicationTokens))
	checkMatches(t, "VerifyJWE", client.VerifyJWE(t.Context()), usersecurity.ErrJWERequired)
	_, err := client.WiseKey(t.Context())
	checkMatches(t, "WiseKey", err, usersecurity.ErrJWERequired)
}

// Without a usable key nothing is sent.
func TestNoKeyNothingSent(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]keyFunc{
		"an error": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return nil, io.ErrClosedPipe
		},
		"nil": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) { return nil, nil },
		"no key": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return &usersecurity.WiseKey{}, nil
		},
		"a short key": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return &usersecurity.WiseKey{PublicKey: &shortKey.PublicKey}, nil
		},
	} {
		for _, r := range sealedRows() {
			_, err := r.call(t.Context(), newClient(t, nothingSent{t}, usersecurity.WithJWE(usersecurity.JWEKeys(source))))
			checkMatches(t, fmt.Sprint(r.op, ", ", name), err, usersecurity.ErrNoKey)
			if name == "an error" && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: the source's error is lost: %v", r.op, err)
			}
		}
	}
}

func TestReplyKeys(t *testing.T) {
	old, current := uuid.New(), uuid.New()
	keys := map[uuid.UUID]*rsa.PrivateKey{}
	for _, id := range []uuid.UUID{old, current} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		keys[id] = key
	}
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithReplyKeyReplies()},
		usersecurity.WithJWE(
			usersecurity.JWEReplyKey(old, keys[old]),
			usersecurity.JWEReplyKey(current, keys[current]),
		))
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for n, id := range []uuid.UUID{old, current} {
		err := client.RegisterReplyKey(t.Context(), usersecurity.ReplyKey{
			ID: id, PublicKey: &keys[id].PublicKey, ValidFrom: from, ValidTill: from.AddDate(100, 0, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, must(usersecurity.NewFingerprint(fmt.Sprint("device ", n)))); err != nil {
			t.Errorf("the reply to key %d: %v", n, err)
		}
	}
	for _, r := range wise.Requests() {
		if r.Header.Get("X-TW-JOSE-Encryption-kid") != "" {
			t.Error("the id of the reply key was sent, and nobody asked for that")
		}
	}
}

func TestReplyKeyIDIsSentOnRequest(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.New()
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithReplyKeyReplies()},
		usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key), usersecurity.JWESendReplyKeyID()))
	if err := client.RegisterReplyKey(t.Context(), usersecurity.ReplyKey{ID: id, PublicKey: &key.PublicKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, must(usersecurity.NewFingerprint("device"))); err != nil {
		t.Fatal(err)
	}
	requests := wise.Requests()
	if got := requests[len(requests)-1].Header.Get("X-TW-JOSE-Encryption-kid"); got != id.String() {
		t.Errorf("the id that was sent: %q", got)
	}
}
