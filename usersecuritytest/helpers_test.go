package usersecuritytest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// The simulator is tested with requests written by hand, so that it is proved
// right without the client; JOSE is go-jose's, which the simulator doesn't use.

const (
	user      = 42
	otherUser = 43
	stranger  = 99 // never added
)

func newServer(t *testing.T, opts ...usersecuritytest.ServerOption) *usersecuritytest.Server {
	t.Helper()
	srv := usersecuritytest.NewServer(opts...)
	t.Cleanup(func() {
		srv.Close()
		hear(srv)
	})
	srv.AddUser(user)
	srv.AddUser(otherUser)
	return srv
}

// message is a request that can be changed before it is sent.
type message struct {
	method, path string
	header       http.Header
	body         string
}

func (m message) with(name, value string) message {
	m.header = m.header.Clone()
	m.header.Set(name, value)
	return m
}

func (m message) without(name string) message {
	m.header = m.header.Clone()
	m.header.Del(name)
	return m
}

func bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

// asApplication makes a request without a body, or with a JSON body.
func asApplication(srv *usersecuritytest.Server, method, path, body string) message {
	return withJSON(message{method, path, bearer(srv.ApplicationToken()), body})
}

func asUser(srv *usersecuritytest.Server, method, path, body string) message {
	return withJSON(message{method, path, bearer(srv.UserToken(user)), body})
}

func withJSON(m message) message {
	if m.body != "" {
		m.header.Set("Content-Type", "application/json")
	}
	return m
}

// asSealed makes a request whose body is sealed.
func asSealed(m message, compact string) message {
	m.body = compact
	for name, value := range map[string]string{
		"Content-Type":     "application/jose+json",
		"Accept":           "application/jose+json",
		"Accept-Encoding":  "identity",
		"Content-Encoding": "identity",
		"X-TW-JOSE-Method": "jwe",
	} {
		m = m.with(name, value)
	}
	return m
}

func createPin(t *testing.T, srv *usersecuritytest.Server, pin string) message {
	t.Helper()
	return asSealed(asUser(srv, "POST", "/v1/user/pin", ""), seal(t, srv, `{"pin":"`+pin+`"}`))
}

func createFingerprint(t *testing.T, srv *usersecuritytest.Server, value string) message {
	t.Helper()
	return asSealed(asUser(srv, "POST", "/v1/user/partner-device-fingerprints", ""),
		seal(t, srv, `{"deviceFingerprint":"`+value+`"}`))
}

// response is an answer that was read to its end.
type response struct {
	status int
	header http.Header
	body   string
}

func (r response) json(t *testing.T, into any) {
	t.Helper()
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("the body can't be read: %v", err)
	}
}

// code is the code of the first error in the body, in either shape; empty if
// there is none.
func (r response) code() string {
	var body struct {
		Errors []struct{ Code, Message string }
		Error  string
	}
	if json.Unmarshal([]byte(r.body), &body) != nil {
		return ""
	}
	if len(body.Errors) == 0 {
		return body.Error
	}
	return body.Errors[0].Code
}

func send(t *testing.T, srv *usersecuritytest.Server, m message) response {
	t.Helper()
	r, err := trySend(t, srv, m)
	if err != nil {
		t.Fatalf("%s %s: %v", m.method, m.path, err)
	}
	return r
}

func trySend(t *testing.T, srv *usersecuritytest.Server, m message) (response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), m.method, srv.URL()+m.path, strings.NewReader(m.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = m.header.Clone()
	resp, err := srv.HTTPClient().Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(body)}, err
}

func mustStatus(t *testing.T, r response, want int) response {
	t.Helper()
	if r.status != want {
		t.Fatalf("status = %d (%s), want %d", r.status, r.body, want)
	}
	return r
}

