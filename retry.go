package usersecurity

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one call of a method and what its attempts have learnt so far.
type call struct {
	client  *Client
	request request
	opts    callOptions
	ctx     callContext
	start   time.Time

	seals    bool
	key      *WiseKey
	envelope *envelope
	method   string
	token    string
	body     []byte

	attempts  int
	repeats   int // attempts that followed a failure, not a correction
	refreshed bool
	rekeys    int  // how often Wise had another key
	lastKey   bool // Wise was asked, and has no other key than the one in use
	last      outcome
	again     bool // another attempt is to follow, after wait
	wait      time.Duration
	began     time.Time // of the last attempt; zero if it was not made
	took      time.Duration
	done      bool  // by reading back
	sourceErr error // of the token source, asked for a fresh token
	// lost: an attempt may have been carried out without an answer that says so.
	// unread: so it was since the last look at Wise's state.
	lost, unread bool
	unreadable   bool // the last look failed
	absent       bool // the last look found nothing like it

	written *progress     // how far the attempt got; nil for a read
	stand   http.Response // for what go-retryablehttp wants to see
}

// progress is how far an attempt got, as httptrace tells. It never steps back:
// beneath one attempt there may be several, as net/http and other transports
// repeat by themselves what they take to be unsent.
type progress struct {
	reached atomic.Int32
	writes  atomic.Int32 // how often a header was written
}

const (
	notTraced = iota
	waitingForConn
	hasConn
	wroteHeaders
)

func (p *progress) reach(stage int32) {
	for {
		old := p.reached.Load()
		if old == wroteHeaders || p.reached.CompareAndSwap(old, stage) {
			return
		}
	}
}

// outcome is what one attempt brought: an answer, or an error.
type outcome struct {
	status   int
	header   http.Header
	body     []byte
	tooLarge bool
	bodyErr  error // the answer's body broke off

	err    error
	unsent bool // err, and nothing was written
}

// runner is go-retryablehttp's, by a name that the rest of the package may know.
type runner = retryablehttp.Client

// newRunner makes what runs the attempts of all calls. go-retryablehttp counts,
// waits and repeats; what to repeat and how long to wait is decided here. It
// closes the idle connections of its HTTP client when it gives up, and finds
// none to close: the pool is not its own.
func newRunner() *runner {
	return &runner{
		HTTPClient: &http.Client{
			Transport:     attempts{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax: math.MaxInt, // next counts
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			k := callOf(ctx)
			k.again = k.next()
			k.observeAttempt()
			return k.again, nil
		},
		Backoff: func(_, _ time.Duration, _ int, resp *http.Response) time.Duration {
			return callOf(resp.Request.Context()).wait
		},
		PrepareRetry: func(req *http.Request) error { return callOf(req.Context()).beforeRepeat() },
	}
}

func callOf(ctx context.Context) *call { return ctx.(*callContext).call }

// run makes the attempts. What came of them is in k.
func (k *call) run() {
	req := &http.Request{Method: k.method, URL: k.client.baseURL, Header: noHeader}
	resp, err := k.client.runner.Do(&retryablehttp.Request{Request: req.WithContext(&k.ctx)})
	if err == nil {
		_ = resp.Body.Close()
	}
}

// attempts is the transport that go-retryablehttp sends through.
type attempts struct{}

// RoundTrip makes one attempt of the call that the request belongs to. The
// request and the answer that go-retryablehttp sees only stand for the real
// ones, which are the call's.
func (attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	k := callOf(req.Context())
	k.attempt()
	k.stand = http.Response{Request: req, Header: noHeader, Body: http.NoBody}
	return &k.stand, nil
}

var noHeader = http.Header{}

// attempt sends the request once. It has a timeout of its own, which reading
// the answer falls under.
func (k *call) attempt() {
	k.last, k.unreadable = outcome{}, false
	if err := k.ctx.Err(); err != nil {
		k.began = time.Time{}
		k.last = outcome{err: err, unsent: true}
		return
	}
	k.attempts++
	k.began = time.Now()
	defer func() { k.took = time.Since(k.began) }()
	deadline := k.began.Add(k.client.attempt)
	if own := k.ctx.deadline; !own.IsZero() && own.Before(deadline) {
		deadline = own
	}
	ctx, cancel := context.WithDeadline(k.ctx.Context, deadline)
	defer cancel()
	resp, err := k.client.http.Transport.RoundTrip(k.newRequest(k.traced(ctx)))
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if err != nil {
		k.last = outcome{err: k.attemptError(ctx, err), unsent: k.unsent(ctx, err)}
		return
	}
	limit := int64(maxErrorBody)
	if k.request.op.succeeds(resp.StatusCode) {
		limit = maxReply
	}
	o := &k.last
	o.status, o.header = resp.StatusCode, resp.Header
	o.body, o.tooLarge, err = readReply(resp, limit)
	if err != nil {
		o.bodyErr = k.attemptError(ctx, err)
	}
}

var errNoResponse = errors.New("the transport returned neither a response nor an error")

// traced watches how far a write gets. Each attempt has a place of its own for
// that: net/http may still write of one that has been given up.
func (k *call) traced(ctx context.Context) context.Context {
	if !k.request.op.write() {
		return ctx
	}
	written := &progress{}
	k.written = written
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { written.reach(waitingForConn) },
		GotConn: func(httptrace.GotConnInfo) { written.reach(hasConn) },
		WroteHeaders: func() {
			written.reach(wroteHeaders)
			written.writes.Add(1)
		},
	})
}

