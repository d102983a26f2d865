package usersecurity

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// APIError is a response that is not the documented success. It matches one of
// the sentinels ([ErrPinAlreadySet], [ErrRateLimited] and so on) through
// errors.Is: an operation's own one only where the response is Wise's word and
// not a proxy's, a gateway's or a maintenance page.
//
// However it is printed, logged or encoded, it shows the operation, the status,
// the codes and the trace id, and never a message, a URL, a body or a token.
//
// The fields may be set by hand, to make the responses of a test double; see
// also [NewAPIError].
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
	// Uncertain says that the write may have been done all the same: an earlier
	// attempt of the call may have been carried out without its response reaching
	// the client, or the status is one of success that nothing documents. On
	// [ErrPinAlreadySet], say, the PIN may be the one this call has just set, or
	// an older one.
	Uncertain bool
	// Foreign says that somebody between here and Wise has answered: the status
	// isn't from 200 to 599, or the body isn't JSON. It says nothing of what the
	// user has or hasn't. Look at the base URL and at what stands before Wise.
	Foreign bool

	hidden func() hiddenAnswer // behind a function, where no printer finds it
}

// hiddenAnswer is what a response brought besides the fields of APIError.
type hiddenAnswer struct {
	body     []byte
	speaks   speaker
	token    OneTimeToken
	approval bool // the response asks for strong customer authentication
}

func (e *APIError) rest() hiddenAnswer {
	if e.hidden == nil {
		return hiddenAnswer{} // made by hand
	}
	return e.hidden()
}

// NewAPIError reads a response as the client does: it is what a test double
// needs to fail as Wise would. Header and body may be nil. For tests in Go,
// usersecuritytest.NewError is shorter.
func NewAPIError(op Operation, status int, header http.Header, body []byte) *APIError {
	return newAPIError(op, status, header, body, false)
}

// newAPIError reads a response. cut says that body is only its beginning.
func newAPIError(op Operation, status int, header http.Header, body []byte, cut bool) *APIError {
	entries, speaks := hear(op, status, body, cut)
	e := &APIError{
		Op:            op,
		StatusCode:    status,
		TraceID:       identifier(header, "X-Trace-Id"),
		RateLimitedBy: identifier(header, "X-Rate-Limited-By"),
		RetryAfter:    retryAfter(header, time.Now()),
		Attempts:      1,
		Foreign:       speaks == foreigner,
	}
	for _, entry := range entries {
		e.Details = append(e.Details, newErrorDetail(entry))
	}
	rest := hiddenAnswer{body: body[:min(len(body), maxErrorBody)], speaks: speaks}
	rest.token, rest.approval = challengeOf(status, header)
	e.hidden = func() hiddenAnswer { return rest }
	return e
}

func (e *APIError) words() string {
	var b strings.Builder
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
			b.WriteString(printable(d.code()))
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
	b.WriteString(e.advice())
	if e.Uncertain {
		b.WriteString("; an earlier attempt may have done it")
	}
	return b.String()
}

// advice says where to look, where the status and the codes don't.
func (e *APIError) advice() string {
	var advice string
	row, documented := operations[e.Op], e.heard().documented()
	switch {
	case e.Foreign:
		advice = "; the response isn't Wise's: check the base URL and what stands before Wise (proxy, gateway, firewall)"
	case e.StatusCode == http.StatusNotFound && (documented == nil || documented.code == ""):
		advice = "; the endpoint itself may be retired"
	}
	if e.sentinel() == ErrSCARequired {
		advice += "; clear the one-time token with ClearChallenges, then repeat the call with WithOneTimeToken"
	}
	if e.sentinel() == ErrNotInVersion {
		advice += "; Wise has retired the endpoint"
		if row != nil && row.instead != "" {
			advice += ": in its place comes " + row.instead
		}
	}
	return advice
}

// Error names the operation, what went wrong, the status, the codes, the trace
// id, and where to look.
func (e *APIError) Error() string { return "usersecurity: " + e.words() }

// Is reports whether target is the sentinel of this response.
func (e *APIError) Is(target error) bool {
	s, ok := target.(*sentinel)
	return ok && s == e.sentinel()
}

// Body is the raw body of the response, at most 64 KiB of it; opened, if it was
// sealed. It may hold personal data: don't log it.
func (e *APIError) Body() []byte { return e.rest().body }

// OneTimeToken is the token to clear with strong customer authentication when
// the error matches [ErrSCARequired]; the zero one where Wise gave none.
func (e *APIError) OneTimeToken() OneTimeToken { return e.rest().token }

// Format prints what Error does, whatever the verb.
func (e APIError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is a group with the operation, the status, the class, the codes and
// the ids. Wise's own id is wise_trace_id: trace_id is OpenTelemetry's.
func (e APIError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("operation", printable(string(e.Op))),
		slog.Int("status", e.StatusCode),
		slog.String("class", string(e.errorClass())),
		slog.Int("attempts", e.Attempts),
		slog.String("wise_trace_id", printable(e.TraceID)),
		slog.String("correlation_id", e.CorrelationID.String()),
	}
	var codes []string
	for _, d := range e.Details {
		if d.Code != "" && len(codes) < maxPrintedCodes {
			codes = append(codes, printable(d.code()))
		}
	}
	if codes != nil {
		attrs = append(attrs, slog.Any("codes", codes))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Uncertain {
		attrs = append(attrs, slog.Bool("uncertain", true))
	}
	if e.Foreign {
		attrs = append(attrs, slog.Bool("foreign", true))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON writes what LogValue holds.
func (e APIError) MarshalJSON() ([]byte, error) { return marshalGroup(e.LogValue()) }

// MarshalText writes what Error returns.
func (e APIError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// heard is what the response comes down to. Of one made by hand the fields tell.
func (e *APIError) heard() heard {
	h := heard{op: e.Op, status: e.StatusCode, speaks: e.rest().speaks, details: e.Details, approval: e.rest().approval}
	switch {
	case e.Foreign:
		h.speaks = foreigner
	case e.hidden == nil && len(e.Details) > 0:
		h.speaks = wise
	}
	return h
}

func (e *APIError) sentinel() *sentinel { return e.heard().means().(*sentinel) }

func (e *APIError) errorClass() ErrorClass { return e.sentinel().class }

// outcome of a response that came as an error: what its status leaves open is
// unknown, also where it wasn't the client that made the error.
func (e *APIError) outcome() Outcome {
	switch {
	case !e.Op.Writes():
		return OutcomeNotDone
	case e.Uncertain || leavesOpen(e.StatusCode) || e.sentinel() == ErrUnexpectedReply:
		return OutcomeUnknown
	}
	return OutcomeNotDone
}
