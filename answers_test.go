package usersecurity_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// The list of sentinels in these tests is the package's.
func TestSentinelsAreAllKnown(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t(Err[A-Z]\w*) error += `).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(sentinels) {
		t.Errorf("%d are declared, %d are known", len(declared), len(sentinels))
	}
	for _, d := range declared {
		if sentinels[d[1]] == nil {
			t.Errorf("%s is not known", d[1])
		}
	}
}

// mocked answers the operation's requests, and none other, with s; a list of
// phone numbers that reads back is empty.
func mocked(t *testing.T, r *row, s step) *httpmock.MockTransport {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		t.Errorf("an unexpected request: %s %s", req.Method, req.URL)
		return nil, errors.New("an unexpected request")
	})
	if r.class == aNumber {
		mock.RegisterResponder("GET", testHost+"/v1/application/users/1001/phone-numbers", httpmock.NewStringResponder(200, "[]"))
	}
	mock.RegisterResponder(r.method, testHost+r.path, func(req *http.Request) (*http.Response, error) {
		var body []byte
		if req.Body != nil {
			body, _ = io.ReadAll(req.Body)
		}
		return s(req, string(body))
	})
	return mock
}

// byStatus is what a status means where an operation has no word of its own for
// it. A status that is not here is undocumented: ErrUnexpectedStatus.
var byStatus = map[int]error{
	300: usersecurity.ErrRedirect, 301: usersecurity.ErrRedirect, 302: usersecurity.ErrRedirect, 303: usersecurity.ErrRedirect,
	304: usersecurity.ErrRedirect, 307: usersecurity.ErrRedirect, 308: usersecurity.ErrRedirect, 399: usersecurity.ErrRedirect,
	400: usersecurity.ErrInvalidRequest, 422: usersecurity.ErrInvalidRequest,
	401: usersecurity.ErrUnauthorized, 403: usersecurity.ErrForbidden, 404: usersecurity.ErrNotFound, 429: usersecurity.ErrRateLimited,
	500: usersecurity.ErrServer, 501: usersecurity.ErrServer, 502: usersecurity.ErrServer, 503: usersecurity.ErrServer,
	504: usersecurity.ErrServer, 505: usersecurity.ErrServer, 511: usersecurity.ErrServer, 599: usersecurity.ErrServer,
}

var statuses = []int{
	101, 200, 201, 202, 203, 204, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308, 399,
	400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422, 423, 425, 428, 429, 431, 451, 499,
	500, 501, 502, 503, 504, 505, 511, 599, 600, 999,
}

// leavesOpen are the statuses after which nobody knows what became of a write.
var leavesOpen = []int{408, 500, 502, 503, 504}

// secretText is in the messages of all error bodies below.
const secretText = "secret***@example.com"

// shapes are the bodies that an error may come with.
var shapes = []struct {
	name, body string
	details    []usersecurity.ErrorDetail
	oauth      bool // the shape of the layers before the operation
}{
	{name: "empty"},
	{
		name:    "errors",
		body:    `{"timestamp":"2024-05-06T07:08:09Z","errors":[{"code":"some.code","message":"` + secretText + `","path":"phoneNumber","arguments":["a",1]},{"code":"other_code","message":"more","arguments":null}]}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText, Path: "phoneNumber"}, {Code: "other_code", Message: "more"}},
	},
	{
		name:    "OAuth",
		body:    `{"error":"invalid_token","error_description":"` + secretText + `"}`,
		details: []usersecurity.ErrorDetail{{Code: "invalid_token", Message: secretText}}, oauth: true,
	},
	{
		name:    "Spring",
		body:    `{"timestamp":"2024-05-06T07:08:09.000+0000","status":404,"error":"Not Found","message":"` + secretText + `","path":null,"exception":"x.Y"}`,
		details: []usersecurity.ErrorDetail{{Message: secretText}},
	},
	{
		name:    "message and request id",
		body:    `{"message":"` + secretText + `","request_id":"r-1"}`,
		details: []usersecurity.ErrorDetail{{Message: secretText}},
	},
	{
		name:    "problem with errors",
		body:    `{"type":"t","title":"T","status":400,"detail":"d","instance":"i","errors":[{"code":"some.code","ref":"/phoneNumber","detail":"` + secretText + `"}]}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText, Path: "/phoneNumber"}},
	},
	{
		name:    "problem",
		body:    `{"type":"t","title":"T","status":400,"detail":"` + secretText + `"}`,
		details: []usersecurity.ErrorDetail{{Message: secretText}},
	},
	{
		name:    "code and category",
		body:    `{"code":"some.code","category":"c","description":"` + secretText + `","details":[]}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText}},
	},
	{
		name:    "code and message",
		body:    `{"code":"some.code","message":"` + secretText + `"}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText}},
	},
	{
		name:    "errorCode",
		body:    `{"type":"t","status":"FAILED","errorCode":"some.code","errorMessage":"` + secretText + `"}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText}},
	},
	{name: "HTML", body: "<html><body>" + secretText + "</body></html>"},
	{name: "text", body: secretText},
	{
		name:    "truncated after an entry",
		body:    `{"errors":[{"code":"some.code","message":"` + secretText + `"},{"code":"oth`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText}},
	},
	{
		name:    "truncated in an entry",
		body:    `{"errors":[{"code":"some.code","message":"` + secretText,
		details: []usersecurity.ErrorDetail{{Code: "some.code"}},
	},
	{name: "truncated at once", body: `{"err`},
	{
		name:    "oversized",
		body:    `{"errors":[{"code":"some.code","message":"` + secretText + `"}],"padding":"` + strings.Repeat("x", 1<<20) + `"}`,
		details: []usersecurity.ErrorDetail{{Code: "some.code", Message: secretText}},
	},
	{name: "array", body: `[{"code":"some.code"}]`},
	{name: "number", body: `12`},
	{name: "null", body: `null`},
	{name: "errors is null", body: `{"errors":null}`},
	{name: "errors of another kind", body: `{"errors":[1,"two",null]}`},
	{name: "brackets", body: strings.Repeat("[", 60<<10)},
	{name: "no UTF-8", body: "\xff\xfe\x00"},
}

// Each operation × each status × each body: the error matches what it should
// and nothing else, and says what the answer said.
func TestAnswers(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("7c1b6a36-12f4-4a0e-9a51-3c2f1b0d9e88")
	for _, r := range contract {
		t.Run(string(r.op), func(t *testing.T) {
			t.Parallel()
			tried := map[int]bool{}
			for _, status := range statuses {
				if slices.Contains(r.success, status) {
					continue
				}
				tried[status] = true
				for _, shape := range shapes {
					want := r.answers[status]
					if want != nil && shape.oauth {
						if status != 400 {
							continue // nothing says what such a body means with a status of the operation's own
						}
						want = nil
					}
					if want == nil {
						want = byStatus[status]
					}
					if want == nil {
						want = usersecurity.ErrUnexpectedStatus
					}
					mock := mocked(t, &r, answers(status, shape.body, "X-Trace-Id", "trace-1", "X-Rate-Limited-By", "wise-public-api", "Retry-After", "7"))
					client := newClient(t, mock, usersecurity.WithFingerprintListMethod("POST"))
					var meta usersecurity.Meta
					got, err := r.call(t.Context(), client, usersecurity.WithMaxAttempts(1), usersecurity.WithCorrelationID(id), usersecurity.WithMeta(&meta))
					what := fmt.Sprintf("%d, %s", status, shape.name)
					if got != nil {
						t.Errorf("%s: a result next to an error: %v", what, got)
					}
					unknown := r.writes() && slices.Contains(leavesOpen, status)
					if unknown {
						checkMatches(t, what, err, want, usersecurity.ErrOutcomeUnknown)
						var outcome *usersecurity.OutcomeError
						if !errors.As(err, &outcome) || outcome.Op != r.op || outcome.Attempts != 1 || outcome.CorrelationID != id || outcome.Err == nil {
							t.Errorf("%s: the outcome is %+v", what, outcome)
						}
					} else {
						checkMatches(t, what, err, want)
					}
					var api *usersecurity.APIError
					if !errors.As(err, &api) {
						t.Errorf("%s: no APIError in %v", what, err)
						continue
					}
					fields := usersecurity.APIError{
						Op: r.op, StatusCode: status, Details: shape.details, TraceID: "trace-1", CorrelationID: id,
						RateLimitedBy: "wise-public-api", RetryAfter: 7 * time.Second, Attempts: 1,
					}
					if len(api.Details) == 0 {
						fields.Details = api.Details // nil or empty
					}
					if !sameFields(api, &fields) || len(api.Details) != len(shape.details) {
						t.Errorf("%s: the fields are %+v", what, fieldsOf(api))
					}
					if body := shape.body[:min(len(shape.body), 64<<10)]; string(api.Body()) != body {
						t.Errorf("%s: the body has %d bytes, want %d", what, len(api.Body()), len(body))
					}
					if want := (usersecurity.Meta{StatusCode: status, TraceID: "trace-1", CorrelationID: id, Attempts: 1}); meta != want {
						t.Errorf("%s: the meta is %+v", what, meta)
					}
					if n := mock.GetCallCountInfo()[r.method+" "+testHost+r.path]; n != 1 {
						t.Errorf("%s: %d requests", what, n)
					}
				}
			}
			for status := range r.answers {
				if !tried[status] {
					t.Errorf("the documented %d was not tried", status)
				}
			}
		})
	}
}

