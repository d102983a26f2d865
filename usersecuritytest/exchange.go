package usersecuritytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wise-partner/usersecurity"
)

// exchange is one request and what is known of it.
type exchange struct {
	server  *Server
	request *http.Request
	record  *record

	route    *route   // nil where path and method are of no call
	allowed  []string // the methods to use, where another one was used
	ids      pathIDs
	token    token // the zero token if none that is valid was sent
	attempt  int
	body     []byte
	tooLarge bool

	payload  []byte // body, opened if it was sealed
	cek      []byte // the content key of a sealed body
	replyKey *partnerKey
}

const (
	// maxBody is far more than a face map takes.
	maxBody = 32 << 20
	// maxCorrelationID is the length from which Wise ignores a correlation id.
	maxCorrelationID = 36

	headerCorrelationID = "X-External-Correlation-Id"
	headerTraceID       = "X-Trace-Id"
)

// serve answers one request: it finds out what it is, lets a fault have its way
// with it, processes it and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.busy.enter()
	defer s.busy.leave()
	x := s.newExchange(r)
	f := s.faults.pick(x)
	x.record.fault(f.Kind)
	if f.Kind == ResetBefore {
		reset(w)
		return
	}
	if !x.read(w) {
		panic(http.ErrAbortHandler)
	}
	a, ok := x.answer(f)
	if !ok || !s.pause(r, s.settings.latency) {
		panic(http.ErrAbortHandler)
	}
	x.deliver(w, a, f)
}

func (s *Server) newExchange(r *http.Request) *exchange {
	x := &exchange{server: s, request: r}
	segments := strings.Split(r.URL.EscapedPath(), "/")
	x.route, x.allowed = s.match(r.Method, segments)
	if x.route != nil {
		x.ids = x.route.ids(segments)
	}
	if value, ok := bearer(r); ok {
		x.token = s.tokens.lookup(value)
	}
	x.record = s.log.arrived(x, s.safePath(x, segments))
	x.attempt = x.record.Attempt
	return x
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

func (x *exchange) correlationID() string {
	if id := x.request.Header.Get(headerCorrelationID); len(id) <= maxCorrelationID {
		return id
	}
	return ""
}

// bearer returns the access token that a request carries.
func bearer(r *http.Request) (string, bool) {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return value, ok && strings.EqualFold(scheme, "Bearer") && value != ""
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
	x.tooLarge = errors.As(err, &large)
	x.record.body(len(x.body), isCompact(x.body))
	return err == nil || x.tooLarge
}

// answer processes the request, unless a fault stands before it. It reports
// false where the client left or the server closed before it was processed.
func (x *exchange) answer(f Fault) (answer, bool) {
	instead, replaced := f.answer(x)
	switch {
	case f.Kind == RotateKey:
		x.server.RotateKey()
	case f.Kind == Delay && !f.After && !x.server.pause(x.request, f.Delay):
		return answer{}, false
	case replaced && !f.After:
		return instead, true
	}
	a := x.process()
	if f.Kind == Delay && f.After && !x.server.pause(x.request, f.Delay) {
		return answer{}, false
	}
	if replaced {
		return instead, true
	}
	return a, true
}

// process checks the request against the contract, and handles it.
func (x *exchange) process() answer {
	for _, check := range []func(*exchange) *answer{
		(*exchange).checkTarget,
		(*exchange).checkToken,
		(*exchange).checkBody,
		(*exchange).checkReplyKey,
	} {
		if refused := check(x); refused != nil {
			return *refused
		}
	}
	return x.sealed(x.route.handle(x))
}

// checkTarget looks at path, method and query.
func (x *exchange) checkTarget() *answer {
	switch {
	case x.allowed != nil:
		a := refusal(http.StatusMethodNotAllowed, "method.wrong", "this path takes "+strings.Join(x.allowed, ", "))
		a.header = http.Header{"Allow": {strings.Join(x.allowed, ", ")}}
		return a
	case x.route == nil:
		return refusal(http.StatusNotFound, "path.unknown", "no call of the API has this path")
	case x.ids.malformed:
		return refusal(http.StatusBadRequest, "path.id", "user and phone number ids are positive decimal numbers, fingerprint ids are UUIDs")
	case x.request.URL.RawQuery != "" && !x.route.query:
		return refusal(http.StatusBadRequest, "query.unexpected", "this call takes no query")
	}
	return nil
}

func (x *exchange) checkToken() *answer {
	switch {
	case x.route.token == "":
		return nil
	case x.token.kind == "":
		a := invalidToken()
		return &a
	case x.token.kind != x.route.token:
		return refusal(http.StatusForbidden, "token.kind", fmt.Sprintf(
			"this call takes the token of the %s, not of the %s", x.route.token, x.token.kind))
	case x.route.grant && x.server.settings.withoutGrant:
		a := forbidden(x.request.URL.EscapedPath())
		return &a
	}
	return nil
}

// checkBody looks at the body and at the headers that describe it, and opens a
// sealed one.
func (x *exchange) checkBody() *answer {
	x.payload = x.body
	switch {
	case x.tooLarge:
		return refusal(http.StatusRequestEntityTooLarge, "body.large", "the body is larger than 32 MiB")
	case x.route.body == sealedBody && x.server.settings.clearBodies && x.contentType() == typeJSON:
		return x.checkEncoding()
	case x.route.body == sealedBody:
		return x.open(operationHeaders)
	case x.route.body == joseBody:
		return x.open(playgroundHeaders)
	case x.route.body == noBody && len(x.body) > 0:
		return refusal(http.StatusBadRequest, "body.unexpected", "this call takes no body")
	case x.route.body == noBody && x.route.reply == keyReply:
		return x.checkHeaders(bodilessHeaders)
	case x.route.body == noBody:
		return nil
	}
	want := typeJSON
	if x.route.body == formBody {
		want = typeForm
	}
	if x.contentType() != want {
		return refusal(http.StatusUnsupportedMediaType, "content.type", "the Content-Type of this call is "+want)
	}
	return x.checkEncoding()
}

func (x *exchange) checkEncoding() *answer {
	if e := x.request.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return refusal(http.StatusUnsupportedMediaType, "content.encoding", "the body must not be encoded")
	}
	return nil
}

