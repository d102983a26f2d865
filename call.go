package usersecurity

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity/internal/deadline"
)

// engine makes calls. It knows the rows of operations, and no resource.
type engine struct {
	address    address
	sender     sender
	gate       gate
	appTokens  TokenSource // nil where there is none
	userTokens TokenSource // nil where there is none
	sealing    sealing
	unsealed   bool // what should be sealed is sent without
	retry      RetryPolicy
	total      time.Duration // of a call whose context has no deadline
	observers  observers
	methods    methodMemory
	jitter     func(bound time.Duration) time.Duration
}

// call is one call on its way: what it works with, and what nobody else holds
// once it has returned.
type call struct {
	engine   *engine
	op       *operation
	request  request
	opts     callOptions
	start    time.Time
	ctx      *callContext
	asking   asking
	attempts attempts
}

// callContext is what a call hands out. Others may hold it for longer than the
// call takes: a transport, say, or a fetch that many wait for.
type callContext struct {
	deadline.Context
	parent callersContext
}

// calls are those that have ended. A call's memory is used again, as it would be two
// fifths of all that a call allocates; no secret stays in it.
var calls = sync.Pool{New: func() any { return new(call) }}

// do is the one path: prepare, attempts, settle, report.
func (e *engine) do(ctx context.Context, r request, opts []CallOption) (reply, error) {
	k := calls.Get().(*call)
	k.engine, k.op, k.request, k.start = e, operations[r.op], r, time.Now()
	rep, err := k.do(ctx, opts)
	// After a panic it isn't used again: a callback may still be at work in it.
	*k = call{}
	calls.Put(k)
	return rep, err
}

func (k *call) do(ctx context.Context, opts []CallOption) (rep reply, err error) {
	problem := k.begin(ctx, opts)
	if ctx == nil {
		ctx = context.Background()
	}
	err = errCutShort // which stands if a callback panics
	defer func() { k.report(ctx, err) }()
	if len(k.engine.observers) > 0 {
		k.engine.observers.started(&ctx, k.event(nil))
	}
	if problem != nil {
		return reply{}, problem
	}
	k.ctx = &callContext{parent: callersContext{ctx}}
	k.ctx.Begin(ctx, k.deadline(ctx))
	defer k.ctx.End()
	rep, err = k.make()
	if k.op.granted != noGrant {
		err = grantFailure(ctx, k.op.name, err)
	}
	return rep, err
}

const errCutShort = plainError("a callback ended the call by a panic")

// begin reads the options and looks at the arguments.
func (k *call) begin(ctx context.Context, opts []CallOption) error {
	for _, o := range opts {
		if o == nil {
			return in(k.op.name, invalid("a call option is nil"))
		}
		o(&k.opts)
	}
	if k.opts.correlationID == uuid.Nil {
		k.opts.correlationID = uuid.New()
	}
	switch {
	case ctx == nil:
		return in(k.op.name, invalid("the context is nil"))
	case k.opts.problem != "":
		return in(k.op.name, invalid("%s", k.opts.problem))
	}
	return k.request.check(k.op)
}

// deadline is zero where the caller's own counts.
func (k *call) deadline(ctx context.Context) time.Time {
	if _, ok := ctx.Deadline(); ok {
		return time.Time{}
	}
	return k.start.Add(k.engine.total)
}

func (k *call) make() (reply, error) {
	if err := k.prepare(); err != nil {
		return reply{}, err
	}
	// A correction may have put another envelope there by then.
	defer func() { k.attempts.outfit.envelope.wipe() }()
	most := k.engine.retry.MaxAttempts
	if k.opts.maxAttempts > 0 {
		most = k.opts.maxAttempts
	}
	k.attempts.run(most)
	return k.settle()
}

// prepare makes what the first attempt needs: path, token, sealed body.
func (k *call) prepare() error {
	e, r, op := k.engine, &k.request, k.op
	seals := op.sealed && !r.relayed && e.sealing.keys != nil
	switch {
	case !e.address.has(op):
		return notInVersion(op, e.address.version)
	case op.sealed && !r.relayed && !seals && !e.unsealed:
		return failure(op.name, ErrJWERequired)
	}
	if over := ended(&k.ctx.parent); over != nil {
		return failure(op.name, over)
	}
	k.asking = asking{op: op, user: r.user, appTokens: e.appTokens, userTokens: e.userTokens, keys: e.sealing.keys}
	plaintext := r.plaintext(op)
	a := &k.attempts
	a.ctx, a.parent, a.op, a.correlationID = k.ctx, &k.ctx.parent, op, k.opts.correlationID
	a.sender, a.gate, a.calls = &e.sender, &e.gate, heldCalls{op.name, r.user}
	a.policy, a.jitter, a.observers = &e.retry, e.jitter, e.observers
	a.outfit = outfit{
		op: op, method: e.methods.method(op), url: e.address.url(op, r),
		authorization: r.authorization, token: k.opts.token, correlationID: k.opts.correlationID.String(),
		jose: seals || r.relayed, contentType: r.contentType, body: plaintext,
		oneTimeToken: r.oneTimeToken.Reveal(), approval: k.opts.approval.Reveal(),
	}
	a.reading = reading{op: op, sealing: &e.sealing, sealed: seals, relayed: r.relayed, direct: r.direct, decode: r.decode}
	a.corrections = corrections{
		ask: &k.asking, plaintext: plaintext, sealed: seals, relayed: r.relayed,
		turned: e.methods.isFixed(op), given: k.opts.token != "",
	}
	if r.look != nil {
		a.look = k.look
	}
	var wiseKey func() (*WiseKey, error)
	if seals {
		wiseKey = k.asking.keyAhead(k.ctx)
	}
	if op.token != ownAuthorization && k.opts.token == "" {
		token, err := k.asking.askToken(k.ctx, "")
		if err != nil {
			return err
		}
		a.outfit.token = token
	}
	if !seals {
		return nil
	}
	if e.sealing.sendReplyKeyID {
		a.outfit.replyKeyID = e.sealing.newestReplyKey
	}
	if wiseKey == nil {
		wiseKey = func() (*WiseKey, error) { return k.asking.askKey(k.ctx, nil) }
	}
	key, err := wiseKey()
	if err != nil {
		return err
	}
	return a.outfit.seal(key, plaintext)
}

