package usersecurity

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/wise-partner/usersecurity/internal/deadline"
)

// sender is what the attempts of all calls have in common.
type sender struct {
	transport http.RoundTripper
	userAgent string
	timeout   time.Duration // of one attempt
}

// callersContext is the caller's, whose values no printer of a request's context
// finds by way of it.
type callersContext struct{ context.Context }

// String names it, and none of its values.
func (*callersContext) String() string { return "usersecurity.call" }

// send makes one attempt, which has a timeout of its own: reading the response
// falls under it. The response it returns is nil where there is none, and its
// body is read. call is the context of the whole call, and parent the caller's
// below it: a timer for each of the two deadlines would be one too many.
func (s *sender) send(call, parent context.Context, req *http.Request, o *outfit, now time.Time) (r result, resp *http.Response) {
	ends := now.Add(s.timeout)
	if own, ok := call.Deadline(); ok && own.Before(ends) {
		ends = own
	}
	attempt := &deadline.Context{}
	attempt.Begin(parent, ends)
	defer attempt.End()
	traced, written := context.Context(attempt), (*progress)(nil)
	if o.op.writes() {
		written = &progress{}
		traced = written.traces(traced)
	}
	resp, err := s.transport.RoundTrip(o.dress(req.WithContext(traced), s.userAgent))
	if written != nil {
		r.lostOne = written.writes.Load() > 1 && !s.repeatsSafely()
	}
	switch {
	case err != nil && resp != nil && resp.Body != nil:
		_ = resp.Body.Close()
	case err == nil && resp == nil:
		err = errNoResponse
	}
	if err != nil {
		r.unsent, r.hopeless = written.unsent(attempt, err), certificateWords(err) != ""
		r.err = attemptError(call, attempt, err, o.url.Scheme == "https" && written.onNewConn())
		return r, nil
	}
	r.responded, r.status, r.header = true, resp.StatusCode, resp.Header
	if !isFinal(r.status) {
		// What follows is no body: a connection for another protocol, say.
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return r, resp
	}
	limit := int64(maxErrorBody)
	if o.op.reply != noReply && o.op.succeeds(r.status) {
		limit = maxReply
	}
	r.body, r.tooLarge, err = readBody(resp, limit)
	if err != nil {
		r.bodyErr = attemptError(call, attempt, err, false)
	}
	return r, resp
}

var errNoResponse = plainError("the transport returned neither a response nor an error")

// repeatsSafely reports whether what is repeated beneath an attempt is known not
// to have been processed: net/http repeats a write only then.
func (s *sender) repeatsSafely() bool {
	_, ok := s.transport.(*http.Transport)
	return ok
}

// attemptError tells the end of an attempt's time from the end of the call's.
func attemptError(call, attempt context.Context, err error, mayWantCertificate bool) error {
	if over := ended(call); over != nil {
		return over
	}
	if attempt.Err() != nil {
		return failure("", ErrAttemptTimeout)
	}
	if mayWantCertificate && mayHideAlert(err) {
		return failure("", ErrTransport, err, plainError("if the server wants a client certificate, it may have closed the connection for want of one"))
	}
	return failure("", ErrTransport, err)
}

// progress is how far a write got, as httptrace tells. It never steps back:
// beneath one attempt there may be several, as net/http and other transports
// repeat by themselves what they take to be unsent. Each attempt has one of its
// own: net/http may still write of one that has been given up.
type progress struct {
	trace   httptrace.ClientTrace
	reached atomic.Int32
	writes  atomic.Int32 // how often a header was written
	fresh   atomic.Bool  // the last connection had carried nothing before
}

const (
	notTraced = iota
	waitingForConn
	hasConn
	wroteHeaders
)

// traces makes a context whose request tells p how far it gets.
func (p *progress) traces(ctx context.Context) context.Context {
	p.trace.GetConn = func(string) { p.reach(waitingForConn) }
	p.trace.GotConn = func(info httptrace.GotConnInfo) {
		p.fresh.Store(!info.Reused)
		p.reach(hasConn)
	}
	p.trace.WroteHeaders = func() {
		p.reach(wroteHeaders)
		p.writes.Add(1)
	}
	return httptrace.WithClientTrace(ctx, &p.trace)
}

func (p *progress) reach(stage int32) {
	for {
		old := p.reached.Load()
		if old == wroteHeaders || p.reached.CompareAndSwap(old, stage) {
			return
		}
	}
}

func (p *progress) onNewConn() bool { return p != nil && p.fresh.Load() }

// unsent reports whether err proves that Wise has got nothing of the request.
func (p *progress) unsent(ctx context.Context, err error) bool {
	if certificateWords(err) != "" {
		return true // the handshake failed, even if only the other side knew it when the request was written
	}
	if p == nil {
		return false // of a read it doesn't matter
	}
	switch p.reached.Load() {
	case waitingForConn:
		return true
	case hasConn:
		// When the time is up, the writing may begin behind our back.
		return ctx.Err() == nil
	case wroteHeaders:
		return false
	}
	// A transport that doesn't trace can still say that it never got through.
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}
