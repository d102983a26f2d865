package usersecurity_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// Every secret and every piece of personal data in these tests has a mark that
// occurs nowhere else.
const (
	canaryPin         = "8317"
	canaryFingerprint = "canary-fingerprint"
	canaryFaceMap     = "canary+face/map+canary+face/map0"
	canaryPhone       = "+4990831783178317"
	canaryUserToken   = "canary-user-token"
	canaryAppToken    = "canary-app-token"
	canarySecret      = "canary-client-secret"
	canaryOneTime     = "canary-one-time-token"
	canaryEmail       = "c***y@canary.example"
	canaryPanic       = "canary-panic"
	canaryUser        = usersecurity.UserID(98317983179)
)

var canaries = []string{
	"canary", "Canary", "+49908317", "99083178317",
	base64.StdEncoding.EncodeToString([]byte(canarySecret))[:8],
}

// catch is everything that was printed, logged or observed.
type catch struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *catch) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

// print prints a value in every way there is.
func (c *catch) print(v any) {
	fmt.Fprintf(c, "%+v %#v\n", struct{ v any }{v}, struct{ v []any }{[]any{v}})
	c.printOpen(v)
	if err, ok := v.(error); ok {
		for _, inner := range unwrapped(err) {
			c.print(inner)
		}
	}
}

// printOpen leaves out the unexported fields of another struct, which nobody
// may call methods on: of a plain string in there nothing can be masked.
func (c *catch) printOpen(v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%e", "%T"} {
		fmt.Fprintf(c, verb+"\n", v)
	}
	fmt.Fprintf(c, "%+v %#v\n", struct{ V any }{v}, struct{ V []any }{[]any{v}})
	for _, v := range []any{v, struct{ V any }{v}} {
		if b, err := json.Marshal(v); err == nil {
			_, _ = c.Write(b)
		}
	}
	if b, err := xml.Marshal(v); err == nil {
		_, _ = c.Write(b)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(c, nil), slog.NewJSONHandler(c, nil)} {
		slog.New(handler).Info("printed", "value", v, slog.Group("group", "value", v))
	}
}

// unwrapped are the errors of this library's beneath an error. What a callback
// or a transport said is the caller's own.
func unwrapped(err error) (inner []error) {
	switch e := err.(type) { //nolint:errorlint // one level at a time
	case interface{ Unwrap() error }:
		inner = append(inner, e.Unwrap())
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	var own []error
	for _, e := range inner {
		if strings.HasPrefix(fmt.Sprintf("%T", e), "*usersecurity.") {
			own = append(own, e)
		}
	}
	return own
}

var (
	ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}`)
	pin = regexp.MustCompile(`\b` + canaryPin + `\b`)
)

func (c *catch) search(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	// Four digits turn up in random ids by chance.
	text := ids.ReplaceAllString(c.text.String(), "id")
	if len(text) < 1000 {
		t.Fatal("nothing was caught")
	}
	if pin.MatchString(text) {
		t.Error("the PIN got out")
	}
	for n, mark := range canaries {
		for _, form := range []string{mark, fmt.Sprintf("%x", mark), fmt.Sprintf("%X", mark), base64.StdEncoding.EncodeToString([]byte(mark))} {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("mark %d got out, %d bytes into the output: %s", n, i, text[max(0, i-200):i+50])
			}
		}
	}
}

// AttemptDone and CallDone print what the observer is told.
func (c *catch) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) { c.print(e) }
func (c *catch) CallDone(_ context.Context, e usersecurity.CallEvent)       { c.print(e) }

// canaryCalls makes every call there is with marked values.
func canaryCalls(t *testing.T, client *usersecurity.Client, caught *catch) {
	t.Helper()
	pin, err := usersecurity.NewPin(canaryPin)
	fingerprint, err2 := usersecurity.NewFingerprint(canaryFingerprint)
	faceMap, err3 := usersecurity.FaceMapFromBase64(canaryFaceMap)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{pin, &pin, fingerprint, &fingerprint, faceMap, &faceMap, map[string]any{"pin": pin}, []usersecurity.Pin{pin}} {
		caught.print(v)
	}
	for _, call := range []func(o ...usersecurity.CallOption) (any, error){
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.CreatePin(t.Context(), canaryUser, pin, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.DeletePin(t.Context(), canaryUser, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.EnrolFaceMap(t.Context(), canaryUser, faceMap, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.DeleteFaceMap(t.Context(), canaryUser, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return client.CreateDeviceFingerprint(t.Context(), canaryUser, fingerprint, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return client.ListDeviceFingerprints(t.Context(), canaryUser, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.DeleteDeviceFingerprint(t.Context(), canaryUser, uuid.New(), o...)
		},
		func(o ...usersecurity.CallOption) (any, error) {
			p, err := client.CreatePhoneNumber(t.Context(), canaryUser, canaryPhone, o...)
			if p != nil {
				caught.logged(*p)
			}
			return nil, err
		},
		func(o ...usersecurity.CallOption) (any, error) {
			_, err := client.UpdatePhoneNumber(t.Context(), canaryUser, 5_000_001, canaryPhone, o...)
			return nil, err
		},
		func(o ...usersecurity.CallOption) (any, error) {
			_, err := client.ListPhoneNumbers(t.Context(), canaryUser, o...)
			return nil, err
		},
		func(o ...usersecurity.CallOption) (any, error) {
			return nil, client.DeletePhoneNumber(t.Context(), canaryUser, 5_000_001, o...)
		},
		func(o ...usersecurity.CallOption) (any, error) { return nil, client.VerifyJWE(t.Context(), o...) },
	} {
		func() {
			defer func() {
				// What a callback panics with is the caller's own; what the stack
				// prints is not.
				if p := recover(); p != nil && p != canaryPanic {
					t.Errorf("a panic that is not the callback's: %T", p)
				}
			}()
			var meta usersecurity.Meta
			value, err := call(usersecurity.WithMeta(&meta))
			caught.print(value)
			caught.print(meta)
			if err != nil {
				caught.print(err)
			}
		}()
	}
	caught.print(client)
	caught.printOpen(usersecurity.TokenRequest{User: 1, Rejected: canaryUserToken})
}

// logged prints a phone number in the ways that mask it: all but JSON.
func (c *catch) logged(p usersecurity.PhoneNumber) {
	for _, v := range []any{p, &p, []usersecurity.PhoneNumber{p}} {
		fmt.Fprintf(c, "%v %+v %#v %s %q %d %x\n", v, v, v, v, v, v, v)
	}
	slog.New(slog.NewJSONHandler(c, nil)).Info("printed", "value", p, "pointer", &p)
	slog.New(slog.NewTextHandler(c, nil)).Info("printed", "value", p, "pointer", &p)
}

func canaryClient(t *testing.T, caught *catch, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	client, err := usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond}),
		usersecurity.WithTimeouts(100*time.Millisecond, 2*time.Second),
		usersecurity.WithObserver(caught),
		usersecurity.WithLogger(slog.New(slog.NewJSONHandler(caught, debug))),
		usersecurity.WithLogger(slog.New(slog.NewTextHandler(caught, debug))),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	for _, o := range options {
		caught.print(o)
	}
	return client
}

// Every operation under every fault of the simulator.
func TestCanaryUnderFaults(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	for _, kind := range []usersecuritytest.FaultKind{
		"", usersecuritytest.ResetBefore, usersecuritytest.ResetAfter, usersecuritytest.Stall, usersecuritytest.Cut,
		usersecuritytest.Garbage, usersecuritytest.HTML502, usersecuritytest.TooManyRequests,
		usersecuritytest.Unreadable, usersecuritytest.Unauthorized, usersecuritytest.RotateKey,
	} {
		wise := usersecuritytest.NewServer()
		wise.AddUser(canaryUser)
		if kind != "" {
			wise.Inject(usersecuritytest.Fault{Kind: kind})
		}
		client := canaryClient(t, caught, append(wise.Options(),
			usersecurity.WithUserTokens(usersecurity.StaticToken(wise.UserToken(canaryUser))))...)
		canaryCalls(t, client, caught)
		caught.print(wise)
		caught.print(wise.Requests())
		client.CloseIdleConnections()
		wise.Close()
	}
	caught.search(t)
}

// answering is a Wise that repeats in every answer what it should not.
type answering struct {
	status int
	body   string
	err    error
}

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	rec := &http.Response{StatusCode: a.status, Header: http.Header{}, Request: req, ContentLength: -1,
		Body: http.NoBody}
	if a.body != "" {
		rec.Body = readCloser{strings.NewReader(a.body)}
	}
	rec.Header.Set("Content-Type", "application/json")
	rec.Header.Set("Location", "https://canary.example/"+canaryUserToken)
	rec.Header.Set("X-Trace-Id", canaryEmail)
	rec.Header.Set("X-Rate-Limited-By", "canary limit")
	rec.Header.Set("X-2fa-Approval", canaryOneTime)
	rec.Header.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+canaryAppToken+`"`)
	return rec, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// Every operation under answers and errors that repeat secrets.
func TestCanaryUnderTalkativeAnswers(t *testing.T) {
	t.Parallel()
	key := publicKey()
	tokens := usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		if req.User == 0 {
			return &oauth2.Token{AccessToken: canaryAppToken}, nil
		}
		return &oauth2.Token{AccessToken: canaryUserToken + req.Rejected}, nil
	})
	bodies := []string{
		"",
		`{"errors":[{"code":"canary code","message":"used by ` + canaryEmail + `","path":"` + canaryPhone + `"}]}`,
		`{"error":"invalid_token ` + canaryAppToken + `","error_description":"` + canaryAppToken + `"}`,
		`{"timestamp":"x","status":403,"error":"Forbidden ` + canaryEmail + `","message":"` + canaryUserToken + `","path":"/canary"}`,
		`<html>` + canaryPin + canaryFingerprint + `</html>`,
		`{"pin":"` + canaryPin + `"`,
	}
	caught := &catch{}
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503} {
		for _, body := range bodies {
			canaryCalls(t, canaryClient(t, caught,
				usersecurity.WithBaseURL("https://wise.example"),
				usersecurity.WithHTTPClient(&http.Client{Transport: answering{status: status, body: body}}),
				usersecurity.WithApplicationTokens(tokens), usersecurity.WithUserTokens(tokens),
				usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(key))),
			), caught)
		}
	}
	failing := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		return nil, &oauth2.RetrieveError{Response: &http.Response{Status: "400 canary"}, Body: []byte(canarySecret), ErrorCode: "canary"}
	})
	unusable := usersecurity.StaticToken("canary token\n")
	for _, options := range [][]usersecurity.Option{
		{usersecurity.WithApplicationTokens(tokens), usersecurity.WithUserTokens(tokens)},
		{usersecurity.WithApplicationTokens(failing), usersecurity.WithUserTokens(failing)},
		{usersecurity.WithApplicationTokens(unusable), usersecurity.WithUserTokens(usersecurity.CacheTokens(unusable))},
		{usersecurity.WithClientCredentials("canary-id", canarySecret), usersecurity.WithUserTokens(usersecurity.OAuth2(panicking{}))},
		{usersecurity.WithApplicationTokens(usersecurity.CacheTokens(usersecurity.OAuth2(panicking{}))), usersecurity.WithUserTokens(tokens)},
	} {
		canaryCalls(t, canaryClient(t, caught, append(options,
			usersecurity.WithBaseURL("https://wise.example"),
			usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(key))),
			usersecurity.WithHTTPClient(&http.Client{Transport: answering{err: errors.New("dial " + canaryUserToken + canaryPhone)}}),
		)...), caught)
	}
	_, err := usersecurity.New(
		usersecurity.WithBaseURL("https://canary-user:canary-password@wise.example/?token=canary"),
		usersecurity.WithClientCredentials("canary", ""),
		usersecurity.WithUserAgent("canary\n"),
		usersecurity.WithFingerprintListMethod("canary"),
	)
	caught.print(err)
	for _, bad := range []string{canaryPin + "0", "canary"} {
		_, err := usersecurity.NewPin(bad)
		caught.print(err)
		_, err = usersecurity.FaceMapFromBase64(bad + "!")
		caught.print(err)
		_, err = usersecurity.ParseSealedRequest(bad)
		caught.print(err)
		_, err = usersecurity.NewFingerprint(bad + "\xff")
		caught.print(err)
		_, err = panickingClient(t).CreatePhoneNumber(t.Context(), 1, bad+"\x00")
		caught.print(err)
		caught.print(panickingClient(t).DeletePin(t.Context(), 1, usersecurity.WithToken(bad+"\n")))
	}
	caught.search(t)
}