func (x *exchange) contentType() string {
	mediaType, _, err := mime.ParseMediaType(x.request.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}

// field returns the one field that a payload must have. Another field, another
// type and a name in other letters are refused.
func (x *exchange) field(name string) (string, *answer) {
	var fields map[string]*string
	if !utf8.Valid(x.payload) || json.Unmarshal(x.payload, &fields) != nil || len(fields) != 1 || fields[name] == nil {
		return "", refusal(http.StatusBadRequest, "body.malformed", "the body must be a JSON object with the text "+name+" and nothing else")
	}
	return *fields[name], nil
}

// deliver sends the answer, or what a fault leaves of it.
func (x *exchange) deliver(w http.ResponseWriter, a answer, f Fault) {
	switch f.Kind {
	case ResetAfter:
		reset(w)
	case Garbage:
		garbage(w)
	case Stall:
		x.stall(w, a)
	case Cut:
		x.cut(w, a)
	default:
		x.head(w, a)
		_, _ = w.Write(a.body) // a client that has left needs no answer
	}
}

// head sends the status and the header.
func (x *exchange) head(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set(headerTraceID, newTraceID())
	if id := x.correlationID(); id != "" {
		h.Set(headerCorrelationID, id)
	}
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	} else {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	if len(a.body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	for name, values := range a.header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	// Recorded first: a client that has the answer must find it recorded.
	x.record.answered(a.status)
	w.WriteHeader(a.status)
}

func newTraceID() string {
	return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
}
