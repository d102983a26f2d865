package usersecurity_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-jose/go-jose/v4"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestRelay(t *testing.T) {
	wise, client := newPair(t, nil)
	backend := clientOf(t, usersecurity.WithBaseURL(wise.URL()), usersecurity.WithUserTokens(usersecurity.ForUser(1001, usersecurity.StaticToken(wise.UserToken(1001)))))
	key, err := client.WiseKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	_, request := sealedBy(key, usual.pin)
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

	sealed, request := sealedBy(key, usual.fingerprint)
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
		_, request := sealedBy(key, usual.pin)
		_, err := client.CreatePinSealed(t.Context(), 1001, request)
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

func TestParseSealedRequest(t *testing.T) {
	sealed, err := usersecurity.Seal(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
	if err != nil {
		t.Fatal(err)
	}
	compact := sealed.Compact()
	request, err := usersecurity.ParseSealedRequest(compact)
	if err != nil || request.Compact() != compact {
		t.Fatalf("parsed %q, %v", request.Compact(), err)
	}
	cek := bytes.Repeat([]byte{7}, cekSize)
	bad := badReplies(cek, sealingKey())
	delete(bad, "RSA with an unknown kid") // these are fit to be requests
	delete(bad, "RSA without kid")
	delete(bad, "RSA to a key of the same kid")
	bad["dir"] = sealReply(jose.DIRECT, cek, "hello", nil)
	_, rest, _ := strings.Cut(compact, ".")
	bad["another enc"] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RSA-OAEP-256","enc":"A128GCM"}`)) + "." + rest
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			got, err := usersecurity.ParseSealedRequest(text)
			if !errors.Is(err, usersecurity.ErrInvalidArgument) || got.Compact() != "" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzParseSealedRequest(f *testing.F) {
	f.Add(must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)).Compact())
	for _, compact := range badReplies(bytes.Repeat([]byte{7}, cekSize), sealingKey()) {
		if len(compact) < maxProtected {
			f.Add(compact)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		request, err := usersecurity.ParseSealedRequest(text)
		if err != nil {
			if !errors.Is(err, usersecurity.ErrInvalidArgument) || request.Compact() != "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		// What is accepted is what go-jose reads too, and is passed on unchanged.
		jwe, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("go-jose refuses it: %v", err)
		}
		again, err := jwe.CompactSerialize()
		if err != nil || strings.Count(again, ".") != 4 || request.Compact() != text {
			t.Fatal("it changed on the way")
		}
	})
}

// A wiped or zero Sealed opens nothing, least of all with a key of zeros.
func TestWipedSealedOpensNothing(t *testing.T) {
	forged := sealReply("dir", make([]byte, cekSize), "{}", nil)
	sealed, err := usersecurity.Seal(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
	if err != nil {
		t.Fatal(err)
	}
	sealed.Wipe()
	sealed.Wipe()
	for _, s := range []*usersecurity.Sealed{sealed, {}} {
		if opened, err := s.OpenReply([]byte(forged)); !errors.Is(err, usersecurity.ErrDecrypt) || opened != nil || s.Compact() != "" {
			t.Errorf("opened %q, %v", opened, err)
		}
	}
}

// What a device has sealed is sent as often as the same bytes can do better: not
// again after a 500, by which Wise may mean that it can't open them.
func TestRelayedAttempts(t *testing.T) {
	t.Parallel()
	unknown := usersecurity.ErrOutcomeUnknown
	for _, test := range []struct {
		name  string
		steps []step
		sent  int
		want  []error
	}{
		{"500", []step{answers(500, "")}, 1, []error{usersecurity.ErrServer, unknown}},
		{"500 of the layer that opens it", []step{answers(500, body500)}, 1, []error{usersecurity.ErrServer, unknown}},
		{"a page with 500", []step{answers(500, "<html>")}, 1, []error{usersecurity.ErrServer, unknown}},
		{"503", []step{answers(503, ""), answers(204, "")}, 2, nil},
		{"503, then 500", []step{answers(503, ""), answers(500, "")}, 2, []error{usersecurity.ErrServer, unknown}},
		{"lost", []step{lost, answers(204, "")}, 2, nil},
		{"refused", []step{refused, answers(204, "")}, 2, nil},
		{"429", []step{answers(429, ""), answers(204, "")}, 2, nil},
		{"401", []step{answers(401, ""), answers(204, "")}, 2, nil},
		{"400", []step{answers(400, `{"error":"jws_error"}`)}, 1, []error{usersecurity.ErrInvalidRequest}},
		{"a page with 200", []step{answers(200, "<html>"), answers(204, "")}, 2, nil},
	} {
		for _, seals := range []bool{false, true} { // a client that seals itself has Wise's key, too
			scripted(t, fmt.Sprint(test.name, ", seals ", seals), func(t *testing.T) {
				script := play(t, test.steps...)
				options := oneSource(freshTokens)
				if seals {
					options = append(options, sealing())
				}
				_, request := sealedBy(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
				_, err := bareClient(t, script, options...).CreatePinSealed(t.Context(), 1001, request)
				checkMatches(t, "the error", err, test.want...)
				if script.count() != test.sent {
					t.Errorf("%d requests, want %d", script.count(), test.sent)
				}
				for _, a := range script.requests {
					if a.body != request.Compact() {
						t.Error("other bytes were sent")
					}
				}
			})
		}
	}
}

// Ten bad requests of a device cost ten requests, and no more than a key or two.
func TestRelayedStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := &brokenWise{key: endpoint{answer: givesKey()}, api: endpoint{answer: answers(500, body500)}}
		client := bareClient(t, wise, append(withTokens(), usersecurity.WithJWE())...)
		for range 10 {
			_, request := sealedBy(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.fingerprint)
			_, err := client.CreateDeviceFingerprintSealed(t.Context(), 1001, request)
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
		}
		if n := wise.api.count.Load(); n != 10 {
			t.Errorf("%d requests", n)
		}
		wise.key.atMost(t, "keys", 2)
	})
}

