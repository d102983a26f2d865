package usersecurity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one call of a method and what its attempts have learnt so far. It is
// the transport of its own attempts: go-retryablehttp, which runs them, closes
// the idle connections of the client it is given when it gives up, and finds
// none to close here.
type call struct {
	client  *Client
	request *request
	opts    callOptions
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
	rekeyed   bool
	last      outcome
	wait      time.Duration
	began     time.Time // of the last attempt
	done      bool      // by reading back
	sourceErr error     // of the token source, asked for a fresh token
	// lost: an attempt may have been carried out without an answer that says so.
	// unread: so it was since the last look at Wise's state.
	lost, unread bool

	written atomic.Int32 // how far the attempt got: see the constants below
	http    http.Client
	runner  retryablehttp.Client
}

// How far an attempt got, as httptrace tells.
const (
	notTraced = iota
	waitingForConn
	hasConn
	wroteHeaders
)

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

// errStop ends the attempts from within.
var errStop = errors.New("stop")

// run makes the attempts. What came of them is in k.
func (k *call) run(ctx context.Context) {
	k.http = http.Client{Transport: k, CheckRedirect: k.client.http.CheckRedirect, Timeout: k.client.http.Timeout}
	k.runner = retryablehttp.Client{
		HTTPClient:   &k.http,
		RetryMax:     math.MaxInt, // next counts
		CheckRetry:   k.checkRetry,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return k.wait },
		PrepareRetry: k.prepareRetry,
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) { return resp, err },
	}
	req := &retryablehttp.Request{Request: k.newRequest(ctx)}
	if len(k.body) > 0 {
		// The reader must be one that net/http knows to be in memory, or it
		// writes the headers on their own.
		_ = req.SetBody(retryablehttp.ReaderFunc(func() (io.Reader, error) { return bytes.NewReader(k.body), nil }))
	}
	_, _ = k.runner.Do(req)
}

// RoundTrip is one attempt: it has a timeout of its own, which reading the
// answer falls under.
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	parent := req.Context()
	if err := parent.Err(); err != nil {
		k.last = outcome{err: err, unsent: true}
		return nil, err
	}
	k.attempts++
	k.began = time.Now()
	k.written.Store(notTraced)
	ctx, cancel := context.WithTimeoutCause(parent, k.client.attempt, ErrAttemptTimeout)
	defer cancel()
	if k.request.op.write() {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GetConn:      func(string) { k.written.Store(waitingForConn) },
			GotConn:      func(httptrace.GotConnInfo) { k.written.Store(hasConn) },
			WroteHeaders: func() { k.written.Store(wroteHeaders) },
		})
	}
	resp, err := k.client.http.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		k.last = outcome{err: attemptError(parent, ctx, err), unsent: k.unsent(ctx, err)}
		return nil, k.last.err
	}
	limit := int64(maxErrorBody)
	if k.request.op.succeeds(resp.StatusCode) {
		limit = maxReply
	}
	o := outcome{status: resp.StatusCode, header: resp.Header}
	o.body, o.tooLarge, err = readReply(resp, limit)
	if err != nil {
		o.bodyErr = attemptError(parent, ctx, err)
	}
	k.last = o
	resp.Body = http.NoBody
	return resp, nil
}

// attemptError tells the end of an attempt's time from the end of the call's.
func attemptError(parent, attempt context.Context, err error) error {
	switch {
	case parent.Err() != nil:
		return parent.Err()
	case attempt.Err() != nil:
		return ErrAttemptTimeout
	}
	return failure("", ErrTransport, err)
}