func sameFields(a, b *usersecurity.APIError) bool { return reflect.DeepEqual(fieldsOf(a), fieldsOf(b)) }

func fieldsOf(e *usersecurity.APIError) []any {
	return []any{e.Op, e.StatusCode, details(e.Details), e.TraceID, e.CorrelationID, e.RateLimitedBy, e.RetryAfter, e.Attempts, e.Uncertain}
}

// details shows what the type itself masks.
func details(in []usersecurity.ErrorDetail) (out [][3]string) {
	for _, d := range in {
		out = append(out, [3]string{d.Code, d.Message, d.Path})
	}
	return out
}

// The answers that a code or a header decides.
func TestAnswersByCodeAndHeader(t *testing.T) {
	t.Parallel()
	const repeated = `{"errors":[{"code":"phone.number.repeated","message":"used by ` + secretText + `"}]}`
	for _, test := range []struct {
		op           usersecurity.Operation
		name         string
		answer       step
		want         error
		oneTimeToken string
	}{
		{op: usersecurity.OpCreatePhoneNumber, name: "repeated", answer: answers(422, repeated), want: usersecurity.ErrPhoneRepeated},
		{op: usersecurity.OpUpdatePhoneNumber, name: "repeated", answer: answers(422, repeated), want: usersecurity.ErrPhoneRepeated},
		{
			op: usersecurity.OpUpdatePhoneNumber, name: "repeated, as the second code",
			answer: answers(422, `{"errors":[{"code":"x"},{"code":"phone.number.repeated"}]}`), want: usersecurity.ErrPhoneRepeated,
		},
		{op: usersecurity.OpUpdatePhoneNumber, name: "that code with another status", answer: answers(400, repeated), want: usersecurity.ErrInvalidRequest},
		{op: usersecurity.OpCreatePin, name: "that code from another operation", answer: answers(422, repeated), want: usersecurity.ErrInvalidRequest},
		{op: usersecurity.OpDeletePin, name: "the documented code", answer: answers(404, `{"errors":[{"code":"pin.not.setup","message":"x"}]}`), want: usersecurity.ErrPinNotSet},
		{op: usersecurity.OpDeletePin, name: "that code with another status", answer: answers(403, `{"errors":[{"code":"pin.not.setup"}]}`), want: usersecurity.ErrForbidden},
		{op: usersecurity.OpDeleteFaceMap, name: "the documented code", answer: answers(404, `{"errors":[{"code":"facemap.not.setup","message":"x"}]}`), want: usersecurity.ErrFaceMapNotEnrolled},
		{op: usersecurity.OpCreateDeviceFingerprint, name: "a JOSE error", answer: answers(400, `{"error":"jws_error","error_description":"x"}`), want: usersecurity.ErrInvalidRequest},

		{op: usersecurity.OpDeletePin, name: "both headers", answer: answers(403, "", "X-2fa-Approval", "one-time-1", "X-2fa-Approval-Result", "REJECTED"), want: usersecurity.ErrSCARequired, oneTimeToken: "one-time-1"},
		{op: usersecurity.OpCreatePin, name: "the token alone", answer: answers(403, "{}", "X-2fa-Approval", "one-time-1"), want: usersecurity.ErrSCARequired, oneTimeToken: "one-time-1"},
		{op: usersecurity.OpListPhoneNumbers, name: "token and kind", answer: answers(403, "", "X-2fa-Approval", "one-time-1 SIGNATURE"), want: usersecurity.ErrSCARequired, oneTimeToken: "one-time-1"},
		{op: usersecurity.OpDeletePin, name: "that header with another status", answer: answers(400, "", "X-2fa-Approval", "one-time-1"), want: usersecurity.ErrInvalidRequest},
	} {
		t.Run(string(test.op)+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			r := rowOf(test.op)
			mock := mocked(t, r, test.answer)
			_, err := r.call(t.Context(), newClient(t, mock))
			checkMatches(t, "the error", err, test.want)
			var api *usersecurity.APIError
			if !errors.As(err, &api) || api.OneTimeToken() != test.oneTimeToken || api.Attempts != 1 || api.Uncertain {
				t.Errorf("the error is %#v", err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, api), "one-time-1") {
				t.Errorf("the one-time token is printed: %v", err)
			}
			if n := mock.GetTotalCallCount(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// An error body may be sealed with the content key, whatever the content type.
func TestAnswersSealedErrors(t *testing.T) {
	t.Parallel()
	const inner = `{"errors":[{"code":"some.code","message":"` + secretText + `"}]}`
	for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint} {
		for _, contentType := range []string{"application/jose+json", "application/json", ""} {
			r := rowOf(op)
			seals := func(status int, inner string) step {
				return func(req *http.Request, body string) (*http.Response, error) {
					return answers(status, sealDirect(t, body, inner), "Content-Type", contentType, "X-Trace-Id", "trace-1")(req, body)
				}
			}
			for status, want := range map[int]error{409: r.answers[409], 422: usersecurity.ErrInvalidRequest, 501: usersecurity.ErrServer} {
				_, err := r.call(t.Context(), newClient(t, mocked(t, r, seals(status, inner))))
				what := fmt.Sprintf("%s %d %q", op, status, contentType)
				checkMatches(t, what, err, want)
				var api *usersecurity.APIError
				if !errors.As(err, &api) || len(api.Details) != 1 || api.Details[0] != (usersecurity.ErrorDetail{Code: "some.code", Message: secretText}) ||
					string(api.Body()) != inner || api.TraceID != "trace-1" {
					t.Errorf("%s: details %q", what, details(api.Details))
				}
			}
			// What the sealed body says counts for the sentinel, too.
			if op == usersecurity.OpCreateDeviceFingerprint {
				_, err := r.call(t.Context(), newClient(t, mocked(t, r, seals(400, `{"error":"invalid","error_description":"x"}`))))
				checkMatches(t, "400 of another layer", err, usersecurity.ErrInvalidRequest)
			}
		}
	}
	// One that can't be opened leaves the status.
	const foreign = "eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiZGlyIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
	for _, r := range contract {
		_, err := r.call(t.Context(), newClient(t, mocked(t, &r, answers(403, foreign, "Content-Type", "application/jose+json"))))
		checkMatches(t, string(r.op), err, usersecurity.ErrForbidden)
		var api *usersecurity.APIError
		if !errors.As(err, &api) || len(api.Details) != 0 || string(api.Body()) != foreign {
			t.Errorf("%s: %#v", r.op, err)
		}
	}
}

// However an error is printed, it says what went wrong and where, and nothing
// that Wise wrote or the client sent.
func TestErrorsPrintNoSecrets(t *testing.T) {
	t.Parallel()
	pin := regexp.MustCompile(`\b0417\b`)
	id := usersecurity.WithCorrelationID(idEndingWith(1))
	bodies := []string{
		`{"errors":[{"code":"some.code","message":"` + secretText + `","path":"secret-path"}]}`,
		`{"error":"some.code","error_description":"` + secretText + tokenOfUser + `"}`,
		`{"status":404,"error":"Not secret","message":"` + secretText + `","path":"/v1/secret"}`,
		secretText,
	}
	for _, r := range contract {
		for _, status := range []int{302, 401, 403, 404, 409, 418, 422, 429, 501, 503} {
			for i, body := range bodies {
				mock := mocked(t, &r, answers(status, body, "X-Trace-Id", "trace-1", "X-2fa-Approval", "secret-one-time", "Location", "https://secret.example/"))
				_, err := r.call(t.Context(), newClient(t, mock, usersecurity.WithFingerprintListMethod("POST")), usersecurity.WithMaxAttempts(1), id)
				var api *usersecurity.APIError
				if !errors.As(err, &api) {
					t.Fatalf("%s %d: %v", r.op, status, err)
				}
				for _, word := range []string{string(r.op), fmt.Sprint(status), "trace-1"} {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("%s %d: %q doesn't say %q", r.op, status, err, word)
					}
				}
				if i < 2 && !strings.Contains(err.Error(), "some.code") {
					t.Errorf("%s %d: %q doesn't say the code", r.op, status, err)
				}
				for form, text := range printed(t, err, api, fmt.Errorf("wrapped: %w", err), errors.Join(err, io.EOF)) {
					for _, mark := range []string{"secret", "wise.example", "/v1/", tokenOfUser, tokenOfApplication, "device-1", "+6588888888", "+/+/AA==", "<html>"} {
						if strings.Contains(text, mark) {
							t.Errorf("%s %d: %s shows %q: %s", r.op, status, form, mark, text)
						}
					}
					if pin.MatchString(text) {
						t.Errorf("%s %d: %s shows the PIN: %s", r.op, status, form, text)
					}
				}
			}
		}
	}
}

// The digits of a time or an id may be those of a PIN by chance.
var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// printed is each value in every form.
func printed(t *testing.T, values ...any) map[string]string {
	t.Helper()
	forms := map[string]string{}
	for i, v := range values {
		name := strconv.Itoa(i)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			forms[verb+" of "+name] = fmt.Sprintf(verb, v)
			forms[verb+" in a struct, of "+name] = fmt.Sprintf(verb, struct{ V any }{v})
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, withoutTime)).Info("failed", "error", v)
		slog.New(slog.NewJSONHandler(&log, withoutTime)).Info("failed", "error", v)
		forms["slog of "+name] = log.String()
		if text, err := json.Marshal(v); err == nil {
			forms["JSON of "+name] = string(text)
		}
		if strings.Contains(fmt.Sprintf("%v", v), "%!") {
			t.Errorf("%T can't be printed", v)
		}
	}
	return forms
}

