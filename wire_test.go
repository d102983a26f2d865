package usersecurity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// The headers of the three kinds of request, besides Authorization,
// Content-Length and X-External-Correlation-Id. There are no others.
var (
	sealedHeaders = map[string]string{
		"Accept":           "application/jose+json",
		"Content-Type":     "application/jose+json",
		"Accept-Encoding":  "identity",
		"Content-Encoding": "identity",
		"X-Tw-Jose-Method": "jwe",
		"User-Agent":       "usersecurity-go/" + usersecurity.Version,
	}
	jsonHeaders = map[string]string{
		"Accept":          "application/json",
		"Content-Type":    "application/json",
		"Accept-Encoding": "gzip", // net/http's own, which it undoes
		"User-Agent":      "usersecurity-go/" + usersecurity.Version,
	}
	bareHeaders = map[string]string{
		"Accept":          "application/json",
		"Accept-Encoding": "gzip",
		"User-Agent":      "usersecurity-go/" + usersecurity.Version,
	}
)

// headers are those of a request for the operation, sealed if it is to be.
func (r *row) headers(sealed bool) map[string]string {
	want := bareHeaders
	switch {
	case sealed && r.sealed:
		want = sealedHeaders
	case r.body != "":
		want = jsonHeaders
	}
	want = maps.Clone(want)
	if r.accept != "" {
		want["Accept"] = r.accept
	}
	if r.oneTime {
		want["One-Time-Token"] = oneTimeText
	}
	return want
}

// checkHeaders compares all headers of a request with those wanted.
func checkHeaders(t *testing.T, a arrival, authorization string, want map[string]string) {
	t.Helper()
	want = maps.Clone(want)
	want["Authorization"] = authorization
	if a.length > 0 || a.method == http.MethodPost || a.method == http.MethodPut {
		want["Content-Length"] = strconv.Itoa(len(a.body))
	}
	id := a.header.Get("X-External-Correlation-Id")
	if parsed, err := uuid.Parse(id); err != nil || len(id) != 36 || parsed.Version() != 4 {
		t.Errorf("the correlation id is %q", id)
	}
	want["X-External-Correlation-Id"] = id
	got := map[string]string{}
	for name, values := range a.header {
		got[name] = strings.Join(values, " and ")
	}
	if !maps.Equal(got, want) {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if got[name] != want[name] {
				t.Errorf("header %s: %q, want %q", name, got[name], want[name])
			}
		}
		for name, value := range want {
			if _, there := got[name]; !there {
				t.Errorf("header %s is missing, want %q", name, value)
			}
		}
	}
	if a.chunked || a.length != int64(len(a.body)) {
		t.Errorf("a body of %d bytes came with length %d, chunked %t", len(a.body), a.length, a.chunked)
	}
}

// What arrives for each operation is what Wise documents, and what the method
// returns is what Wise answered.
func TestWire(t *testing.T) {
	for _, r := range contract {
		t.Run(string(r.op), func(t *testing.T) {
			t.Parallel()
			wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, r.success, r.reply) })
			got, err := r.call(t.Context(), wise.client(t, complete()...))
			if err != nil {
				t.Fatal(err)
			}
			r.checkResult(t, got)
			if n := wise.count(""); n != 1 {
				t.Fatalf("%d requests arrived", n)
			}
			a := wise.all()[0]
			if a.method != r.method || a.uri != r.path || "http://"+a.host != wise.URL {
				t.Errorf("%s %s arrived at %s", a.method, a.uri, a.host)
			}
			checkHeaders(t, a, "Bearer "+r.token, r.headers(true))
			checkBody(t, &r, a)
		})
	}
}

// checkBody compares what a body says, opened if it must be sealed.
func checkBody(t *testing.T, r *row, a arrival) {
	t.Helper()
	body := a.body
	if r.sealed {
		body = unseal(t, body)
	}
	if body != r.body {
		t.Errorf("%s: the body was %s, want %s", r.op, body, r.body)
	}
}

func TestWireListByGet(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 200, "[]") })
	client := wise.client(t, append(complete(), usersecurity.WithFingerprintListMethod("GET"))...)
	list, err := client.ListDeviceFingerprints(t.Context(), 1001)
	if err != nil || list == nil || len(list) != 0 {
		t.Errorf("an empty list: %v, %v", list, err)
	}
	a := wise.all()[0]
	if a.method != "GET" || a.uri != "/v1/users/1001/partner-device-fingerprints" || a.body != "" {
		t.Errorf("%s %s with %q arrived", a.method, a.uri, a.body)
	}
	checkHeaders(t, a, "Bearer "+tokenOfApplication, bareHeaders)
}

