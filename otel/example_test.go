package usersecurityotel_test

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wise-partner/usersecurity"
	usersecurityotel "github.com/wise-partner/usersecurity/otel"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A program that has set the global providers needs none of the options for
// providers, and one that wants no spans of the single requests no transport.
func Example() {
	exporter := tracetest.NewInMemoryExporter() // a program has one that sends
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	meters := sdkmetric.NewMeterProvider()
	observer, err := usersecurityotel.New(
		usersecurityotel.WithTracerProvider(tracers),
		usersecurityotel.WithMeterProvider(meters),
	)
	if err != nil {
		fmt.Println(err)
		return
	}

	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(1001)
	transport := usersecurity.NewTransport()
	defer transport.CloseIdleConnections()
	client, err := usersecurity.New(append(wise.Options(),
		usersecurity.WithObserver(observer),
		usersecurity.WithHTTPClient(&http.Client{Transport: otelhttp.NewTransport(transport,
			otelhttp.WithTracerProvider(tracers),
			otelhttp.WithMeterProvider(meters),
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()), // Wise is told of no trace
		)}),
	)...)
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, span := tracers.Tracer("backend").Start(context.Background(), "DELETE /me/pin")
	_ = client.DeletePin(ctx, 1001) // there is none
	span.End()

	show(exporter.GetSpans(), trace.SpanID{}, "")
	// Output:
	// DELETE /me/pin
	//   usersecurity.DeletePin: 404 pin_not_set
	//     usersecurity.FetchToken: 200
	//       HTTP POST: 200
	//     HTTP DELETE: 404 404
}

// show prints the spans below one of them, with status and error.
func show(spans tracetest.SpanStubs, parent trace.SpanID, indent string) {
	for _, s := range spans {
		if s.Parent.SpanID() != parent {
			continue
		}
		text := ""
		for _, key := range []string{"http.response.status_code", "error.type"} {
			for _, a := range s.Attributes {
				if string(a.Key) == key {
					text += fmt.Sprint(" ", a.Value.AsInterface())
				}
			}
		}
		if text != "" {
			text = ":" + text
		}
		fmt.Println(indent + s.Name + text)
		show(spans, s.SpanContext.SpanID(), indent+"  ")
	}
}