// A success whose reply can't be used is a success all the same: the error
// says what is wrong with the reply, and never that the outcome is unknown.
func TestReplies(t *testing.T) {
	t.Parallel()
	sealing := func(replyOf func(request string) string, contentType string) step {
		return func(req *http.Request, body string) (*http.Response, error) {
			return answers(200, replyOf(body), "Content-Type", contentType, "X-Trace-Id", "trace-1")(req, body)
		}
	}
	foreign := func(string) string {
		return "eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiZGlyIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
	}
	tooLarge := "[" + strings.Repeat(" ", 1<<20) + "]"
	largest := "[" + strings.Repeat(" ", 1<<20-2) + "]"
	const noID = `{"createdAt":"2024-05-06T07:08:09Z"}`
	requireSealed := usersecurity.WithJWE(usersecurity.JWERequireSealedReplies())
	for _, test := range []struct {
		name   string
		op     usersecurity.Operation
		answer step
		option usersecurity.Option
		want   error
	}{
		{"PIN, no body", usersecurity.OpCreatePin, answers(204, ""), requireSealed, nil},
		{"PIN, 200 without a body", usersecurity.OpCreatePin, answers(200, ""), requireSealed, nil},
		{"PIN, sealed", usersecurity.OpCreatePin, sealsDirect(t, 200, "{}"), requireSealed, nil},
		{"PIN, sealed by another key", usersecurity.OpCreatePin, sealing(foreign, "application/jose+json"), nil, usersecurity.ErrDecrypt},
		{"PIN, in clear", usersecurity.OpCreatePin, answers(200, "{}"), nil, nil},
		{"PIN, in clear, refused", usersecurity.OpCreatePin, answers(200, "{}"), requireSealed, usersecurity.ErrPlaintextReply},

		{"device, sealed", usersecurity.OpCreateDeviceFingerprint, sealsDirect(t, 200, deviceReply), requireSealed, nil},
		{"device, unknown fields", usersecurity.OpCreateDeviceFingerprint, answers(200, strings.Replace(deviceReply, "{", `{"new":[{}],`, 1)), nil, nil},
		{"device, sealed by another key", usersecurity.OpCreateDeviceFingerprint, sealing(foreign, "application/jose+json"), nil, usersecurity.ErrDecrypt},
		{"device, sealed by another key, in disguise", usersecurity.OpCreateDeviceFingerprint, sealing(foreign, "application/json"), nil, usersecurity.ErrDecrypt},
		{"device, said to be sealed", usersecurity.OpCreateDeviceFingerprint, answers(200, "not sealed", "Content-Type", "application/jose+json"), nil, usersecurity.ErrDecrypt},
		{"device, cut", usersecurity.OpCreateDeviceFingerprint, sealing(func(request string) string {
			sealed := sealDirect(t, request, deviceReply)
			return sealed[:len(sealed)-1]
		}, "application/jose+json"), nil, usersecurity.ErrDecrypt},
		{"device, the request echoed", usersecurity.OpCreateDeviceFingerprint, sealing(func(request string) string { return request }, "application/jose+json"), nil, usersecurity.ErrDecrypt},
		{"device, in clear, refused", usersecurity.OpCreateDeviceFingerprint, answers(200, deviceReply, "Content-Type", "application/json"), requireSealed, usersecurity.ErrPlaintextReply},
		{"device, no body", usersecurity.OpCreateDeviceFingerprint, answers(200, ""), nil, usersecurity.ErrMalformedReply},
		{"device, sealed, no JSON", usersecurity.OpCreateDeviceFingerprint, sealsDirect(t, 200, "<html>"), nil, usersecurity.ErrMalformedReply},
		{"device, no id", usersecurity.OpCreateDeviceFingerprint, answers(200, noID), nil, usersecurity.ErrMalformedReply},
		{"device, a strange id", usersecurity.OpCreateDeviceFingerprint, answers(200, `{"deviceFingerprintId":"x","createdAt":"2024-05-06T07:08:09Z"}`), nil, usersecurity.ErrMalformedReply},
		{"device, a strange time", usersecurity.OpCreateDeviceFingerprint, answers(200, strings.Replace(deviceReply, "2024-", "24-", 1)), nil, usersecurity.ErrMalformedReply},
		{"device, broken off", usersecurity.OpCreateDeviceFingerprint, breaksOff(deviceReply), nil, usersecurity.ErrMalformedReply},
		{"device, too large", usersecurity.OpCreateDeviceFingerprint, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},

		{"devices, HTML", usersecurity.OpListDeviceFingerprints, answers(200, "<html>"), nil, usersecurity.ErrMalformedReply},
		{"devices, no body", usersecurity.OpListDeviceFingerprints, answers(200, ""), nil, usersecurity.ErrMalformedReply},
		{"devices, an object", usersecurity.OpListDeviceFingerprints, answers(200, deviceReply), nil, usersecurity.ErrMalformedReply},
		{"devices, one without id", usersecurity.OpListDeviceFingerprints, answers(200, "["+deviceReply+","+noID+"]"), nil, usersecurity.ErrMalformedReply},
		{"devices, too large", usersecurity.OpListDeviceFingerprints, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},

		{"numbers, truncated", usersecurity.OpListPhoneNumbers, answers(200, "["+numberReply), nil, usersecurity.ErrMalformedReply},
		{"numbers, one without id", usersecurity.OpListPhoneNumbers, answers(200, `[{"phoneNumber":"+6588888888"}]`), nil, usersecurity.ErrMalformedReply},
		{"numbers, an id as text", usersecurity.OpListPhoneNumbers, answers(200, `[{"id":"77"}]`), nil, usersecurity.ErrMalformedReply},
		{"numbers, too large", usersecurity.OpListPhoneNumbers, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},
		{"number, no body", usersecurity.OpCreatePhoneNumber, answers(200, ""), nil, usersecurity.ErrMalformedReply},
		{"number, an array", usersecurity.OpUpdatePhoneNumber, answers(200, "["+numberReply+"]"), nil, usersecurity.ErrMalformedReply},
		{"number, no id", usersecurity.OpUpdatePhoneNumber, answers(200, "{}"), nil, usersecurity.ErrMalformedReply},

		{"delete, 204", usersecurity.OpDeletePhoneNumber, answers(204, ""), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := rowOf(test.op)
			options := []usersecurity.Option{}
			if test.option != nil {
				options = append(options, test.option)
			}
			mock := mocked(t, r, test.answer)
			var meta usersecurity.Meta
			got, err := r.call(t.Context(), newClient(t, mock, options...), usersecurity.WithMeta(&meta))
			if n := mock.GetCallCountInfo()[r.method+" "+testHost+r.path]; n != 1 || meta.Attempts != 1 {
				t.Errorf("%d requests, %d attempts", n, meta.Attempts)
			}
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				r.checkResult(t, got)
				return
			}
			checkMatches(t, "the error", err, test.want)
			if got != nil {
				t.Errorf("a result next to an error: %v", got)
			}
			if meta.StatusCode != http.StatusOK || !strings.Contains(err.Error(), string(test.op)) || !strings.Contains(err.Error(), "200") {
				t.Errorf("status %d, error %v", meta.StatusCode, err)
			}
			for form, text := range printed(t, err) {
				if strings.Contains(text, "wise.example") || strings.Contains(text, "device") && !strings.Contains(test.name, "device") {
					t.Errorf("%s: %s", form, text)
				}
			}
		})
	}
	list, err := newClient(t, play(t, answers(200, largest))).ListPhoneNumbers(t.Context(), 1001)
	if err != nil || len(list) != 0 {
		t.Errorf("the largest reply: %v", err)
	}
}

