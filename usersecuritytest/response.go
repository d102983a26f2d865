package usersecuritytest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
)

const (
	headerCorrelationID = "X-External-Correlation-Id"
	headerTraceID       = "X-Trace-Id"

	// maxCorrelationID is the length from which Wise ignores a correlation id.
	maxCorrelationID = 36
)

// correlationIDOf is what the client sent to tell its calls apart; empty if it
// is longer than Wise takes.
func correlationIDOf(h http.Header) string {
	if id := h.Get(headerCorrelationID); len(id) <= maxCorrelationID {
		return id
	}
	return ""
}

// response is an answer on its way to the client.
type response struct {
	answer
	w             http.ResponseWriter
	correlationID string
	onHead        func(status int) // called before the head is sent
}

// whole sends all of it.
func (r *response) whole() {
	r.head()
	_, _ = r.w.Write(r.body) // a client that has left needs no answer
}

// half sends the head, which announces the whole body, and half of the body.
func (r *response) half() {
	r.head()
	_, _ = r.w.Write(r.body[:len(r.body)/2])
	_ = http.NewResponseController(r.w).Flush()
}

// head sends the status and the header.
func (r *response) head() {
	h := r.w.Header()
	h.Set(headerTraceID, newTraceID())
	if r.correlationID != "" {
		h.Set(headerCorrelationID, r.correlationID)
	}
	if r.contentType != "" {
		h.Set("Content-Type", r.contentType)
	} else {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	if len(r.body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	for name, values := range r.header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	r.onHead(r.status)
	r.w.WriteHeader(r.status)
}

func newTraceID() string {
	return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
}
