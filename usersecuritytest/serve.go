package usersecuritytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
)

// maxBody is far more than a face map takes.
const maxBody = 32 << 20

// service answers requests, with what it needs of the parts.
type service struct {
	router   *router
	tokens   *tokens
	contract *contract
	faults   *faults
	log      *requestLog
	rotate   func() // gives Wise a new key
	latency  time.Duration
	closing  <-chan struct{} // closed to release requests that wait
}

// exchange is one request and what is known of it.
type exchange struct {
	call
	service *service
	record  *record
	route   *route   // nil where path and method are of no call
	allowed []string // the methods to use, where another one was used
	body    []byte
	large   bool // larger than maxBody, and not read to its end
}

// ServeHTTP finds out what a request is, lets a fault have its way with it,
// processes it and answers.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.arrive(r)
	f := s.faults.pick(subject{x.operation(), x.user(), x.record.Attempt})
	x.record.fault(f.Kind)
	if f.Kind == ResetBefore {
		reset(w)
		return
	}
	if !x.read(w) {
		panic(http.ErrAbortHandler)
	}
	a, ok := x.answer(f)
	if !ok || !s.pause(r.Context(), s.latency) {
		panic(http.ErrAbortHandler)
	}
	x.deliver(w, a, f.Kind)
}

// arrive looks at the head of a request, and records it.
func (s *service) arrive(r *http.Request) *exchange {
	x := &exchange{call: call{request: r}, service: s}
	segments := strings.Split(r.URL.EscapedPath(), "/")
	x.route, x.allowed = s.router.match(r.Method, segments)
	if x.route != nil {
		x.ids = x.route.ids(segments)
	}
	if value, ok := bearer(r); ok {
		x.token = s.tokens.lookup(value)
	}
	path := strings.Join(segments, "/")
	if x.route == nil || x.ids.malformed {
		path = safePath(segments, s.router.literals)
	}
	x.record = s.log.arrived(RecordedRequest{
		Operation:     x.operation(),
		Method:        r.Method,
		Path:          path,
		Header:        maskedHeader(r.Header),
		ContentType:   r.Header.Get("Content-Type"),
		User:          x.user(),
		TokenKind:     x.token.kind,
		CorrelationID: correlationIDOf(r.Header),
		Time:          time.Now(),
	})
	return x
}

// bearer returns the access token that a request carries.
func bearer(r *http.Request) (string, bool) {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return value, ok && strings.EqualFold(scheme, "Bearer") && value != ""
}

func (x *exchange) operation() usersecurity.Operation {
	if x.route == nil {
		return ""
	}
	return x.route.operation
}

// user is whom the request is about: the user in the path, or else the one
// whose token it carries.
func (x *exchange) user() usersecurity.UserID {
	if x.ids.user != 0 {
		return x.ids.user
	}
	return x.token.user
}

// read takes the body. It reports false where the client broke off.
func (x *exchange) read(w http.ResponseWriter) bool {
	limited := http.MaxBytesReader(w, x.request.Body, maxBody)
	var err error
	if n := x.request.ContentLength; n >= 0 && n <= maxBody {
		x.body = make([]byte, n)
		_, err = io.ReadFull(limited, x.body)
	} else {
		x.body, err = io.ReadAll(limited)
	}
	var large *http.MaxBytesError
	x.large = errors.As(err, &large)
	x.record.body(len(x.body), isCompact(x.body))
	return err == nil || x.large
}

// answer processes the request, unless a fault stands before it. It reports
// false where the client left or the server closed before it was processed.
func (x *exchange) answer(f Fault) (answer, bool) {
	instead, replaced := f.answer(x.operation())
	switch {
	case f.Kind == RotateKey:
		x.service.rotate()
	case f.Kind == Delay && !f.After && !x.service.pause(x.request.Context(), f.Delay):
		return answer{}, false
	case replaced && !f.After:
		return instead, true
	}
	a := x.process()
	if f.Kind == Delay && f.After && !x.service.pause(x.request.Context(), f.Delay) {
		return answer{}, false
	}
	if replaced {
		return instead, true
	}
	return a, true
}

// process checks the request against the contract, and handles it.
func (x *exchange) process() answer {
	k := x.service.contract
	if refused := checkTarget(x.route, x.allowed, &x.call); refused != nil {
		return *refused
	}
	if refused := k.checkToken(x.route, &x.call); refused != nil {
		return *refused
	}
	if x.large {
		return *refusal(http.StatusRequestEntityTooLarge, "body.large", "the body is larger than 32 MiB")
	}
	payload, cek, refused := k.open(x.route, x.request.Header, x.body)
	if refused != nil {
		return *refused
	}
	x.payload = payload
	envelope, refused := k.sealing.prepare(x.route.reply, x.request.Header, cek)
	if refused != nil {
		return *refused
	}
	return k.sealing.seal(x.route.handle(&x.call), envelope)
}

// deliver sends the answer, or what a fault leaves of it.
func (x *exchange) deliver(w http.ResponseWriter, a answer, kind FaultKind) {
	// Recorded before it is sent: a client that has the answer must find it
	// recorded.
	resp := &response{a, w, x.record.CorrelationID, x.record.answered}
	switch kind {
	case ResetAfter:
		reset(w)
	case Garbage:
		garbage(w)
	case Stall:
		resp.stall(x.request.Context(), x.service.closing)
	case Cut:
		resp.cut()
	default:
		resp.whole()
	}
}

// pause waits, unless the client leaves or the server closes before; then it
// reports false.
func (s *service) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}