// scripted runs a test of a call whose attempts go by the script, in a bubble
// where time passes at will.
func scripted(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

// How many attempts each operation makes, and what the error is when all fail
// in the same way.
func TestAttemptsWhenAllFail(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range []struct {
			name     string
			step     step
			attempts int
			want     error
			open     bool // a write may have been done
		}{
			{"refused", refused, 4, usersecurity.ErrTransport, false},
			{"unknown host", fails(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), 4, usersecurity.ErrTransport, false},
			{"lost", lost, 4, usersecurity.ErrTransport, true},
			{"closed", fails(io.EOF), 4, usersecurity.ErrTransport, true},
			{"429", answers(429, ""), 4, usersecurity.ErrRateLimited, false},
			{"408", answers(408, ""), 4, usersecurity.ErrUnexpectedStatus, true},
			{"500", answers(500, ""), 4, usersecurity.ErrServer, true},
			{"502", answers(502, ""), 4, usersecurity.ErrServer, true},
			{"503", answers(503, ""), 4, usersecurity.ErrServer, true},
			{"504", answers(504, ""), 4, usersecurity.ErrServer, true},

			{"101", answers(101, ""), 1, usersecurity.ErrUnexpectedStatus, false},
			{"201", answers(201, "{}"), 1, usersecurity.ErrUnexpectedStatus, false},
			{"302", answers(302, ""), 1, usersecurity.ErrRedirect, false},
			{"401", answers(401, ""), 1, usersecurity.ErrUnauthorized, false}, // the source has no other token
			{"403", answers(403, ""), 1, usersecurity.ErrForbidden, false},
			{"410", answers(410, ""), 1, usersecurity.ErrUnexpectedStatus, false},
			{"425", answers(425, ""), 1, usersecurity.ErrUnexpectedStatus, false},
			{"422", answers(422, ""), 1, usersecurity.ErrInvalidRequest, false},
			{"501", answers(501, ""), 1, usersecurity.ErrServer, false},
			{"505", answers(505, ""), 1, usersecurity.ErrServer, false},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.step)
				open := test.open && r.writes()
				if r.class == aNumber && open {
					wise.readBack = []step{answers(200, "[]")}
				}
				var meta usersecurity.Meta
				_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
				want := []error{test.want}
				if open {
					want = append(want, usersecurity.ErrOutcomeUnknown)
				}
				checkMatches(t, "the error", err, want...)
				if wise.count() != test.attempts || meta.Attempts != test.attempts {
					t.Errorf("%d requests, %d attempts; want %d", wise.count(), meta.Attempts, test.attempts)
				}
				// Before each repeat, and at the end.
				if wise.readBack != nil && len(wise.lists) != test.attempts {
					t.Errorf("%d lists", len(wise.lists))
				}
				var api *usersecurity.APIError
				if errors.As(err, &api) && (api.Attempts != test.attempts || api.Uncertain) {
					t.Errorf("%d attempts, uncertain %t", api.Attempts, api.Uncertain)
				}
				var outcome *usersecurity.OutcomeError
				if errors.As(err, &outcome) != open || open && (outcome.Op != r.op || outcome.Attempts != test.attempts || outcome.CorrelationID != meta.CorrelationID) {
					t.Errorf("the outcome is %+v", outcome)
				}
				for _, a := range slices.Concat(wise.requests, wise.lists) {
					if a.header.Get("X-External-Correlation-Id") != meta.CorrelationID.String() {
						t.Error("an attempt has another correlation id")
					}
				}
			})
		}
	}
}

// A call that fails and then works needs just that many attempts.
func TestAttemptsUntilSuccess(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for name, failure := range map[string]step{"refused": refused, "lost": lost, "429": answers(429, ""), "500": answers(500, ""), "503": answers(503, "")} {
			for failures := range 4 {
				scripted(t, fmt.Sprint(r.op, "/", failures, " times ", name), func(t *testing.T) {
					wise := play(t, append(slices.Repeat([]step{failure}, failures), r.answersWell())...)
					if r.class == aNumber {
						wise.readBack = []step{answers(200, "[]")}
					}
					var meta usersecurity.Meta
					got, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
					if err != nil {
						t.Fatal(err)
					}
					r.checkResult(t, got)
					if wise.count() != failures+1 || meta.Attempts != failures+1 || meta.StatusCode != r.success[0] {
						t.Errorf("%d requests, meta %+v", wise.count(), meta)
					}
				})
			}
		}
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy usersecurity.RetryPolicy
		call   []usersecurity.CallOption
		want   int
	}{
		{usersecurity.RetryPolicy{}, nil, 4},
		{usersecurity.RetryPolicy{MaxAttempts: 1}, nil, 1},
		{usersecurity.RetryPolicy{MaxAttempts: 2}, nil, 2},
		{usersecurity.RetryPolicy{MaxAttempts: 9, MaxWait: time.Second}, nil, 9},
		{usersecurity.RetryPolicy{MaxAttempts: 2}, []usersecurity.CallOption{usersecurity.WithMaxAttempts(3)}, 3},
		{usersecurity.RetryPolicy{}, []usersecurity.CallOption{usersecurity.WithMaxAttempts(1)}, 1},
	} {
		scripted(t, fmt.Sprint(test.policy, len(test.call)), func(t *testing.T) {
			wise := play(t, answers(503, ""))
			_, err := newClient(t, wise, usersecurity.WithRetry(test.policy)).ListPhoneNumbers(t.Context(), 1001, test.call...)
			checkMatches(t, "the error", err, usersecurity.ErrServer)
			if wise.count() != test.want {
				t.Errorf("%d attempts, want %d", wise.count(), test.want)
			}
		})
	}
}

// traced is a transport that says how far it got before it failed.
func traced(err error, report func(*httptrace.ClientTrace)) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
			report(trace)
		}
		return nil, err
	}
}

// Whether a write may have been done is a matter of how far it got, not of the
// error's name.
func TestWhatWasWritten(t *testing.T) {
	t.Parallel()
	got := func(trace *httptrace.ClientTrace, headers bool) {
		if trace.GetConn != nil {
			trace.GetConn("wise.example:443")
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{})
		}
		if headers && trace.WroteHeaders != nil {
			trace.WroteHeaders()
		}
	}
	for _, r := range contract {
		for _, test := range []struct {
			name string
			step step
			open bool
		}{
			{"no connection", traced(io.EOF, func(trace *httptrace.ClientTrace) {
				if trace.GetConn != nil {
					trace.GetConn("wise.example:443")
				}
			}), false},
			{"a connection, nothing written", traced(io.EOF, func(trace *httptrace.ClientTrace) { got(trace, false) }), false},
			{"written", traced(io.EOF, func(trace *httptrace.ClientTrace) { got(trace, true) }), true},
			{"written, then a dial error", traced(&net.OpError{Op: "dial", Err: io.EOF}, func(trace *httptrace.ClientTrace) { got(trace, true) }), true},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.step)
				if r.class == aNumber && test.open {
					wise.readBack = []step{answers(200, "[]")}
				}
				_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMaxAttempts(2))
				want := []error{usersecurity.ErrTransport}
				if test.open && r.writes() {
					want = append(want, usersecurity.ErrOutcomeUnknown)
				}
				checkMatches(t, "the error", err, want...)
				if wise.count() != 2 {
					t.Errorf("%d attempts", wise.count())
				}
			})
		}
	}
}

