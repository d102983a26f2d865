package usersecurity_test

import (
	"context"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// class is what may follow an attempt whose answer was lost.
type class int

const (
	aRead    class = iota // repeat
	aDelete               // repeat; a later 404 is success
	aSetOnce              // repeat; a later 409 is uncertain
	aNumber               // look before repeating
)

// row is what is agreed with Wise about one operation.
type row struct {
	op    usersecurity.Operation
	class class
	call  func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error)

	method, path string
	token        string
	sealed       bool
	body         string // in clear; empty for none

	success []int // the usual one first
	reply   string
	want    any // what the method makes of the reply

	answers map[int]error // documented, whatever the body
}

const (
	tokenOfUser        = "token-of-user-1001"
	tokenOfApplication = "token-of-application"
	deviceReply        = `{"deviceFingerprintId":"5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11","createdAt":"2024-05-06T07:08:09.123456789Z"}`
	numberReply        = `{"id":77,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}`
)

var (
	deviceID = uuid.MustParse("5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11")
	device   = usersecurity.DeviceFingerprint{ID: deviceID, CreatedAt: time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)}
	number   = usersecurity.PhoneNumber{ID: 77, PhoneNumber: "+6588888888", Type: "PRIMARY", Verified: true, ClientID: "acme"}
)

// contract is the eleven operations.
var contract = []row{
	{
		op: usersecurity.OpCreatePin, class: aSetOnce,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.CreatePin(ctx, 1001, must(usersecurity.NewPin("0417")), o...)
		},
		method: "POST", path: "/v1/user/pin", token: tokenOfUser, sealed: true, body: `{"pin":"0417"}`,
		success: []int{204, 200},
		answers: map[int]error{409: usersecurity.ErrPinAlreadySet},
	},
	{
		op: usersecurity.OpDeletePin, class: aDelete,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeletePin(ctx, 1001, o...)
		},
		method: "DELETE", path: "/v1/users/1001/pin", token: tokenOfApplication,
		success: []int{204},
		answers: map[int]error{404: usersecurity.ErrPinNotSet},
	},
	{
		op: usersecurity.OpEnrolFaceMap, class: aSetOnce,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.EnrolFaceMap(ctx, 1001, must(usersecurity.NewFaceMap([]byte{0xfb, 0xff, 0xbf, 0x00})), o...)
		},
		method: "POST", path: "/v1/user/facemap/enrol", token: tokenOfUser, body: `{"faceMap":"+/+/AA=="}`,
		success: []int{204},
		answers: map[int]error{409: usersecurity.ErrFaceMapAlreadyEnrolled},
	},
	{
		op: usersecurity.OpDeleteFaceMap, class: aDelete,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeleteFaceMap(ctx, 1001, o...)
		},
		method: "DELETE", path: "/v1/users/1001/facemap/enrol", token: tokenOfApplication,
		success: []int{204},
		answers: map[int]error{404: usersecurity.ErrFaceMapNotEnrolled},
	},
	{
		op: usersecurity.OpCreateDeviceFingerprint, class: aSetOnce,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return result(c.CreateDeviceFingerprint(ctx, 1001, must(usersecurity.NewFingerprint("device-1")), o...))
		},
		method: "POST", path: "/v1/user/partner-device-fingerprints", token: tokenOfUser, sealed: true, body: `{"deviceFingerprint":"device-1"}`,
		success: []int{200}, reply: deviceReply, want: &device,
		answers: map[int]error{400: usersecurity.ErrFingerprintLimit, 409: usersecurity.ErrFingerprintExists},
	},
	{
		op: usersecurity.OpListDeviceFingerprints, class: aRead,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return result(c.ListDeviceFingerprints(ctx, 1001, o...))
		},
		method: "POST", path: "/v1/users/1001/partner-device-fingerprints", token: tokenOfApplication,
		success: []int{200}, reply: "[" + deviceReply + "]", want: []usersecurity.DeviceFingerprint{device},
		answers: map[int]error{404: usersecurity.ErrUserNotFound},
	},
	{
		op: usersecurity.OpDeleteDeviceFingerprint, class: aDelete,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeleteDeviceFingerprint(ctx, 1001, deviceID, o...)
		},
		method: "DELETE", path: "/v1/users/1001/partner-device-fingerprints/5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11", token: tokenOfApplication,
		success: []int{204},
		answers: map[int]error{404: usersecurity.ErrFingerprintNotFound},
	},
	{
		op: usersecurity.OpListPhoneNumbers, class: aRead,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return result(c.ListPhoneNumbers(ctx, 1001, o...))
		},
		method: "GET", path: "/v1/application/users/1001/phone-numbers", token: tokenOfApplication,
		success: []int{200}, reply: "[" + numberReply + "]", want: []usersecurity.PhoneNumber{number},
	},
	{
		op: usersecurity.OpCreatePhoneNumber, class: aNumber,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return result(c.CreatePhoneNumber(ctx, 1001, "+6588888888", o...))
		},
		method: "POST", path: "/v1/application/users/1001/phone-numbers", token: tokenOfApplication, body: `{"phoneNumber":"+6588888888"}`,
		success: []int{200}, reply: numberReply, want: &number,
	},
	{
		op: usersecurity.OpUpdatePhoneNumber, class: aNumber,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return result(c.UpdatePhoneNumber(ctx, 1001, 77, "+6588888888", o...))
		},
		method: "PUT", path: "/v1/application/users/1001/phone-numbers/77", token: tokenOfApplication, body: `{"phoneNumber":"+6588888888"}`,
		success: []int{200}, reply: numberReply, want: &number,
	},
	{
		op: usersecurity.OpDeletePhoneNumber, class: aDelete,
		call: func(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeletePhoneNumber(ctx, 1001, 77, o...)
		},
		method: "DELETE", path: "/v1/application/users/1001/phone-numbers/77", token: tokenOfApplication,
		success: []int{204},
	},
}

