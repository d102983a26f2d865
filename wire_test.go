package usersecurity_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

const (
	keyURI   = "/v1/auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION"
	tokenURI = "/oauth/token"
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
			wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, r.success[0], r.reply) })
			got, err := r.call(t.Context(), wise.client(t, complete(t)...))
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
			switch {
			case r.sealed:
				checkHeaders(t, a, "Bearer "+r.token, sealedHeaders)
				if got := unseal(t, a.body); got != r.body {
					t.Errorf("sealed was %s, want %s", got, r.body)
				}
				return
			case r.body != "":
				checkHeaders(t, a, "Bearer "+r.token, jsonHeaders)
			default:
				checkHeaders(t, a, "Bearer "+r.token, bareHeaders)
			}
			if a.body != r.body {
				t.Errorf("the body was %s, want %s", a.body, r.body)
			}
		})
	}
}

func TestWireListByGet(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 200, "[]") })
	client := wise.client(t, append(complete(t), usersecurity.WithFingerprintListMethod("GET"))...)
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
	pub := testKeyOf(t)
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		switch a.uri {
		case tokenURI:
			reply(w, 200, `{"access_token":"fetched-token","token_type":"bearer","expires_in":43199,"expires_at":"2030-01-02T03:04:05.678Z","scope":"transfers"}`)
		case keyURI:
			reply(w, 200, string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_ENCRYPTION", pub)))
		default:
			reply(w, 204, "")
		}
	})
	client := wise.client(t,
		usersecurity.WithClientCredentials("acme-client", "acme-secret"),
		usersecurity.WithUserTokens(userTokens),
		usersecurity.WithJWE(),
	)
	if err := client.CreatePin(t.Context(), 1001, somePin(t)); err != nil {
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
	pub := testKeyOf(t)
	wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 201, `{"clientId":null}`) })
	id := uuid.MustParse("0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11")
	from := time.Date(2026, 1, 2, 4, 4, 5, 678, time.FixedZone("CET", 3600))
	err := wise.client(t, complete(t)...).RegisterReplyKey(t.Context(), usersecurity.ReplyKey{
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
		reply(w, 200, sealDirect(t, a.body, `{"message":"jose-playground-response-`+sent.Message+`","method":"POST"}`), "application/jose+json")
	})
	if err := wise.client(t, complete(t)...).VerifyJWE(t.Context()); err != nil {
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
	pub := testKeyOf(t)
	for base, prefix := range map[string]string{
		"":                 "",
		"/":                "",
		"/2026Q3":          "/2026Q3",
		"/2026Q3/":         "/2026Q3",
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
					reply(w, 200, string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_ENCRYPTION", pub)))
				case r != nil:
					reply(w, r.success[0], r.reply)
				default:
					t.Errorf("%s %s arrived", a.method, a.uri)
					reply(w, 418, "")
				}
			})
			client, err := usersecurity.New(
				usersecurity.WithBaseURL(wise.URL+base),
				usersecurity.WithClientCredentials("acme-client", "acme-secret"),
				usersecurity.WithUserTokens(userTokens),
				usersecurity.WithJWE(),
			)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.CloseIdleConnections)
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

// A redirect is an error, whatever the caller's own client would do: the other
// host sees nothing of tokens and bodies.
func TestWireRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := listen(t, func(w http.ResponseWriter, a arrival) {
		t.Errorf("the redirect was followed: %s %s", a.method, a.uri)
		reply(w, 200, "[]")
	})
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		status, _ := strconv.Atoi(a.header.Get("User-Agent")[:3])
		w.Header().Set("Location", elsewhere.URL+a.uri)
		reply(w, status, "")
	})
	follow := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, own := range []bool{false, true} {
			options := append(complete(t), usersecurity.WithUserAgent(strconv.Itoa(status)))
			if own {
				options = append(options, usersecurity.WithHTTPClient(follow))
			}
			client := wise.client(t, options...)
			for _, r := range contract {
				_, err := r.call(t.Context(), client)
				checkMatches(t, string(r.op), err, usersecurity.ErrRedirect)
			}
		}
	}
	if n, want := wise.count(""), 5*2*len(contract); n != want {
		t.Errorf("%d requests arrived, want %d", n, want)
	}
	// So it is for a token, too.
	tokens := wise.client(t, usersecurity.WithUserAgent("307"), usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	err := tokens.DeletePin(t.Context(), 1001)
	checkMatches(t, "a token", err, usersecurity.ErrNoToken, usersecurity.ErrRedirect)
	var api *usersecurity.APIError
	if !errors.As(err, &api) || api.Op != usersecurity.OpFetchToken || api.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a token: %v", err)
	}
}