// On real sockets: a port that nobody listens on, and a certificate that
// nobody trusts.
func TestNothingWrittenOnRealSockets(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	secure := untrusted(t)
	for _, base := range []string{closed, secure} {
		client, err := usersecurity.New(append(complete(t), usersecurity.WithBaseURL(base),
			usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond}))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		for _, r := range contract {
			var meta usersecurity.Meta
			_, err := r.call(t.Context(), client, usersecurity.WithMeta(&meta))
			checkMatches(t, string(r.op), err, usersecurity.ErrTransport)
			if meta.Attempts != 4 || meta.StatusCode != 0 {
				t.Errorf("%s: meta %+v", r.op, meta)
			}
		}
	}
}

// The waits are drawn between nothing and a bound that doubles.
func TestWaitsAreJittered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		policy usersecurity.RetryPolicy
		bounds []time.Duration
	}{
		{"default", usersecurity.RetryPolicy{}, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}},
		{"default, more attempts", usersecurity.RetryPolicy{MaxAttempts: 8}, []time.Duration{
			250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second,
		}},
		{"own", usersecurity.RetryPolicy{MaxAttempts: 5, MinWait: time.Second, MaxWait: 3 * time.Second}, []time.Duration{
			time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second,
		}},
		{"highest below the default lowest", usersecurity.RetryPolicy{MaxWait: 10 * time.Millisecond}, []time.Duration{
			10 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond,
		}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			const calls = 200
			shortest, longest := slices.Clone(test.bounds), make([]time.Duration, len(test.bounds))
			for range calls {
				wise := play(t, answers(503, ""))
				_, err := newClient(t, wise, usersecurity.WithRetry(test.policy)).ListPhoneNumbers(t.Context(), 1001)
				if !errors.Is(err, usersecurity.ErrServer) {
					t.Fatal(err)
				}
				waits := wise.waits()
				if len(waits) != len(test.bounds) {
					t.Fatalf("%d waits", len(waits))
				}
				for i, wait := range waits {
					if wait < 0 || wait > test.bounds[i] {
						t.Fatalf("wait %d took %s, of at most %s", i, wait, test.bounds[i])
					}
					shortest[i], longest[i] = min(shortest[i], wait), max(longest[i], wait)
				}
			}
			// By chance this fails once in 10⁹ times.
			for i, bound := range test.bounds {
				if shortest[i] > bound/9 || longest[i] < bound-bound/9 {
					t.Errorf("wait %d took between %s and %s, of at most %s", i, shortest[i], longest[i], bound)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, status := range []int{429, 503} {
		for _, test := range []struct {
			name   string
			value  func() string
			policy usersecurity.RetryPolicy
			least  time.Duration // the wait is at least this; no answer comes if it is negative
			after  time.Duration // what the error says
		}{
			{name: "seconds", value: func() string { return "3" }, least: 3 * time.Second, after: 3 * time.Second},
			{name: "the most", value: func() string { return "30" }, least: 30 * time.Second, after: 30 * time.Second},
			{name: "a date", value: func() string { return in(3 * time.Second) }, least: 3 * time.Second, after: 3 * time.Second},
			{name: "a date that is past", value: func() string { return in(-time.Hour) }},
			{name: "none", value: func() string { return "0" }},
			{name: "empty", value: func() string { return "" }},
			{name: "negative", value: func() string { return "-3" }},
			{name: "no number", value: func() string { return "soon" }},
			{name: "a fraction", value: func() string { return "1.5" }},
			{name: "too long", value: func() string { return "31" }, least: -1, after: 31 * time.Second},
			{name: "a date too far", value: func() string { return in(time.Hour) }, least: -1, after: time.Hour},
			{name: "a date in 9999", value: func() string { return "Fri, 31 Dec 9999 23:59:59 GMT" }, least: -1, after: -1},
			{name: "more than fits", value: func() string { return "99999999999999999999999" }, least: -1, after: -1},
			{name: "more than a duration", value: func() string { return "18446744073709551615" }, least: -1, after: -1},
			{name: "within an own bound", value: func() string { return "45" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: 45 * time.Second}, least: 45 * time.Second, after: 45 * time.Second},
			{name: "above an own bound", value: func() string { return "2" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: time.Second}, least: -1, after: 2 * time.Second},
			{name: "longer than the call may take", value: func() string { return "61" }, policy: usersecurity.RetryPolicy{MaxRetryAfter: time.Hour}, least: -1, after: 61 * time.Second},
		} {
			scripted(t, fmt.Sprint(status, " ", test.name), func(t *testing.T) {
				value := test.value()
				wise := play(t, answers(status, "", "Retry-After", value), answers(status, ""), answers(200, "[]"))
				client := newClient(t, wise, usersecurity.WithRetry(test.policy))
				start := time.Now()
				_, err := client.ListPhoneNumbers(t.Context(), 1001)
				if test.least >= 0 {
					if err != nil || wise.count() != 3 {
						t.Fatalf("%d attempts, %v", wise.count(), err)
					}
					if wait := wise.waits()[0]; wait < test.least || wait > max(test.least, 250*time.Millisecond)+250*time.Millisecond {
						t.Errorf("it waited %s", wait)
					}
					if wait := wise.waits()[1]; wait > 500*time.Millisecond {
						t.Errorf("with no word of Wise's it waited %s", wait)
					}
				} else {
					checkMatches(t, "the error", err, byStatus[status])
					if wise.count() != 1 || time.Since(start) != 0 {
						t.Errorf("%d attempts in %s", wise.count(), time.Since(start))
					}
				}
				// What the error says of it.
				_, err = newClient(t, play(t, answers(status, "", "Retry-After", value))).ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
				var api *usersecurity.APIError
				if !errors.As(err, &api) {
					t.Fatal(err)
				}
				elapsed := time.Since(start)
				switch after := api.RetryAfter; {
				case test.after < 0:
					if after < 24*time.Hour {
						t.Errorf("the error says to retry after %s", after)
					}
				case after > test.after || after < test.after-elapsed:
					t.Errorf("the error says to retry after %s, want %s", after, test.after)
				}
			})
		}
	}
}

// A wait that the caller's deadline would cut short is not begun.
func TestWaitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, status := range []int{429, 503} {
			scripted(t, fmt.Sprint(r.op, " ", status), func(t *testing.T) {
				wise := play(t, answers(status, "", "Retry-After", "10"))
				if r.class == aNumber && status == 503 {
					wise.readBack = []step{answers(200, "[]")}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				_, err := r.call(ctx, newClient(t, wise))
				want := []error{byStatus[status]}
				if status == 503 && r.writes() {
					want = append(want, usersecurity.ErrOutcomeUnknown)
				}
				checkMatches(t, "the error", err, want...)
				var api *usersecurity.APIError
				if !errors.As(err, &api) || api.RetryAfter != 10*time.Second || api.Attempts != 1 {
					t.Errorf("the error is %v", err)
				}
				if wise.count() != 1 || time.Since(start) != 0 {
					t.Errorf("%d attempts in %s", wise.count(), time.Since(start))
				}
			})
		}
	}
}

// When the caller's context ends, the error matches its error, and says
// whether a write may have been done.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range []struct {
			name  string
			steps []step
			open  bool
			cause error // matches as well
		}{
			{"in the attempt", []step{hangs}, true, nil},
			{"in the second attempt, the first refused", []step{refused, hangs}, true, nil},
			{"in the wait after 429", []step{answers(429, "", "Retry-After", "20")}, false, usersecurity.ErrRateLimited},
			{"in the wait after 503", []step{answers(503, "", "Retry-After", "20")}, true, usersecurity.ErrServer},
		} {
			for _, how := range []error{context.Canceled, context.DeadlineExceeded} {
				if how == context.DeadlineExceeded && test.cause != nil {
					continue // such a wait isn't begun
				}
				scripted(t, string(r.op)+"/"+test.name+"/"+how.Error(), func(t *testing.T) {
					wise := play(t, test.steps...)
					if r.class == aNumber {
						wise.readBack = []step{answers(200, "[]")}
					}
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					if how == context.Canceled {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(5*time.Second, cancel)
					}
					defer cancel()
					start := time.Now()
					_, err := r.call(ctx, newClient(t, wise))
					if !errors.Is(err, how) {
						t.Errorf("the error %v doesn't match %v", err, how)
					}
					if open := errors.Is(err, usersecurity.ErrOutcomeUnknown); open != (test.open && r.writes()) {
						t.Errorf("outcome unknown: %t, in %v", open, err)
					}
					if test.cause != nil && !errors.Is(err, test.cause) {
						t.Errorf("the error %v doesn't match %v", err, test.cause)
					}
					if errors.Is(err, usersecurity.ErrAttemptTimeout) {
						t.Errorf("the error %v blames the attempt", err)
					}
					if took := time.Since(start); took != 5*time.Second {
						t.Errorf("it took %s", took)
					}
					if wise.count() != len(test.steps) {
						t.Errorf("%d attempts", wise.count())
					}
				})
			}
		}
		scripted(t, string(r.op)+"/before the call", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := r.call(ctx, newClient(t, nothingSent{t}))
			checkMatches(t, "the error", err, context.Canceled)
		})
	}
}