// result makes one type of the methods' results.
func result(v any, err error) (any, error) {
	if reflect.ValueOf(v).IsZero() {
		return nil, err
	}
	return v, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func rowOf(op usersecurity.Operation) *row {
	for i := range contract {
		if contract[i].op == op {
			return &contract[i]
		}
	}
	panic("no such operation: " + op)
}

func (r *row) writes() bool { return r.class != aRead }

// answersWell is Wise's documented success.
func (r *row) answersWell() step { return answers(r.success[0], r.reply) }

// checkResult compares what a method returned with what it should.
func (r *row) checkResult(t *testing.T, got any) {
	t.Helper()
	if !reflect.DeepEqual(got, r.want) {
		t.Errorf("%s returned %#v", r.op, got)
	}
}

// applicationTokens and userTokens give tokens that say whose they are, and
// refuse what they should not be asked for.
var (
	applicationTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		if req.User != 0 {
			return nil, errors.New("the source of application tokens was asked for a user's")
		}
		return &oauth2.Token{AccessToken: tokenOfApplication}, nil
	})
	userTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		if req.User == 0 {
			return nil, errors.New("the source of user tokens was asked for the application's")
		}
		return &oauth2.Token{AccessToken: fmt.Sprint("token-of-user-", int64(req.User))}, nil
	})
)

const testHost = "https://wise.example"

// bareClient has a base URL and a transport, and otherwise what options say.
func bareClient(t testing.TB, transport http.RoundTripper, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	client, err := usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithBaseURL(testHost),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newClient has both sources of tokens, and seals.
func newClient(t testing.TB, transport http.RoundTripper, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	return bareClient(t, transport, append(complete(t), options...)...)
}

func complete(t testing.TB) []usersecurity.Option {
	return []usersecurity.Option{
		usersecurity.WithApplicationTokens(applicationTokens),
		usersecurity.WithUserTokens(userTokens),
		usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t)))),
	}
}

// arrival is a request as it came.
type arrival struct {
	method, uri string // the URI is path and query
	header      http.Header
	length      int64
	chunked     bool
	host        string
	body        string
	at          time.Time
}

func arrivalOf(r *http.Request) arrival {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	return arrival{
		method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone(),
		length: r.ContentLength, chunked: len(r.TransferEncoding) > 0, host: r.Host, body: string(body), at: time.Now(),
	}
}

// step answers one request, whose body has been read, or loses it.
type step func(r *http.Request, body string) (*http.Response, error)

// answers is an answer with headers given as name, value, name, value.
func answers(status int, body string, header ...string) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Header: http.Header{}, Request: r,
			ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		}
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Add(header[i], header[i+1])
		}
		return resp, nil
	}
}

// fails is a transport's error.
func fails(err error) step {
	return func(*http.Request, string) (*http.Response, error) { return nil, err }
}

var (
	// refused never reaches Wise; lost may have.
	refused = fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	lost    = fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET})
)

