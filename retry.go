package usersecurity

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"
)

// RetryPolicy says how often and how long a call tries. A zero field means its
// default.
type RetryPolicy struct {
	// MaxAttempts is how many requests one call may send; 4 by default, 1 to
	// repeat nothing. A repeat with a fresh token or with the other method of the
	// fingerprint list comes on top, once (with a token twice, where the first came
	// out of a [TokenStore] and was void as well), and so does one for a new key of
	// Wise's, for up to three keys.
	MaxAttempts int
	// MinWait bounds the wait before the second attempt; the bound doubles with
	// each further one. The wait is drawn between nothing and the bound. 250 ms
	// by default.
	MinWait time.Duration
	// MaxWait is the highest bound of a wait; 5 s by default.
	MaxWait time.Duration
	// MaxRetryAfter is the longest wait that Wise may ask for; 30 s by default.
	// If it asks for more, the call ends at once; others are held back no longer.
	MaxRetryAfter time.Duration
}

const (
	defaultAttempts      = 4
	defaultMinWait       = 250 * time.Millisecond
	defaultMaxWait       = 5 * time.Second
	defaultMaxRetryAfter = 30 * time.Second
)

func (p RetryPolicy) orDefault() RetryPolicy {
	return RetryPolicy{
		MaxAttempts:   defaultTo(p.MaxAttempts, defaultAttempts),
		MinWait:       defaultTo(p.MinWait, min(defaultMinWait, defaultTo(p.MaxWait, defaultMinWait))),
		MaxWait:       defaultTo(p.MaxWait, max(defaultMaxWait, p.MinWait)),
		MaxRetryAfter: defaultTo(p.MaxRetryAfter, defaultMaxRetryAfter),
	}
}

func defaultTo[T int | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// step is what follows an attempt.
type step uint8

const (
	stop    step = iota // what the attempt brought is the end
	repeat              // send the same again, after a wait
	look                // look after the wait whether it is done, and repeat if it isn't
	correct             // change what the response says is wrong, and send at once
)

// retryTable says what follows an attempt, by what it brought and by the class
// of the operation. The package text prints it.
var retryTable = [kinds][classes]step{
	//           reads    deletes  set once numbers  once
	unsent:      {repeat, repeat, repeat, repeat, repeat},
	throttled:   {repeat, repeat, repeat, repeat, repeat},
	unanswered:  {repeat, repeat, repeat, look, stop},
	correctable: {correct, correct, correct, correct, correct},
	brokenReply: {repeat, stop, stop, stop, stop},
	answered:    {stop, stop, stop, stop, stop},
}

// attempts makes the attempts of one call. go-retryablehttp counts, waits and
// repeats; it sends through this value, which makes each attempt what it should
// be and hands on the real response.
type attempts struct {
	ctx         context.Context // the call's
	parent      context.Context // the caller's
	op          *operation
	outfit      outfit
	sender      *sender
	gate        *gate
	calls       heldCalls
	reading     reading
	corrections corrections
	policy      *RetryPolicy
	jitter      func(bound time.Duration) time.Duration
	look        func() sight // whether the write is done; nil where nothing can tell
	observers   observers

	correlationID uuid.UUID

	runner   retryablehttp.Client
	client   http.Client
	request  http.Request // each attempt's own is made from it
	handedOn http.Response
	body     memoryBody // of the response that is handed on
	sent     int        // requests
	repeats  int        // of them, those that followed a failure
	began    time.Time
	took     time.Duration
	last     result
	doubt    doubt
	then     step // what follows the last attempt, after wait
	wait     time.Duration
}

// run makes the attempts, at most so many. What came of them is in a.
func (a *attempts) run(most int) {
	a.client.Transport = a
	a.runner.HTTPClient = &a.client
	a.runner.RetryMax = most - 1
	a.runner.CheckRetry = a.checkRetry
	a.runner.Backoff = decidedWait
	a.runner.PrepareRetry = a.prepareRetry
	a.runner.ErrorHandler = retryablehttp.PassthroughErrorHandler
	a.request = *newRequest(a.ctx, a.outfit.method, a.outfit.url)
	resp, err := a.runner.Do(&retryablehttp.Request{Request: &a.request})
	if err == nil && resp != nil {
		_ = resp.Body.Close()
	}
}

// RoundTrip makes one attempt, and hands on its response: a copy, as a test
// double may give the same one to all calls. It is without its Location, as no
// redirect is followed.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := a.attempt(req)
	if resp == nil {
		return nil, a.last.err
	}
	a.handedOn = *resp
	if resp.Header.Get("Location") != "" {
		a.handedOn.Header = resp.Header.Clone()
		a.handedOn.Header.Del("Location")
	}
	a.body.Reset(a.last.body)
	a.handedOn.Body, a.handedOn.ContentLength = &a.body, int64(len(a.last.body))
	return &a.handedOn, nil
}