// A client with client credentials and Wise's own key: what it needs for itself
// is fetched as documented, before the call it needs it for.
func TestWireTokenAndKey(t *testing.T) {
	t.Parallel()
	pub := publicKey()
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		switch a.uri {
		case tokenURI:
			reply(w, 200, `{"access_token":"fetched-token","token_type":"bearer","expires_in":43199,"expires_at":"2030-01-02T03:04:05.678Z","scope":"transfers"}`)
		case keyURI:
			reply(w, 200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", pub)))
		default:
			reply(w, 204, "")
		}
	})
	client := wise.client(t,
		usersecurity.WithClientCredentials("acme-client", "acme-secret"),
		usersecurity.WithUserTokens(userTokens),
		usersecurity.WithJWE(),
	)
	if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil {
		t.Fatal(err)
	}
	all := wise.all()
	if len(all) != 3 {
		t.Fatalf("%d requests arrived", len(all))
	}
	token, key, pin := all[0], all[1], all[2]

	if token.method != "POST" || token.uri != "/oauth/token" || token.body != "grant_type=client_credentials" {
		t.Errorf("for the token: %s %s with %q", token.method, token.uri, token.body)
	}
	// base64 of acme-client:acme-secret
	checkHeaders(t, token, "Basic YWNtZS1jbGllbnQ6YWNtZS1zZWNyZXQ=", map[string]string{
		"Accept":          "application/json",
		"Accept-Encoding": "gzip",
		"Content-Type":    "application/x-www-form-urlencoded",
		"User-Agent":      "usersecurity-go/" + usersecurity.Version,
	})

	if key.method != "GET" || key.uri != keyURI || key.body != "" {
		t.Errorf("for the key: %s %s with %q", key.method, key.uri, key.body)
	}
	checkHeaders(t, key, "Bearer fetched-token", bareHeaders)

	if pin.method != "POST" || pin.uri != "/v1/user/pin" || unseal(t, pin.body) != `{"pin":"0417"}` {
		t.Errorf("for the PIN: %s %s", pin.method, pin.uri)
	}
	checkHeaders(t, pin, "Bearer token-of-user-1001", sealedHeaders)

	found, err := client.WiseKey(t.Context())
	if err != nil || found.ID != "key-3" || found.Version != 3 || !found.PublicKey.Equal(pub) {
		t.Errorf("the key in use: %+v, %v", found, err)
	}
}

func TestWireReplyKeyRegistration(t *testing.T) {
	t.Parallel()
	pub := publicKey()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 201, `{"clientId":null}`) })
	id := uuid.MustParse("0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11")
	from := time.Date(2026, 1, 2, 4, 4, 5, 678, time.FixedZone("CET", 3600))
	err := wise.client(t, complete()...).RegisterReplyKey(t.Context(), usersecurity.ReplyKey{
		ID: id, PublicKey: pub, ValidFrom: from, ValidTill: from.AddDate(1, 0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := wise.all()[0]
	if a.method != "POST" || a.uri != "/v1/auth/jose/request/public-keys" {
		t.Errorf("%s %s arrived", a.method, a.uri)
	}
	checkHeaders(t, a, "Bearer "+tokenOfApplication, jsonHeaders)
	var got any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"keyId": "0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11", "scope": "PAYLOAD_ENCRYPTION",
		"validFrom": "2026-01-02 03:04:05", "validTill": "2027-01-02 03:04:05",
		"publicKeyMaterial": map[string]any{
			"algorithm": "RSA_OAEP_256", "keyMaterial": base64.StdEncoding.EncodeToString(must(x509.MarshalPKIXPublicKey(pub))),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the body was %s", a.body)
	}
}

func TestWirePlayground(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		var sent struct{ Message string }
		if err := json.Unmarshal([]byte(unseal(t, a.body)), &sent); err != nil || sent.Message == "" || len(sent.Message) > 100 {
			t.Errorf("the message: %q, %v", sent.Message, err)
		}
		reply(w, 200, sealDirect(a.body, `{"message":"jose-playground-response-`+sent.Message+`","method":"POST"}`), "application/jose+json")
	})
	if err := wise.client(t, complete()...).VerifyJWE(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := wise.all()[0]
	if a.method != "POST" || a.uri != "/v1/auth/jose/playground/jwe-direct-encryption" {
		t.Errorf("%s %s arrived", a.method, a.uri)
	}
	checkHeaders(t, a, "Bearer "+tokenOfApplication, sealedHeaders)
}

// A prefix stands before the path of every request, in the spelling it has.
func TestWireBehindPrefix(t *testing.T) {
	pub := publicKey()
	for base, prefix := range map[string]string{
		"":                 "",
		"/":                "",
		"/v1/wise":         "/v1/wise",
		"/2026Q3/wise/":    "/2026Q3/wise",
		"/gateway/to/wise": "/gateway/to/wise",
		"/a%2Fb%20c/d//":   "/a%2Fb%20c/d",
	} {
		t.Run(strings.ReplaceAll(base, "/", "|"), func(t *testing.T) {
			t.Parallel()
			uris := map[string]*row{}
			wise := listen(t, func(w http.ResponseWriter, a arrival) {
				switch r := uris[a.method+" "+a.uri]; {
				case a.uri == prefix+tokenURI:
					reply(w, 200, `{"access_token":"token","token_type":"bearer","expires_in":43199}`)
				case a.uri == prefix+keyURI:
					reply(w, 200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", pub)))
				case r != nil:
					reply(w, r.success, r.reply)
				default:
					t.Errorf("%s %s arrived", a.method, a.uri)
					reply(w, 418, "")
				}
			})
			client := clientOf(t,
				usersecurity.WithBaseURL(wise.URL+base),
				usersecurity.WithClientCredentials("acme-client", "acme-secret"),
				usersecurity.WithUserTokens(userTokens),
				usersecurity.WithJWE(),
			)
			for i := range contract {
				uris[contract[i].method+" "+prefix+contract[i].path] = &contract[i]
			}
			for _, r := range contract {
				got, err := r.call(t.Context(), client)
				if err != nil {
					t.Errorf("%s: %v", r.op, err)
					continue
				}
				r.checkResult(t, got)
			}
			if n, want := len(wise.all()), len(contract)+2; n != want {
				t.Errorf("%d requests arrived, want %d", n, want)
			}
		})
	}
}

func TestWireUnsealedBodies(t *testing.T) {
	t.Parallel()
	for _, r := range sealedRows() {
		wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, r.success, r.reply) })
		client := wise.client(t, usersecurity.WithUserTokens(userTokens), usersecurity.WithUnsealedBodies())
		got, err := r.call(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		r.checkResult(t, got)
		a := wise.all()[0]
		if a.method != r.method || a.uri != r.path || a.body != r.body {
			t.Errorf("%s %s with %s arrived", a.method, a.uri, a.body)
		}
		checkHeaders(t, a, "Bearer "+r.token, r.headers(false))
	}
}