func notInVersion(op *operation, version string) error {
	advice := "use a client without WithVersion"
	if op.instead != "" {
		advice = "in its place comes " + op.instead
	}
	return (&callError{op: op.name, text: "not part of version " + version + " of the API: " + advice, known: OutcomeNotDone}).because(ErrNotInVersion)
}

// look asks in the name of the same call whether the write is done. The call's own
// token serves where the read takes one of the same kind.
func (k *call) look() sight {
	opts := []CallOption{WithCorrelationID(k.opts.correlationID)}
	if k.opts.token != "" && operations[k.request.looksBy].token == k.op.token {
		opts = append(opts, WithToken(k.opts.token))
	}
	return k.request.look(k.ctx, opts)
}

// settle says what became of the call.
func (k *call) settle() (reply, error) {
	a := &k.attempts
	o := &a.last
	if a.look != nil && worthLooking(k.op, o, a.doubt) && k.ctx.Err() == nil {
		a.doubt.seen = a.look()
	}
	if o.isDone() || o.refusal != nil && o.refusal.heard().documented() != nil {
		k.learn()
	}
	if o.isDone() && o.replyErr == nil {
		return o.reply, nil
	}
	over := ended(k.ctx)
	return a.end(over, a.then != stop && over != nil)
}

// learn takes in what a documented answer proves of the request: Wise takes its
// method, and can open what is sealed to its key.
func (k *call) learn() {
	if k.op.orMethod != "" {
		k.engine.methods.learn(k.op, k.attempts.outfit.method)
	}
	if k.attempts.reading.sealed {
		k.asking.keyServes(k.attempts.outfit.key)
	}
}

// end is what the attempts come to. over is why the call's context has ended, if
// it has; cutShort says that it ended while the next attempt waited.
func (a *attempts) end(over error, cutShort bool) (reply, error) {
	o := &a.last
	switch settle(a.op, o, a.doubt, a.corrections.err != nil || cutShort) {
	case endsDone:
		return reply{op: a.op.name}, nil
	case endsUncertain:
		o.refusal.Uncertain = true
	case endsUnknown:
		return reply{}, &OutcomeError{Op: a.op.name, Attempts: a.sent, CorrelationID: a.correlationID, Err: a.why(over, cutShort)}
	}
	return o.reply, a.why(over, cutShort)
}

// why is the error for what the attempts ended with; nil for a reply.
func (a *attempts) why(over error, cutShort bool) error {
	last := in(a.op.name, a.last.failed())
	switch source := a.corrections.err; {
	case last == nil:
		return nil
	case over != nil && (cutShort || source != nil || !a.last.responded):
		if _, told := last.(*callError); told && errors.Is(last, over) {
			return last
		}
		return failure(a.op.name, over, last)
	case source != nil:
		return failure(a.op.name, last, source)
	}
	return last
}

// event is the call as its observers see it.
func (k *call) event(err error) CallEvent {
	return CallEvent{
		Operation:     k.op.name,
		Start:         k.start,
		Attempts:      k.attempts.sent,
		StatusCode:    k.attempts.last.status,
		ErrorClass:    classOf(err),
		TraceID:       identifier(k.attempts.last.header, "X-Trace-Id"),
		CorrelationID: k.opts.correlationID,
		Uncertain:     k.op.writes() && err != nil && OutcomeOf(err) == OutcomeUnknown,
	}
}

// report tells the caller's Meta and the observers what became of the call.
func (k *call) report(ctx context.Context, err error) {
	if m := k.opts.meta; m != nil {
		last := &k.attempts.last
		*m = Meta{
			StatusCode: last.status, TraceID: identifier(last.header, "X-Trace-Id"),
			CorrelationID: k.opts.correlationID, Attempts: k.attempts.sent,
		}
	}
	if len(k.engine.observers) > 0 {
		e := k.event(err)
		e.Duration = time.Since(k.start)
		k.engine.observers.callDone(ctx, e)
	}
}
