package usersecurity_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// What a response means: the rules as they are agreed on, told a second time and
// without the package's own table.

// byStatus is what a status means where the operation has no word of its own for
// it. A status that is not here is undocumented: ErrUnexpectedStatus.
var byStatus = func() map[int]error {
	means := map[int]error{
		400: usersecurity.ErrInvalidRequest, 422: usersecurity.ErrInvalidRequest,
		401: usersecurity.ErrUnauthorized, 403: usersecurity.ErrForbidden, 404: usersecurity.ErrNotFound, 410: usersecurity.ErrNotInVersion,
		425: usersecurity.ErrRateLimited, 429: usersecurity.ErrRateLimited,
	}
	for status := range 100 {
		means[300+status] = usersecurity.ErrRedirect
		means[500+status] = usersecurity.ErrServer
	}
	return means
}()

// speaker is whose word a body is.
type speaker int

const (
	byNobody    speaker = iota // there is none
	byWise                     // it has the errors shape
	byAnother                  // it has the shape of an error of a layer before Wise
	byNoError                  // it is JSON, and no error
	byForeigner                // it isn't JSON
)

// shape is a body that a response may come with, and what is read in it.
type shape struct {
	name, body string
	speaks     speaker
	details    []detail
	limit      bool // it says that there are too many
}

// detail is an entry of an error body with what the type itself hides.
type detail struct{ Code, Message, Path string }

// secretText is in the messages of all error bodies below.
const secretText = "secret***@example.com"

var (
	someCode = []detail{{Code: "some.code", Message: secretText}}
	aMessage = []detail{{Message: secretText}}
)

// noBody counts for a limit: none is documented with it.
var noBody = shape{name: "empty", limit: true}