// seal seals to the server's key.
func seal(t *testing.T, srv *usersecuritytest.Server, plaintext string) string {
	t.Helper()
	encrypter, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: srv.EncryptionKey()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := encrypter.Encrypt([]byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// sealWith seals with a known content key, which go-jose's encrypter keeps to
// itself.
func sealWith(t *testing.T, srv *usersecuritytest.Server, header string, cek []byte, plaintext string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, srv.EncryptionKey(), cek, nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(iv)
	protected := encode([]byte(header))
	box := gcm.Seal(nil, iv, []byte(plaintext), []byte(protected))
	tag := len(box) - gcm.Overhead()
	return strings.Join([]string{protected, encode(wrapped), encode(iv), encode(box[:tag]), encode(box[tag:])}, ".")
}

const goodHeader = `{"alg":"RSA-OAEP-256","enc":"A256GCM"}`

func newCEK() []byte {
	cek := make([]byte, 32)
	_, _ = rand.Read(cek)
	return cek
}

func mustOpen(t *testing.T, compact string, key any, alg jose.KeyAlgorithm) (string, jose.Header) {
	t.Helper()
	parsed, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatalf("the reply is no JWE: %v", err)
	}
	plaintext, err := parsed.Decrypt(key)
	if err != nil {
		t.Fatalf("the reply can't be opened: %v", err)
	}
	return string(plaintext), parsed.Header
}

func assertNoneOf(t *testing.T, text []byte, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if bytes.Contains(text, []byte(s)) {
			t.Errorf("%q is shown in %s", s, text)
		}
	}
}

func tokenRequest(srv *usersecuritytest.Server, form string) message {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(srv.ClientID(), srv.ClientSecret())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return message{"POST", "/oauth/token", req.Header, form}
}

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

func sealedFingerprint(t *testing.T, srv *usersecuritytest.Server, cek []byte, value string) message {
	t.Helper()
	return asSealed(asUser(srv, "POST", "/v1/user/partner-device-fingerprints", ""),
		sealWith(t, srv, goodHeader, cek, `{"deviceFingerprint":"`+value+`"}`))
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

func phones(id int) string { return fmt.Sprintf("/v1/application/users/%d/phone-numbers", id) }

func fingerprints(id int) string { return fmt.Sprintf("/v1/users/%d/partner-device-fingerprints", id) }

// mustEmpty wants an answer without a body, and without a word about one.
func mustEmpty(t *testing.T, r response, status int) {
	t.Helper()
	if r.status != status || r.body != "" || r.header.Get("Content-Type") != "" {
		t.Errorf("status %d, body %q of type %q; want %d and no body", r.status, r.body, r.header.Get("Content-Type"), status)
	}
}

func mustCode(t *testing.T, r response, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("status %d, body %s; want %d and code %s", r.status, r.body, status, code)
	}
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
}

func state(t *testing.T, srv *usersecuritytest.Server, id usersecurity.UserID) usersecuritytest.UserState {
	t.Helper()
	s, ok := srv.User(id)
	if !ok {
		t.Fatalf("user %d is unknown", id)
	}
	return s
}

type fault = usersecuritytest.Fault

// withoutHTTP2 makes the client of the server speak HTTP/1.1 over TLS.
func withoutHTTP2(srv *usersecuritytest.Server) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv.HTTPClient().Transport.(*http.Transport).Protocols = protocols
}

// transports runs a test over everything a client may meet the simulator by.
func transports(t *testing.T, test func(t *testing.T, srv *usersecuritytest.Server, http2 bool)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, newServer(t), false) })
	t.Run("HTTP/1.1 over TLS", func(t *testing.T) {
		srv := newServer(t, usersecuritytest.WithTLS())
		withoutHTTP2(srv)
		test(t, srv, false)
	})
	t.Run("HTTP/2", func(t *testing.T) { test(t, newServer(t, usersecuritytest.WithTLS()), true) })
}

// ofProfile is a path below the user's personal profile.
func ofProfile(srv *usersecuritytest.Server, rest string) string {
	return fmt.Sprint("/v2/profiles/", srv.Profile(user), rest)
}

// sealedAsUser makes a sealed request with the user's token.
func sealedAsUser(t *testing.T, srv *usersecuritytest.Server, path, payload string) message {
	t.Helper()
	return asSealed(asUser(srv, "POST", path, ""), seal(t, srv, payload))
}

func (m message) withOneTimeToken(value string) message { return m.with("One-Time-Token", value) }

