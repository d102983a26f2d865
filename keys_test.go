package usersecurity_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// newPair starts a simulator with one user and makes a client of it.
func newPair(t testing.TB, serverOptions []usersecuritytest.ServerOption, options ...usersecurity.Option) (*usersecuritytest.Server, *usersecurity.Client) {
	t.Helper()
	wise := usersecuritytest.NewServer(serverOptions...)
	t.Cleanup(wise.Close)
	wise.AddUser(1001)
	client, err := usersecurity.New(append(wise.Options(), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return wise, client
}

func somePin(t testing.TB) usersecurity.Pin {
	t.Helper()
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

func someFingerprint(t testing.TB, value string) usersecurity.Fingerprint {
	t.Helper()
	fingerprint, err := usersecurity.NewFingerprint(value)
	if err != nil {
		t.Fatal(err)
	}
	return fingerprint
}

func TestKeyIsFetchedOnceAndKept(t *testing.T) {
	wise, client := newPair(t, nil)
	var calls sync.WaitGroup
	for n := range 50 {
		user := usersecurity.UserID(2001 + n)
		wise.AddUser(user)
		calls.Go(func() {
			if err := client.CreatePin(t.Context(), user, somePin(t)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	key, err := client.WiseKey(t.Context())
	if err != nil || !key.PublicKey.Equal(wise.EncryptionKey()) || key.Version == 0 {
		t.Errorf("the key in use: %v, %v", key, err)
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1 {
		t.Errorf("the key was fetched %d times", n)
	}
}

// 200 calls are in flight each time the key changes.
func TestKeyRotatesUnderTraffic(t *testing.T) {
	const inFlight, rotations = 200, 3
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithLatency(50 * time.Millisecond)},
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
	for n := range inFlight {
		wise.AddUser(usersecurity.UserID(n + 1))
	}
	if _, err := client.WiseKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	for rotation := range rotations {
		fetched := wise.Count(usersecurity.OpFetchWiseKey)
		sent := wise.Count(usersecurity.OpCreatePin)
		var calls sync.WaitGroup
		for n := range inFlight {
			user := usersecurity.UserID(n + 1)
			calls.Go(func() {
				if err := client.CreatePin(t.Context(), user, somePin(t)); err != nil {
					t.Errorf("rotation %d: %v", rotation, err)
				}
			})
		}
		for wise.Count(usersecurity.OpCreatePin)-sent < inFlight/10 {
			time.Sleep(time.Millisecond)
		}
		wise.RotateKey() // the rest arrives sealed to the old one
		calls.Wait()
		if n := wise.Count(usersecurity.OpFetchWiseKey) - fetched; n > 1 {
			t.Errorf("rotation %d: the key was fetched %d times", rotation, n)
		}
		if n := wise.Count(usersecurity.OpCreatePin) - sent; n < inFlight {
			t.Errorf("rotation %d: %d requests for %d calls", rotation, n, inFlight)
		}
		for n := range inFlight {
			calls.Go(func() {
				if err := client.DeletePin(t.Context(), usersecurity.UserID(n+1)); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		// If all had been opened before the rotation, nobody knows of it yet.
		if err := client.VerifyJWE(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1+rotations {
		t.Errorf("the key was fetched %d times for %d rotations", n, rotations)
	}
}

// A 500 under the same key is any 500: the call ends with it.
func TestSameKeyAfterFailureEndsWithThe500(t *testing.T) {
	wise, client := newPair(t, nil, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpCreatePin})
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			err := client.CreatePin(t.Context(), 1001, somePin(t))
			var api *usersecurity.APIError
			if !errors.As(err, &api) || api.StatusCode != http.StatusInternalServerError || !errors.Is(err, usersecurity.ErrServer) || !errors.Is(err, usersecurity.ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
		})
	}
	calls.Wait()
	if n := wise.Count(usersecurity.OpCreatePin); n != 20 {
		t.Errorf("%d requests for 20 calls that had one attempt each", n)
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n > 21 {
		t.Errorf("the key was fetched %d times", n)
	}
}

// Each waiter for the one fetch leaves when its own context ends.
func TestKeyWaitersKeepTheirContexts(t *testing.T) {
	wise, client := newPair(t, nil)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Delay, Delay: 200 * time.Millisecond, Operation: usersecurity.OpFetchWiseKey})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var calls sync.WaitGroup
	calls.Go(func() {
		err := client.CreatePin(short, 1001, somePin(t))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, usersecurity.ErrOutcomeUnknown) {
			t.Errorf("the one with the short deadline: %v", err)
		}
	})
	calls.Go(func() {
		wise.AddUser(7)
		if err := client.CreatePin(t.Context(), 7, somePin(t)); err != nil {
			t.Errorf("the one with time: %v", err)
		}
	})
	calls.Wait()
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1 {
		t.Errorf("the key was fetched %d times", n)
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
			usersecurity.JWERequireSealedReplies(),
		))
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for n, id := range []uuid.UUID{old, current} {
		err := client.RegisterReplyKey(t.Context(), usersecurity.ReplyKey{
			ID: id, PublicKey: &keys[id].PublicKey, ValidFrom: from, ValidTill: from.AddDate(100, 0, 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, someFingerprint(t, fmt.Sprint("device ", n))); err != nil {
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
	if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, someFingerprint(t, "device")); err != nil {
		t.Fatal(err)
	}
	requests := wise.Requests()
	if got := requests[len(requests)-1].Header.Get("X-TW-JOSE-Encryption-kid"); got != id.String() {
		t.Errorf("the id that was sent: %q", got)
	}
}

func TestVerifyJWE(t *testing.T) {
	wise, client := newPair(t, nil)
	if err := client.VerifyJWE(t.Context()); err != nil {
		t.Fatal(err)
	}
	wise.RotateKey()
	if err := client.VerifyJWE(t.Context()); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	echo := usersecuritytest.Fault{
		Kind: usersecuritytest.Status, Operation: usersecurity.OpVerifyJWE, Status: 200, Times: 1,
		Header: map[string][]string{"Content-Type": {"application/json"}}, Body: `{"message":"jose-playground-response-"}`,
	}
	wise.Inject(echo)
	if err := client.VerifyJWE(t.Context()); !errors.Is(err, usersecurity.ErrPlaintextReply) {
		t.Errorf("an echo in clear: %v", err)
	}
	echo.Header = map[string][]string{"Content-Type": {"application/jose+json"}}
	echo.Body = "eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiZGlyIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
	wise.Inject(echo)
	if err := client.VerifyJWE(t.Context()); !errors.Is(err, usersecurity.ErrDecrypt) {
		t.Errorf("an echo that doesn't open: %v", err)
	}
}

func TestRelay(t *testing.T) {
	wise, client := newPair(t, nil)
	backend, err := usersecurity.New(
		usersecurity.WithBaseURL(wise.URL()),
		usersecurity.WithUserTokens(usersecurity.StaticToken(wise.UserToken(1001))),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(backend.CloseIdleConnections)
	key, err := client.WiseKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	sealed, err := usersecurity.Seal(key, somePin(t))
	if err != nil {
		t.Fatal(err)
	}
	request, err := usersecurity.ParseSealedRequest(sealed.Compact())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := backend.CreatePinSealed(t.Context(), 1001, request)
	if err != nil || len(reply.Body()) != 0 {
		t.Errorf("the PIN: %q, %v", reply.Body(), err)
	}
	if _, err := backend.CreatePinSealed(t.Context(), 1001, request); !errors.Is(err, usersecurity.ErrPinAlreadySet) {
		t.Errorf("the PIN again: %v", err)
	}
	if state, _ := wise.User(1001); state.PinDigest != usersecuritytest.DigestOf("0417") {
		t.Error("another PIN has arrived")
	}

	sealed, err = usersecurity.Seal(key, someFingerprint(t, "device"))
	if err != nil {
		t.Fatal(err)
	}
	if request, err = usersecurity.ParseSealedRequest(sealed.Compact()); err != nil {
		t.Fatal(err)
	}
	reply, err = backend.CreateDeviceFingerprintSealed(t.Context(), 1001, request)
	if err != nil || reply.ContentType() != "application/jose+json" {
		t.Fatalf("the device: %q, %v", reply.ContentType(), err)
	}
	opened, err := sealed.OpenReply(reply.Body())
	if err != nil || len(opened) == 0 {
		t.Errorf("the device opened %q, %v", opened, err)
	}
	sealed.Wipe()
	if _, err := sealed.OpenReply(reply.Body()); !errors.Is(err, usersecurity.ErrDecrypt) {
		t.Errorf("without its content key the device opened the reply: %v", err)
	}
}

// A backend that knows Wise's key learns of the new one from the failure of
// what a device sealed to the old one.
func TestRelayAfterRotation(t *testing.T) {
	wise, client := newPair(t, nil)
	key, err := client.WiseKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wise.RotateKey()
	relay := func() error {
		t.Helper()
		sealed, err := usersecurity.Seal(key, somePin(t))
		if err != nil {
			t.Fatal(err)
		}
		request, err := usersecurity.ParseSealedRequest(sealed.Compact())
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CreatePinSealed(t.Context(), 1001, request)
		return err
	}
	if err := relay(); !errors.Is(err, usersecurity.ErrServer) {
		t.Errorf("sealed to the old key: %v", err)
	}
	if n := wise.Count(usersecurity.OpCreatePin); n != 1 {
		t.Errorf("the same bytes were sent %d times", n)
	}
	if key, err = client.WiseKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := relay(); err != nil {
		t.Errorf("sealed to the new key: %v", err)
	}
}

// testKeyOf is a public key to seal to, where nobody opens.
func testKeyOf(t testing.TB) *rsa.PublicKey {
	t.Helper()
	sealingKeyOnce.Do(func() {
		var err error
		if sealingKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	})
	return &sealingKey.PublicKey
}

var (
	sealingKeyOnce sync.Once
	sealingKey     *rsa.PrivateKey
)
