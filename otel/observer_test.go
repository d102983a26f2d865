package usersecurityotel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/wise-partner/usersecurity"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const wiseTrace = "0ce1d1b0-trace"

// report tells the observer of a call that was answered with 503 and then as
// given.
func report(ctx context.Context, o *Observer, id uuid.UUID, status int, class usersecurity.ErrorClass) {
	ctx = o.CallStarted(ctx, usersecurity.CallEvent{Operation: usersecurity.OpCreatePin, Start: start, CorrelationID: id})
	o.AttemptDone(ctx, usersecurity.AttemptEvent{
		Operation: usersecurity.OpCreatePin, Attempt: 1, Start: start.Add(time.Millisecond), Duration: 50 * time.Millisecond,
		StatusCode: 503, ErrorClass: "server", TraceID: wiseTrace, CorrelationID: id, Repeated: true, Wait: 200 * time.Millisecond,
	})
	o.AttemptDone(ctx, usersecurity.AttemptEvent{
		Operation: usersecurity.OpCreatePin, Attempt: 2, Start: start.Add(251 * time.Millisecond), Duration: 40 * time.Millisecond,
		StatusCode: status, ErrorClass: class, TraceID: wiseTrace, CorrelationID: id,
	})
	o.CallDone(ctx, usersecurity.CallEvent{
		Operation: usersecurity.OpCreatePin, Start: start, Duration: 300 * time.Millisecond, Attempts: 2,
		StatusCode: status, ErrorClass: class, TraceID: wiseTrace, CorrelationID: id, Uncertain: class != "",
	})
}

func TestSpanOfASuccessAfterARepeat(t *testing.T) {
	r := newRig(t)
	id := uuid.New()
	ctx, parent := r.tracers.Tracer("caller").Start(context.Background(), "enrol")
	report(ctx, r.Observer, id, 204, "")
	parent.End()

	s := r.span(t, "usersecurity.CreatePin")
	if s.SpanKind != trace.SpanKindClient {
		t.Errorf("kind %v", s.SpanKind)
	}
	if s.Parent.SpanID() != parent.SpanContext().SpanID() || s.SpanContext.TraceID() != parent.SpanContext().TraceID() {
		t.Error("the span is not a child of the caller's")
	}
	if !s.StartTime.Equal(start) || !s.EndTime.Equal(start.Add(300*time.Millisecond)) {
		t.Errorf("from %v to %v", s.StartTime, s.EndTime)
	}
	if s.Status.Code != codes.Unset {
		t.Errorf("status %v: the call worked in the end", s.Status)
	}
	if s.InstrumentationScope.Name != scope || s.InstrumentationScope.Version != usersecurity.Version || s.InstrumentationScope.SchemaURL != semconv.SchemaURL {
		t.Errorf("scope %+v", s.InstrumentationScope)
	}
	wantAttrs(t, "span", s.Attributes, map[string]any{
		"usersecurity.operation":      "CreatePin",
		"usersecurity.attempts":       int64(2),
		"usersecurity.trace_id":       wiseTrace,
		"usersecurity.correlation_id": id.String(),
		"http.response.status_code":   int64(204),
		"http.request.resend_count":   int64(1),
	})
	if len(s.Events) != 2 {
		t.Fatalf("%d events, want 2", len(s.Events))
	}
	for i, want := range []struct {
		at    time.Duration
		attrs map[string]any
	}{
		{51 * time.Millisecond, map[string]any{
			"usersecurity.operation":        "CreatePin",
			"usersecurity.attempt.number":   int64(1),
			"usersecurity.attempt.duration": 0.05,
			"usersecurity.attempt.wait":     0.2,
			"usersecurity.trace_id":         wiseTrace,
			"http.response.status_code":     int64(503),
			"error.type":                    "server",
		}},
		{291 * time.Millisecond, map[string]any{
			"usersecurity.operation":        "CreatePin",
			"usersecurity.attempt.number":   int64(2),
			"usersecurity.attempt.duration": 0.04,
			"usersecurity.trace_id":         wiseTrace,
			"http.response.status_code":     int64(204),
			"http.request.resend_count":     int64(1),
		}},
	} {
		if e := s.Events[i]; e.Name != "usersecurity.attempt" || !e.Time.Equal(start.Add(want.at)) {
			t.Errorf("event %d: %s at %v", i, e.Name, e.Time.Sub(start))
		}
		wantAttrs(t, fmt.Sprint("event ", i), s.Events[i].Attributes, want.attrs)
	}
}