// attemptError tells the end of an attempt's time from the end of the call's.
func (k *call) attemptError(attempt context.Context, err error) error {
	switch {
	case k.ctx.Err() != nil:
		return k.ctx.Err()
	case attempt.Err() != nil:
		return failure("", ErrAttemptTimeout)
	}
	return failure("", ErrTransport, err)
}

// unsent reports whether nothing of the request was written.
func (k *call) unsent(ctx context.Context, err error) bool {
	if k.written == nil {
		return false // of a read it doesn't matter
	}
	switch k.written.reached.Load() {
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

// beforeRepeat comes when the wait is over: it looks whether there is anything
// left to do.
func (k *call) beforeRepeat() error {
	if k.unread && k.request.op.repeat == repeatReadBack {
		if k.readBack(); k.done || k.unread {
			return errStop
		}
	}
	return nil
}

// errStop ends the attempts from within.
var errStop = errors.New("stop")

// next decides what follows an attempt: nothing, or another one after k.wait.
func (k *call) next() (again bool) {
	o, op := &k.last, k.request.op
	k.wait = 0
	if k.written != nil && k.written.writes.Load() > 1 && !op.succeeds(o.status) {
		k.mayBeDone() // beneath this attempt another one was made, and lost
	}
	switch {
	case o.err != nil && o.unsent:
	case o.err != nil:
		k.mayBeDone()
	case op.succeeds(o.status):
		if o.bodyErr == nil || op.write() {
			return false
		}
	case o.status == http.StatusUnauthorized:
		return k.refreshToken()
	case o.status == http.StatusMethodNotAllowed:
		return k.changeListMethod()
	case o.status == http.StatusTooManyRequests:
	case transient(o.status):
		k.mayBeDone()
		if o.status == http.StatusInternalServerError && k.replaceKey() {
			return !k.request.relayed // what a device sealed, only the device can seal again
		}
	case o.status >= firstGatewayStatus && o.status <= lastGatewayStatus:
		k.mayBeDone()
		return false
	default:
		return false
	}
	return k.repeat()
}

// What gateways have added to HTTP, such as 524 for an origin that took too
// long: nothing there says what the origin has done.
const (
	firstGatewayStatus = 520
	lastGatewayStatus  = 527
)

// transient reports whether a status leaves open what became of the request.
func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (k *call) mayBeDone() {
	if k.request.op.write() {
		k.lost, k.unread = true, true
	}
}

// repeat decides on a repeat by the rules of number and time.
func (k *call) repeat() bool {
	p := &k.client.retry
	most := p.MaxAttempts
	if k.opts.maxAttempts > 0 {
		most = k.opts.maxAttempts
	}
	k.repeats++
	if k.repeats >= most || k.lost && k.request.op.repeat == repeatNever || k.ctx.Err() != nil {
		return false
	}
	bound := p.MinWait
	for i := 1; i < k.repeats && bound < p.MaxWait; i++ {
		bound *= 2
	}
	wait := k.client.jitter(min(bound, p.MaxWait))
	asked := retryAfter(k.last.header, time.Now())
	if asked > p.MaxRetryAfter {
		return false
	}
	wait = max(wait, asked)
	if deadline, ok := k.ctx.Deadline(); ok && wait >= time.Until(deadline) {
		return false
	}
	k.wait = wait
	return true
}

// retryAfter reads both forms of Retry-After; zero where there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(math.MaxInt64/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// refreshToken gets one fresh token for a call that was answered with 401.
func (k *call) refreshToken() bool {
	if k.refreshed || k.opts.token != "" || k.request.op.token == basicAuth {
		return false
	}
	k.refreshed = true
	token, err := k.accessToken(k.token)
	var source *sourceError
	if errors.As(err, &source) {
		source.sent() // the request with the rejected token was
	}
	if err != nil {
		k.sourceErr = err
		return false
	}
	if token == k.token {
		return false
	}
	k.token = token
	return true
}

// changeListMethod turns to GET where POST is not allowed. A 405 proves that
// nothing was done.
func (k *call) changeListMethod() bool {
	if k.request.op != &listDeviceFingerprints || k.method != http.MethodPost || k.client.listMethod != "" {
		return false
	}
	k.method = http.MethodGet
	return true
}

// maxRekeys bounds the keys that one call follows Wise through: more rotations
// than that during one call are a mistake somewhere.
const maxRekeys = 3

// replaceKey gets Wise's key anew, once for every key that was used, when a
// sealed request was answered with 500, which may mean that Wise could not open
// it. It reports whether Wise has another key; a request of the client's own is
// sealed to it then.
func (k *call) replaceKey() bool {
	if !k.seals && !k.request.relayed || k.client.keys == nil || k.lastKey || k.rekeys == maxRekeys {
		return false
	}
	op, used := k.request.op.name, k.key
	if k.request.relayed {
		// Nothing tells which key the device used; most likely the one it could get here.
		used, _ = k.client.encryptionKey(&k.ctx, op, nil)
	}
	key, err := k.client.encryptionKey(&k.ctx, op, used)
	if err != nil || key.same(used) {
		k.lastKey = err == nil
		return false
	}
	k.rekeys++
	return k.request.relayed || k.seal(key) == nil
}

// readBack looks whether a write is done, in the name of the same call.
func (k *call) readBack() {
	opts := []CallOption{WithCorrelationID(k.opts.correlationID)}
	if k.opts.token != "" {
		opts = append(opts, WithToken(k.opts.token))
	}
	found, err := k.request.readBack(&k.ctx, opts)
	if k.unreadable = err != nil; k.unreadable {
		return
	}
	k.done, k.unread, k.absent = found == itIsThere, false, found == itIsNot
}

// sight is what reading back has shown.
type sight int

const (
	itIsNot sight = iota
	itMayBe       // there is something like it
	itIsThere
)

// settle says what became of the call.
func (k *call) settle() (reply, error) {
	o, op := &k.last, k.request.op
	refuted := false
	interrupted := (k.again || k.sourceErr != nil) && k.ctx.Err() != nil
	if !k.done && k.worthReadingBack() && k.ctx.Err() == nil {
		k.readBack()
		refuted = !k.unreadable && k.absent && refusesTheWrite(o.status)
	}
	if op == &listDeviceFingerprints && k.method == http.MethodGet && o.status != 0 && o.status != http.StatusMethodNotAllowed {
		k.client.listByGet.Store(true)
	}
	switch {
	case k.done:
		return reply{op: op.name, status: http.StatusOK, readBack: true}, nil
	case o.err == nil && op.succeeds(o.status):
		return k.success()
	case op.repeat == repeatDelete && k.lost && o.status == http.StatusNotFound:
		return reply{op: op.name, status: o.status}, nil
	case o.status != 0 && !transient(o.status) && o.status != http.StatusTooManyRequests && !interrupted:
		e := k.apiError()
		e.Uncertain = k.lost && !refuted
		if k.sourceErr != nil {
			return reply{}, failure(op.name, e, k.sourceErr)
		}
		return reply{}, e
	case k.lost:
		return reply{}, &OutcomeError{Op: op.name, Attempts: k.attempts, CorrelationID: k.opts.correlationID, Err: k.cause()}
	}
	return reply{}, k.cause()
}

// worthReadingBack reports whether a look at Wise's state can tell more than
// the last answer: attempts may have been carried out unheard, the write may be
// refused because one of them had done it, or the reply of a success broke off.
func (k *call) worthReadingBack() bool {
	o := &k.last
	if k.request.op.repeat != repeatReadBack || k.unreadable {
		return false
	}
	if k.request.op.succeeds(o.status) {
		return o.bodyErr != nil || o.tooLarge
	}
	return k.lost
}

// refusesTheWrite reports whether a status is an answer to what the request
// says, which any other attempt of the call would have got too: a number that
// isn't listed then has not been written by one of them.
func refusesTheWrite(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// cause is why the attempts ended without an answer that says anything.
func (k *call) cause() error {
	o, op := &k.last, k.request.op
	var last error
	if o.status != 0 {
		last = k.apiError()
	} else {
		last = in(op.name, o.err)
	}
	err := k.ctx.Err()
	switch {
	case err == nil:
		return last
	case errors.Is(last, err):
		return failure(op.name, err)
	}
	return failure(op.name, err, last)
}
