package usersecurityotel

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
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
	tracers  *sdktrace.TracerProvider
	recorder *tracetest.SpanRecorder
	reader   *sdkmetric.ManualReader
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newSampledRig(t, sdktrace.AlwaysSample())
}

// newSampledRig checks at the end that every span has ended.
func newSampledRig(t testing.TB, sampler sdktrace.Sampler) *rig {
	t.Helper()
	r := &rig{recorder: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	r.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.recorder), sdktrace.WithSampler(sampler))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))
	var err error
	if r.Observer, err = New(WithTracerProvider(r.tracers), WithMeterProvider(meters)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if begun, ended := len(r.recorder.Started()), len(r.recorder.Ended()); begun != ended {
			t.Errorf("%d spans have begun, and %d ended", begun, ended)
		}
	})
	return r
}

// spans are those that have ended.
func (r *rig) spans() tracetest.SpanStubs {
	return tracetest.SpanStubsFromReadOnlySpans(r.recorder.Ended())
}

// span returns the only span of that name.
func (r *rig) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range r.spans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans named %s, want 1", len(found), name)
	}
	return found[0]
}

// wantTree compares all spans with their names in the order in which they began,
// each a tab further right than its parent.
func (r *rig) wantTree(t *testing.T, want string) {
	t.Helper()
	spans := r.spans()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var draw func(parent trace.SpanID, indent string) string
	draw = func(parent trace.SpanID, indent string) string {
		var b strings.Builder
		for _, s := range spans {
			if s.Parent.SpanID() == parent {
				b.WriteString(indent + strings.TrimPrefix(s.Name, spanPrefix) + "\n" + draw(s.SpanContext.SpanID(), indent+"\t"))
			}
		}
		return b.String()
	}
	if got := draw(trace.SpanID{}, ""); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("the spans are\n%s\nwant%s", got, want)
	}
}

// wantNothingTold looks for secrets in the spans of this package. Ids of requests
// and durations are left out: a PIN's four digits are in one of them at times.
func (r *rig) wantNothingTold(t *testing.T, secrets ...string) {
	t.Helper()
	drawn := []attribute.Key{correlationIDKey, traceIDKey, attemptDurationKey, attemptWaitKey}
	looked := 0
	for _, s := range r.spans() {
		if s.InstrumentationScope.Name != scope {
			continue
		}
		looked++
		told, all := s.Name+s.Status.Description, s.Attributes
		for _, e := range s.Events {
			told, all = told+e.Name, append(all, e.Attributes...)
		}
		for _, a := range all {
			if !slices.Contains(drawn, a.Key) {
				told += fmt.Sprint(" ", a.Key, a.Value.AsInterface())
			}
		}
		for _, secret := range secrets {
			if strings.Contains(told, secret) {
				t.Errorf("%s tells %q", s.Name, secret)
			}
		}
	}
	if looked == 0 {
		t.Error("there is no span")
	}
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

// count is the sum of a counter's points that have all these attributes.
func (r *rig) count(t *testing.T, counter string, with ...attribute.KeyValue) (n int64) {
	t.Helper()
	sum, _ := r.metrics(t)[counter].Data.(metricdata.Sum[int64])
	for _, p := range sum.DataPoints {
		if !slices.ContainsFunc(with, func(a attribute.KeyValue) bool {
			v, ok := p.Attributes.Value(a.Key)
			return !ok || v != a.Value
		}) {
			n += p.Value
		}
	}
	return n
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

// client makes a client that is observed. Its transport makes spans of its own,
// as programs have it that use OpenTelemetry throughout.
func (r *rig) client(t *testing.T, opts ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	transport := usersecurity.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	c, err := usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithObserver(r.Observer),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond}),
		usersecurity.WithHTTPClient(&http.Client{Transport: otelhttp.NewTransport(transport,
			otelhttp.WithTracerProvider(r.tracers),
			otelhttp.WithMeterProvider(noop.NewMeterProvider()),
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()))}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// world is a client, observed, at a simulator.
func world(t *testing.T) (*rig, *usersecuritytest.Server, *usersecurity.Client) {
	t.Helper()
	r := newRig(t)
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	return r, wise, r.client(t, wise.Options()...)
}