// Wise seals the reply with the request's content key; whether the reply's
// content type says so must not matter.
func TestWireDirectReplyIsOpened(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/jose+json", "application/jose+json; charset=utf-8", "application/jose", "application/json", ""} {
		wise := listen(t, func(w http.ResponseWriter, a arrival) {
			plaintext := ""
			if a.uri != "/v1/user/pin" {
				plaintext = deviceReply
			}
			w.Header()["Content-Type"] = []string{contentType}
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte(sealDirect(t, a.body, plaintext)))
		})
		client := wise.client(t, append(complete(t), usersecurity.WithJWE(usersecurity.JWERequireSealedReplies()))...)
		for _, op := range []usersecurity.Operation{usersecurity.OpCreateDeviceFingerprint, usersecurity.OpCreatePin} {
			r := rowOf(op)
			got, err := r.call(t.Context(), client)
			if err != nil {
				t.Errorf("%s, %q: %v", op, contentType, err)
				continue
			}
			r.checkResult(t, got)
		}
	}
}

// Attempts of one call send the same bytes under the same correlation id; each
// call has bytes and an id of its own.
func TestWireAttemptsAreAlike(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint, usersecurity.OpEnrolFaceMap} {
		r := rowOf(op)
		attempts := 0
		wise := listen(t, func(w http.ResponseWriter, _ arrival) {
			if attempts++; attempts%3 != 0 {
				reply(w, 503, "")
				return
			}
			reply(w, r.success[0], r.reply)
		})
		client := wise.client(t, append(complete(t), usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond}))...)
		for range 2 {
			if _, err := r.call(t.Context(), client); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
		}
		all := wise.all()
		if len(all) != 6 {
			t.Fatalf("%s: %d requests", op, len(all))
		}
		for i, a := range all {
			first := all[i/3*3]
			if a.body != first.body || !reflect.DeepEqual(a.header, first.header) {
				t.Errorf("%s: attempt %d differs from the first", op, i%3+1)
			}
		}
		const id = "X-External-Correlation-Id"
		if all[0].header.Get(id) == all[3].header.Get(id) {
			t.Errorf("%s: two calls have the same correlation id", op)
		}
		if !r.sealed {
			continue
		}
		one, other := strings.Split(all[0].body, "."), strings.Split(all[3].body, ".")
		for segment := 1; segment < 5; segment++ {
			if one[segment] == other[segment] {
				t.Errorf("%s: segment %d is the same in two calls", op, segment)
			}
		}
		if bytes.Equal(cekOf(t, all[0].body), cekOf(t, all[3].body)) {
			t.Errorf("%s: two calls have the same content key", op)
		}
	}
}