// An attempt's timeout is not the caller's deadline.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		open := []error{usersecurity.ErrOutcomeUnknown}
		if !r.writes() {
			open = nil
		}
		run := func(name string, limit time.Duration, attempts int, least, most time.Duration, want []error, options ...usersecurity.Option) {
			scripted(t, string(r.op)+"/"+name, func(t *testing.T) {
				wise := play(t, hangs)
				if r.class == aNumber {
					wise.readBack = []step{answers(200, "[]")}
				}
				ctx := t.Context()
				if limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, limit)
					defer cancel()
				}
				if name == "the HTTP client's limit" {
					options = []usersecurity.Option{usersecurity.WithHTTPClient(&http.Client{Transport: wise, Timeout: 7 * time.Second})}
				}
				start := time.Now()
				_, err := r.call(ctx, newClient(t, wise, options...))
				checkMatches(t, "the error", err, append(want, open...)...)
				if took := time.Since(start); took < least || took > most || wise.count() != attempts {
					t.Errorf("%d attempts in %s", wise.count(), took)
				}
			})
		}
		timeout, deadline := []error{usersecurity.ErrAttemptTimeout}, []error{context.DeadlineExceeded}
		run("each attempt", 0, 4, 40*time.Second, 42*time.Second, timeout)
		run("each attempt, under a deadline", time.Hour, 4, 40*time.Second, 42*time.Second, timeout)
		run("each attempt, own limits", 0, 4, 8*time.Second, 10*time.Second, timeout, usersecurity.WithTimeouts(2*time.Second, 0))
		run("the deadline in the second", 15*time.Second, 2, 15*time.Second, 15*time.Second, deadline)
		run("the deadline in the first", 5*time.Second, 1, 5*time.Second, 5*time.Second, deadline)
		run("the call's own limit", 0, 1, 7*time.Second, 7*time.Second, deadline, usersecurity.WithTimeouts(10*time.Second, 7*time.Second))
		run("the call's own limit in the second", 0, 2, 15*time.Second, 15*time.Second, deadline, usersecurity.WithTimeouts(10*time.Second, 15*time.Second))
		run("the HTTP client's limit", 0, 4, 28*time.Second, 30*time.Second, timeout)
	}
}

// A later 404 of a delete means that an earlier attempt has done it, if one may
// have.
func TestLater404OfDelete(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		if r.class != aDelete {
			continue
		}
		for _, test := range []struct {
			name string
			step step
			done bool
		}{
			{"lost", lost, true},
			{"408", answers(408, ""), true},
			{"500", answers(500, ""), true},
			{"502", answers(502, ""), true},
			{"503", answers(503, ""), true},
			{"504", answers(504, ""), true},
			{"refused", refused, false},
			{"429", answers(429, ""), false},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.step, answers(404, `{"errors":[{"code":"pin.not.setup"}]}`))
				var meta usersecurity.Meta
				_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMeta(&meta))
				if test.done {
					if err != nil {
						t.Error(err)
					}
				} else {
					want := r.answers[404]
					if want == nil {
						want = usersecurity.ErrNotFound
					}
					checkMatches(t, "the error", err, want)
				}
				if wise.count() != 2 || meta.Attempts != 2 || meta.StatusCode != http.StatusNotFound {
					t.Errorf("%d requests, meta %+v", wise.count(), meta)
				}
			})
		}
	}
}

// A 409 after an attempt that may have been carried out is uncertain.
func TestUncertain409(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		if r.class != aSetOnce {
			continue
		}
		for _, test := range []struct {
			name      string
			steps     []step
			uncertain bool
		}{
			{"at once", nil, false},
			{"refused", []step{refused}, false},
			{"429", []step{answers(429, "")}, false},
			{"lost", []step{lost}, true},
			{"500", []step{answers(500, "")}, true},
			{"503", []step{answers(503, "")}, true},
			{"lost, refused", []step{lost, refused}, true},
			{"504, 429", []step{answers(504, ""), answers(429, "")}, true},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, append(test.steps, answers(409, ""))...)
				_, err := r.call(t.Context(), newClient(t, wise))
				checkMatches(t, "the error", err, r.answers[409])
				var api *usersecurity.APIError
				if !errors.As(err, &api) || api.Uncertain != test.uncertain || api.Attempts != len(test.steps)+1 || wise.count() != api.Attempts {
					t.Errorf("%d requests, error %v", wise.count(), err)
				}
			})
		}
	}
}

// After a write whose outcome is open the numbers are listed, before anything
// is written again.
func TestReadBackOfPhoneNumbers(t *testing.T) {
	t.Parallel()
	const (
		other    = `{"id":76,"phoneNumber":"+6577777777","type":"PRIMARY","verified":true,"clientId":"acme"}`
		oldValue = `{"id":77,"phoneNumber":"+6577777777","type":"PRIMARY","verified":true,"clientId":"acme"}`
		spaced   = `{"id":77,"phoneNumber":"+65 8888-8888","type":"PRIMARY","verified":true,"clientId":"acme"}`
		elseID   = `{"id":76,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}`
	)
	list := func(numbers ...string) step { return answers(200, "["+strings.Join(numbers, ",")+"]") }
	repeated := answers(422, `{"errors":[{"code":"phone.number.repeated"}]}`)
	well := answers(200, numberReply)
	for _, test := range []struct {
		name       string
		steps      []step
		readBack   []step
		only       usersecurity.Operation // both if empty
		writes     int
		lists      int
		want       []error // none for success
		uncertain  bool
		listedAs76 bool
	}{
		{name: "listed after a lost answer", steps: []step{lost}, readBack: []step{list(other, numberReply)}, writes: 1, lists: 1},
		{name: "listed after 500", steps: []step{answers(500, "")}, readBack: []step{list(numberReply)}, writes: 1, lists: 1},
		{name: "listed after 408", steps: []step{answers(408, "")}, readBack: []step{list(numberReply)}, writes: 1, lists: 1},
		{name: "not listed, written again", steps: []step{lost, well}, readBack: []step{list(other)}, writes: 2, lists: 1},
		{name: "listed the second time", steps: []step{lost, lost}, readBack: []step{list(), list(numberReply)}, writes: 2, lists: 2},
		{name: "listed at the end", steps: []step{lost}, readBack: []step{list(), list(), list(), list(numberReply)}, writes: 4, lists: 4},
		{name: "listed in another spelling", steps: []step{lost}, readBack: []step{list(spaced)}, writes: 1, lists: 1},
		{name: "listed under another id", only: usersecurity.OpCreatePhoneNumber, steps: []step{lost}, readBack: []step{list(elseID)}, writes: 1, lists: 1, listedAs76: true},
		{name: "another id has the number", only: usersecurity.OpUpdatePhoneNumber, steps: []step{lost, well}, readBack: []step{list(elseID)}, writes: 2, lists: 1},
		{name: "the id has the old number", only: usersecurity.OpUpdatePhoneNumber, steps: []step{lost, well}, readBack: []step{list(oldValue)}, writes: 2, lists: 1},

		{name: "a later 422, listed", steps: []step{lost, repeated}, readBack: []step{list(), list(numberReply)}, writes: 2, lists: 2},
		{name: "a later 422, not listed", steps: []step{lost, repeated}, readBack: []step{list()}, writes: 2, lists: 2, want: []error{usersecurity.ErrPhoneRepeated}},
		{name: "a later 422, no telling", steps: []step{lost, repeated}, readBack: []step{list(), answers(403, "")}, writes: 2, lists: 2, want: []error{usersecurity.ErrPhoneRepeated}, uncertain: true},
		{name: "422 at once", steps: []step{repeated}, writes: 1, want: []error{usersecurity.ErrPhoneRepeated}},
		{name: "422 after 429", steps: []step{answers(429, ""), repeated}, writes: 2, want: []error{usersecurity.ErrPhoneRepeated}},
		{name: "422 after refused", steps: []step{refused, repeated}, writes: 2, want: []error{usersecurity.ErrPhoneRepeated}},

		{name: "no telling", steps: []step{lost}, readBack: []step{answers(403, "")}, writes: 1, want: []error{usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown}, lists: -1},
		{name: "no telling from a strange list", steps: []step{answers(503, "")}, readBack: []step{answers(200, "<html>")}, writes: 1, want: []error{usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown}, lists: -1},
		{name: "the list needs a second attempt", steps: []step{lost}, readBack: []step{answers(503, ""), list(numberReply)}, writes: 1, lists: 2},
		{name: "the reply breaks off, listed", steps: []step{breaksOff(numberReply)}, readBack: []step{list(numberReply)}, writes: 1, lists: 1},
	} {
		for _, op := range []usersecurity.Operation{usersecurity.OpCreatePhoneNumber, usersecurity.OpUpdatePhoneNumber} {
			if test.only != "" && test.only != op {
				continue
			}
			scripted(t, string(op)+"/"+test.name, func(t *testing.T) {
				r := rowOf(op)
				wise := play(t, test.steps...)
				wise.readBack = test.readBack
				id := uuid.New()
				got, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithCorrelationID(id))
				if test.want == nil {
					if err != nil {
						t.Fatal(err)
					}
					if test.listedAs76 {
						if n := got.(*usersecurity.PhoneNumber); n.ID != 76 || n.PhoneNumber != "+6588888888" {
							t.Errorf("returned %v", n)
						}
					} else if n := got.(*usersecurity.PhoneNumber); n.ID != 77 || !n.Verified || n.Type != "PRIMARY" {
						t.Errorf("returned %v", n)
					}
				} else {
					checkMatches(t, "the error", err, test.want...)
				}
				var api *usersecurity.APIError
				if errors.As(err, &api) && api.Uncertain != test.uncertain {
					t.Errorf("uncertain: %t", api.Uncertain)
				}
				if wise.count() != test.writes {
					t.Errorf("%d writes, want %d", wise.count(), test.writes)
				}
				if n := len(wise.lists); n != test.lists && test.lists >= 0 {
					t.Errorf("%d lists, want %d", n, test.lists)
				}
				for _, a := range wise.lists {
					if a.method != "GET" || a.uri != "/v1/application/users/1001/phone-numbers" ||
						a.header.Get("Authorization") != "Bearer "+tokenOfApplication || a.header.Get("X-External-Correlation-Id") != id.String() {
						t.Errorf("the numbers were listed by %s %s with %q", a.method, a.uri, a.header)
					}
				}
			})
		}
	}
}

// Text without a digit, which Wise alone judges, is not taken for any number
// that is listed without one.
func TestReadBackComparesMoreThanNoDigits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := play(t, lost, answers(422, ""))
		wise.readBack = []step{answers(200, `[{"id":5,"phoneNumber":"unknown"}]`)}
		got, err := newClient(t, wise).CreatePhoneNumber(t.Context(), 1001, "hello")
		checkMatches(t, "the error", err, usersecurity.ErrInvalidRequest)
		if got != nil || wise.count() != 2 {
			t.Errorf("%d writes gave %v", wise.count(), got)
		}
	})
}

// rotating is a source whose token changes when it is told that one was
// rejected, and which records what it was told.
type rotating struct {
	tokens []string
	asked  []string
	fail   error // when asked for a fresh one
}

func (r *rotating) Token(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	r.asked = append(r.asked, req.Rejected)
	if req.Rejected != "" && r.fail != nil {
		return nil, r.fail
	}
	return &oauth2.Token{AccessToken: r.tokens[min(len(r.asked), len(r.tokens))-1]}, nil
}

// After a 401 the source is told once which token was rejected, and the
// request is repeated once, with another one and on top of the attempts.
func TestRejectedToken(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		sent := func(wise *script) (tokens []string) {
			for _, a := range wise.requests {
				tokens = append(tokens, strings.TrimPrefix(a.header.Get("Authorization"), "Bearer "))
			}
			return tokens
		}
		for _, test := range []struct {
			name   string
			steps  []step
			source rotating
			asked  []string
			sent   []string
			option []usersecurity.CallOption
			want   error
			open   bool
		}{
			{
				name: "a fresh token", steps: []step{answers(401, ""), r.answersWell()}, source: rotating{tokens: []string{"one", "two"}},
				asked: []string{"", "one"}, sent: []string{"one", "two"}, option: []usersecurity.CallOption{usersecurity.WithMaxAttempts(1)},
			},
			{
				name: "rejected, too", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one", "two", "three"}},
				asked: []string{"", "one"}, sent: []string{"one", "two"}, want: usersecurity.ErrUnauthorized,
			},
			{
				name: "the same token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one"}},
				asked: []string{"", "one"}, sent: []string{"one"}, want: usersecurity.ErrUnauthorized,
			},
			{
				name: "no fresh token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one"}, fail: io.ErrClosedPipe},
				asked: []string{"", "one"}, sent: []string{"one"}, want: usersecurity.ErrUnauthorized,
			},
			{
				name: "the call's own token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one", "two"}},
				sent: []string{"own"}, option: []usersecurity.CallOption{usersecurity.WithToken("own")}, want: usersecurity.ErrUnauthorized,
			},
			{
				name: "after 429", steps: []step{answers(429, ""), answers(401, ""), answers(429, ""), r.answersWell()}, source: rotating{tokens: []string{"one", "two"}},
				asked: []string{"", "one"}, sent: []string{"one", "one", "two", "two"},
			},
		} {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.steps...)
				source := test.source
				sources := []usersecurity.Option{usersecurity.WithApplicationTokens(&source), usersecurity.WithUserTokens(userTokens)}
				if r.token == tokenOfUser {
					sources = []usersecurity.Option{usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(&source)}
				}
				client := bareClient(t, wise, append(sources, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(testKeyOf(t)))))...)
				start := time.Now()
				got, err := r.call(t.Context(), client, test.option...)
				if test.want == nil {
					if err != nil {
						t.Fatal(err)
					}
					r.checkResult(t, got)
				} else {
					var api *usersecurity.APIError
					if !errors.Is(err, test.want) || errors.Is(err, usersecurity.ErrOutcomeUnknown) || !errors.As(err, &api) || api.StatusCode != http.StatusUnauthorized || api.Op != r.op {
						t.Errorf("the error is %v", err)
					}
					if test.source.fail != nil && !errors.Is(err, test.source.fail) {
						t.Errorf("the error %v doesn't tell of the source's", err)
					}
				}
				if got := sent(wise); !slices.Equal(got, test.sent) {
					t.Errorf("sent were %q, want %q", got, test.sent)
				}
				if !slices.Equal(source.asked, test.asked) {
					t.Errorf("the source was told %q, want %q", source.asked, test.asked)
				}
				if !strings.Contains(test.name, "429") && time.Since(start) != 0 {
					t.Errorf("a fresh token took %s", time.Since(start))
				}
			})
		}
		if r.writes() {
			scripted(t, string(r.op)+"/after a lost answer", func(t *testing.T) {
				wise := play(t, lost, answers(401, ""))
				wise.readBack = []step{answers(401, "")}
				_, err := r.call(t.Context(), newClient(t, wise))
				var api *usersecurity.APIError
				if r.class == aNumber {
					checkMatches(t, "the error", err, usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport)
				} else if checkMatches(t, "the error", err, usersecurity.ErrUnauthorized); !errors.As(err, &api) || !api.Uncertain {
					t.Errorf("the error is %v", err)
				}
			})
		}
	}
}