var shapes = []shape{
	noBody,
	{name: "white space", body: " \r\n\t", limit: true},
	{
		name:    "errors",
		body:    `{"timestamp":"2024-05-06T07:08:09Z","errors":[{"code":"some.code","message":"` + secretText + `","path":"phoneNumber","arguments":["a",1]},{"code":"other_code","message":"more","arguments":null}]}`,
		details: []detail{{Code: "some.code", Message: secretText, Path: "phoneNumber"}, {Code: "other_code", Message: "more"}}, speaks: byWise,
	},
	{name: "errors is an object", body: `{"errors":{"code":"some.code","message":"` + secretText + `"}}`, details: someCode, speaks: byWise},
	{name: "error is an object", body: `{"error":{"code":"some.code","message":"` + secretText + `"}}`, details: someCode, speaks: byWise},
	{name: "a bare array", body: `[{"code":"some.code","message":"` + secretText + `"}]`, details: someCode, speaks: byWise},
	{name: "a byte order mark before it", body: "\xef\xbb\xbf\n" + `{"errors":[{"code":"some.code"}]}` + "\n", details: []detail{{Code: "some.code"}}, speaks: byWise},
	{name: "errors without any", body: `{"errors":[]}`, speaks: byWise},
	{
		name: "OAuth", body: `{"error":"invalid_token","error_description":"` + secretText + `"}`,
		details: []detail{{Code: "invalid_token", Message: secretText}}, speaks: byAnother,
	},
	{
		name: "Spring", speaks: byAnother, details: aMessage,
		body: `{"timestamp":"2024-05-06T07:08:09.000+0000","status":404,"error":"Not Found","message":"` + secretText + `","path":null,"exception":"x.Y"}`,
	},
	{name: "message and request id", body: `{"message":"` + secretText + `","request_id":"r-1"}`, details: aMessage, speaks: byAnother},
	{
		name: "problem with errors", speaks: byAnother,
		body:    `{"type":"t","title":"T","status":400,"detail":"d","instance":"i","errors":[{"code":"some.code","ref":"/phoneNumber","detail":"` + secretText + `"}]}`,
		details: []detail{{Code: "some.code", Message: secretText, Path: "/phoneNumber"}},
	},
	{name: "problem", body: `{"type":"t","title":"T","status":400,"detail":"` + secretText + `"}`, details: aMessage, speaks: byAnother},
	{name: "code and category", body: `{"code":"some.code","category":"c","description":"` + secretText + `","details":[]}`, details: someCode, speaks: byAnother},
	{name: "code and message", body: `{"code":"some.code","message":"` + secretText + `"}`, details: someCode, speaks: byAnother},
	{name: "errorCode", body: `{"type":"t","status":"FAILED","errorCode":"some.code","errorMessage":"` + secretText + `"}`, details: someCode, speaks: byAnother},
	{name: "errors of another kind", body: `{"errors":[1,"two",null]}`, speaks: byAnother},

	{name: "an empty object", body: ` {} `, speaks: byNoError, limit: true},
	{name: "an empty object behind a byte order mark", body: " \xef\xbb\xbf{ }", speaks: byNoError, limit: true},
	{name: "null", body: `null`, speaks: byNoError},
	{name: "an object of another kind", body: `{"service":"up"}`, speaks: byNoError},
	{name: "errors is null", body: `{"errors":null}`, speaks: byNoError},

	{name: "HTML", body: "<html><body>" + secretText + "</body></html>", speaks: byForeigner},
	{name: "text", body: secretText, speaks: byForeigner},
	{name: "Cloudflare", body: "error code: 1001", speaks: byForeigner},
	{name: "a number", body: `12`, speaks: byForeigner},
	{name: "a text of JSON", body: `"blocked"`, speaks: byForeigner},
	{name: "JSON and more", body: `{"errors":[{"code":"some.code"}]}<!-- -->`, details: []detail{{Code: "some.code"}}, speaks: byForeigner},
	{
		name: "ending after an entry", speaks: byForeigner,
		body: `{"errors":[{"code":"some.code","message":"` + secretText + `"},{"code":"oth`, details: someCode,
	},
	{name: "ending in an entry", body: `{"errors":[{"code":"some.code","message":"` + secretText, details: []detail{{Code: "some.code"}}, speaks: byForeigner},
	{name: "ending at once", body: `{"err`, speaks: byForeigner},
	{name: "brackets", body: strings.Repeat("[", 60<<10), speaks: byForeigner},
	{name: "no UTF-8", body: "\xff\xfe\x00", speaks: byForeigner},
	// Of these only the beginning is read.
	{
		name: "oversized", speaks: byWise, details: someCode,
		body: `{"errors":[{"code":"some.code","message":"` + secretText + `"}],"padding":"` + strings.Repeat("x", 2<<20) + `"}`,
	},
	{name: "an oversized page", body: "<html>" + strings.Repeat("x", 2<<20), speaks: byForeigner},

	{name: "too many", body: `{"errors":[{"code":"MAXIMUM_REACHED"}]}`, details: []detail{{Code: "MAXIMUM_REACHED"}}, speaks: byWise, limit: true},
	{name: "a limit", body: `{"errors":[{"code":"x"},{"code":"device.limit"}]}`, details: []detail{{Code: "x"}, {Code: "device.limit"}}, speaks: byWise, limit: true},
	{name: "exceeded", body: `[{"code":"count.exceeded"}]`, details: []detail{{Code: "count.exceeded"}}, speaks: byWise, limit: true},
	{name: "a limit of another layer", body: `{"code":"too.many"}`, details: []detail{{Code: "too.many"}}, speaks: byAnother},
	{name: "a limit of length", body: `{"errors":[{"code":"max.length"}]}`, details: []detail{{Code: "max.length"}}, speaks: byWise},
	{name: "a limit of size", body: `{"errors":[{"code":"SIZE_LIMIT"}]}`, details: []detail{{Code: "SIZE_LIMIT"}}, speaks: byWise},
	{
		name: "a limit of a field", body: `{"errors":[{"code":"max","path":"deviceFingerprint"}]}`, speaks: byWise,
		details: []detail{{Code: "max", Path: "deviceFingerprint"}},
	},
	{
		name: "not valid", body: `{"errors":[{"code":"NOT_VALID","path":"deviceFingerprint"}]}`, speaks: byWise,
		details: []detail{{Code: "NOT_VALID", Path: "deviceFingerprint"}},
	},
}

// isOfAPI reports whether a status is one that an API's response can have.
func isOfAPI(status int) bool { return status >= 200 && status <= 599 }