// enrolAll gives the user a PIN, a device, a face map and a phone number.
func enrolAll(t *testing.T, srv *usersecuritytest.Server) {
	t.Helper()
	mustStatus(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"0412"}`)), 200)
	mustStatus(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/device-fingerprints"), `{"deviceFingerprint":"d-71"}`)), 200)
	mustStatus(t, send(t, srv, asUser(srv, "POST", ofProfile(srv, "/facemaps"), `{"faceMap":"AAEC"}`)), 204)
	mustStatus(t, send(t, srv, asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`)), 200)
}

// The answers to challenges. The server must know what they answer with.
func answerPin(t *testing.T, srv *usersecuritytest.Server, token, pin string) message {
	t.Helper()
	return sealedAsUser(t, srv, ofProfile(srv, "/pin/verify"), `{"pin":"`+pin+`"}`).withOneTimeToken(token)
}

func answerFingerprint(t *testing.T, srv *usersecuritytest.Server, token, value string) message {
	t.Helper()
	return sealedAsUser(t, srv, ofProfile(srv, "/device-fingerprints/verify"), `{"deviceFingerprint":"`+value+`"}`).withOneTimeToken(token)
}

func answerFaceMap(srv *usersecuritytest.Server, token, faceMap string) message {
	return asUser(srv, "POST", ofProfile(srv, "/facemaps/verify"), `{"faceMap":"`+faceMap+`"}`).withOneTimeToken(token)
}

func triggerCode(srv *usersecuritytest.Server, token, kind string) message {
	return asUser(srv, "POST", "/v1/one-time-token/"+kind+"/trigger", "").withOneTimeToken(token)
}

func answerCode(srv *usersecuritytest.Server, token, kind, code string) message {
	return asUser(srv, "POST", "/v1/one-time-token/"+kind+"/verify", `{"otpCode":"`+code+`"}`).withOneTimeToken(token)
}

func tokenStatus(srv *usersecuritytest.Server, token string) message {
	return asUser(srv, "GET", "/v1/one-time-token/status", "").withOneTimeToken(token)
}

// wireFullToken is what is inside oneTimeTokenProperties.
type wireFullToken struct {
	OneTimeToken string `json:"oneTimeToken"`
	Challenges   []struct {
		PrimaryChallenge wireChoice   `json:"primaryChallenge"`
		Alternatives     []wireChoice `json:"alternatives"`
		Required         *bool        `json:"required"`
		Passed           bool         `json:"passed"`
	} `json:"challenges"`
	Validity   int     `json:"validity"`
	ActionType *string `json:"actionType"`
	UserID     *int64  `json:"userId"`
}

type wireChoice struct {
	Type     string          `json:"type"`
	ViewData json.RawMessage `json:"viewData"`
}

// summary shows challenges as "PIN/SMS?+": alternatives, a ? for one that isn't
// required, and a + for one that is passed.
func (w wireFullToken) summary() string {
	var parts []string
	for _, c := range w.Challenges {
		text := c.PrimaryChallenge.Type
		for _, a := range c.Alternatives {
			text += "/" + a.Type
		}
		if c.Required != nil && !*c.Required {
			text += "?"
		}
		if c.Passed {
			text += "+"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// readStatus asks for the state of a token.
func readStatus(t *testing.T, srv *usersecuritytest.Server, token string) wireFullToken {
	t.Helper()
	return readWrapped(t, mustStatus(t, send(t, srv, tokenStatus(srv, token)), 200))
}

func readWrapped(t *testing.T, r response) wireFullToken {
	t.Helper()
	var body struct {
		Properties wireFullToken `json:"oneTimeTokenProperties"`
	}
	r.json(t, &body)
	if body.Properties.OneTimeToken == "" || body.Properties.Challenges == nil {
		t.Errorf("no one-time token in %s", r.body)
	}
	return body.Properties
}

// wireBareToken has the fields of the bare form, and no other.
type wireBareToken struct {
	OneTimeToken string `json:"oneTimeToken"`
	Challenges   []struct {
		PrimaryChallenge struct {
			Type string `json:"type"`
		} `json:"primaryChallenge"`
		Passed bool `json:"passed"`
	} `json:"challenges"`
	Validity int `json:"validity"`
}

func readBare(t *testing.T, r response) (body wireBareToken) {
	t.Helper()
	r.json(t, &body)
	if body.OneTimeToken == "" || body.Challenges == nil {
		t.Errorf("no one-time token in %s", r.body)
	}
	return body
}
