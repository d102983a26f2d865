package usersecuritytest

import (
	"strconv"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// A long campaign must not fill the memory: the calls that were counted first
// are forgotten first.
func TestAttemptsAreBounded(t *testing.T) {
	l := newRequestLog(0)
	call := func(i int) attemptKey { return attemptKey{usersecurity.OpCreatePin, strconv.Itoa(i)} }
	for i := range maxAttemptKeys {
		l.attempt(call(i))
	}
	if got := l.attempt(call(0)); got != 2 {
		t.Errorf("attempt %d, want 2", got)
	}
	l.attempt(call(maxAttemptKeys))
	if got := l.attempt(call(0)); got != 1 {
		t.Errorf("attempt %d of a call that is to be forgotten, want 1", got)
	}
	if got := l.attempt(call(2)); got != 2 {
		t.Errorf("attempt %d of a call that is to be kept, want 2", got)
	}
	if len(l.attempts) != maxAttemptKeys || len(l.keys) != maxAttemptKeys {
		t.Errorf("%d and %d calls are remembered, want %d", len(l.attempts), len(l.keys), maxAttemptKeys)
	}
}