// means is what a response comes to that isn't the documented success.
func (r *row) means(status int, s shape) error {
	switch own := r.answers[status]; {
	case !isOfAPI(status):
		return usersecurity.ErrUnexpectedStatus
	case own == nil || s.speaks == byForeigner:
	case r.codes[status] != "": // none of the shapes has it
	case own == usersecurity.ErrChallengeFailed: //nolint:errorlint // it stands in the table
		if !s.namesField() {
			return own
		}
	case status == http.StatusConflict, status == http.StatusBadRequest && s.limit:
		return own
	case status == http.StatusBadRequest:
	case s.speaks == byNobody || s.speaks == byWise:
		return own
	}
	if status < 300 && s.isNoReply() {
		return usersecurity.ErrUnexpectedReply
	}
	if means := byStatus[status]; means != nil {
		return means
	}
	return usersecurity.ErrUnexpectedStatus
}

// namesField reports whether an entry says which field of the request is wrong.
func (s shape) namesField() bool {
	return slices.ContainsFunc(s.details, func(d detail) bool { return d.Path != "" })
}

// isNoReply reports whether a success with that body can't be Wise's.
func (s shape) isNoReply() bool {
	return s.speaks == byForeigner || s.speaks == byWise || s.speaks == byAnother
}

// itself is the answer with a status of the operation's own: with the code that
// is documented with it, or without a body.
func (r *row) itself(status int) step {
	if code := r.codes[status]; code != "" {
		return answers(status, `{"errors":[{"code":"`+code+`"}]}`)
	}
	return answers(status, "")
}

// refusal is how Wise refuses the call because of what the user has or hasn't: the
// documented status, and what it comes to. Where none is documented it is any other.
func (r *row) refusal() (status int, want error) {
	for _, status := range []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusNotFound} {
		if own := r.answers[status]; own != nil {
			return status, own
		}
	}
	return http.StatusForbidden, usersecurity.ErrForbidden
}

// throttles reports whether a status says that nothing was done, and that it may
// be later.
func throttles(status int) bool { return status == 425 || status == 429 }

// mayPass reports whether a status may be another one in a moment.
func mayPass(status int) bool {
	switch status {
	case 408, 500, 502, 503, 504, 598, 599:
		return true
	}
	return status >= 520 && status <= 530
}

// leavesOpen reports whether nobody knows, after a status, what became of a
// write.
func leavesOpen(status int) bool {
	switch status {
	case 408, 444, 460, 499:
		return true
	case 501, 505:
		return false
	}
	return status >= 500 || status < 200
}

// comesTo is what a call comes to that makes one attempt, and gets that: what it
// matches, none for success; whether it is an APIError that is Uncertain; and
// what is known of it then.
func (r *row) comesTo(status int, s shape) (matches []error, uncertain bool, known usersecurity.Outcome) {
	switch {
	case r.succeedsWith(status, s):
		return nil, false, usersecurity.OutcomeDone
	case status >= 200 && status <= 299 && !s.isNoReply() && (status == 200 || r.writes() && (status == 201 || status == 204)):
		matches, known = []error{usersecurity.ErrMalformedReply}, usersecurity.OutcomeDone
	case !r.writes():
		matches = []error{r.means(status, s)}
	case leavesOpen(status), status <= 299 && s.isNoReply():
		matches = []error{r.means(status, s), usersecurity.ErrOutcomeUnknown}
	case status <= 299:
		matches, uncertain = []error{r.means(status, s)}, true
	default:
		matches, known = []error{r.means(status, s)}, usersecurity.OutcomeNotDone
	}
	if !r.writes() {
		known = usersecurity.OutcomeNotDone
	}
	return matches, uncertain, known
}

// succeedsWith reports whether a response is a success. None of the shapes is
// what an operation with a reply is documented to return, but that a null for a
// list is an empty one.
func (r *row) succeedsWith(status int, s shape) bool {
	switch {
	case status < 200 || status > 299 || s.isNoReply():
		return false
	case r.reply == "":
		return status == 200 || status == 201 || status == 204
	}
	return s.name == "null" && reflect.TypeOf(r.want).Kind() == reflect.Slice
}
