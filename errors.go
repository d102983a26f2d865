package usersecurity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// sentinel is one of the errors below: a text for people, a class for metrics.
type sentinel struct {
	class ErrorClass
	text  string
}

func (s *sentinel) Error() string { return "usersecurity: " + s.text }

// ErrorClass is a short, fixed word for a kind of failure, made for metric
// labels and log fields. Empty means success.
type ErrorClass string

// What Wise answered. An [*APIError] matches exactly one of these through
// errors.Is.
var (
	// ErrPinAlreadySet: the user has a PIN (409). Delete it before setting another.
	ErrPinAlreadySet error = &sentinel{"pin_already_set", "the user already has a PIN"}
	// ErrPinNotSet: the user has no PIN to delete (404).
	ErrPinNotSet error = &sentinel{"pin_not_set", "the user has no PIN"}
	// ErrFaceMapAlreadyEnrolled: the user has a face map (409). Delete it before enrolling another.
	ErrFaceMapAlreadyEnrolled error = &sentinel{"face_map_already_enrolled", "the user already has a face map"}
	// ErrFaceMapNotEnrolled: the user has no face map to delete (404).
	ErrFaceMapNotEnrolled error = &sentinel{"face_map_not_enrolled", "the user has no face map"}
	// ErrFingerprintExists: this fingerprint is registered for the user already (409).
	ErrFingerprintExists error = &sentinel{"fingerprint_exists", "the device fingerprint is registered already"}
	// ErrFingerprintLimit: the user has as many fingerprints as Wise allows, three by default (400). Delete one first.
	ErrFingerprintLimit error = &sentinel{"fingerprint_limit", "the user has the maximum number of device fingerprints"}
	// ErrFingerprintNotFound: the user or the fingerprint is unknown (404); Wise doesn't say which.
	ErrFingerprintNotFound error = &sentinel{"fingerprint_not_found", "no such user or device fingerprint"}
	// ErrUserNotFound: the user is unknown (404).
	ErrUserNotFound error = &sentinel{"user_not_found", "no such user"}
	// ErrPhoneRepeated: the phone number is in use, perhaps by another user (422, phone.number.repeated).
	ErrPhoneRepeated error = &sentinel{"phone_repeated", "the phone number is in use already"}
	// ErrInvalidRequest: Wise refuses what was sent (400 or 422).
	ErrInvalidRequest error = &sentinel{"invalid_request", "Wise refuses the request as invalid"}
	// ErrUnauthorized: Wise refuses the token, and a fresh one if the source had one (401).
	ErrUnauthorized error = &sentinel{"unauthorized", "Wise refuses the token"}
	// ErrSCARequired: Wise wants strong customer authentication first (403); see [APIError.OneTimeToken].
	ErrSCARequired error = &sentinel{"sca_required", "strong customer authentication is required"}
	// ErrForbidden: the token may not do this (403). The deletes and phone number calls need an extra grant from Wise.
	ErrForbidden error = &sentinel{"forbidden", "the token is not allowed to do this"}
	// ErrNotFound: no such thing, where no other error says what (404).
	ErrNotFound error = &sentinel{"not_found", "not found"}
	// ErrRateLimited: too many requests (429); see [APIError.RetryAfter].
	ErrRateLimited error = &sentinel{"rate_limited", "too many requests"}
	// ErrServer: Wise failed (5xx).
	ErrServer error = &sentinel{"server", "Wise failed to answer the request"}
	// ErrRedirect: Wise, or a proxy before it, answered with a redirect (3xx), which is never followed.
	ErrRedirect error = &sentinel{"redirect", "the answer was a redirect, which is never followed; check the base URL"}
	// ErrUnexpectedStatus: a status that nothing documents for the operation.
	ErrUnexpectedStatus error = &sentinel{"unexpected_status", "the answer has a status that is not documented"}
)

