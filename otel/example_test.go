package usersecurityotel_test

import (
	"context"
	"fmt"
	"slices"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/wise-partner/usersecurity"
	usersecurityotel "github.com/wise-partner/usersecurity/otel"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A program that has set the global providers needs neither option.
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
	client, err := usersecurity.New(slices.Concat(wise.Options(), []usersecurity.Option{
		usersecurity.WithObserver(observer),
	})...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()

	ctx, span := tracers.Tracer("backend").Start(context.Background(), "DELETE /me/pin")
	_ = client.DeletePin(ctx, 1001) // there is none
	span.End()

	for _, s := range exporter.GetSpans() {
		fmt.Println(s.Name, s.SpanKind, s.Status.Code)
		for _, a := range s.Attributes {
			if a.Key == "error.type" || a.Key == "http.response.status_code" {
				fmt.Println(" ", a.Key, a.Value.AsInterface())
			}
		}
	}
	// Output:
	// usersecurity.FetchToken client Unset
	//   http.response.status_code 200
	// usersecurity.DeletePin client Error
	//   http.response.status_code 404
	//   error.type pin_not_set
	// DELETE /me/pin internal Unset
}
