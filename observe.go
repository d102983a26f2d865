package usersecurity

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Observer is told about every attempt and every call of a client, for metrics,
// traces and logs. Its methods run on the goroutine of the call (a token or key
// that several calls wait for is fetched on one of its own), from many
// goroutines at once: they should be quick.
//
// The events hold no URL, user id, header, body or token. What a client does
// for its own needs shows up as well: [OpFetchToken], [OpFetchWiseKey], and
// [OpListPhoneNumbers] where a phone number is looked up before it is written
// again.
type Observer interface {
	// AttemptDone is called after every request, before the wait for the next.
	AttemptDone(ctx context.Context, e AttemptEvent)
	// CallDone is called once for every call, also for one that sent nothing.
	CallDone(ctx context.Context, e CallEvent)
}

// AttemptEvent is one request and its answer.
type AttemptEvent struct {
	// Operation is what the call does.
	Operation Operation
	// Attempt counts from 1.
	Attempt int
	// Start is when the attempt began, and Duration how long it took.
	Start    time.Time
	Duration time.Duration
	// StatusCode is the status of the answer; 0 where none came.
	StatusCode int
	// ErrorClass is empty for the documented success.
	ErrorClass ErrorClass
	// TraceID is Wise's id of the request.
	TraceID string
	// CorrelationID is the id that all attempts of the call carry.
	CorrelationID uuid.UUID
	// Repeated says that another attempt follows, after Wait.
	Repeated bool
	Wait     time.Duration
}

// CallEvent is a call as its caller saw it.
type CallEvent struct {
	// Operation is what the call does.
	Operation Operation
	// Start is when the call began, and Duration how long it took, waits included.
	Start    time.Time
	Duration time.Duration
	// Attempts is how many requests were sent.
	Attempts int
	// StatusCode is the status of the last answer; 0 where none came.
	StatusCode int
	// ErrorClass is empty for success.
	ErrorClass ErrorClass
	// TraceID is Wise's id of the last request.
	TraceID string
	// CorrelationID is the id that all attempts of the call carried.
	CorrelationID uuid.UUID
	// Uncertain says that the call ended without knowing whether Wise did it, or
	// whether one of its own earlier attempts had.
	Uncertain bool
}

// CallStarter is what an [Observer] may be besides: it is told when a call
// begins, and the call goes on with the context it returns, so that a span can
// exist while its call runs. Requests of an instrumented transport, fetches of
// tokens and keys, and read-backs nest under it. Values alone are taken from
// that context: the caller's deadline and cancellation stay.
type CallStarter interface {
	// CallStarted is called before anything of the call is done. Of e the
	// operation, the start and the correlation id are known by then.
	CallStarted(ctx context.Context, e CallEvent) context.Context
}

// observers are told in the order in which they were given.
type observers []Observer

// started puts the observers' values into ctx, each before the next is told: if
// one panics, those before it still find theirs when the call is done.
func (all observers) started(ctx *context.Context, e CallEvent) {
	for _, o := range all {
		starter, ok := o.(CallStarter)
		if !ok {
			continue
		}
		// Contexts are not compared: a caller's may be of a type that can't be.
		if values := starter.CallStarted(*ctx, e); values != nil {
			*ctx = observedContext{*ctx, values}
		}
	}
}

// observedContext is a caller's context with an observer's values.
type observedContext struct {
	context.Context
	values context.Context
}

func (c observedContext) Value(key any) any { return c.values.Value(key) }

func (all observers) attemptDone(ctx context.Context, e AttemptEvent) {
	for _, o := range all {
		o.AttemptDone(ctx, e)
	}
}

// callDone tells all of them, also those after one that panics.
func (all observers) callDone(ctx context.Context, e CallEvent) {
	if len(all) == 0 {
		return
	}
	defer all[1:].callDone(ctx, e)
	all[0].CallDone(ctx, e)
}

// logObserver writes events to a logger.
type logObserver struct{ log *slog.Logger }

func (l logObserver) AttemptDone(ctx context.Context, e AttemptEvent) {
	level := slog.LevelDebug
	if e.Repeated {
		level = slog.LevelInfo
	}
	if !l.log.Enabled(ctx, level) {
		return
	}
	attrs := logAttrs(e.Operation, slog.Int("attempt", e.Attempt), e.StatusCode, e.Duration, e.TraceID, e.CorrelationID, e.ErrorClass)
	if e.Repeated {
		attrs = append(attrs, slog.Duration("repeated_after", e.Wait))
	}
	l.log.LogAttrs(ctx, level, "usersecurity attempt", attrs...)
}

func (l logObserver) CallDone(ctx context.Context, e CallEvent) {
	level := callLevel(e)
	if !l.log.Enabled(ctx, level) {
		return
	}
	attrs := logAttrs(e.Operation, slog.Int("attempts", e.Attempts), e.StatusCode, e.Duration, e.TraceID, e.CorrelationID, e.ErrorClass)
	if e.Uncertain {
		attrs = append(attrs, slog.Bool("uncertain", true))
	}
	if instead := e.Operation.ReplacedBy(); instead != "" && e.ErrorClass == classOf(ErrNotInVersion) {
		attrs = append(attrs, slog.String("replaced_by", instead))
	}
	l.log.LogAttrs(ctx, level, "usersecurity call", attrs...)
}

// logAttrs are the fields that both kinds of event have.
func logAttrs(op Operation, attempts slog.Attr, status int, took time.Duration, traceID string, correlationID uuid.UUID, class ErrorClass) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("operation", string(op)),
		attempts,
		slog.Int("status", status),
		slog.Duration("duration", took),
		slog.String("wise_trace_id", traceID),
		slog.String("correlation_id", correlationID.String()),
	}
	if class != "" {
		attrs = append(attrs, slog.String("error", string(class)))
	}
	return attrs
}

// callLevel wakes nobody for what a user did, and somebody for what is unknown.
func callLevel(e CallEvent) slog.Level {
	switch e.ErrorClass {
	case "":
		return slog.LevelDebug
	case classOf(ErrOutcomeUnknown), classOf(ErrDecrypt), classOf(ErrPlaintextReply):
		return slog.LevelError
	case classOf(ErrUnauthorized), classOf(ErrForbidden), classOf(ErrRateLimited), classOf(ErrNotInVersion):
		return slog.LevelWarn
	}
	if e.Uncertain {
		return slog.LevelWarn
	}
	if e.StatusCode >= 400 && e.StatusCode < 500 || e.ErrorClass == classOf(ErrReauthorise) {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