// What the client found wrong before it sent anything.
var (
	// ErrInvalidArgument: a value that can't be valid, or a setting that is missing or contradicts another.
	ErrInvalidArgument error = &sentinel{"invalid_argument", "invalid argument"}
	// ErrNoToken: there is no source for the token that the operation needs, or the source gave none.
	ErrNoToken error = &sentinel{"no_token", "no token"}
	// ErrJWERequired: the operation's body must be sealed, and the client was made without [WithJWE].
	ErrJWERequired error = &sentinel{"jwe_required", "the body must be sealed: use WithJWE"}
	// ErrNoKey: Wise's key could not be had, so the body could not be sealed.
	ErrNoKey error = &sentinel{"no_key", "no key of Wise's to seal to"}
)

// What is wrong with a reply. Wise answered with the documented success: a
// write was carried out.
var (
	// ErrDecrypt: a sealed reply can't be opened. There is one error for every cause.
	ErrDecrypt error = &sentinel{"decrypt", "the sealed reply can't be opened"}
	// ErrPlaintextReply: a reply came in clear although [JWERequireSealedReplies] was given.
	ErrPlaintextReply error = &sentinel{"plaintext_reply", "the reply came in clear"}
	// ErrReplyTooLarge: a reply of more than 1 MiB.
	ErrReplyTooLarge error = &sentinel{"reply_too_large", "the reply is too large"}
	// ErrMalformedReply: a reply that is not what the operation is documented to return.
	ErrMalformedReply error = &sentinel{"malformed_reply", "the reply can't be read"}
)

// What is known of a call that didn't end with an answer.
var (
	// ErrOutcomeUnknown: the write may or may not have been done; see [*OutcomeError].
	ErrOutcomeUnknown error = &sentinel{"outcome_unknown", "it is unknown whether Wise did it"}
	// ErrAttemptTimeout: one attempt took longer than [WithTimeouts] allows. The
	// caller's own deadline shows as [context.DeadlineExceeded] instead.
	ErrAttemptTimeout error = &sentinel{"attempt_timeout", "the attempt timed out"}
	// ErrTransport: no answer came: the connection could not be made, or broke.
	ErrTransport error = &sentinel{"transport", "the connection failed"}
)

// ErrorDetail is one entry of an error body.
type ErrorDetail struct {
	// Code is Wise's word for what is wrong, such as "pin.not.setup". Codes are
	// not unique across operations.
	Code string
	// Message is Wise's text for people. It may name a person's masked e-mail
	// address: treat it as personal data. It is in no log and no error text.
	Message string
	// Path names the field that is wrong, if Wise says so.
	Path string
}

// Format prints the code alone.
func (d ErrorDetail) Format(f fmt.State, verb rune) { writeText(f, verb, printable(d.Code)) }

// LogValue is the code alone.
func (d ErrorDetail) LogValue() slog.Value { return slog.StringValue(printable(d.Code)) }

// MarshalText writes the code alone.
func (d ErrorDetail) MarshalText() ([]byte, error) { return []byte(printable(d.Code)), nil }

// APIError is an answer of Wise's that is not the documented success. It
// matches one of the sentinels ([ErrPinAlreadySet], [ErrRateLimited] and so on)
// through errors.Is, by operation and status first and by code second, so that
// an empty or unreadable body changes nothing.
//
// However it is printed, logged or encoded, it shows the operation, the status,
// the codes and the trace id, and never a message, a URL, a body or a token.
//
// The fields may be set by hand, to make the answers of a test double.
type APIError struct {
	// Op is the operation that was answered.
	Op Operation
	// StatusCode is the HTTP status.
	StatusCode int
	// Details are the entries of the error body, as far as it could be read.
	Details []ErrorDetail
	// TraceID is Wise's own id of the request (x-trace-id): quote it to Wise's support.
	TraceID string
	// CorrelationID is the id the client sent with every attempt of the call.
	CorrelationID uuid.UUID
	// RateLimitedBy names the limit that was hit (X-Rate-Limited-By), if Wise says so.
	RateLimitedBy string
	// RetryAfter is how long Wise asked to wait; zero where it didn't ask.
	RetryAfter time.Duration
	// Attempts is how many requests the call sent.
	Attempts int
	// Uncertain says that an earlier attempt of the same call may have been
	// carried out without its answer reaching the client. On [ErrPinAlreadySet],
	// say, the PIN may be the one this call has just set, or an older one.
	Uncertain bool

	// Behind a pointer, so that nothing prints it by reflection.
	hidden *hiddenAnswer
}

