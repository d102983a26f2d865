package usersecuritytest

import (
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// ErrorOption says more of the error that [NewError] makes.
type ErrorOption func(*errorSettings)

type errorSettings struct {
	header http.Header
	lost   bool
	cause  error
}

// WithChallengeToken makes the error ask for strong customer authentication, as
// Wise does with 403: t is the one-time token that comes with it, and the zero
// one where Wise gives none.
func WithChallengeToken(t usersecurity.OneTimeToken) ErrorOption {
	return func(s *errorSettings) {
		s.header.Set("X-2fa-Approval-Result", "REJECTED")
		if !t.IsZero() {
			s.header.Set("X-2fa-Approval", t.Reveal())
		}
	}
}

// AfterLostAttempt makes the error that of a call with an attempt before it that
// was lost, and may have been done: a refusal has Uncertain set then, and what
// isn't an answer matches [usersecurity.ErrOutcomeUnknown], although nothing was
// sent by the last attempt. What leaves a write open by itself needs no lost
// attempt before it: see [Because], and [NewError] for statuses such as 503.
func AfterLostAttempt() ErrorOption {
	return func(s *errorSettings) { s.lost = true }
}

// Because is for a call that ended without a response: cause is what ended its
// last attempt, as package usersecurity's NewCallError takes it. It goes with the
// status 0. For a write it decides what [usersecurity.OutcomeOf] says:
//
//   - unknown, and the error matches [usersecurity.ErrOutcomeUnknown]:
//     [usersecurity.ErrTransport], [usersecurity.ErrAttemptTimeout], context.Canceled,
//     context.DeadlineExceeded, and any error of a transport that isn't named below.
//     They are those of an attempt that was under way.
//   - not done, as nothing was sent: [usersecurity.ErrNoToken],
//     [usersecurity.ErrReauthorise], [usersecurity.ErrNoKey],
//     [usersecurity.ErrRateLimited] for a call that was held back,
//     [usersecurity.ErrInvalidArgument]; and a connection that was never made, which
//     is a *net.OpError whose Op is "dial", or a *net.DNSError. That matches
//     ErrTransport, and not ErrOutcomeUnknown.
//   - done: [usersecurity.ErrDecrypt], [usersecurity.ErrMalformedReply] and the other
//     two for a reply that can't be read.
//
// A context that ended before anything was sent can't be made: have the code under
// test call a client with a context that is over.
func Because(cause error) ErrorOption {
	return func(s *errorSettings) { s.cause = cause }
}

// NewError returns the error that the client's method op returns when Wise
// answers every attempt with status and an error body of that code; with an
// empty body if code is empty. It matches the same sentinels of package
// usersecurity, says the same to [usersecurity.OutcomeOf], and unwraps to the
// same *usersecurity.APIError. After a status that leaves open whether a write
// was done, such as 503, it is a *usersecurity.OutcomeError around that. It is nil
// where the client returns nil: for the documented success, and for a delete
// that is answered with 404 and a code after a lost attempt.
//
// NewError panics if it is given both a status and a cause.
func NewError(op usersecurity.Operation, status int, code string, opts ...ErrorOption) error {
	s := errorSettings{header: http.Header{}}
	for _, o := range opts {
		o(&s)
	}
	if s.cause != nil {
		if status != 0 {
			panic("usersecuritytest: NewError: Because goes with the status 0")
		}
		return usersecurity.NewCallError(op, s.cause, s.lost)
	}
	var body []byte
	if code != "" {
		a := errorAnswer(status, code, "")
		s.header.Set("Content-Type", a.contentType)
		body = a.body
	}
	return usersecurity.NewCallError(op, usersecurity.NewAPIError(op, status, s.header, body), s.lost)
}
