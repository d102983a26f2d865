package usersecurityotel

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/wise-partner/usersecurity"
)

// BenchmarkCall is what the observer adds to a call of one attempt: with its span
// recorded and dropped, with its span not sampled, and without OpenTelemetry's SDK.
func BenchmarkCall(b *testing.B) {
	meters := func() Option {
		return WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())))
	}
	tracers := func(s sdktrace.Sampler) Option {
		return WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSyncer(discard{})))
	}
	for _, c := range []struct {
		name string
		opts []Option
	}{
		{"sampled", []Option{meters(), tracers(sdktrace.AlwaysSample())}},
		{"unsampled", []Option{meters(), tracers(sdktrace.NeverSample())}},
		{"no SDK", []Option{WithMeterProvider(metricnoop.NewMeterProvider()), WithTracerProvider(tracenoop.NewTracerProvider())}},
	} {
		b.Run(c.name, func(b *testing.B) {
			o, err := New(c.opts...)
			if err != nil {
				b.Fatal(err)
			}
			call := usersecurity.CallEvent{Operation: usersecurity.OpCreatePin, Start: time.Now(), CorrelationID: uuid.New()}
			attempt := usersecurity.AttemptEvent{
				Operation: call.Operation, Attempt: 1, Start: call.Start, Duration: time.Millisecond,
				StatusCode: 204, TraceID: wiseTrace, CorrelationID: call.CorrelationID,
			}
			done := call
			done.Duration, done.Attempts, done.StatusCode, done.TraceID = 2*time.Millisecond, 1, 204, wiseTrace
			b.ReportAllocs()
			for b.Loop() {
				ctx := o.CallStarted(context.Background(), call)
				o.AttemptDone(ctx, attempt)
				o.CallDone(ctx, done)
			}
		})
	}
}

// discard is an exporter that sends nothing.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }
