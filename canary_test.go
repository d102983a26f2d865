package usersecurity_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
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
	canaryCode        = "083178" // with a zero, so that no length of time looks like it
	canaryEmail       = "c***y@canary.example"
	canaryPanic       = "canary-panic"
	canaryUser        = usersecurity.UserID(98317983179)
)

// marked are what all calls of these tests are made with.
var marked = inputs{
	user:        canaryUser,
	pin:         must(usersecurity.NewPin(canaryPin)),
	fingerprint: must(usersecurity.NewFingerprint(canaryFingerprint)),
	faceMap:     must(usersecurity.FaceMapFromBase64(canaryFaceMap)),
	number:      canaryPhone,
	numberID:    5_000_001,
	profile:     6_000_001,
	oneTime:     must(usersecurity.NewOneTimeToken(canaryOneTime)),
	code:        must(usersecurity.NewOTP(canaryCode)),
}

var canaries = []string{
	"canary", "Canary", "+49908317", "99083178317",
	base64.StdEncoding.EncodeToString([]byte(canarySecret))[:8],
}

// catch is everything that was printed, logged or observed.
type catch struct {
	mu      sync.Mutex
	text    strings.Builder
	printed sync.Map // errors that others wrap
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
		c.reach(err)
		for _, inner := range unwrapped(err) {
			if _, again := c.printed.LoadOrStore(inner, true); !again {
				c.print(inner)
			}
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

// unwrapped are the errors beneath an error.
func unwrapped(err error) []error {
	switch e := err.(type) { //nolint:errorlint // one level at a time
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

var (
	ids    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}`)
	letter = regexp.MustCompile(`^\w$`)
)

// isNumber reports whether the digits from one place to another stand for
// themselves, and are no part of something longer.
func isNumber(text string, from, to int) bool {
	return (from == 0 || !letter.MatchString(text[from-1:from])) && (to == len(text) || !letter.MatchString(text[to:to+1]))
}

// isInID reports whether they are part of an id, where they turn up by chance.
func isInID(text string, from, to int) bool {
	const longest = 36
	begin := max(0, to-longest)
	for _, id := range ids.FindAllStringIndex(text[begin:min(len(text), from+longest)], -1) {
		if begin+id[0] <= from && to <= begin+id[1] {
			return true
		}
	}
	return false
}

// Digits are found where they stand for themselves, however near an id is.
func TestCanaryDigitsAreTold(t *testing.T) {
	t.Parallel()
	const id = "594959c8-01f7-467d-8317-e1892266c45a"
	for text, want := range map[string]bool{
		"8317": true, "a 8317 b": true, `"8317"`: true, "83170": false, "x8317": false,
		id: false, id + " application/json 0 " + id: false, id + " 8317": true, "8317 " + id: true, "8317-" + id: true,
	} {
		got := false
		for from := 0; from+4 <= len(text); from++ {
			got = got || text[from:from+4] == canaryPin && isNumber(text, from, from+4) && !isInID(text, from, from+4)
		}
		if got != want {
			t.Errorf("found in %q: %t", text, got)
		}
	}
}

func (c *catch) search(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.text.String()
	if len(text) < 1000 {
		t.Fatal("nothing was caught")
	}
	for _, digits := range []string{canaryPin, canaryCode} {
		for from := 0; ; {
			i := strings.Index(text[from:], digits)
			if i < 0 {
				break
			}
			at := from + i
			from = at + len(digits)
			if isNumber(text, at, from) && !isInID(text, at, from) {
				t.Errorf("the PIN or the code got out: %s", text[max(0, at-50):min(len(text), from+50)])
			}
		}
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
	for _, v := range []any{
		marked.pin, &marked.pin, marked.fingerprint, &marked.fingerprint, marked.faceMap, &marked.faceMap,
		marked.code, &marked.code, marked.oneTime, &marked.oneTime,
		map[string]any{"pin": marked.pin}, []usersecurity.Pin{marked.pin},
	} {
		caught.print(v)
	}
	for _, r := range contract {
		canaryCall(t, caught, func(o usersecurity.CallOption) (any, error) {
			in := marked
			in.device = uuid.New()
			return r.do(t.Context(), client, in, o)
		})
	}
	canaryCall(t, caught, func(o usersecurity.CallOption) (any, error) { return nil, client.VerifyJWE(t.Context(), o) })
	caught.print(client)
	caught.reach(client)
	caught.printOpen(usersecurity.TokenRequest{User: 1, Rejected: canaryUserToken})
}

// canaryCall makes one call and prints what comes of it.
func canaryCall(t *testing.T, caught *catch, call func(usersecurity.CallOption) (any, error)) {
	t.Helper()
	defer func() {
		// What a callback panics with is the caller's own; what the stack
		// prints is not.
		if p := recover(); p != nil && p != canaryPanic {
			t.Errorf("a panic that is not the callback's: %T", p)
		}
	}()
	var meta usersecurity.Meta
	value, err := call(usersecurity.WithMeta(&meta))
	switch v := value.(type) {
	case *usersecurity.PhoneNumber:
		caught.logged(*v)
	case string: // a number as Wise masks it, for the caller to show
	case []usersecurity.PhoneNumber:
		for _, p := range v {
			caught.logged(p)
		}
	default:
		caught.print(value)
	}
	caught.print(meta)
	if err != nil {
		caught.print(err)
	}
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
	client := clientOf(t, append([]usersecurity.Option{
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond}),
		usersecurity.WithTimeouts(100*time.Millisecond, 2*time.Second),
		usersecurity.WithObserver(caught),
		usersecurity.WithLogger(slog.New(slog.NewJSONHandler(caught, debug))),
		usersecurity.WithLogger(slog.New(slog.NewTextHandler(caught, debug))),
	}, options...)...)
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
			usersecurity.WithUserTokens(usersecurity.ForUser(canaryUser, usersecurity.StaticToken(wise.UserToken(canaryUser)))))...)
		canaryCalls(t, client, caught)
		client.CloseIdleConnections()
		wise.Close() // printers walk through it without its locks
		caught.print(wise)
		caught.print(wise.Requests())
	}
	caught.search(t)
}

// talkative is an answer that repeats in every place what it should not.
func talkative(status int, body string) step {
	return answers(status, body,
		"Content-Type", "application/json",
		"Location", "https://canary.example/"+canaryUserToken,
		"X-Trace-Id", canaryEmail,
		"X-Rate-Limited-By", "canary limit",
		"X-2fa-Approval", canaryOneTime,
		"WWW-Authenticate", `Bearer error="invalid_token", error_description="`+canaryAppToken+`"`)
}

// canaryTokens gives marked tokens.
var canaryTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	if req.User == 0 {
		return &oauth2.Token{AccessToken: canaryAppToken}, nil
	}
	return &oauth2.Token{AccessToken: canaryUserToken + req.Rejected}, nil
})

// Every operation under answers that repeat secrets.
func TestCanaryUnderTalkativeAnswers(t *testing.T) {
	t.Parallel()
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
				usersecurity.WithHTTPClient(&http.Client{Transport: play(t, talkative(status, body))}),
				usersecurity.WithApplicationTokens(canaryTokens), usersecurity.WithUserTokens(canaryTokens),
				sealing(),
			), caught)
		}
	}
	caught.search(t)
}

// Every operation where sources and the transport fail, and repeat secrets.
func TestCanaryUnderTalkativeFailures(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	embedding := embedsOurs{&usersecurity.APIError{Op: usersecurity.OpCreatePin, StatusCode: 400}, "canary text"}
	failing := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		return nil, &oauth2.RetrieveError{Response: &http.Response{Status: "400 canary"}, Body: []byte(canarySecret), ErrorCode: "canary"}
	})
	unusable := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "canary token\n"}, nil
	})
	for _, options := range [][]usersecurity.Option{
		{usersecurity.WithApplicationTokens(canaryTokens), usersecurity.WithUserTokens(canaryTokens)},
		{usersecurity.WithApplicationTokens(failing), usersecurity.WithUserTokens(failing)},
		{usersecurity.WithApplicationTokens(unusable), usersecurity.WithUserTokens(usersecurity.CacheTokens(unusable))},
		{usersecurity.WithClientCredentials("canary-id", canarySecret), usersecurity.WithUserTokens(usersecurity.ForUser(canaryUser, usersecurity.OAuth2(panicking{})))},
		{usersecurity.WithApplicationTokens(usersecurity.CacheTokens(usersecurity.OAuth2(panicking{}))), usersecurity.WithUserTokens(canaryTokens)},
	} {
		canaryCalls(t, canaryClient(t, caught, append(options,
			usersecurity.WithBaseURL("https://wise.example"),
			sealing(),
			usersecurity.WithHTTPClient(&http.Client{Transport: play(t,
				fails(errors.New("dial "+canaryUserToken+canaryPhone)),
				fails(&net.OpError{Op: "canary step", Net: "canary", Err: errors.New("canary")}),
				fails(embedding),
			)}),
		)...), caught)
	}
	caught.search(t)
}

// What is refused is not repeated.
func TestCanaryInRefusals(t *testing.T) {
	t.Parallel()
	caught := &catch{}
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
		_, err = bareClient(t, nothingSent{t}).CreatePhoneNumber(t.Context(), 1, bad+"\x00")
		caught.print(err)
		caught.print(bareClient(t, nothingSent{t}).DeletePin(t.Context(), 1, usersecurity.WithToken(bad+"\n")))
	}
	caught.search(t)
}

// embedsOurs is a caller's error that has our methods and a text of its own.
type embedsOurs struct {
	*usersecurity.APIError
	text string
}

func (e embedsOurs) Error() string { return e.text }

type panicking struct{}

func (panicking) Token() (*oauth2.Token, error) { panic(canaryPanic) }

// A sealed request carries nothing unencrypted.
func TestCanaryInSealedBodies(t *testing.T) {
	t.Parallel()
	wise := play(t, answers(200, ""))
	if _, err := rowOf(usersecurity.OpCreateDeviceFingerprint).do(t.Context(), newClient(t, wise), marked); err == nil {
		t.Fatal("an empty reply was taken for a device")
	}
	sent := wise.requests[0].body
	if len(sent) < 400 {
		t.Fatalf("only %d bytes were sent", len(sent))
	}
	for segment := range strings.SplitSeq(sent, ".") {
		raw, err := base64.RawURLEncoding.DecodeString(segment)
		if err != nil || bytes.Contains(raw, []byte("anary")) || bytes.Contains(raw, []byte("deviceFingerprint")) {
			t.Error("a segment is not base64url, or shows the secret")
		}
	}
}

// What net/http says of a reply that it can't read holds lines of it.
func TestCanaryInRawReplies(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	for _, reply := range []string{
		"canary\r\n\r\n",
		"HTTP/1.1 canary OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncanary without a colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nCanary : canary\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: canary\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;canary\r\ncanary!",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\ncanarycanary",
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"canary\":",
		"HTTP/1.1 302 canary\r\nLocation: ://canary\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 canary\r\nUpgrade: canary\r\n\r\ncanary",
		"HTTP/1.1 103 canary\r\nLink: canary\r\n\r\n",
	} {
		addr := repliesWith(t, reply)
		for _, options := range [][]usersecurity.Option{
			{usersecurity.WithBaseURL("http://" + addr)},
			{usersecurity.WithBaseURL(testHost), viaProxy(addr)}, // which answers CONNECT with it
		} {
			client := canaryClient(t, caught, append(options, usersecurity.WithApplicationTokens(canaryTokens))...)
			if _, err := client.ListPhoneNumbers(t.Context(), canaryUser); err == nil {
				t.Errorf("%q was taken for a reply", reply)
			} else {
				caught.print(err)
			}
			caught.print(client.DeletePin(t.Context(), canaryUser))
		}
	}
	caught.search(t)
}

// repliesWith listens, and answers every request with the same bytes.
func repliesWith(t *testing.T, reply string) (addr string) {
	t.Helper()
	return accepts(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, reply)
		}
	})
}

func viaProxy(addr string) usersecurity.Option {
	transport := usersecurity.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr})
	return usersecurity.WithHTTPClient(&http.Client{Transport: transport})
}