func TestWireUnsealedBodies(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint} {
		r := rowOf(op)
		wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, r.success[0], r.reply) })
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
		checkHeaders(t, a, "Bearer "+r.token, jsonHeaders)
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
	client := wise.client(t, complete(t)...)
	for _, text := range texts {
		if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, someFingerprint(t, text)); err != nil {
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

// The caller's http.Client is used, never changed, and neither its cookies nor
// those that Wise sets go along.
func TestWireOwnHTTPClient(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "of-another", Path: "/"})
		reply(w, 200, "[]")
	})
	jar := must(cookiejar.New(nil))
	home := must(url.Parse(wise.URL))
	jar.SetCookies(home, []*http.Cookie{{Name: "old", Value: "cookie"}})
	used := 0
	transport := &http.Transport{DisableKeepAlives: true}
	own := &http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			used++
			return transport.RoundTrip(r)
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Jar:           jar,
		Timeout:       time.Minute,
	}
	before := *own
	client := wise.client(t, append(complete(t), usersecurity.WithHTTPClient(own))...)
	for range 3 {
		if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
			t.Fatal(err)
		}
	}
	client.CloseIdleConnections()
	for _, a := range wise.all() {
		if c := a.header["Cookie"]; c != nil {
			t.Errorf("cookies arrived: %q", c)
		}
	}
	if used != 3 {
		t.Errorf("the transport made %d of 3 requests", used)
	}
	if n := len(jar.Cookies(home)); n != 1 {
		t.Errorf("the jar has %d cookies", n)
	}
	if own.Jar != before.Jar || own.Timeout != before.Timeout ||
		reflect.ValueOf(own.Transport).Pointer() != reflect.ValueOf(before.Transport).Pointer() ||
		reflect.ValueOf(own.CheckRedirect).Pointer() != reflect.ValueOf(before.CheckRedirect).Pointer() {
		t.Error("the caller's client was changed")
	}
}

// The default client keeps no cookies either.
func TestWireCookiesAreNotKept(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "of-another", Path: "/"})
		reply(w, 204, "")
	})
	client := wise.client(t, complete(t)...)
	for range 3 {
		if err := client.DeletePin(t.Context(), 1001); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range wise.all() {
		if c := a.header["Cookie"]; c != nil {
			t.Errorf("cookies arrived: %q", c)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWireCallOptions(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		w.Header().Set("X-Trace-Id", "trace-1")
		w.Header().Set("X-External-Correlation-Id", a.header.Get("X-External-Correlation-Id"))
		reply(w, 200, "[]")
	})
	client := wise.client(t, append(complete(t), usersecurity.WithUserAgent("acme-bank/1.4"))...)
	id := uuid.MustParse("7c1b6a36-12f4-4a0e-9a51-3c2f1b0d9e88")
	var meta usersecurity.Meta
	_, err := client.ListPhoneNumbers(t.Context(), 1001,
		usersecurity.WithCorrelationID(id), usersecurity.WithToken("another-token"), usersecurity.WithMeta(&meta))
	if err != nil {
		t.Fatal(err)
	}
	a := wise.all()[0]
	headers := maps.Clone(bareHeaders)
	headers["User-Agent"] = "acme-bank/1.4 usersecurity-go/" + usersecurity.Version
	checkHeaders(t, a, "Bearer another-token", headers)
	if got := a.header.Get("X-External-Correlation-Id"); got != "7c1b6a36-12f4-4a0e-9a51-3c2f1b0d9e88" {
		t.Errorf("the correlation id is %q", got)
	}
	if want := (usersecurity.Meta{StatusCode: 200, TraceID: "trace-1", CorrelationID: id, Attempts: 1}); meta != want {
		t.Errorf("the meta is %+v", meta)
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
	client := wise.client(t, append(complete(t), usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key), usersecurity.JWESendReplyKeyID()))...)
	if err := client.CreatePin(t.Context(), 1001, somePin(t)); err != nil {
		t.Fatal(err)
	}
	headers := maps.Clone(sealedHeaders)
	headers["X-Tw-Jose-Encryption-Kid"] = "0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11"
	checkHeaders(t, wise.all()[0], "Bearer "+tokenOfUser, headers)
	if got := unseal(t, wise.all()[0].body); got != `{"pin":"0417"}` {
		t.Errorf("sealed was %s", got)
	}
}

// A reply that net/http asked to be compressed is read all the same.
func TestWireGzipReply(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, _ arrival) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("[" + numberReply + "]"))
		_ = z.Close()
	})
	got, err := wise.client(t, complete(t)...).ListPhoneNumbers(t.Context(), 1001)
	if err != nil || !slices.Equal(got, []usersecurity.PhoneNumber{number}) {
		t.Errorf("%v, %v", got, err)
	}
}
