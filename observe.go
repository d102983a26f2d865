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

// observeAttempt tells the observers about the attempt that has just ended.
func (k *call) observeAttempt() {
	if len(k.client.observers) == 0 || k.began.IsZero() {
		return
	}
	o := &k.last
	e := AttemptEvent{
		Operation:     k.request.op.name,
		Attempt:       k.attempts,
		Start:         k.began,
		Duration:      k.took,
		StatusCode:    o.status,
		TraceID:       identifier(o.header, "X-Trace-Id"),
		CorrelationID: k.opts.correlationID,
		Repeated:      k.again,
		Wait:          k.wait,
	}
	switch {
	case o.err != nil:
		e.ErrorClass = classOf(o.err)
	case o.bodyErr != nil:
		e.ErrorClass = classOf(o.bodyErr)
	case !k.request.op.succeeds(o.status):
		e.ErrorClass = classOf(k.apiError())
	}
	for _, observer := range k.client.observers {
		observer.AttemptDone(k.ctx.Context, e)
	}
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
	l.log.LogAttrs(ctx, level, "usersecurity call", attrs...)
}

// logAttrs are the fields that both kinds of event have.
func logAttrs(op Operation, attempts slog.Attr, status int, took time.Duration, traceID string, correlationID uuid.UUID, class ErrorClass) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("operation", string(op)),
		attempts,
		slog.Int("status", status),
		slog.Duration("duration", took),
		slog.String("trace_id", traceID),
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
	case classOf(ErrOutcomeUnknown), classOf(ErrDecrypt):
		return slog.LevelError
	case classOf(ErrUnauthorized), classOf(ErrForbidden), classOf(ErrRateLimited):
		return slog.LevelWarn
	}
	if e.Uncertain {
		return slog.LevelWarn
	}
	if e.StatusCode >= 400 && e.StatusCode < 500 {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
