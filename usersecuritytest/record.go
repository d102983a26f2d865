package usersecuritytest

import (
	"net/http"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
)

// RecordedRequest is what arrived at the simulator and how it was answered.
// There is no body in it, and its header shows secrets masked.
type RecordedRequest struct {
	// Operation is the operation that path and method stand for; empty if none.
	Operation usersecurity.Operation
	Method    string
	// Path is the path with its ids. Of a path that is wrong, the parts that stand
	// in no right path are masked.
	Path string
	// Header is the header, with the value of each field masked that isn't known
	// to hold no secret. Of Authorization the scheme is left.
	Header      http.Header
	ContentType string
	// BodySize is the size of the body in bytes, as it came.
	BodySize int
	// Sealed says that the body has the shape of a JWE.
	Sealed bool
	// User is the user in the path, or else the one whose token was sent.
	User usersecurity.UserID
	// TokenKind is "user" or "application", by the token that was sent; empty if
	// none that is valid was.
	TokenKind string
	// CorrelationID is what the client sent to tell its calls apart; empty if it
	// is longer than Wise takes.
	CorrelationID string
	// Attempt counts the arrivals of one operation with the same correlation id,
	// from 1. Without a correlation id it is always 1.
	Attempt int
	// Status is the status that was sent; 0 if none was, or not yet.
	Status int
	// Refusal is the rule of the contract that the request breaks, and how, such as
	// "header.missing: a sealed call must have ..."; empty if none. It holds nothing
	// of what was sent.
	Refusal string
	// Fault is what [Server.Inject] did to the request; empty if nothing.
	Fault FaultKind
	// Time is when the request arrived.
	Time time.Time
}

// maxAttemptKeys bounds how many calls the attempts are counted of: the oldest
// are forgotten.
const maxAttemptKeys = 1 << 16

// requestLog remembers the last requests, and counts all of them.
type requestLog struct {
	mu       sync.Mutex
	limit    int
	records  []*record // a ring, once it is full
	oldest   int
	counts   map[usersecurity.Operation]int
	attempts map[attemptKey]int
	keys     []attemptKey // a ring, once it is full
	firstKey int
}

type attemptKey struct {
	operation   usersecurity.Operation
	correlation string
}

// record is a request that is still being answered, or was.
type record struct {
	log *requestLog
	RecordedRequest
}

func newRequestLog(limit int) *requestLog {
	return &requestLog{
		limit:    limit,
		counts:   map[usersecurity.Operation]int{},
		attempts: map[attemptKey]int{},
	}
}

// arrived records a request, and finds out which attempt it is.
func (l *requestLog) arrived(request RecordedRequest) *record {
	r := &record{l, request}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[r.Operation]++
	r.Attempt = l.attempt(attemptKey{r.Operation, r.CorrelationID})
	switch {
	case len(l.records) < l.limit:
		l.records = append(l.records, r)
	case l.limit > 0:
		l.records[l.oldest] = r
		l.oldest = (l.oldest + 1) % l.limit
	}
	return r
}

func (l *requestLog) attempt(key attemptKey) int {
	if key.correlation == "" {
		return 1 // nothing tells its calls apart
	}
	if l.attempts[key] == 0 {
		if len(l.keys) < maxAttemptKeys {
			l.keys = append(l.keys, key)
		} else {
			delete(l.attempts, l.keys[l.firstKey])
			l.keys[l.firstKey] = key
			l.firstKey = (l.firstKey + 1) % maxAttemptKeys
		}
	}
	l.attempts[key]++
	return l.attempts[key]
}

func (l *requestLog) snapshot() []RecordedRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]RecordedRequest, 0, len(l.records))
	for i := range l.records {
		r := l.records[(l.oldest+i)%len(l.records)].RecordedRequest
		r.Header = r.Header.Clone()
		requests = append(requests, r)
	}
	return requests
}

func (l *requestLog) count(op usersecurity.Operation) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[op]
}

func (r *record) fault(kind FaultKind) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.Fault = kind
}

func (r *record) refusal(rule string) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.Refusal = rule
}

func (r *record) body(size int, sealed bool) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.BodySize, r.Sealed = size, sealed
}

func (r *record) answered(status int) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.Status = status
}