func (a *attempts) attempt(req *http.Request) *http.Response {
	a.began = time.Time{}
	err := a.gate.pass(a.ctx, a.calls)
	now := time.Now()
	if err == nil && a.isOver(now) {
		err = ended(a.ctx)
	}
	if err != nil {
		a.last = result{err: err, unsent: true, hopeless: true}
		return nil
	}
	a.began = now
	var resp *http.Response
	a.last, resp = a.sender.send(a.ctx, a.parent, req, &a.outfit, a.began)
	if len(a.observers) > 0 {
		a.took = time.Since(a.began)
	}
	a.sent++
	a.reading.judge(&a.last, a.outfit.envelope)
	if refusal := a.last.refusal; refusal != nil {
		refusal.Attempts, refusal.CorrelationID = a.sent, a.correlationID
		a.gate.hear(&a.last, a.calls)
	}
	return resp
}

func (a *attempts) isOver(now time.Time) bool {
	at, bounded := a.ctx.Deadline()
	return bounded && !now.Before(at) || a.parent.Err() != nil
}

// checkRetry decides what follows an attempt, and tells the observers.
func (a *attempts) checkRetry(context.Context, *http.Response, error) (bool, error) {
	a.doubt.add(a.last.leaves(a.op))
	a.then, a.wait = a.next()
	a.runner.RetryWaitMin = a.wait
	if len(a.observers) > 0 && !a.began.IsZero() {
		a.observers.attemptDone(a.ctx, a.event())
	}
	return a.then != stop, nil
}

// event is the attempt as observers see it.
func (a *attempts) event() AttemptEvent {
	r := &a.last
	e := AttemptEvent{
		Operation:     a.op.name,
		Attempt:       a.sent,
		Start:         a.began,
		Duration:      a.took,
		StatusCode:    r.status,
		TraceID:       identifier(r.header, "X-Trace-Id"),
		CorrelationID: a.correlationID,
		Repeated:      a.then != stop,
		Wait:          a.wait,
	}
	switch {
	case r.err != nil:
		e.ErrorClass = classOf(r.err)
	case r.bodyErr != nil:
		e.ErrorClass = classOf(r.bodyErr)
	case r.refusal != nil:
		e.ErrorClass = classOf(r.refusal)
	}
	return e
}

// next looks the step up, and takes a correction. What it returns is to be done,
// after the wait.
func (a *attempts) next() (step, time.Duration) {
	kind := a.last.kind()
	correction := a.corrections.find(&a.last, &a.outfit)
	if correction != nil {
		kind = correctable
	}
	then := retryTable[kind][a.op.class]
	if then == correct {
		if correction.make(&a.corrections, a.ctx, &a.outfit) {
			a.runner.RetryMax++ // it doesn't count
			return correct, 0
		}
		then = retryTable[a.last.kind()][a.op.class]
	}
	switch {
	case then == stop, then == look && a.look == nil, a.isSpoilt():
		return stop, 0
	case a.sent > a.runner.RetryMax:
		return stop, 0 // go-retryablehttp ends here by itself; the observers should know
	case a.ctx.Err() != nil:
		return stop, 0
	}
	a.repeats++
	wait, worth := a.mayWait(a.policy.wait(a.repeats, a.jitter), a.last.asksToWait())
	if !worth {
		return stop, 0
	}
	return then, wait
}

// isSpoilt reports whether the same bytes can't do better: Wise could not open
// what a device has sealed.
func (a *attempts) isSpoilt() bool {
	return a.reading.relayed && a.last.status == http.StatusInternalServerError
}

// wait draws the wait before the nth repeat.
func (p *RetryPolicy) wait(n int, jitter func(time.Duration) time.Duration) time.Duration {
	bound := p.MinWait
	for i := 1; i < n && bound < p.MaxWait; i++ {
		bound *= 2
	}
	return jitter(min(bound, p.MaxWait))
}

// asksToWait is how long the response asks for.
func (o *result) asksToWait() time.Duration {
	if o.refusal == nil || !throttles(o.status) && o.status != http.StatusServiceUnavailable {
		return 0
	}
	return o.refusal.RetryAfter
}

// mayWait returns the longer of two waits, and whether it is worth beginning: it is
// not too long, and leaves the call time for what is to follow.
func (a *attempts) mayWait(drawn, asked time.Duration) (wait time.Duration, worth bool) {
	wait = max(drawn, asked)
	return wait, asked <= a.policy.MaxRetryAfter && isWorthWaiting(a.ctx, wait)
}

// decidedWait is the wait that checkRetry has decided on, in the field where
// go-retryablehttp looks for the shortest one.
func decidedWait(decided, _ time.Duration, _ int, _ *http.Response) time.Duration { return decided }

// prepareRetry comes when the wait is over: it looks whether there is anything
// left to do. A corrected request is sent without a look, as a look that fails would
// end the call.
func (a *attempts) prepareRetry(*http.Request) error {
	if a.look == nil || a.then == correct || a.doubt.unheard == allHeard || a.doubt.seen != notLooked {
		return nil
	}
	a.doubt.seen = a.look()
	if a.doubt.seen == isThere || a.doubt.seen == cantSee {
		return errStop
	}
	return nil
}

// errStop ends the attempts from within.
const errStop = plainError("there is nothing left to do")