// hangs answers when the request's time is up.
func hangs(r *http.Request, _ string) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// breaksOff is a success whose body ends early.
func breaksOff(body string) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: int64(len(body)),
			Body: io.NopCloser(io.MultiReader(strings.NewReader(body[:len(body)/2]), brokenReader{})),
		}, nil
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// script is a transport that plays the steps, one for each request; the last
// one again and again. The lists of phone numbers that a call for another
// purpose asks for are answered by readBack, in the same way.
type script struct {
	t        testing.TB
	steps    []step
	readBack []step

	mu       sync.Mutex
	requests []arrival
	lists    []arrival
}

func play(t testing.TB, steps ...step) *script { return &script{t: t, steps: steps} }

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := arrivalOf(r)
	s.mu.Lock()
	steps, done := s.steps, &s.requests
	if s.readBack != nil && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/phone-numbers") {
		steps, done = s.readBack, &s.lists
	}
	n := len(*done)
	*done = append(*done, a)
	s.mu.Unlock()
	if len(steps) == 0 {
		s.t.Errorf("an unexpected request: %s %s", r.Method, r.URL.Path)
		return nil, errors.New("an unexpected request")
	}
	return steps[min(n, len(steps)-1)](r, a.body)
}

// count is how many requests came, without those that read back.
func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// waits are the times between the requests.
func (s *script) waits() (waits []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.requests); i++ {
		waits = append(waits, s.requests[i].at.Sub(s.requests[i-1].at))
	}
	return waits
}

// nothingSent is a transport that must not be reached.
type nothingSent struct{ t testing.TB }

func (n nothingSent) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was sent: %s %s", r.Method, r.URL.Path)
	return nil, errors.New("nothing should be sent")
}

// loopback is a server on a real socket that records what arrives.
type loopback struct {
	*httptest.Server
	mu       sync.Mutex
	arrivals []arrival
}

func listen(t testing.TB, answer func(w http.ResponseWriter, a arrival)) *loopback {
	t.Helper()
	l := &loopback{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := arrivalOf(r)
		l.mu.Lock()
		l.arrivals = append(l.arrivals, a)
		l.mu.Unlock()
		answer(w, a)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *loopback) all() []arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.arrivals)
}

// count is how many requests have come for the URI, or for any if it is empty.
func (l *loopback) count(uri string) (n int) {
	for _, a := range l.all() {
		if uri == "" || a.uri == uri {
			n++
		}
	}
	return n
}

