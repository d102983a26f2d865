package usersecuritytest_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestSealedRequestHeaders(t *testing.T) {
	srv := newServer(t)
	good := createPin(t, srv, "1234")
	for _, name := range []string{"Accept", "X-TW-JOSE-Method", "Content-Encoding"} {
		mustCode(t, send(t, srv, good.without(name)), 400, "simulator.header.missing")
		mustCode(t, send(t, srv, good.with(name, "gzip")), 400, "simulator.header.wrong")
	}
	// net/http sends gzip of its own accord where nothing is set.
	mustCode(t, send(t, srv, good.without("Accept-Encoding")), 400, "simulator.header.wrong")
	mustCode(t, send(t, srv, good.with("Accept-Encoding", "*")), 400, "simulator.header.wrong")
	mustCode(t, send(t, srv, good.with("Content-Type", "application/json")), 415, "simulator.content.type")
	mustCode(t, send(t, srv, good.without("Content-Type")), 415, "simulator.content.type")
	twice := good.with("Accept", "application/jose+json")
	twice.header["Accept"] = []string{"application/jose+json", "application/json"}
	mustCode(t, send(t, srv, twice), 400, "simulator.header.wrong")
	if state(t, srv, user).PinSet {
		t.Fatal("a refused PIN is set")
	}
	mustStatus(t, send(t, srv, good), 204)
}