// unsent reports whether nothing of the request was written.
func (k *call) unsent(ctx context.Context, err error) bool {
	switch k.written.Load() {
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

// checkRetry is asked by go-retryablehttp after every attempt.
func (k *call) checkRetry(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err != nil && k.last.err == nil && k.last.status == 0 {
		k.last = outcome{err: failure("", ErrTransport, err)}
	}
	again := k.next(ctx)
	k.observeAttempt(ctx, again)
	return again, nil
}

// prepareRetry is asked by go-retryablehttp when the wait is over: it looks
// whether there is anything left to do, and puts into the request what has
// changed since the last attempt.
func (k *call) prepareRetry(req *http.Request) error {
	if k.unread && k.request.op.repeat == repeatReadBack {
		if k.readBack(req.Context()); k.done || k.unread {
			return errStop
		}
	}
	k.last = outcome{}
	req.Method = k.method
	req.ContentLength = int64(len(k.body))
	if k.request.authorization == "" {
		req.Header = req.Header.Clone() // the last attempt's may still be being written
		req.Header["Authorization"] = []string{"Bearer " + k.token}
	}
	return nil
}

// next decides what follows an attempt: nothing, or another one after k.wait.
func (k *call) next(ctx context.Context) (again bool) {
	o, op := &k.last, k.request.op
	k.wait = 0
	switch {
	case o.err != nil && o.unsent:
	case o.err != nil:
		k.mayBeDone()
	case op.succeeds(o.status):
		if o.bodyErr == nil || op.write() {
			return false
		}
	case o.status == http.StatusUnauthorized:
		return k.refreshToken(ctx)
	case o.status == http.StatusMethodNotAllowed:
		return k.changeListMethod()
	case o.status == http.StatusTooManyRequests:
	case transient(o.status):
		k.mayBeDone()
		if o.status == http.StatusInternalServerError && k.replaceKey(ctx) {
			return !k.request.relayed // what a device sealed, only the device can seal again
		}
	default:
		return false
	}
	return k.repeat(ctx)
}

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
func (k *call) repeat(ctx context.Context) bool {
	p := &k.client.retry
	most := p.MaxAttempts
	if k.opts.maxAttempts > 0 {
		most = k.opts.maxAttempts
	}
	k.repeats++
	if k.repeats >= most || k.lost && k.request.op.repeat == repeatNever || ctx.Err() != nil {
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
	if deadline, ok := ctx.Deadline(); ok && wait >= time.Until(deadline) {
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
func (k *call) refreshToken(ctx context.Context) bool {
	if k.refreshed || k.opts.token != "" || k.request.op.token == basicAuth {
		return false
	}
	k.refreshed = true
	token, err := k.accessToken(ctx, k.token)
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

// replaceKey gets Wise's key anew, once, when a sealed request was answered
// with 500, which may mean that Wise could not open it. It reports whether Wise
// has another key; a request of the client's own is sealed to it then.
func (k *call) replaceKey(ctx context.Context) bool {
	if k.rekeyed || !k.seals && !k.request.relayed || k.client.keys == nil {
		return false
	}
	k.rekeyed = true
	op, used := k.request.op.name, k.key
	if k.request.relayed {
		// Nothing tells which key the device used; most likely the one it could get here.
		var err error
		if used, err = k.client.encryptionKey(ctx, op, nil); err != nil {
			return false
		}
	}
	key, err := k.client.encryptionKey(ctx, op, used)
	if err != nil || key.same(used) {
		return false
	}
	return k.request.relayed || k.seal(key) == nil
}

// readBack looks whether a write is done, in the name of the same call.
func (k *call) readBack(ctx context.Context) {
	opts := []CallOption{WithCorrelationID(k.opts.correlationID)}
	if k.opts.token != "" {
		opts = append(opts, WithToken(k.opts.token))
	}
	if done, err := k.request.readBack(ctx, opts); err == nil {
		k.done, k.unread = done, false
	}
}

// settle says what became of the call.
func (k *call) settle(ctx context.Context) (*reply, error) {
	o, op := &k.last, k.request.op
	refuted := false
	if !k.done && ctx.Err() == nil && k.worthReadingBack() {
		k.unread = true
		k.readBack(ctx)
		// Wise refuses the number and doesn't list it: no attempt has done it.
		refuted = !k.unread && o.status == http.StatusUnprocessableEntity
	}
	switch {
	case k.done:
		return &reply{op: op.name, status: http.StatusOK, readBack: true}, nil
	case o.err == nil && op.succeeds(o.status):
		if k.method != op.method {
			k.client.listByGet.Store(true)
		}
		return k.success()
	case op.repeat == repeatDelete && k.lost && o.status == http.StatusNotFound:
		return &reply{op: op.name, status: o.status}, nil
	case o.status != 0 && !transient(o.status) && o.status != http.StatusTooManyRequests:
		e := k.apiError()
		e.Uncertain = k.lost && !refuted
		if k.sourceErr != nil {
			return nil, failure(op.name, e, k.sourceErr)
		}
		return nil, e
	case k.lost:
		return nil, &OutcomeError{Op: op.name, Attempts: k.attempts, CorrelationID: k.opts.correlationID, Err: k.cause(ctx)}
	}
	return nil, k.cause(ctx)
}

// worthReadingBack reports whether a look at Wise's state can tell more than
// the last answer: attempts may have been carried out unheard, a number may be
// repeated because an attempt before had done its work, or the reply of a
// success broke off.
func (k *call) worthReadingBack() bool {
	o, op := &k.last, k.request.op
	return op.repeat == repeatReadBack && (k.unread ||
		k.lost && o.status == http.StatusUnprocessableEntity ||
		op.succeeds(o.status) && (o.bodyErr != nil || o.tooLarge))
}

// cause is why the attempts ended without an answer that says anything.
func (k *call) cause(ctx context.Context) error {
	o, op := &k.last, k.request.op
	var last error
	if o.status != 0 {
		last = k.apiError()
	} else {
		last = in(op.name, o.err)
	}
	err := ctx.Err()
	switch {
	case err == nil:
		return last
	case errors.Is(last, err):
		return failure(op.name, err)
	}
	return failure(op.name, err, last)
}
