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
	clock    *clock
	router   *router
	tokens   *tokens
	limits   *limits
	contract *contract
	guards   *guards
	gate     *gate
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
	target  target
	guard   *guard // nil where nothing protects the call
	record  *record
	body    []byte
	large   bool     // larger than maxBody, and not read to its end
	checks  []string // those that the request has passed
}

// passed notes a check, for those who look at what was recorded.
func (x *exchange) passed(check string) { x.checks = append(x.checks, check) }

// ServeHTTP finds out what a request is, lets a fault have its way with it,
// processes it and answers.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.arrive(r)
	f := s.faults.pick(x.subject())
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
	x := &exchange{service: s, target: s.router.find(r.Method, r.URL.EscapedPath())}
	x.call = call{request: r, ids: x.target.ids, inCalendar: x.target.inCalendar}
	if value, ok := bearer(r); ok {
		x.token = s.tokens.lookup(value)
	}
	path := x.target.safe
	if x.guard = s.guards.find(r.Method, x.target.path); x.guard != nil && x.target.route == nil {
		path = s.router.prefixed(x.guard.shown(x.target.path))
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
		Time:          s.clock.now(),
	})
	return x
}

// bearer returns the access token that a request carries.
func bearer(r *http.Request) (string, bool) {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return value, ok && strings.EqualFold(scheme, "Bearer") && value != ""
}

func (x *exchange) operation() usersecurity.Operation {
	if x.target.route == nil {
		return ""
	}
	return x.target.route.operation
}

func (x *exchange) subject() subject {
	return subject{x.operation(), x.user(), x.record.Attempt, x.target.route == nil && x.guard != nil}
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
	instead = instead.because("an injected fault answers in place of the simulator")
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
	if refused := x.service.limits.take(); refused != nil {
		return *refused
	}
	if x.service.limits.enforced() {
		x.passed("limits")
	}
	if x.target.route == nil && x.guard != nil {
		return x.elsewhere()
	}
	envelope, refused := x.check()
	if refused != nil {
		return *refused
	}
	mark, refused := x.approve()
	if refused != nil {
		return *refused
	}
	return mark(x.service.contract.sealing.seal(x.target.route.handle(&x.call), envelope))
}

// check refuses what breaks the contract, and opens the body.
func (x *exchange) check() (e envelope, refused *answer) {
	k, route := x.service.contract, x.target.route
	if refused = k.checkTarget(&x.target, &x.call); refused != nil {
		return e, refused
	}
	x.passed("path")
	if refused = k.checkToken(route, &x.call); refused != nil {
		return e, refused
	}
	if route.token != "" {
		x.passed("token")
	}
	if x.oneTimeToken, refused = oneTimeTokenIn(route, x.request.Header); refused != nil {
		return e, refused
	}
	if x.large {
		return e, refusal(http.StatusRequestEntityTooLarge, "body.large", "the body is larger than 32 MiB")
	}
	payload, cek, refused := k.open(route, x.request.Header, x.body)
	if refused != nil {
		return e, refused
	}
	x.payload = payload
	x.passed("body")
	return k.sealing.prepare(route.reply, x.request.Header, cek)
}

// approve asks for challenges where the call is protected. It returns what marks
// the answer to a call that has passed.
func (x *exchange) approve() (mark func(answer) answer, refused *answer) {
	mark = func(a answer) answer { return a }
	if x.guard == nil {
		return mark, nil
	}
	passed, refused := x.service.gate.admit(x.guard, &x.call)
	if passed {
		mark = approved
		x.passed("challenge")
	}
	return mark, refused
}

// elsewhere answers a protected call that is none of the simulator's.
func (x *exchange) elsewhere() answer {
	if x.token.kind == "" {
		return invalidToken()
	}
	if x.token.kind != kindUser {
		return *refusal(http.StatusForbidden, "token.kind", "a protected call takes the token of the user")
	}
	x.passed("token")
	mark, refused := x.approve()
	if refused != nil {
		return *refused
	}
	return mark(jsonAnswer(http.StatusOK, struct {
		Approved bool `json:"approved"`
	}{true}))
}

// deliver sends the answer, or what a fault leaves of it.
func (x *exchange) deliver(w http.ResponseWriter, a answer, kind FaultKind) {
	x.record.judged(a.refusal, a.reason, x.checks)
	resp := &response{a, w, x.record.CorrelationID, x.record.answered}
	switch kind {
	case ResetAfter:
		reset(w)
	case Garbage:
		garbage(w)
	case Status000:
		status000(w)
	case SwitchingProtocols:
		switchingProtocols(w)
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