func TestSpanOfAFailure(t *testing.T) {
	for name, c := range map[string]struct {
		event usersecurity.CallEvent
		want  map[string]any // besides the operation, the attempts and the correlation id
	}{
		"a documented refusal": {
			usersecurity.CallEvent{Attempts: 1, StatusCode: 409, ErrorClass: "pin_already_set"},
			map[string]any{"http.response.status_code": int64(409), "error.type": "pin_already_set"},
		},
		"an outcome that nobody knows": {
			usersecurity.CallEvent{Attempts: 4, ErrorClass: "outcome_unknown", Uncertain: true},
			map[string]any{"error.type": "outcome_unknown", "usersecurity.uncertain": true, "http.request.resend_count": int64(3)},
		},
		"nothing was sent": {
			usersecurity.CallEvent{ErrorClass: "no_token"},
			map[string]any{"error.type": "no_token"},
		},
		"a trace id that is none": {
			usersecurity.CallEvent{Attempts: 1, StatusCode: 500, ErrorClass: "server", TraceID: "ring +6588888888"},
			map[string]any{"http.response.status_code": int64(500), "error.type": "server"},
		},
		"a trace id without end": {
			usersecurity.CallEvent{Attempts: 1, StatusCode: 500, ErrorClass: "server", TraceID: strings.Repeat("a", 65)},
			map[string]any{"http.response.status_code": int64(500), "error.type": "server"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.event.Operation, c.event.Start, c.event.CorrelationID = usersecurity.OpCreatePin, start, uuid.New()
			r.CallDone(r.CallStarted(context.Background(), c.event), c.event)
			s := r.span(t, "usersecurity.CreatePin")
			if s.Status != (sdktrace.Status{Code: codes.Error}) {
				t.Errorf("status %+v, want Error without a description", s.Status)
			}
			c.want["usersecurity.operation"] = "CreatePin"
			c.want["usersecurity.attempts"] = int64(c.event.Attempts)
			c.want["usersecurity.correlation_id"] = c.event.CorrelationID.String()
			wantAttrs(t, "span", s.Attributes, c.want)
		})
	}
}

