package usersecurity

import "github.com/google/uuid"

// CallOption is a setting of one call.
type CallOption func(*callOptions)

type callOptions struct {
	correlationID uuid.UUID
	token         string
	approval      OneTimeToken
	maxAttempts   int
	meta          *Meta
	problem       string
}

// WithCorrelationID sends id as X-External-Correlation-Id with every attempt of
// the call. Without it each call gets a fresh one.
func WithCorrelationID(id uuid.UUID) CallOption {
	return func(o *callOptions) {
		if id == uuid.Nil {
			o.problem = "WithCorrelationID: the id is the zero UUID"
		}
		o.correlationID = id
	}
}

// WithToken makes the call with this access token (without "Bearer ") instead of
// asking a source. A 401 then ends the call with [ErrUnauthorized].
func WithToken(accessToken string) CallOption {
	return func(o *callOptions) {
		if !isVisible(accessToken) {
			o.problem = "WithToken: the token must be visible ASCII and not empty"
		}
		o.token = accessToken
	}
}

// WithOneTimeToken repeats a call that ended with [ErrSCARequired], once its
// token is cleared: it sends the token as x-2fa-approval. A token serves one
// call, the same as the refused one.
func WithOneTimeToken(t OneTimeToken) CallOption {
	return func(o *callOptions) {
		if t.IsZero() {
			o.problem = "WithOneTimeToken: the token is empty"
		}
		o.approval = t
	}
}

// WithMaxAttempts changes [RetryPolicy].MaxAttempts for the call.
func WithMaxAttempts(n int) CallOption {
	return func(o *callOptions) {
		if n < 1 {
			o.problem = "WithMaxAttempts: a call needs at least one attempt"
		}
		o.maxAttempts = n
	}
}

// WithMeta fills m when the call ends, whether it worked or not.
func WithMeta(m *Meta) CallOption {
	return func(o *callOptions) {
		if m == nil {
			o.problem = "WithMeta: the pointer is nil"
		}
		o.meta = m
	}
}

// Meta tells what a call's requests were, for logs and for Wise's support.
type Meta struct {
	// StatusCode is the status of the last response; 0 where none came.
	StatusCode int
	// TraceID is Wise's own id of the last request (x-trace-id).
	TraceID string
	// CorrelationID is the id the client sent with every attempt.
	CorrelationID uuid.UUID
	// Attempts is how many requests the call sent.
	Attempts int
}
