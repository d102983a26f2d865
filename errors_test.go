package usersecurity_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

var statuses = []int{
	0, 99, 101, 199, 200, 201, 202, 203, 204, 205, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 399,
	400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422, 423, 425, 428, 429, 431, 444, 451, 460, 499,
	500, 501, 502, 503, 504, 505, 506, 509, 511, 519, 520, 525, 530, 531, 561, 597, 598, 599, 600, 999,
}

// Each operation × each status × each body: the error matches what it should
// and nothing else, says what the response said, and what is known of a write.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		t.Run(string(r.op), func(t *testing.T) {
			t.Parallel()
			for status := range r.answers {
				if !slices.Contains(statuses, status) {
					t.Errorf("the documented %d is not tried", status)
				}
			}
			for _, status := range statuses {
				for _, shape := range shapes {
					checkAnswer(t, &r, status, shape)
				}
			}
		})
	}
}

// checkAnswer checks all that a call makes of one answer.
func checkAnswer(t *testing.T, r *row, status int, s shape) {
	t.Helper()
	id := idEndingWith(1)
	mock := mocked(t, r, answers(status, s.body, "X-Trace-Id", "trace-1", "X-Rate-Limited-By", "wise-public-api", "Retry-After", "7"))
	client := newClient(t, mock, usersecurity.WithFingerprintListMethod("POST"))
	var meta usersecurity.Meta
	got, err := r.call(t.Context(), client, usersecurity.WithMaxAttempts(1), usersecurity.WithCorrelationID(id), usersecurity.WithMeta(&meta))
	what := fmt.Sprintf("%d, %s", status, s.name)
	want, uncertain, known := r.comesTo(status, s)
	if outcome := usersecurity.OutcomeOf(err); outcome != known && (err != nil || r.writes()) {
		t.Errorf("%s: the outcome is %s, want %s", what, outcome, known)
	}
	if want := (usersecurity.Meta{StatusCode: status, TraceID: "trace-1", CorrelationID: id, Attempts: 1}); meta != want {
		t.Errorf("%s: the meta is %+v", what, meta)
	}
	if n := mock.GetCallCountInfo()[r.method+" "+testHost+r.path]; n != 1 {
		t.Errorf("%s: %d requests", what, n)
	}
	if len(want) == 0 {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if got != nil {
		t.Errorf("%s: a result next to an error: %v", what, got)
	}
	checkMatches(t, what, err, want...)
	if slices.Contains(want, usersecurity.ErrOutcomeUnknown) {
		var outcome *usersecurity.OutcomeError
		if !errors.As(err, &outcome) || outcome.Op != r.op || outcome.Attempts != 1 || outcome.CorrelationID != id || outcome.Err == nil {
			t.Errorf("%s: the outcome is %+v", what, outcome)
		}
	}
	if want[0] != usersecurity.ErrMalformedReply {
		checkFields(t, what, err, r.op, status, s, uncertain)
	}
}

// checkFields checks what an APIError says of a response.
func checkFields(t *testing.T, what string, err error, op usersecurity.Operation, status int, s shape, uncertain bool) {
	t.Helper()
	var api *usersecurity.APIError
	if !errors.As(err, &api) {
		t.Errorf("%s: no APIError in %v", what, err)
		return
	}
	body := s.body[:min(len(s.body), 64<<10)]
	fields := usersecurity.APIError{
		Op: op, StatusCode: status, TraceID: "trace-1", CorrelationID: idEndingWith(1),
		RateLimitedBy: "wise-public-api", RetryAfter: 7 * time.Second, Attempts: 1,
		Uncertain: uncertain, Foreign: s.speaks == byForeigner || !isOfAPI(status),
	}
	if !isOfAPI(status) { // what follows is no body
		body, s.details = "", nil
	}
	if !reflect.DeepEqual(fieldsOf(api, details(api.Details)), fieldsOf(&fields, s.details)) {
		t.Errorf("%s: the fields are %+v", what, fieldsOf(api, details(api.Details)))
	}
	if string(api.Body()) != body {
		t.Errorf("%s: the body has %d bytes, want %d", what, len(api.Body()), len(body))
	}
	if says := strings.Contains(api.Error(), "base URL and what stands before Wise"); says != fields.Foreign {
		t.Errorf("%s: where to look: %t, in %v", what, says, api)
	}
}

// fieldsOf shows all that an APIError says in its fields.
func fieldsOf(e *usersecurity.APIError, details []detail) []any {
	return []any{e.Op, e.StatusCode, details, e.TraceID, e.CorrelationID, e.RateLimitedBy, e.RetryAfter, e.Attempts, e.Uncertain, e.Foreign}
}

// details shows what the type itself masks.
func details(in []usersecurity.ErrorDetail) (out []detail) {
	for _, d := range in {
		out = append(out, detail{d.Code, d.Message(), d.Path})
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
			if !errors.As(err, &api) || api.OneTimeToken().Reveal() != test.oneTimeToken || api.Attempts != 1 || api.Uncertain {
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
	for _, r := range sealedRows() {
		for _, contentType := range []string{"application/jose+json", "application/json", ""} {
			seals := func(status int, inner string) step {
				return func(req *http.Request, body string) (*http.Response, error) {
					return answers(status, sealDirect(body, inner), "Content-Type", contentType, "X-Trace-Id", "trace-1")(req, body)
				}
			}
			for _, status := range slices.AppendSeq([]int{422, 501}, maps.Keys(r.answers)) {
				want := r.means(status, shape{speaks: byWise, details: someCode})
				_, err := r.call(t.Context(), newClient(t, mocked(t, r, seals(status, inner))))
				what := fmt.Sprintf("%s %d %q", r.op, status, contentType)
				checkMatches(t, what, err, want)
				var api *usersecurity.APIError
				if !errors.As(err, &api) || len(api.Details) != 1 || details(api.Details)[0] != (detail{Code: "some.code", Message: secretText}) ||
					string(api.Body()) != inner || api.TraceID != "trace-1" {
					t.Errorf("%s: details %q", what, details(api.Details))
				}
				if code := r.codes[status]; code != "" {
					_, err := r.call(t.Context(), newClient(t, mocked(t, r, seals(status, `{"errors":[{"code":"`+code+`"}]}`))))
					checkMatches(t, what+" with its code", err, r.answers[status])
				}
			}
			// What the sealed body says counts for the sentinel, too.
			if r.op == usersecurity.OpCreateDeviceFingerprint {
				_, err := r.call(t.Context(), newClient(t, mocked(t, r, seals(400, `{"error":"invalid","error_description":"x"}`))))
				checkMatches(t, "400 of another layer", err, usersecurity.ErrInvalidRequest)
			}
		}
	}
	// One that can't be opened leaves the status.
	for _, r := range contract {
		_, err := r.call(t.Context(), newClient(t, mocked(t, &r, answers(403, foreignReply, "Content-Type", "application/jose+json"))))
		checkMatches(t, string(r.op), err, usersecurity.ErrForbidden)
		var api *usersecurity.APIError
		if !errors.As(err, &api) || len(api.Details) != 0 || string(api.Body()) != foreignReply {
			t.Errorf("%s: %#v", r.op, err)
		}
	}
}

// An error that a program makes itself, for its own mocks say, is classified as
// Wise's are.
func TestOwnAPIErrors(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, status := range statuses {
			own := &usersecurity.APIError{Op: r.op, StatusCode: status}
			what := fmt.Sprint(r.op, " ", status)
			checkMatches(t, what, own, r.means(status, noBody))
			if own.Body() != nil || !own.OneTimeToken().IsZero() {
				t.Errorf("%s: it has a body or a token", what)
			}
			own.Details = []usersecurity.ErrorDetail{{Code: r.codes[status]}}
			if r.codes[status] != "" {
				checkMatches(t, what+" with its code", own, r.answers[status])
			}
			own.Foreign = true
			checkMatches(t, what+", foreign", own, r.means(status, shape{speaks: byForeigner}))
		}
	}
}

// A code is found wherever in the body it stands, and is the operation's own
// where the body is Wise's.
func TestErrorBodiesOfOddShapes(t *testing.T) {
	t.Parallel()
	const code = "phone.number.repeated"
	for body, want := range map[string]error{
		`{"errors":[1,{"code":"` + code + `"}]}`:                                usersecurity.ErrPhoneRepeated,
		`[null,{"code":"` + code + `"}]`:                                        usersecurity.ErrPhoneRepeated,
		`{"error":{"code":"` + code + `"}}`:                                     usersecurity.ErrPhoneRepeated,
		`{"errors":{"code":"` + code + `"},"timestamp":"x"}`:                    usersecurity.ErrPhoneRepeated,
		`{"errors":{"a":1},"code":"` + code + `"}`:                              usersecurity.ErrInvalidRequest,
		`{"errors":["a",[1,{"b":2}]],"code":"` + code + `"}`:                    usersecurity.ErrInvalidRequest,
		`{"errors":null,"code":"` + code + `"}`:                                 usersecurity.ErrInvalidRequest,
		`{"title":"T","type":"t","errors":[{"code":"` + code + `"}]}`:           usersecurity.ErrInvalidRequest,
		`{"errors":[{"code":"` + code + `","arguments":[{"x":[1]}]`:             usersecurity.ErrInvalidRequest,
		`{"errors":[{"code":"` + code + `"}]}<script src="inject.js">`:          usersecurity.ErrInvalidRequest,
		`{"errors":[{"code":"PHONE.NUMBER.REPEATED"},{"code":"` + code + `"}]}`: usersecurity.ErrPhoneRepeated,
	} {
		t.Run(body, func(t *testing.T) {
			e := usersecurity.NewAPIError(usersecurity.OpCreatePhoneNumber, 422, nil, []byte(body))
			checkMatches(t, "it", e, want)
			if !slices.ContainsFunc(e.Details, func(d usersecurity.ErrorDetail) bool { return d.Code == code }) {
				t.Errorf("the code is lost: %v", e)
			}
		})
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

func FuzzDecodeErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"errors":[{"code":"pin.not.setup","message":"m","path":"p","arguments":null}],"timestamp":"t"}`,
		`{"error":"invalid_token","error_description":"d"}`,
		`{"timestamp":1,"status":404,"error":"Not Found","message":"m","path":null}`,
		`{"message":"An unexpected error occurred","request_id":"r"}`,
		`{"type":"t","title":"t","status":422,"detail":"d","errors":[{"code":"c","ref":"r","detail":"d"}]}`,
		`{"errors":[{"code":"phone.number.repeated","mess`, `{"errors":{"code":1}}`, `[]`, `<html>`, ``,
	} {
		f.Add(422, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := usersecurity.NewAPIError(usersecurity.OpCreatePhoneNumber, status, nil, body)
		if len(e.Details) > 32 || e.StatusCode != status || len(e.Error()) > 600 {
			t.Fatalf("%d details, status %d, text of %d bytes", len(e.Details), e.StatusCode, len(e.Error()))
		}
		if strings.ContainsAny(e.Error(), "\r\n") {
			t.Fatal("a line break got into the text")
		}
	})
}