// 405 shows that the list of fingerprints is had by GET; the client remembers.
func TestListMethodIsFound(t *testing.T) {
	t.Parallel()
	methods := func(wise *script) (m []string) {
		for _, a := range wise.requests {
			m = append(m, a.method)
		}
		return m
	}
	list := func(t *testing.T, client *usersecurity.Client) error {
		_, err := client.ListDeviceFingerprints(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
		return err
	}
	scripted(t, "found", func(t *testing.T) {
		wise := play(t, answers(405, ""), answers(200, "[]"))
		client := newClient(t, wise)
		for range 3 {
			if err := list(t, client); err != nil {
				t.Error(err)
			}
		}
		if got := methods(wise); !slices.Equal(got, []string{"POST", "GET", "GET", "GET"}) {
			t.Errorf("sent were %q", got)
		}
		for _, a := range wise.requests {
			if a.uri != "/v1/users/1001/partner-device-fingerprints" || a.body != "" || a.header.Get("Content-Type") != "" {
				t.Errorf("%s %s with %q arrived", a.method, a.uri, a.body)
			}
		}
		if wise.requests[0].header.Get("X-External-Correlation-Id") != wise.requests[1].header.Get("X-External-Correlation-Id") {
			t.Error("the repeat has another correlation id")
		}
		// Another client finds it out by itself.
		wise = play(t, answers(200, "[]"))
		if err := list(t, newClient(t, wise)); err != nil || wise.requests[0].method != "POST" {
			t.Errorf("%q, %v", methods(wise), err)
		}
	})
	scripted(t, "found, though the user is unknown", func(t *testing.T) {
		wise := play(t, answers(405, ""), answers(404, ""))
		client := newClient(t, wise)
		for range 2 {
			checkMatches(t, "the error", list(t, client), usersecurity.ErrUserNotFound)
		}
		if got := methods(wise); !slices.Equal(got, []string{"POST", "GET", "GET"}) {
			t.Errorf("sent were %q", got)
		}
	})
	scripted(t, "neither", func(t *testing.T) {
		wise := play(t, answers(405, ""))
		checkMatches(t, "the error", list(t, newClient(t, wise)), usersecurity.ErrUnexpectedStatus)
		if got := methods(wise); !slices.Equal(got, []string{"POST", "GET"}) {
			t.Errorf("sent were %q", got)
		}
	})
	for _, fixed := range []string{"POST", "GET"} {
		scripted(t, "fixed to "+fixed, func(t *testing.T) {
			wise := play(t, answers(405, ""))
			checkMatches(t, "the error", list(t, newClient(t, wise, usersecurity.WithFingerprintListMethod(fixed))), usersecurity.ErrUnexpectedStatus)
			if got := methods(wise); !slices.Equal(got, []string{fixed}) {
				t.Errorf("sent were %q", got)
			}
		})
	}
	for _, r := range contract {
		if r.op != usersecurity.OpListDeviceFingerprints {
			scripted(t, string(r.op), func(t *testing.T) {
				wise := play(t, answers(405, ""))
				_, err := r.call(t.Context(), newClient(t, wise))
				checkMatches(t, "the error", err, usersecurity.ErrUnexpectedStatus)
				if wise.count() != 1 {
					t.Errorf("%d attempts", wise.count())
				}
			})
		}
	}
}

// keyring is a source of keys that gives the next one when one is rejected, as
// long as there is one.
type keyring struct {
	keys     []*rsa.PrivateKey
	current  int
	rejected int
}

func (k *keyring) EncryptionKey(_ context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	if rejected != nil {
		k.rejected++
		if rejected.PublicKey.Equal(&k.keys[k.current].PublicKey) {
			k.current = min(k.current+1, len(k.keys)-1)
		}
	}
	return &usersecurity.WiseKey{PublicKey: &k.keys[k.current].PublicKey}, nil
}

// A 500 to a sealed body may mean that Wise's key has changed.
func TestKeyAfter500(t *testing.T) {
	t.Parallel()
	testKeyOf(t)
	second := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint} {
		r := rowOf(op)
		client := func(t *testing.T, wise *script, keys usersecurity.KeySource) *usersecurity.Client {
			return newClient(t, wise, usersecurity.WithJWE(usersecurity.JWEKeys(keys)))
		}
		const body500 = `{"message":"An unexpected error occurred","request_id":"r-1"}`
		scripted(t, string(op)+"/a new key", func(t *testing.T) {
			wise := play(t, answers(500, body500), r.answersWell())
			keys := &keyring{keys: []*rsa.PrivateKey{sealingKey, second}}
			start := time.Now()
			// On top of the attempts, and at once.
			got, err := r.call(t.Context(), client(t, wise, keys), usersecurity.WithMaxAttempts(1))
			if err != nil {
				t.Fatal(err)
			}
			r.checkResult(t, got)
			if wise.count() != 2 || keys.rejected != 1 || time.Since(start) != 0 {
				t.Fatalf("%d requests, %d keys, %s", wise.count(), keys.rejected, time.Since(start))
			}
			for i, key := range []*rsa.PrivateKey{sealingKey, second} {
				if plaintext := unseal(t, wise.requests[i].body, key); plaintext != r.body {
					t.Errorf("request %d had %s", i, plaintext)
				}
			}
		})
		scripted(t, string(op)+"/a new key, and 409", func(t *testing.T) {
			wise := play(t, answers(500, body500), answers(409, ""))
			_, err := r.call(t.Context(), client(t, wise, &keyring{keys: []*rsa.PrivateKey{sealingKey, second}}))
			checkMatches(t, "the error", err, r.answers[409])
			var api *usersecurity.APIError
			if !errors.As(err, &api) || !api.Uncertain || api.Attempts != 2 {
				t.Errorf("the error is %v", err)
			}
		})
		scripted(t, string(op)+"/the same key", func(t *testing.T) {
			wise := play(t, answers(500, body500))
			keys := &keyring{keys: []*rsa.PrivateKey{sealingKey}}
			_, err := r.call(t.Context(), client(t, wise, keys))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			if wise.count() != 4 || keys.rejected != 1 {
				t.Errorf("%d requests, asked %d times for another key", wise.count(), keys.rejected)
			}
			for _, a := range wise.requests[1:] {
				if a.body != wise.requests[0].body {
					t.Error("under the same key it was sealed again")
				}
			}
		})
		scripted(t, string(op)+"/no key to be had", func(t *testing.T) {
			wise := play(t, answers(500, body500))
			failing := keyFunc(func(_ context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
				if rejected != nil {
					return nil, io.ErrClosedPipe
				}
				return &usersecurity.WiseKey{PublicKey: &sealingKey.PublicKey}, nil
			})
			_, err := r.call(t.Context(), client(t, wise, failing))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			if wise.count() != 4 {
				t.Errorf("%d requests", wise.count())
			}
		})
		scripted(t, string(op)+"/ever new keys", func(t *testing.T) {
			wise := play(t, answers(500, body500))
			turn := 0
			changing := keyFunc(func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
				turn++
				return &usersecurity.WiseKey{PublicKey: &[]*rsa.PrivateKey{sealingKey, second}[turn%2].PublicKey}, nil
			})
			_, err := r.call(t.Context(), client(t, wise, changing))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			if n := wise.count(); n < 5 || n > 8 {
				t.Errorf("%d requests", n)
			}
		})
		for _, status := range []int{400, 502, 503} {
			scripted(t, fmt.Sprint(op, "/no new key after ", status), func(t *testing.T) {
				keys := &keyring{keys: []*rsa.PrivateKey{sealingKey, second}}
				_, _ = r.call(t.Context(), client(t, play(t, answers(status, "")), keys))
				if keys.rejected != 0 {
					t.Errorf("asked %d times for another key", keys.rejected)
				}
			})
		}
	}
}

type keyFunc func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error)

func (f keyFunc) EncryptionKey(ctx context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	return f(ctx, rejected)
}

// A read whose reply breaks off is read again; a write's is a success that
// can't be read.
func TestBrokenReplyOfARead(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpListDeviceFingerprints, usersecurity.OpListPhoneNumbers} {
		r := rowOf(op)
		scripted(t, string(op), func(t *testing.T) {
			wise := play(t, breaksOff(r.reply), r.answersWell())
			got, err := r.call(t.Context(), newClient(t, wise))
			if err != nil || wise.count() != 2 {
				t.Fatalf("%d attempts, %v", wise.count(), err)
			}
			r.checkResult(t, got)
		})
		scripted(t, string(op)+"/always", func(t *testing.T) {
			wise := play(t, breaksOff(r.reply))
			_, err := r.call(t.Context(), newClient(t, wise))
			checkMatches(t, "the error", err, usersecurity.ErrMalformedReply, usersecurity.ErrTransport)
			if wise.count() != 4 {
				t.Errorf("%d attempts", wise.count())
			}
		})
	}
}