// hiddenAnswer is what an answer brought besides the fields of APIError.
type hiddenAnswer struct {
	body         []byte
	oneTimeToken string
	approval     bool // the answer asks for strong customer authentication
	otherShape   bool // the body is {"error", "error_description"}: another layer speaks
}

func (e *APIError) rest() hiddenAnswer {
	if e.hidden == nil {
		return hiddenAnswer{} // made by hand
	}
	return *e.hidden
}

// NewAPIError reads an answer as the client does: it is what a test double
// needs to fail as Wise would. Header and body may be nil.
func NewAPIError(op Operation, status int, header http.Header, body []byte) *APIError {
	e := &APIError{
		Op:            op,
		StatusCode:    status,
		TraceID:       identifier(header, "X-Trace-Id"),
		RateLimitedBy: identifier(header, "X-Rate-Limited-By"),
		RetryAfter:    retryAfter(header, time.Now()),
		Attempts:      1,
		hidden:        &hiddenAnswer{body: body},
	}
	e.Details, e.hidden.otherShape = decodeErrorBody(body)
	if status == http.StatusForbidden {
		// The header holds the token, perhaps followed by the kind of challenge.
		e.hidden.oneTimeToken, _, _ = strings.Cut(strings.TrimSpace(header.Get("X-2fa-Approval")), " ")
		e.hidden.approval = e.hidden.oneTimeToken != "" || header.Get("X-2fa-Approval-Result") != ""
	}
	return e
}

// Error names the operation, what went wrong, the status, the codes and the
// trace id.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString("usersecurity: ")
	b.WriteString(printable(string(e.Op)))
	b.WriteString(": ")
	b.WriteString(e.sentinel().text)
	b.WriteString(" (status ")
	b.WriteString(strconv.Itoa(e.StatusCode))
	for i, d := range e.Details {
		if i == maxPrintedCodes {
			break
		}
		if d.Code != "" {
			b.WriteString(", code ")
			b.WriteString(printable(d.Code))
		}
	}
	if e.RetryAfter > 0 {
		b.WriteString(", retry after ")
		b.WriteString(e.RetryAfter.String())
	}
	if e.Attempts > 1 {
		b.WriteString(", attempts ")
		b.WriteString(strconv.Itoa(e.Attempts))
	}
	if e.TraceID != "" {
		b.WriteString(", trace ")
		b.WriteString(printable(e.TraceID))
	}
	b.WriteString(")")
	if e.Uncertain {
		b.WriteString("; an earlier attempt may have done it")
	}
	return b.String()
}

// Is reports whether target is the sentinel of this answer.
func (e *APIError) Is(target error) bool {
	s, ok := target.(*sentinel)
	return ok && s == e.sentinel()
}

// Body is the raw body of the answer, at most 64 KiB of it; opened, if it was
// sealed. It may hold personal data: don't log it.
func (e *APIError) Body() []byte { return e.rest().body }

// OneTimeToken is the token to clear with strong customer authentication when
// the error matches [ErrSCARequired]; empty when Wise gave none. It is a
// secret: don't log it.
func (e *APIError) OneTimeToken() string { return e.rest().oneTimeToken }

