package usersecurityotel

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/wise-partner/usersecurity"
)

// scope names this package as the source of spans and metrics.
const scope = "github.com/wise-partner/usersecurity/otel"

const (
	spanPrefix   = "usersecurity."
	attemptEvent = "usersecurity.attempt"
)

// Attributes that no convention has a name for.
const (
	operationKey       = attribute.Key("usersecurity.operation")
	uncertainKey       = attribute.Key("usersecurity.uncertain")
	replacedByKey      = attribute.Key("usersecurity.replaced_by")
	attemptsKey        = attribute.Key("usersecurity.attempts")
	traceIDKey         = attribute.Key("usersecurity.trace_id")
	correlationIDKey   = attribute.Key("usersecurity.correlation_id")
	attemptNumberKey   = attribute.Key("usersecurity.attempt.number")
	attemptDurationKey = attribute.Key("usersecurity.attempt.duration")
	attemptWaitKey     = attribute.Key("usersecurity.attempt.wait")
)

// durationBounds are, in seconds, the buckets that the conventions advise for
// HTTP requests; a call with its waits may take longer than those reach.
var durationBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60}

// Observer makes spans and metrics of the events of any number of clients. Make
// one with [New] and give it to usersecurity.WithObserver.
type Observer struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	attempts metric.Int64Counter
	errors   metric.Int64Counter
}

var (
	_ usersecurity.Observer    = (*Observer)(nil)
	_ usersecurity.CallStarter = (*Observer)(nil)
)

// New makes an observer. It fails if an option is nil or the provider refuses an
// instrument.
func New(opts ...Option) (*Observer, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	meter := s.meters.Meter(scope,
		metric.WithInstrumentationVersion(usersecurity.Version),
		metric.WithSchemaURL(semconv.SchemaURL))
	o := &Observer{
		tracer: s.tracers.Tracer(scope,
			trace.WithInstrumentationVersion(usersecurity.Version),
			trace.WithSchemaURL(semconv.SchemaURL)),
	}
	var failed [3]error
	o.duration, failed[0] = meter.Float64Histogram("usersecurity.client.call.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of calls of the User Security API, waits and repeats included."),
		metric.WithExplicitBucketBoundaries(durationBounds...))
	o.attempts, failed[1] = meter.Int64Counter("usersecurity.client.attempts",
		metric.WithUnit("{attempt}"),
		metric.WithDescription("Number of requests sent to the User Security API."))
	o.errors, failed[2] = meter.Int64Counter("usersecurity.client.errors",
		metric.WithUnit("{error}"),
		metric.WithDescription("Number of calls of the User Security API that returned an error."))
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	return o, nil
}

// CallStarted begins the span of a call. What the call does goes on under it.
func (o *Observer) CallStarted(ctx context.Context, e usersecurity.CallEvent) context.Context {
	ctx, span := o.begin(ctx, e)
	return context.WithValue(ctx, spanKey{o}, span)
}

// spanKey finds the span of an observer's own. The span that OpenTelemetry finds
// in a context may be that of another observer, which was told after this one.
type spanKey struct{ of *Observer }

func (o *Observer) begin(ctx context.Context, e usersecurity.CallEvent) (context.Context, trace.Span) {
	kind := trace.SpanKindClient
	if e.Operation == usersecurity.OpClearChallenges {
		kind = trace.SpanKindInternal // it sends nothing by itself, and waits for a customer
	}
	return o.tracer.Start(ctx, spanPrefix+string(e.Operation),
		trace.WithSpanKind(kind),
		trace.WithTimestamp(e.Start),
		trace.WithAttributes(operationKey.String(string(e.Operation)))) // for samplers
}

// AttemptDone counts the attempt, and makes it an event of its call's span.
func (o *Observer) AttemptDone(ctx context.Context, e usersecurity.AttemptEvent) {
	attrs := outcome(e.Operation, e.StatusCode, e.ErrorClass)
	o.attempts.Add(ctx, 1, metric.WithAttributes(attrs...))
	if span, ok := ctx.Value(spanKey{o}).(trace.Span); ok && span.IsRecording() {
		addAttempt(span, e, attrs)
	}
}