// Text of every kind arrives as it was.
func TestWireBodiesAreJSON(t *testing.T) {
	t.Parallel()
	texts := []string{`"quoted" \ back`, "<&> \u2028 tab\t", "日本 😀", "\x00\x1f\x7f", strings.Repeat("x", 4096)}
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		if a.uri == "/v1/user/partner-device-fingerprints" {
			reply(w, 200, deviceReply)
			return
		}
		reply(w, 200, numberReply)
	})
	client := wise.client(t, complete()...)
	for _, text := range texts {
		if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, must(usersecurity.NewFingerprint(text))); err != nil {
			t.Error(err)
		}
		all := wise.all()
		var sent map[string]string
		if json.Unmarshal([]byte(unseal(t, all[len(all)-1].body)), &sent) != nil || !maps.Equal(sent, map[string]string{"deviceFingerprint": text}) {
			t.Errorf("%q arrived as %q", text, sent)
		}
	}
	const spaced = `+65 8888-8888 "x" <&>`
	if _, err := client.CreatePhoneNumber(t.Context(), 1001, spaced); err != nil {
		t.Error(err)
	}
	all := wise.all()
	var sent map[string]string
	if json.Unmarshal([]byte(all[len(all)-1].body), &sent) != nil || !maps.Equal(sent, map[string]string{"phoneNumber": spaced}) {
		t.Errorf("%q arrived as %q", spaced, sent)
	}
}

// Wise seals the reply with the request's content key; whether the reply's
// content type says so must not matter.
func TestWireDirectReplyIsOpened(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/jose+json", "application/jose+json; charset=utf-8", "application/jose", "application/json", ""} {
		wise := listen(t, func(w http.ResponseWriter, a arrival) {
			plaintext := ""
			for _, r := range sealedRows() {
				if r.path == a.uri {
					plaintext = r.reply
				}
			}
			w.Header()["Content-Type"] = []string{contentType}
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte(sealDirect(a.body, plaintext)))
		})
		client := wise.client(t, append(complete(), usersecurity.WithJWE(usersecurity.JWERequireSealedReplies()))...)
		for _, r := range sealedRows() {
			got, err := r.call(t.Context(), client)
			if err != nil {
				t.Errorf("%s, %q: %v", r.op, contentType, err)
				continue
			}
			r.checkResult(t, got)
		}
	}
}

// The id of the reply key goes along only where it is asked for.
func TestWireReplyKeyID(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 204, "") })
	client := wise.client(t, append(complete(), usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key), usersecurity.JWESendReplyKeyID()))...)
	if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil {
		t.Fatal(err)
	}
	headers := maps.Clone(sealedHeaders)
	headers["X-Tw-Jose-Encryption-Kid"] = "0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11"
	checkHeaders(t, wise.all()[0], "Bearer "+tokenOfUser, headers)
	if got := unseal(t, wise.all()[0].body); got != `{"pin":"0417"}` {
		t.Errorf("sealed was %s", got)
	}
	// A device could not open what is sealed to that key.
	_, request := sealedBy(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
	if _, err := client.CreatePinSealed(t.Context(), 1001, request); err != nil {
		t.Fatal(err)
	}
	checkHeaders(t, wise.all()[1], "Bearer "+tokenOfUser, sealedHeaders)
}