func panickingClient(t *testing.T) *usersecurity.Client {
	t.Helper()
	client, err := usersecurity.New(usersecurity.WithBaseURL("https://wise.example"),
		usersecurity.WithHTTPClient(&http.Client{Transport: answering{err: errors.New("nothing should be sent")}}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type panicking struct{}

func (panicking) Token() (*oauth2.Token, error) { panic(canaryPanic) }

// A sealed request carries nothing in clear.
func TestCanaryInSealedBodies(t *testing.T) {
	var sent bytes.Buffer
	client, err := usersecurity.New(
		usersecurity.WithBaseURL("https://wise.example"),
		usersecurity.WithUserTokens(usersecurity.StaticToken("token")),
		sealing(),
		usersecurity.WithHTTPClient(&http.Client{Transport: recording{&sent}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := usersecurity.NewFingerprint(canaryFingerprint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDeviceFingerprint(t.Context(), 1, fingerprint); err == nil {
		t.Fatal("an empty reply was taken for a device")
	}
	if sent.Len() < 400 {
		t.Fatalf("only %d bytes were sent", sent.Len())
	}
	for segment := range strings.SplitSeq(sent.String(), ".") {
		raw, err := base64.RawURLEncoding.DecodeString(segment)
		if err != nil || bytes.Contains(raw, []byte("anary")) || bytes.Contains(raw, []byte("deviceFingerprint")) {
			t.Error("a segment is not base64url, or shows the secret")
		}
	}
}

type recording struct{ sent *bytes.Buffer }

func (r recording) RoundTrip(req *http.Request) (*http.Response, error) {
	_, _ = r.sent.ReadFrom(req.Body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}
