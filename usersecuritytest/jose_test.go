package usersecuritytest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const wiseKeyPath = "/v1/auth/jose/response/public-keys"

type wireKey struct {
	Version     int       `json:"version"`
	KeyID       uuid.UUID `json:"keyId"`
	Scope       string    `json:"scope"`
	KeyMaterial struct {
		Algorithm   string `json:"algorithm"`
		KeyMaterial string `json:"keyMaterial"`
	} `json:"keyMaterial"`
}

func fetchKey(t *testing.T, srv *usersecuritytest.Server, query string) (wireKey, *rsa.PublicKey) {
	t.Helper()
	var key wireKey
	r := send(t, srv, asApplication(srv, "GET", wiseKeyPath+"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION"+query, ""))
	mustStatus(t, r, 200).json(t, &key)
	der, err := base64.StdEncoding.DecodeString(key.KeyMaterial.KeyMaterial)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	if key.Scope != "PAYLOAD_ENCRYPTION" || key.KeyMaterial.Algorithm != "RSA_OAEP_256" || key.KeyID == uuid.Nil {
		t.Errorf("key reply = %+v", key)
	}
	return key, public.(*rsa.PublicKey)
}

func TestWiseKey(t *testing.T) {
	srv := newServer(t)
	first, public := fetchKey(t, srv, "")
	if first.Version != 1 || !public.Equal(srv.EncryptionKey()) {
		t.Errorf("version %d is published", first.Version)
	}
	sealedToFirst := createPin(t, srv, "1234")
	srv.RotateKey()
	second, newPublic := fetchKey(t, srv, "")
	if second.Version != 2 || second.KeyID == first.KeyID || newPublic.Equal(public) || !newPublic.Equal(srv.EncryptionKey()) {
		t.Errorf("version %d is published after a rotation", second.Version)
	}
	again, oldPublic := fetchKey(t, srv, "&version=1")
	if again.Version != 1 || again.KeyID != first.KeyID || !oldPublic.Equal(public) {
		t.Errorf("version 1 is not what it was")
	}
	mustUnreadable(t, send(t, srv, sealedToFirst))
	mustStatus(t, send(t, srv, createPin(t, srv, "1234")), 204)

	mustEmpty(t, send(t, srv, asApplication(srv, "GET", wiseKeyPath+"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION&version=3", "")), 404)
	for _, query := range []string{
		"", "?algorithm=RSA_OAEP_256", "?scope=PAYLOAD_ENCRYPTION",
		"?algorithm=RSA-OAEP-256&scope=PAYLOAD_ENCRYPTION", "?algorithm=RSA_OAEP_256&scope=PAYLOAD_SIGNING",
		"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION&version=x",
	} {
		mustCode(t, send(t, srv, asApplication(srv, "GET", wiseKeyPath+query, "")), 400, "simulator.query.wrong")
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	srv := newServer(t)
	var wg sync.WaitGroup
	keys := make([]*rsa.PublicKey, 16)
	for i := range keys {
		wg.Go(func() { keys[i] = srv.EncryptionKey() })
	}
	wg.Wait()
	for _, key := range keys {
		if !key.Equal(keys[0]) {
			t.Fatal("the first key was made twice")
		}
	}
}

func mustUnreadable(t *testing.T, r response) {
	t.Helper()
	var body struct {
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	}
	mustStatus(t, r, 500).json(t, &body)
	if body.Message != "An unexpected error occurred" || body.RequestID == "" {
		t.Errorf("body = %+v", body)
	}
}

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

func sealedFingerprint(t *testing.T, srv *usersecuritytest.Server, cek []byte, value string) message {
	t.Helper()
	return asSealed(asUser(srv, "POST", "/v1/user/partner-device-fingerprints", ""),
		sealWith(t, srv, goodHeader, cek, `{"deviceFingerprint":"`+value+`"}`))
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
	// Empty replies are not sealed, and errors are in clear.
	mustEmpty(t, send(t, srv, createPin(t, srv, "1234")), 204)
	mustEmpty(t, send(t, srv, createPin(t, srv, "1234")), 409)
	mustCode(t, send(t, srv, createPin(t, srv, "x")), 400, "pin.invalid")
}

func TestSealedErrors(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithSealedErrors(), usersecuritytest.WithFingerprintLimit(0))
	cek := newCEK()
	for value, code := range map[string]string{"": "device.fingerprint.invalid", "a": "simulator.status.400"} {
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

const (
	registerPath = "/v1/auth/jose/request/public-keys"
	validFrom    = "2020-01-01 00:00:00"
	validTill    = "2999-01-01 00:00:00"
)

var partnerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func registration(t *testing.T, id string, public *rsa.PublicKey, from, till string) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"keyId":%q,"scope":"PAYLOAD_ENCRYPTION","validFrom":%q,"validTill":%q,`+
		`"publicKeyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":%q}}`,
		id, from, till, base64.StdEncoding.EncodeToString(der))
}

func TestReplyKeyReplies(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithReplyKeyReplies())
	register := func(id, from, till string) {
		t.Helper()
		mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, &partnerKey().PublicKey, from, till))), 201)
	}
	request := func(value string) message { return sealedFingerprint(t, srv, newCEK(), value) }
	const one, two, three, four = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222",
		"33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"

	mustCode(t, send(t, srv, request("a")), 400, "simulator.reply.key.unknown")
	if len(state(t, srv, user).Fingerprints) != 0 {
		t.Fatal("a request without a way to answer it was processed")
	}
	register(one, validFrom, validTill)
	register(two, validFrom, validTill)
	register(three, validFrom, "2020-01-02 00:00:00")                                        // has ended
	register(four, time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04:05"), validTill) // has not begun

	for i, c := range []struct{ asked, want string }{{"", two}, {one, one}, {strings.ToUpper(two), two}} {
		m := request(fmt.Sprint(i))
		if c.asked != "" {
			m = m.with("X-TW-JOSE-Encryption-kid", c.asked)
		}
		r := mustStatus(t, send(t, srv, m), 200)
		plaintext, header := mustOpen(t, r.body, partnerKey(), jose.RSA_OAEP_256)
		mustBeFingerprint(t, plaintext)
		if header.KeyID != c.want {
			t.Errorf("sealed to %q, want %q", header.KeyID, c.want)
		}
	}
	for _, id := range []string{three, four, "nonsense"} {
		mustCode(t, send(t, srv, request("x").with("X-TW-JOSE-Encryption-kid", id)), 400, "simulator.reply.key.unknown")
	}
}

func TestRegisterKey(t *testing.T) {
	srv := newServer(t)
	const id = "11111111-1111-4111-8111-111111111111"
	good := registration(t, id, &partnerKey().PublicKey, validFrom, validTill)
	var body, want map[string]any
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, good)), 201).json(t, &body)
	if err := json.Unmarshal([]byte(good), &want); err != nil {
		t.Fatal(err)
	}
	want["clientId"], want["deactivationTimestamp"] = nil, nil
	if fmt.Sprint(body) != fmt.Sprint(want) {
		t.Errorf("reply = %v, want %v", body, want)
	}
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, good)), 201)
	mustCode(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, srv.EncryptionKey(), validFrom, validTill))), 409, "simulator.key.id.taken")
	mustCode(t, send(t, srv, asUser(srv, "POST", registerPath, good)), 403, "simulator.token.kind")

	smallKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, code string }{
		{strings.Replace(good, `"keyId"`, `"id"`, 1), "body.malformed"},
		{good + "{}", "body.malformed"},
		{strings.Replace(good, "PAYLOAD_ENCRYPTION", "PAYLOAD_SIGNING", 1), "key.use"},
		{strings.Replace(good, "RSA_OAEP_256", "RSA-OAEP-256", 1), "key.use"},
		{registration(t, "x", &partnerKey().PublicKey, validFrom, validTill), "key.id"},
		{registration(t, uuid.Nil.String(), &partnerKey().PublicKey, validFrom, validTill), "key.id"},
		{registration(t, id, &smallKey.PublicKey, validFrom, validTill), "key.material"},
		{strings.Replace(good, `"keyMaterial":"`, `"keyMaterial":"-----BEGIN`, 1), "key.material"},
		{strings.Replace(good, `"keyMaterial":"`, `"keyMaterial":"AAAA`, 1), "key.material"},
		{registration(t, id, &partnerKey().PublicKey, "2020-01-01T00:00:00Z", validTill), "key.validity"},
		{registration(t, id, &partnerKey().PublicKey, validFrom, ""), "key.validity"},
	} {
		mustCode(t, send(t, srv, asApplication(srv, "POST", registerPath, c.body)), 400, "simulator."+c.code)
	}
}

func TestPlayground(t *testing.T) {
	srv := newServer(t)
	const directPath, keyPath = "/v1/auth/jose/playground/jwe-direct-encryption", "/v1/auth/jose/playground/jwe"
	cek := newCEK()
	request := func(path, payload string) message {
		m := asSealed(asApplication(srv, "POST", path, ""), sealWith(t, srv, goodHeader, cek, payload))
		return m.without("Content-Encoding").with("Accept-Encoding", "gzip") // not required here
	}

	r := mustStatus(t, send(t, srv, request(directPath, `{"message":"hello"}`)), 200)
	plaintext, _ := mustOpen(t, r.body, cek, jose.DIRECT)
	if plaintext != `{"message":"jose-playground-response-hello","method":"POST"}` {
		t.Errorf("reply = %s", plaintext)
	}
	long := strings.Repeat("é", 100)
	mustStatus(t, send(t, srv, request(directPath, `{"message":"`+long+`"}`)), 200)
	mustCode(t, send(t, srv, request(directPath, `{"message":"`+long+`x"}`)), 400, "simulator.message.long")
	mustCode(t, send(t, srv, request(directPath, `{"text":"x"}`)), 400, "simulator.body.malformed")
	mustCode(t, send(t, srv, request(directPath, `{"message":"x"}`).without("X-TW-JOSE-Method")), 400, "simulator.header.missing")
	userToken := "Bearer " + srv.UserToken(user)
	mustCode(t, send(t, srv, request(directPath, `{"message":"x"}`).with("Authorization", userToken)), 403, "simulator.token.kind")

	get := asApplication(srv, "GET", keyPath, "").with("Accept", "application/jose+json").with("X-TW-JOSE-Method", "jwe")
	mustCode(t, send(t, srv, get), 400, "simulator.reply.key.unknown")
	mustCode(t, send(t, srv, request(keyPath, `{"message":"x"}`)), 400, "simulator.reply.key.unknown")
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath,
		registration(t, uuid.NewString(), &partnerKey().PublicKey, validFrom, validTill))), 201)
	for want, m := range map[string]message{
		`{"message":"jose-playground-response-x","method":"POST"}`: request(keyPath, `{"message":"x"}`),
		`{"message":"jose-playground-response-","method":"GET"}`:   get,
	} {
		r := mustStatus(t, send(t, srv, m), 200)
		if plaintext, _ := mustOpen(t, r.body, partnerKey(), jose.RSA_OAEP_256); plaintext != want {
			t.Errorf("reply = %s, want %s", plaintext, want)
		}
	}
	mustCode(t, send(t, srv, get.without("Accept")), 400, "simulator.header.missing")
}