func TestMetrics(t *testing.T) {
	r := newRig(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel() // what ran out of time counts too
	report(ended, r.Observer, uuid.New(), 204, "")
	report(ended, r.Observer, uuid.New(), 409, "pin_already_set")
	got := r.metrics(t)

	op := attribute.String("usersecurity.operation", "CreatePin")
	status := func(n int) attribute.KeyValue { return attribute.Int("http.response.status_code", n) }
	class := func(s string) attribute.KeyValue { return attribute.String("error.type", s) }
	uncertain := attribute.Bool("usersecurity.uncertain", true)
	counter := func(points ...metricdata.DataPoint[int64]) metricdata.Sum[int64] {
		return metricdata.Sum[int64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}
	}
	for _, want := range []metricdata.Metrics{
		{
			Name: "usersecurity.client.attempts", Unit: "{attempt}",
			Description: "Number of requests sent to the User Security API.",
			Data: counter(
				metricdata.DataPoint[int64]{Value: 2, Attributes: attribute.NewSet(op, status(503), class("server"))},
				metricdata.DataPoint[int64]{Value: 1, Attributes: attribute.NewSet(op, status(204))},
				metricdata.DataPoint[int64]{Value: 1, Attributes: attribute.NewSet(op, status(409), class("pin_already_set"))}),
		},
		{
			Name: "usersecurity.client.errors", Unit: "{error}",
			Description: "Number of calls of the User Security API that returned an error.",
			Data:        counter(metricdata.DataPoint[int64]{Value: 1, Attributes: attribute.NewSet(op, class("pin_already_set"), uncertain)}),
		},
	} {
		metricdatatest.AssertEqual(t, want, got[want.Name], metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	}

	calls := got["usersecurity.client.call.duration"]
	if calls.Unit != "s" {
		t.Errorf("unit %q", calls.Unit)
	}
	points := calls.Data.(metricdata.Histogram[float64]).DataPoints
	wantSets := []attribute.Set{
		attribute.NewSet(op, status(204)),
		attribute.NewSet(op, status(409), class("pin_already_set"), uncertain),
	}
	if len(points) != len(wantSets) {
		t.Fatalf("%d series of durations, want %d", len(points), len(wantSets))
	}
	for _, p := range points {
		if !slices.ContainsFunc(wantSets, func(s attribute.Set) bool { return s.Equals(&p.Attributes) }) {
			t.Errorf("a series %v", p.Attributes.ToSlice())
		}
		if p.Count != 1 || p.Sum != 0.3 || !slices.Equal(p.Bounds, durationBounds) {
			t.Errorf("count %d, sum %v, bounds %v", p.Count, p.Sum, p.Bounds)
		}
		// An exemplar leads from the bucket to the span of the call.
		if len(p.Exemplars) != 1 {
			t.Fatalf("%d exemplars, want 1", len(p.Exemplars))
		}
		if !slices.ContainsFunc(r.spans(), func(s tracetest.SpanStub) bool {
			id := s.SpanContext.SpanID()
			return s.Name == "usersecurity.CreatePin" && slices.Equal(id[:], p.Exemplars[0].SpanID)
		}) {
			t.Error("the exemplar leads to no span of a call")
		}
	}
}

// A wrapper that doesn't pass CallStarted on costs the events and what nests, not
// the span.
func TestCallThatWasNotStarted(t *testing.T) {
	r := newRig(t)
	ctx, parent := r.tracers.Tracer("caller").Start(context.Background(), "enrol")
	r.AttemptDone(ctx, usersecurity.AttemptEvent{Operation: usersecurity.OpCreatePin, Attempt: 1, StatusCode: 204, Start: start})
	r.CallDone(ctx, usersecurity.CallEvent{Operation: usersecurity.OpCreatePin, Start: start, Duration: time.Second, Attempts: 1, StatusCode: 204})
	if !parent.IsRecording() {
		t.Error("the caller's span was ended")
	}
	parent.End()
	s := r.span(t, "usersecurity.CreatePin")
	if s.Parent.SpanID() != parent.SpanContext().SpanID() || !s.StartTime.Equal(start) || !s.EndTime.Equal(start.Add(time.Second)) {
		t.Errorf("parent %v, from %v to %v", s.Parent.SpanID(), s.StartTime, s.EndTime)
	}
	if n := len(r.span(t, "enrol").Events); n != 0 {
		t.Errorf("%d events of the caller's span", n)
	}
}

// Each observer ends its own span, though the context of the call's end has that
// of the one told last.
func TestTwoObservers(t *testing.T) {
	first, second := newRig(t), newRig(t)
	client := first.client(t,
		usersecurity.WithBaseURL("https://api.wise.com"),
		usersecurity.WithApplicationTokens(usersecurity.StaticToken("app")),
		usersecurity.WithObserver(second.Observer),
		usersecurity.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})}))
	if err := client.DeletePin(context.Background(), 1001); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*rig{first, second} {
		if s := r.span(t, "usersecurity.DeletePin"); len(s.Events) != 1 || attrs(s.Attributes)["usersecurity.attempts"] != int64(1) {
			t.Errorf("%d events, %v", len(s.Events), attrs(s.Attributes))
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if o, err := New(WithTracerProvider(nil), WithMeterProvider(nil), nil); o != nil || err == nil || strings.Count(err.Error(), "usersecurityotel: ") != 3 {
		t.Errorf("got %v, %v; want three problems", o, err)
	}
	if o, err := New(WithMeterProvider(brokenMeters{})); o != nil || !errors.Is(err, errBroken) {
		t.Errorf("got %v, %v", o, err)
	}
}

var errBroken = errors.New("no such instrument")

// brokenMeters refuse one of the instruments.
type brokenMeters struct{ noop.MeterProvider }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

type brokenMeter struct{ noop.Meter }

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errBroken
}

func TestGlobalProvidersByDefault(t *testing.T) {
	before := otel.GetTracerProvider()
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	recorder := tracetest.NewSpanRecorder()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	o, err := New()
	if err != nil {
		t.Fatal(err)
	}
	report(context.Background(), o, uuid.New(), 204, "")
	if n := len(recorder.Ended()); n != 1 {
		t.Errorf("%d spans at the global provider, want 1", n)
	}
}

func TestUnsampledCallsAreMeasured(t *testing.T) {
	r := newSampledRig(t, sdktrace.NeverSample())
	report(context.Background(), r.Observer, uuid.New(), 204, "")
	if n := len(r.spans()); n != 0 {
		t.Errorf("%d spans exported", n)
	}
	if n := len(r.metrics(t)); n != 2 {
		t.Errorf("%d metrics, want 2", n)
	}
}
