package usersecurityotel

import (
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Option is a setting of an [Observer], given to [New].
type Option func(*settings)

type settings struct {
	tracers  trace.TracerProvider
	meters   metric.MeterProvider
	problems []error
}

func (s *settings) refuse(text string) {
	s.problems = append(s.problems, errors.New("usersecurityotel: "+text))
}

func newSettings(opts []Option) (*settings, error) {
	s := &settings{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, o := range opts {
		if o == nil {
			s.refuse("an option is nil")
			continue
		}
		o(s)
	}
	return s, errors.Join(s.problems...)
}

// WithTracerProvider says where spans go. Without it they go to the global
// provider, also to one that is set later.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) {
		if p == nil {
			s.refuse("WithTracerProvider: the provider is nil")
			return
		}
		s.tracers = p
	}
}

// WithMeterProvider says where metrics go. Without it they go to the global
// provider, also to one that is set later.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(s *settings) {
		if p == nil {
			s.refuse("WithMeterProvider: the provider is nil")
			return
		}
		s.meters = p
	}
}