// Format prints what Error does, whatever the verb.
func (e APIError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is a group with the operation, the status, the class, the codes and
// the ids.
func (e APIError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("operation", printable(string(e.Op))),
		slog.Int("status", e.StatusCode),
		slog.String("class", string(e.sentinel().class)),
		slog.Int("attempts", e.Attempts),
		slog.String("trace_id", printable(e.TraceID)),
		slog.String("correlation_id", e.CorrelationID.String()),
	}
	if len(e.Details) > 0 {
		codes := make([]string, 0, len(e.Details))
		for _, d := range e.Details[:min(len(e.Details), maxPrintedCodes)] {
			codes = append(codes, printable(d.Code))
		}
		attrs = append(attrs, slog.Any("codes", codes))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Uncertain {
		attrs = append(attrs, slog.Bool("uncertain", true))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON writes what LogValue holds.
func (e APIError) MarshalJSON() ([]byte, error) { return marshalGroup(e.LogValue()) }

// MarshalText writes what Error returns.
func (e APIError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// sentinel classifies the answer: by operation and status, then by code, then
// by status alone.
func (e *APIError) sentinel() *sentinel {
	return e.classify().(*sentinel)
}

func (e *APIError) classify() error {
	if op := operations[e.Op]; op != nil {
		for _, a := range op.answers {
			if a.status == e.StatusCode && e.hasCode(a.code) && (!a.ownOnly || !e.rest().otherShape) {
				return a.sentinel
			}
		}
	}
	switch s := e.StatusCode; {
	case s == http.StatusBadRequest, s == http.StatusUnprocessableEntity:
		return ErrInvalidRequest
	case s == http.StatusUnauthorized:
		return ErrUnauthorized
	case s == http.StatusForbidden && e.rest().approval:
		return ErrSCARequired
	case s == http.StatusForbidden:
		return ErrForbidden
	case s == http.StatusNotFound:
		return ErrNotFound
	case s == http.StatusTooManyRequests:
		return ErrRateLimited
	case s >= 500 && s <= 599:
		return ErrServer
	case s >= 300 && s <= 399:
		return ErrRedirect
	}
	return ErrUnexpectedStatus
}

// hasCode reports whether the answer carries the code; any does for the empty
// one, as most documented errors have no body.
func (e *APIError) hasCode(code string) bool {
	return code == "" || slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return d.Code == code })
}

// OutcomeError says that a write was sent and that nobody knows whether it was
// done: no answer came, or none that tells. It matches [ErrOutcomeUnknown] and
// unwraps to the last thing that went wrong: an [*APIError], [ErrTransport],
// [ErrAttemptTimeout] or the context's error.
//
// List or delete to find out, or make the same call again: the library never
// repeats a write in a way that could do it twice.
type OutcomeError struct {
	// Op is the operation whose outcome is unknown.
	Op Operation
	// Attempts is how many requests the call sent.
	Attempts int
	// CorrelationID is the id the client sent with every attempt of the call.
	CorrelationID uuid.UUID
	// Err is the last thing that went wrong.
	Err error
}

// Error names the operation, the attempts and the cause.
func (e *OutcomeError) Error() string {
	return fmt.Sprintf("usersecurity: %s: it is unknown whether Wise did it (attempts %d, correlation %s): %s",
		printable(string(e.Op)), e.Attempts, e.CorrelationID, safeText(e.Err))
}

// Is reports whether target is [ErrOutcomeUnknown].
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Err }

// Format prints what Error does, whatever the verb.
func (e OutcomeError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is a group with the operation, the class and the ids.
func (e OutcomeError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("operation", printable(string(e.Op))),
		slog.String("class", string(classOf(&e))),
		slog.Int("attempts", e.Attempts),
		slog.String("correlation_id", e.CorrelationID.String()),
		slog.String("cause", safeText(e.Err)),
	)
}

// MarshalJSON writes what LogValue holds.
func (e OutcomeError) MarshalJSON() ([]byte, error) { return marshalGroup(e.LogValue()) }

// MarshalText writes what Error returns.
func (e OutcomeError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// callError is every other failure: a text of our own, and causes whose texts
// are not ours and are therefore never printed.
type callError struct {
	op     Operation
	text   string
	causes []error // the first one gives the class
}

func (e *callError) Error() string {
	if e.op == "" {
		return "usersecurity: " + e.text
	}
	return "usersecurity: " + string(e.op) + ": " + e.text
}

// Unwrap returns the causes.
func (e *callError) Unwrap() []error { return e.causes }

// Format prints what Error does, whatever the verb.
func (e callError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is the text.
func (e callError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalText writes the text.
func (e callError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// invalid makes an error that matches ErrInvalidArgument. The arguments must
// hold nothing of what the caller passed but lengths and numbers.
func invalid(format string, args ...any) error {
	return &callError{text: fmt.Sprintf(format, args...), causes: []error{ErrInvalidArgument}}
}

// in names the operation on an error that was made outside a call.
func in(op Operation, err error) error {
	if e, ok := err.(*callError); ok && e.op == "" {
		return &callError{op: op, text: e.text, causes: e.causes}
	}
	return err
}

// failure joins a sentinel with causes, of which only safe words are printed.
func failure(op Operation, what error, causes ...error) error {
	text := strings.TrimPrefix(safeText(what), string(op)+": ")
	all := []error{what}
	for _, c := range causes {
		if c != nil {
			text += ": " + strings.TrimPrefix(safeText(c), string(op)+": ")
			all = append(all, c)
		}
	}
	return &callError{op: op, text: text, causes: all}
}

// sourceError is the failure of a source of tokens or keys, behind which there
// may be a call of its own to Wise. What that call says of its own subject must
// not be taken for an answer to the operation: of this package's errors only
// those match that say the same of both. The caller's own errors match, and
// [*APIError] can be had with errors.As; its Op tells.
type sourceError struct {
	callError
}

var saidOfBoth = []error{ErrUnauthorized, ErrForbidden, ErrRateLimited, ErrServer, ErrRedirect, ErrTransport, ErrAttemptTimeout}

// sourceFailure makes the error of a source that was asked under ctx.
func sourceFailure(ctx context.Context, op Operation, what, err error) error {
	text := safeText(what) + ": " + safeText(err)
	causes := []error{what, err}
	if ended := ctx.Err(); ended != nil {
		text = safeText(ended) + ", " + safeText(what)
		causes = []error{ended, what, err}
	}
	return &sourceError{callError{op: op, text: text, causes: causes}}
}

// sent takes back that nothing was sent.
func (e *sourceError) sent() {
	e.causes = slices.DeleteFunc(e.causes, func(c error) bool { return c == ErrNoToken })
}

// Is reports whether the error matches target.
func (e *sourceError) Is(target error) bool {
	own, err := e.causes[:len(e.causes)-1], e.causes[len(e.causes)-1]
	if slices.Contains(own, target) {
		return true
	}
	if _, ok := target.(*sentinel); ok && !slices.Contains(saidOfBoth, target) {
		return false
	}
	return errors.Is(err, target)
}

// As finds target among the causes.
func (e *sourceError) As(target any) bool { return errors.As(e.causes[len(e.causes)-1], target) }

// Unwrap returns nothing: Is and As say what can be seen.
func (e *sourceError) Unwrap() error { return nil }

// safeText describes an error in words of our own. The text of an error that
// isn't ours may hold a URL, a token or a body.
func safeText(err error) string {
	switch e := err.(type) {
	case nil:
		return "no cause"
	case *sentinel:
		return e.text
	case *APIError, *OutcomeError, *callError, *sourceError:
		return strings.TrimPrefix(e.Error(), "usersecurity: ")
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "context canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "context deadline exceeded"
	}
	var api *APIError
	if errors.As(err, &api) {
		return safeText(api)
	}
	if words := transportWords(err); words != "" {
		return words
	}
	return fmt.Sprintf("an error of type %T", err)
}

// classOf gives the word for an error: the innermost thing known of it.
func classOf(err error) ErrorClass {
	if err == nil {
		return ""
	}
	switch e := err.(type) {
	case *sentinel:
		return e.class
	case *APIError:
		return e.sentinel().class
	case *OutcomeError:
		return ErrOutcomeUnknown.(*sentinel).class
	case *callError:
		if len(e.causes) == 0 {
			return "other"
		}
		return classOf(e.causes[0])
	case *sourceError:
		return classOf(e.causes[0])
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline_exceeded"
	}
	return "other"
}

const (
	maxPrintedCodes = 3
	maxPrintedText  = 64
)

// printable keeps what an identifier of Wise's may hold, so that neither a
// line break nor a sentence gets into a log by way of a header or a code.
func printable(s string) string {
	if len(s) > maxPrintedText {
		return "(too long)"
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("._-:", c) >= 0:
		default:
			return "(unprintable)"
		}
	}
	return s
}

// identifier reads a header that holds an id or a name.
func identifier(header http.Header, name string) string {
	value := header.Get(name)
	if value == "" {
		return ""
	}
	return printable(value)
}

func writeText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

func marshalGroup(v slog.Value) ([]byte, error) {
	m := map[string]any{}
	for _, a := range v.Group() {
		m[a.Key] = a.Value.Any()
	}
	return json.Marshal(m)
}

// decodeErrorBody reads as much of an error body as can be read: it walks the
// text, so that a body cut short gives what stands before the cut. It knows all
// the shapes that Wise is known to send. It reports whether the body has the
// shape of the OAuth and JOSE layers.
func decodeErrorBody(body []byte) (details []ErrorDetail, otherShape bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	top := readFields(dec, func(key string) bool {
		if key != "errors" {
			return false
		}
		details = readEntries(dec)
		return true
	})
	if len(details) > 0 {
		return details, false
	}
	if d := detailOf(top); d != (ErrorDetail{}) {
		details = []ErrorDetail{d}
	}
	return details, isOAuthShape(top)
}

// maxDetails bounds the entries kept of one error body.
const maxDetails = 32

// readEntries reads an array of error entries. Of anything else it keeps
// nothing.
func readEntries(dec *json.Decoder) (details []ErrorDetail) {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		skip(dec, t)
		return nil
	}
	for before := int64(-1); dec.More() && len(details) < maxDetails && dec.InputOffset() > before; {
		before = dec.InputOffset() // a decoder that is stuck stays where it is
		fields := readFields(dec, func(string) bool { return false })
		if d := detailOf(fields); d != (ErrorDetail{}) {
			details = append(details, d)
		}
	}
	skip(dec, json.Delim('['))
	return details
}

// readFields reads the text fields of an object until its end or the end of
// what can be read. A field that special says it has read itself is left out.
// Of anything but an object it reads the whole and returns nil.
func readFields(dec *json.Decoder, special func(key string) bool) map[string]string {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		skip(dec, t)
		return nil
	}
	fields := map[string]string{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		name, _ := key.(string)
		if special(name) {
			continue
		}
		var value any
		if dec.Decode(&value) != nil {
			break
		}
		if s, ok := value.(string); ok {
			fields[name] = s
		}
	}
	_, _ = dec.Token() // the closing brace; a body that lacks it ends here anyway
	return fields
}

// skip reads to the end of what the token opened, if it opened anything.
func skip(dec *json.Decoder, opened json.Token) {
	depth := 0
	for t := opened; ; {
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth <= 0 {
			return
		}
		var err error
		if t, err = dec.Token(); err != nil {
			return
		}
	}
}

func detailOf(fields map[string]string) ErrorDetail {
	first := func(names ...string) string {
		for _, n := range names {
			if fields[n] != "" {
				return fields[n]
			}
		}
		return ""
	}
	d := ErrorDetail{
		Code:    first("code", "errorCode"),
		Message: first("message", "errorMessage", "error_description", "description", "detail", "title"),
		Path:    first("path", "ref"),
	}
	if d.Code == "" && isOAuthShape(fields) {
		d.Code = fields["error"] // Spring's field of that name is the reason phrase instead
	}
	return d
}

func isOAuthShape(fields map[string]string) bool {
	return fields["error"] != "" && fields["error_description"] != ""
}