// Each relayed call is its operation with the device's bytes, and passes back
// what Wise answers as it came.
func TestRelaysOnTheWire(t *testing.T) {
	t.Parallel()
	request := sealedPin()
	for op, call := range relayed {
		r := rowOf(op)
		wise := listen(t, func(w http.ResponseWriter, a arrival) {
			reply(w, 200, sealDirect(a.body, r.reply), "application/jose+json")
		})
		got, err := call(t.Context(), wise.client(t, withTokens()...), usual, request)
		if err != nil {
			t.Errorf("%s: %v", op, err)
			continue
		}
		a := wise.all()[0]
		if a.method != r.method || a.uri != r.path || a.body != request.Compact() {
			t.Errorf("%s: %s %s arrived", op, a.method, a.uri)
		}
		checkHeaders(t, a, "Bearer "+r.token, r.headers(true))
		answer := got.(usersecurity.SealedReply)
		opened, err := usersecurity.OpenReply(answer.Body(), cekOf(a.body), nil)
		if err != nil || string(opened) != r.reply || answer.ContentType() != "application/jose+json" {
			t.Errorf("%s: the device opens %q, %v", op, opened, err)
		}
		for status, want := range r.answers {
			_, err := call(t.Context(), newClient(t, mocked(t, r, r.itself(status))), usual, request)
			checkMatches(t, string(op), err, want)
		}
		// What Wise can't open, it can't open the second time either.
		failing := play(t, answers(500, ""))
		_, err = call(t.Context(), newClient(t, failing), usual, request)
		checkMatches(t, string(op), err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
		if failing.count() != 1 {
			t.Errorf("%s: %d attempts", op, failing.count())
		}
	}
}

// What isn't Wise's reply is none because a device was to read it: nobody is told
// that a write was done, or a challenge passed, by somebody's error.
func TestRelayedRepliesOfSomebodyElse(t *testing.T) {
	t.Parallel()
	request := sealedPin()
	for op, call := range relayed {
		for _, body := range []string{"<html>", "12", `"OK"`, "true", "{}{}", `{"errors":[{"code":"x"}]}`, `{"message":"m"}`, `{"error":"x","error_description":"d"}`, `[{"code":"x"}]`} {
			_, err := call(t.Context(), newClient(t, play(t, answers(200, body)), briefWaits), usual, request)
			checkMatches(t, string(op)+" "+body, err, usersecurity.ErrOutcomeUnknown, usersecurity.ErrUnexpectedReply)
		}
		for _, body := range []string{`{"some":"JSON"}`, "\xef\xbb\xbf" + `{"some":"JSON"}`} {
			got, err := call(t.Context(), newClient(t, play(t, answers(200, body))), usual, request)
			if err != nil || rowOf(op).reply != "" && string(got.(usersecurity.SealedReply).Body()) != body {
				t.Errorf("%s %q: %v, %v", op, body, got, err)
			}
		}
	}
}