// CallDone ends the span of the call, and measures the call.
func (o *Observer) CallDone(ctx context.Context, e usersecurity.CallEvent) {
	span, ok := ctx.Value(spanKey{o}).(trace.Span)
	if !ok { // whoever stands between doesn't pass CallStarted on
		ctx, span = o.begin(ctx, e)
	}
	defer span.End(trace.WithTimestamp(e.Start.Add(e.Duration)))
	attrs := outcome(e.Operation, e.StatusCode, e.ErrorClass)
	if e.Uncertain {
		attrs = append(attrs, uncertainKey.Bool(true))
	}
	// In the context of the span, so that exemplars lead to it.
	o.duration.Record(ctx, e.Duration.Seconds(), metric.WithAttributes(attrs...))
	if e.ErrorClass != "" {
		failed := []attribute.KeyValue{operationKey.String(string(e.Operation)), semconv.ErrorTypeKey.String(string(e.ErrorClass))}
		if e.Uncertain {
			failed = append(failed, uncertainKey.Bool(true))
		}
		if instead := replacedBy(e); instead != "" {
			failed = append(failed, replacedByKey.String(instead))
		}
		o.errors.Add(ctx, 1, metric.WithAttributes(failed...))
	}
	if span.IsRecording() {
		describe(span, e, attrs)
	}
}

// outcome is what spans, events and metrics have in common: few values each.
func outcome(op usersecurity.Operation, status int, class usersecurity.ErrorClass) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 8)
	attrs = append(attrs, operationKey.String(string(op)))
	if status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(status))
	}
	if class != "" {
		attrs = append(attrs, semconv.ErrorTypeKey.String(string(class)))
	}
	return attrs
}

// describe puts into the span the outcome, and what is too varied for a metric.
func describe(span trace.Span, e usersecurity.CallEvent, attrs []attribute.KeyValue) {
	attrs = append(attrs,
		attemptsKey.Int(e.Attempts),
		correlationIDKey.String(e.CorrelationID.String()))
	if e.Attempts > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(e.Attempts-1))
	}
	if id := identifier(e.TraceID); id != "" {
		attrs = append(attrs, traceIDKey.String(id))
	}
	if instead := replacedBy(e); instead != "" {
		attrs = append(attrs, replacedByKey.String(instead))
	}
	span.SetAttributes(attrs[1:]...) // the first is the operation, which it has
	if e.ErrorClass != "" {
		span.SetStatus(codes.Error, "") // error.type says it all
	}
}

// addAttempt makes an attempt an event of its call's span.
func addAttempt(span trace.Span, e usersecurity.AttemptEvent, attrs []attribute.KeyValue) {
	attrs = append(attrs,
		attemptNumberKey.Int(e.Attempt),
		attemptDurationKey.Float64(e.Duration.Seconds()))
	if e.Attempt > 1 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(e.Attempt-1))
	}
	if e.Repeated {
		attrs = append(attrs, attemptWaitKey.Float64(e.Wait.Seconds()))
	}
	if id := identifier(e.TraceID); id != "" {
		attrs = append(attrs, traceIDKey.String(id))
	}
	span.AddEvent(attemptEvent,
		trace.WithTimestamp(e.Start.Add(e.Duration)),
		trace.WithAttributes(attrs...))
}

// notInVersion is the class of a call whose endpoint Wise has turned off.
const notInVersion usersecurity.ErrorClass = "not_in_version"

// replacedBy is what to call in the place of an operation that Wise has turned
// off; empty for any other call.
func replacedBy(e usersecurity.CallEvent) string {
	if e.ErrorClass != notInVersion {
		return ""
	}
	return e.Operation.ReplacedBy()
}

const maxIdentifier = 64

// identifier passes a trace id on if it looks like one. It comes from a header
// of the answer, which a proxy may have filled with anything.
func identifier(s string) string {
	if len(s) > maxIdentifier {
		return ""
	}
	strange := strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-:", r):
			return false
		}
		return true
	})
	if strange {
		return ""
	}
	return s
}
