package usersecuritytest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
)

// RecordedRequest is what arrived at the simulator and how it was answered.
// There is no body in it, and its header shows secrets masked.
type RecordedRequest struct {
	// Number counts the requests, from 1.
	Number int
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
	// Checks are the checks that the request has passed, in their order, such as
	// "path", "token" and "body". After the first that it doesn't pass no other is
	// made.
	Checks []string
	// Reason says why the answer is no success, where the simulator knows more than
	// Wise tells; the same as Refusal where there is one. It holds nothing of what
	// was sent.
	Reason string
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
	total    int
	cleared  int // how many of them were before the records were cleared
	changes  int64
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
	log    *requestLog
	change int64 // which one of the log's changes was its last
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
	r := &record{log: l, RecordedRequest: request}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[r.Operation]++
	r.Attempt = l.attempt(attemptKey{r.Operation, r.CorrelationID})
	l.total++
	r.Number = l.total
	l.touch(r)
	switch {
	case len(l.records) < l.limit:
		l.records = append(l.records, r)
	case l.limit > 0:
		l.records[l.place(r.Number)] = r
	}
	return r
}

// place is where the record of that number stands.
func (l *requestLog) place(number int) int { return (number - l.cleared - 1) % l.limit }

func (l *requestLog) touch(r *record) {
	l.changes++
	r.change = l.changes
}

// update changes a record, under the log's mutex.
func (r *record) update(change func(*RecordedRequest)) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	change(&r.RecordedRequest)
	r.log.touch(r)
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

// snapshot returns the records that a condition holds for, the oldest first.
func (l *requestLog) snapshot(holds func(*record) bool) []RecordedRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]RecordedRequest, 0, len(l.records))
	for number := l.total - len(l.records) + 1; number <= l.total; number++ {
		if r := l.records[l.place(number)]; holds == nil || holds(r) {
			requests = append(requests, r.copied())
		}
	}
	return requests
}

func (r *record) copied() RecordedRequest {
	c := r.RecordedRequest
	c.Header, c.Checks = c.Header.Clone(), slices.Clone(c.Checks)
	return c
}

// changedSince returns the records that have changed after so many changes, and
// how many changes there are now.
func (l *requestLog) changedSince(changes int64) ([]RecordedRequest, int64) {
	l.mu.Lock()
	now := l.changes
	l.mu.Unlock()
	if now == changes {
		return nil, now
	}
	return l.snapshot(func(r *record) bool { return r.change > changes && r.change <= now }), now
}

// before returns the newest record whose number is lower; of all where it is 0.
func (l *requestLog) before(number int) (RecordedRequest, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number <= 0 || number > l.total {
		number = l.total + 1
	}
	if number--; number <= l.total-len(l.records) {
		return RecordedRequest{}, false
	}
	return l.records[l.place(number)].copied(), true
}

// clear forgets the records. Numbers go on.
func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records, l.cleared = nil, l.total
	l.changes++
}

func (l *requestLog) count(op usersecurity.Operation) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[op]
}

func (r *record) fault(kind FaultKind) {
	if kind != "" {
		r.update(func(r *RecordedRequest) { r.Fault = kind })
	}
}

// judged is called before the answer is sent: a client that has the answer must
// find it recorded.
func (r *record) judged(refusal, reason string, checks []string) {
	r.update(func(r *RecordedRequest) { r.Refusal, r.Reason, r.Checks = refusal, reason, checks })
}

func (r *record) body(size int, sealed bool) {
	r.update(func(r *RecordedRequest) { r.BodySize, r.Sealed = size, sealed })
}

func (r *record) answered(status int) {
	r.update(func(r *RecordedRequest) { r.Status = status })
}
