package usersecurityotel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// rig is an observer and what comes out of it.
type rig struct {
	*Observer
	tracers *sdktrace.TracerProvider
	spans   *tracetest.InMemoryExporter
	reader  *sdkmetric.ManualReader
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newSampledRig(t, sdktrace.AlwaysSample())
}

func newSampledRig(t *testing.T, sampler sdktrace.Sampler) *rig {
	t.Helper()
	r := &rig{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	r.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans), sdktrace.WithSampler(sampler))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	var err error
	if r.Observer, err = New(WithTracerProvider(r.tracers), WithMeterProvider(meters)); err != nil {
		t.Fatal(err)
	}
	return r
}

// span returns the only span of that name.
func (r *rig) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range r.spans.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans named %s, want 1", len(found), name)
	}
	return found[0]
}

func (r *rig) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	byName := map[string]metricdata.Metrics{}
	for _, s := range all.ScopeMetrics {
		if s.Scope.Name != scope || s.Scope.Version != usersecurity.Version || s.Scope.SchemaURL != semconv.SchemaURL {
			t.Errorf("scope %+v", s.Scope)
		}
		for _, m := range s.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

func attrs(kv []attribute.KeyValue) map[string]any {
	m := map[string]any{}
	for _, a := range kv {
		m[string(a.Key)] = a.Value.AsInterface()
	}
	return m
}

func wantAttrs(t *testing.T, what string, got []attribute.KeyValue, want map[string]any) {
	t.Helper()
	if g := attrs(got); !maps.Equal(g, want) {
		t.Errorf("%s\n got %v\nwant %v", what, g, want)
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const wiseTrace = "0ce1d1b0-trace"

// report tells the observer of a call that was answered with 503 and then as
// given.
func report(ctx context.Context, o *Observer, id uuid.UUID, status int, class usersecurity.ErrorClass) {
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
			r.CallDone(context.Background(), c.event)
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
		if !slices.ContainsFunc(r.spans.GetSpans(), func(s tracetest.SpanStub) bool {
			id := s.SpanContext.SpanID()
			return s.Name == "usersecurity.CreatePin" && slices.Equal(id[:], p.Exemplars[0].SpanID)
		}) {
			t.Error("the exemplar leads to no span of a call")
		}
	}
}

func TestReadBackKeepsItsOwnAttempts(t *testing.T) {
	r := newRig(t)
	ctx, id := context.Background(), uuid.New()
	attempt := func(op usersecurity.Operation, n, status int, after time.Duration) {
		r.AttemptDone(ctx, usersecurity.AttemptEvent{Operation: op, Attempt: n, StatusCode: status, Start: start.Add(after), CorrelationID: id})
	}
	attempt(usersecurity.OpCreatePhoneNumber, 1, 502, 0)
	attempt(usersecurity.OpListPhoneNumbers, 1, 200, 0) // clocks may be coarse
	r.CallDone(ctx, usersecurity.CallEvent{Operation: usersecurity.OpListPhoneNumbers, Attempts: 1, StatusCode: 200, Start: start, CorrelationID: id})
	attempt(usersecurity.OpCreatePhoneNumber, 2, 200, 2*time.Second)
	r.CallDone(ctx, usersecurity.CallEvent{Operation: usersecurity.OpCreatePhoneNumber, Attempts: 2, StatusCode: 200, Start: start, CorrelationID: id})

	for name, want := range map[string][]int64{
		"usersecurity.ListPhoneNumbers":  {200},
		"usersecurity.CreatePhoneNumber": {502, 200},
	} {
		var got []int64
		for _, e := range r.span(t, name).Events {
			got = append(got, attrs(e.Attributes)["http.response.status_code"].(int64))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: attempts %v, want %v", name, got, want)
		}
	}
	if n := len(r.pending.byKey) + r.pending.order.Len(); n != 0 {
		t.Errorf("%d entries left", n)
	}
}

func TestOneCorrelationIDForSeveralCalls(t *testing.T) {
	p := newPending()
	id := uuid.New()
	add := func(n, status int, after time.Duration) {
		p.add(usersecurity.AttemptEvent{Operation: usersecurity.OpDeletePin, Attempt: n, StatusCode: status, Start: start.Add(after), CorrelationID: id})
	}
	take := func(attempts int, after time.Duration) (statuses []int) {
		for _, a := range p.take(usersecurity.CallEvent{Operation: usersecurity.OpDeletePin, Attempts: attempts, Start: start.Add(after), CorrelationID: id}) {
			statuses = append(statuses, a.StatusCode)
		}
		return statuses
	}
	add(1, 502, 10) // of a call that began at 0
	add(1, 204, 30) // of one that began at 20
	add(2, 404, 40) // of the first one again
	if got := take(1, 20); !slices.Equal(got, []int{204}) {
		t.Errorf("the later call has %v", got)
	}
	if got := take(2, 0); !slices.Equal(got, []int{502, 404}) {
		t.Errorf("the earlier call has %v", got)
	}
	if len(p.byKey) != 0 || p.order.Len() != 0 {
		t.Error("something is left")
	}
}

func TestCallsThatNeverEndAreForgotten(t *testing.T) {
	p := newPending()
	first := uuid.New()
	p.add(usersecurity.AttemptEvent{CorrelationID: first, Attempt: 1})
	for range maxPendingCalls + 10 {
		p.add(usersecurity.AttemptEvent{CorrelationID: uuid.New(), Attempt: 1})
	}
	if len(p.byKey) != maxPendingCalls || p.order.Len() != maxPendingCalls {
		t.Errorf("%d calls kept, want %d", len(p.byKey), maxPendingCalls)
	}
	if p.take(usersecurity.CallEvent{CorrelationID: first, Attempts: 1}) != nil {
		t.Error("the oldest call is still there")
	}

	p = newPending()
	for n := range 10 * maxPendingAttempts {
		p.add(usersecurity.AttemptEvent{CorrelationID: first, Attempt: n + 1})
	}
	if got := len(p.take(usersecurity.CallEvent{CorrelationID: first, Attempts: 10 * maxPendingAttempts})); got != maxPendingAttempts {
		t.Errorf("%d attempts kept, want %d", got, maxPendingAttempts)
	}
}

func TestNewRefuses(t *testing.T) {
	if o, err := New(WithTracerProvider(nil), WithMeterProvider(nil), nil); o != nil || err == nil || strings.Count(err.Error(), "usersecurityotel: ") != 3 {
		t.Errorf("got %v, %v; want three complaints", o, err)
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
	if n := len(r.spans.GetSpans()); n != 0 {
		t.Errorf("%d spans exported", n)
	}
	if n := len(r.pending.byKey); n != 0 {
		t.Errorf("%d calls kept", n)
	}
	if n := len(r.metrics(t)); n != 2 {
		t.Errorf("%d metrics, want 2", n)
	}
}

// world is a client, observed, at a simulator.
func world(t *testing.T, opts ...usersecurity.Option) (*rig, *usersecuritytest.Server, *usersecurity.Client) {
	t.Helper()
	r := newRig(t)
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	client, err := usersecurity.New(slices.Concat(wise.Options(), []usersecurity.Option{
		usersecurity.WithObserver(r.Observer),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond}),
	}, opts)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return r, wise, client
}

func TestCallsOfAClient(t *testing.T) {
	r, wise, client := world(t)
	wise.AddUser(1001)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, After: true, Operation: usersecurity.OpCreatePhoneNumber, Times: 1})
	const number = "+6588884242"
	ctx, parent := r.tracers.Tracer("caller").Start(context.Background(), "PUT /me/phone")
	var meta usersecurity.Meta
	if _, err := client.CreatePhoneNumber(ctx, 1001, number, usersecurity.WithMeta(&meta)); err != nil {
		t.Fatal(err)
	}
	if err := client.DeletePin(ctx, 1001); !errors.Is(err, usersecurity.ErrPinNotSet) {
		t.Fatal(err)
	}
	parent.End()

	// The number arrived with the first attempt: it was found by reading back.
	created := r.span(t, "usersecurity.CreatePhoneNumber")
	if created.Status.Code != codes.Unset || len(created.Events) != 1 {
		t.Errorf("status %v, %d events", created.Status, len(created.Events))
	}
	if attrs(created.Attributes)["usersecurity.correlation_id"] != meta.CorrelationID.String() {
		t.Error("not the correlation id of the call")
	}
	listed := r.span(t, "usersecurity.ListPhoneNumbers")
	if len(listed.Events) != 1 || attrs(listed.Attributes)["usersecurity.correlation_id"] != meta.CorrelationID.String() {
		t.Errorf("read-back: %d events, %v", len(listed.Events), attrs(listed.Attributes))
	}
	r.span(t, "usersecurity.FetchToken")
	deleted := r.span(t, "usersecurity.DeletePin")
	a := attrs(deleted.Attributes)
	if deleted.Status.Code != codes.Error || a["error.type"] != "pin_not_set" || a["http.response.status_code"] != int64(404) {
		t.Errorf("refusal: %v, %v", deleted.Status, a)
	}
	for _, s := range r.spans.GetSpans() {
		if s.SpanContext.TraceID() != parent.SpanContext().TraceID() {
			t.Errorf("%s is in a trace of its own", s.Name)
		}
		if s.EndTime.Before(s.StartTime) || s.Name != "PUT /me/phone" && len(s.Events) == 0 {
			t.Errorf("%s lasts %v and has %d events", s.Name, s.EndTime.Sub(s.StartTime), len(s.Events))
		}
		for _, secret := range []string{number, number[1:], "1001", wise.URL(), wise.ClientID(), wise.ApplicationToken()} {
			if text := fmt.Sprint(s.Name, s.Attributes, s.Events, s.Status); strings.Contains(text, secret) {
				t.Errorf("%s tells %q", s.Name, secret)
			}
		}
	}
	if n := len(r.pending.byKey); n != 0 {
		t.Errorf("%d calls kept", n)
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	r, wise, client := world(t)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Operation: usersecurity.OpListDeviceFingerprints, Rate: 0.5})
	const users = 40
	var wg sync.WaitGroup
	for n := range users {
		id := usersecurity.UserID(n + 1)
		wise.AddUser(id)
		wg.Go(func() { _, _ = client.ListDeviceFingerprints(context.Background(), id) })
	}
	wg.Wait()

	spans := 0
	for _, s := range r.spans.GetSpans() {
		if s.Name != "usersecurity.ListDeviceFingerprints" {
			continue
		}
		spans++
		if want := attrs(s.Attributes)["usersecurity.attempts"]; int64(len(s.Events)) != want {
			t.Errorf("%d events, want %v", len(s.Events), want)
		}
	}
	if spans != users {
		t.Errorf("%d spans, want %d", spans, users)
	}
	if n := len(r.pending.byKey); n != 0 {
		t.Errorf("%d calls kept", n)
	}
}