func TestSealedRequestBodies(t *testing.T) {
	srv := newServer(t)
	cek := newCEK()
	good := sealWith(t, srv, goodHeader, cek, `{"pin":"1234"}`)
	withHeader := func(header string) string { return sealWith(t, srv, header, cek, `{"pin":"1234"}`) }
	change := func(part int, to func(string) string) string {
		parts := strings.Split(good, ".")
		parts[part] = to(parts[part])
		return strings.Join(parts, ".")
	}
	flip := func(s string) string { // the first character, whose bits all count
		if s[0] == 'A' {
			return "B" + s[1:]
		}
		return "A" + s[1:]
	}
	empty := func(string) string { return "" }
	short := func(s string) string { return s[:len(s)-4] }

	for _, c := range []struct{ name, body, code string }{
		{"four parts", good[:strings.LastIndex(good, ".")], "body.not.sealed"},
		{"six parts", good + ".", "body.not.sealed"},
		{"JSON form", `{"protected":"a.b.c.d.e"}`, "body.not.sealed"},
		{"padding", change(1, func(s string) string { return s + "==" }), "body.not.sealed"},
		{"no header", change(0, empty), "jose.header"},
		{"header that is no object", withHeader(`[]`), "jose.header"},
		{"RSA-OAEP", withHeader(`{"alg":"RSA-OAEP","enc":"A256GCM"}`), "jose.alg"},
		{"underscores", withHeader(`{"alg":"RSA_OAEP_256","enc":"A256GCM"}`), "jose.alg"},
		{"dir", withHeader(`{"alg":"dir","enc":"A256GCM"}`), "jose.alg"},
		{"alg in capitals", withHeader(`{"ALG":"RSA-OAEP-256","enc":"A256GCM"}`), "jose.alg"},
		{"A128GCM", withHeader(`{"alg":"RSA-OAEP-256","enc":"A128GCM"}`), "jose.enc"},
		{"no enc", withHeader(`{"alg":"RSA-OAEP-256"}`), "jose.enc"},
		{"zip", withHeader(`{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}`), "jose.zip"},
		{"crit", withHeader(`{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["b64"]}`), "jose.crit"},
		{"changed header", change(0, func(string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"enc":"A256GCM","alg":"RSA-OAEP-256"}`))
		}), ""},
		{"changed key", change(1, flip), ""},
		{"changed iv", change(2, flip), ""},
		{"changed text", change(3, flip), ""},
		{"changed tag", change(4, flip), ""},
		{"no key", change(1, empty), ""},
		{"short iv", change(2, short), ""},
		{"no text", change(3, empty), ""},
		{"short tag", change(4, short), ""},
		{"length that no base64 has", change(2, func(s string) string { return s + "A" }), ""},
		{"short content key", sealWith(t, srv, goodHeader, cek[:16], `{"pin":"1234"}`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := send(t, srv, asSealed(asUser(srv, "POST", "/v1/user/pin", ""), c.body))
			if c.code == "" {
				mustUnreadable(t, r)
			} else {
				mustCode(t, r, 400, "simulator."+c.code)
			}
		})
	}
	if state(t, srv, user).PinSet {
		t.Fatal("a PIN was set that could not be read")
	}
	// Members that Wise doesn't ask for are tolerated.
	r := send(t, srv, asSealed(asUser(srv, "POST", "/v1/user/pin", ""), withHeader(`{"enc":"A256GCM","alg":"RSA-OAEP-256","kid":"x","url":"/v1/user/pin"}`)))
	mustEmpty(t, r, 204)
}

func mustBeFingerprint(t *testing.T, body string) {
	t.Helper()
	var f wireFingerprint
	if err := json.Unmarshal([]byte(body), &f); err != nil || f.DeviceFingerprintID == uuid.Nil {
		t.Errorf("the reply holds %q", body)
	}
}

func TestDirectReply(t *testing.T) {
	srv := newServer(t)
	cek := newCEK()
	r := mustStatus(t, send(t, srv, sealedFingerprint(t, srv, cek, "a")), 200)
	if got := r.header.Get("Content-Type"); got != "application/jose+json" {
		t.Errorf("Content-Type = %q", got)
	}
	plaintext, header := mustOpen(t, r.body, cek, jose.DIRECT)
	mustBeFingerprint(t, plaintext)
	parts := strings.Split(r.body, ".")
	if header.KeyID != "" || parts[1] != "" {
		t.Errorf("a direct reply has kid %q and key part %q", header.KeyID, parts[1])
	}
	if protected, _ := base64.RawURLEncoding.DecodeString(parts[0]); string(protected) != `{"enc":"A256GCM","alg":"dir"}` {
		t.Errorf("protected header = %s", protected)
	}
	// Empty replies are not sealed, and neither are errors.
	mustEmpty(t, send(t, srv, createPin(t, srv, "1234")), 204)
	mustEmpty(t, send(t, srv, createPin(t, srv, "1234")), 409)
	mustCode(t, send(t, srv, createPin(t, srv, "x")), 400, "pin.invalid")
}

func TestSealedErrors(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithSealedErrors(), usersecuritytest.WithFingerprintLimit(0))
	cek := newCEK()
	for value, code := range map[string]string{"": "device.fingerprint.invalid", "a": "simulator.limit"} {
		r := mustStatus(t, send(t, srv, sealedFingerprint(t, srv, cek, value)), 400)
		plaintext, _ := mustOpen(t, r.body, cek, jose.DIRECT)
		if got := (response{body: plaintext}).code(); got != code || r.header.Get("Content-Type") != "application/jose+json" {
			t.Errorf("sealed error of type %s has code %s, want %s", r.header.Get("Content-Type"), got, code)
		}
	}
	// What can't be opened has no key to answer with, and the other operations
	// know no sealing.
	unreadable := sealedFingerprint(t, srv, cek, "a")
	srv.RotateKey()
	mustUnreadable(t, send(t, srv, unreadable))
	mustCode(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/42/pin", "")), 404, "pin.not.setup")
}

func TestClearBodies(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearBodies())
	mustEmpty(t, send(t, srv, asUser(srv, "POST", "/v1/user/pin", `{"pin":"1234"}`)), 204)
	r := mustStatus(t, send(t, srv, asUser(srv, "POST", "/v1/user/partner-device-fingerprints", `{"deviceFingerprint":"a"}`)), 200)
	var f wireFingerprint
	r.json(t, &f)
	if state(t, srv, user).FingerprintDigests[f.DeviceFingerprintID] != usersecuritytest.DigestOf("a") {
		t.Error("the fingerprint has another value")
	}
	cek := newCEK()
	r = mustStatus(t, send(t, srv, sealedFingerprint(t, srv, cek, "b")), 200)
	mustOpen(t, r.body, cek, jose.DIRECT)
	mustCode(t, send(t, srv, asUser(srv, "POST", "/v1/user/pin", `{"pin":"1234"}`).with("Content-Encoding", "gzip")), 415, "simulator.content.encoding")
}