// client is one of the server's, with the library's own transport.
func (l *loopback) client(t testing.TB, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	client, err := usersecurity.New(append([]usersecurity.Option{usersecurity.WithBaseURL(l.URL)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// reply writes an answer; one with a body is JSON unless a content type is given.
func reply(w http.ResponseWriter, status int, body string, contentType ...string) {
	if body != "" {
		w.Header().Set("Content-Type", strings.Join(append(contentType, "application/json")[:1], ""))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// unseal opens a request as Wise does, and checks its form.
func unseal(t testing.TB, compact string, keys ...*rsa.PrivateKey) string {
	t.Helper()
	if len(keys) == 0 {
		testKeyOf(t)
		keys = append(keys, sealingKey)
	}
	jwe, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Errorf("the body is no compact JWE: %v", err)
		return ""
	}
	var plaintext []byte
	fips140.WithoutEnforcement(func() { plaintext, err = jwe.Decrypt(keys[0]) }) // Wise may use what we must not
	if err != nil {
		t.Errorf("the body can't be opened: %v", err)
	}
	protected, _, _ := strings.Cut(compact, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(protected)
	var header map[string]any
	if json.Unmarshal(raw, &header) != nil || !reflect.DeepEqual(header, map[string]any{"alg": "RSA-OAEP-256", "enc": "A256GCM"}) {
		t.Errorf("the protected header is %s", raw)
	}
	return string(plaintext)
}

// cekOf is the content key of a sealed request.
func cekOf(t testing.TB, request string) []byte {
	t.Helper()
	testKeyOf(t)
	segments := strings.Split(request, ".")
	if len(segments) != 5 {
		t.Errorf("the request is not sealed: %q", request)
		return make([]byte, 32)
	}
	encryptedKey, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		t.Error(err)
	}
	cek, err := rsa.DecryptOAEP(sha256.New(), nil, sealingKey, encryptedKey, nil)
	if err != nil {
		t.Error(err)
	}
	return cek
}

// sealDirect seals a reply with the content key of the request it answers.
func sealDirect(t testing.TB, request, plaintext string) string {
	t.Helper()
	cek := cekOf(t, request)
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: cek}, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	var jwe *jose.JSONWebEncryption
	fips140.WithoutEnforcement(func() { jwe = must(encrypter.Encrypt([]byte(plaintext))) })
	return must(jwe.CompactSerialize())
}

// sealsDirect is a sealed answer.
func sealsDirect(t testing.TB, status int, plaintext string) step {
	return func(r *http.Request, body string) (*http.Response, error) {
		return answers(status, sealDirect(t, body, plaintext), "Content-Type", "application/jose+json")(r, body)
	}
}

// sentinels are all that the package exports.
var sentinels = map[string]error{
	"ErrPinAlreadySet":          usersecurity.ErrPinAlreadySet,
	"ErrPinNotSet":              usersecurity.ErrPinNotSet,
	"ErrFaceMapAlreadyEnrolled": usersecurity.ErrFaceMapAlreadyEnrolled,
	"ErrFaceMapNotEnrolled":     usersecurity.ErrFaceMapNotEnrolled,
	"ErrFingerprintExists":      usersecurity.ErrFingerprintExists,
	"ErrFingerprintLimit":       usersecurity.ErrFingerprintLimit,
	"ErrFingerprintNotFound":    usersecurity.ErrFingerprintNotFound,
	"ErrUserNotFound":           usersecurity.ErrUserNotFound,
	"ErrPhoneRepeated":          usersecurity.ErrPhoneRepeated,
	"ErrInvalidRequest":         usersecurity.ErrInvalidRequest,
	"ErrUnauthorized":           usersecurity.ErrUnauthorized,
	"ErrSCARequired":            usersecurity.ErrSCARequired,
	"ErrForbidden":              usersecurity.ErrForbidden,
	"ErrNotFound":               usersecurity.ErrNotFound,
	"ErrRateLimited":            usersecurity.ErrRateLimited,
	"ErrServer":                 usersecurity.ErrServer,
	"ErrRedirect":               usersecurity.ErrRedirect,
	"ErrUnexpectedStatus":       usersecurity.ErrUnexpectedStatus,
	"ErrInvalidArgument":        usersecurity.ErrInvalidArgument,
	"ErrNoToken":                usersecurity.ErrNoToken,
	"ErrJWERequired":            usersecurity.ErrJWERequired,
	"ErrNoKey":                  usersecurity.ErrNoKey,
	"ErrDecrypt":                usersecurity.ErrDecrypt,
	"ErrPlaintextReply":         usersecurity.ErrPlaintextReply,
	"ErrReplyTooLarge":          usersecurity.ErrReplyTooLarge,
	"ErrMalformedReply":         usersecurity.ErrMalformedReply,
	"ErrOutcomeUnknown":         usersecurity.ErrOutcomeUnknown,
	"ErrAttemptTimeout":         usersecurity.ErrAttemptTimeout,
	"ErrTransport":              usersecurity.ErrTransport,
}

// matches reports whether err matches the wanted sentinels, and of all there
// are no other. Of the standard library's it looks at the context's two.
func matches(err error, want ...error) bool {
	all := []error{context.Canceled, context.DeadlineExceeded}
	for _, s := range sentinels {
		all = append(all, s)
	}
	for _, s := range all {
		if errors.Is(err, s) != slices.Contains(want, s) {
			return false
		}
	}
	return err != nil || len(want) == 0
}

// checkMatches is matches with a complaint.
func checkMatches(t testing.TB, what string, err error, want ...error) {
	t.Helper()
	if matches(err, want...) {
		return
	}
	var got []string
	for name, s := range sentinels {
		if errors.Is(err, s) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	t.Errorf("%s: got %v, which matches %v; want exactly %v", what, err, got, want)
}

// untrusted is the URL of a TLS server with a certificate that nobody trusts.
func untrusted(t testing.TB) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// keyAnswer is what the key endpoint says.
func keyAnswer(t testing.TB, algorithm, scope string, pub any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Error(err)
	}
	return []byte(`{"version":3,"keyId":"key-3","keyMaterial":{"algorithm":"` + algorithm + `","keyMaterial":"` +
		base64.StdEncoding.EncodeToString(der) + `"},"scope":"` + scope + `"}`)
}

// idEndingWith is a UUID whose last twelve digits are n.
func idEndingWith(n int64) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}
