package usersecurityotel

import (
	"cmp"
	"container/list"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// Bounds of what is kept for calls that haven't ended.
const (
	maxPendingCalls    = 10_000
	maxPendingAttempts = 64 // of one key
)

// pending keeps attempts until their calls end. Where the end of a call is never
// reported, because another observer panicked before this one was told, its
// attempts stay until maxPendingCalls newer ones have come.
type pending struct {
	mu    sync.Mutex
	byKey map[callKey]*list.Element // of *pendingCall
	order *list.List                // the oldest first
}

// callKey tells calls apart. The look at the phone numbers that precedes a
// repeated write carries the write's correlation id, under its own operation.
type callKey struct {
	id uuid.UUID
	op usersecurity.Operation
}

type pendingCall struct {
	key      callKey
	attempts []usersecurity.AttemptEvent
}

func newPending() pending {
	return pending{byKey: map[callKey]*list.Element{}, order: list.New()}
}

func (p *pending) add(a usersecurity.AttemptEvent) {
	key := callKey{a.CorrelationID, a.Operation}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byKey[key]
	if e == nil {
		e = p.order.PushBack(&pendingCall{key: key})
		p.byKey[key] = e
		if p.order.Len() > maxPendingCalls {
			p.remove(p.order.Front())
		}
	}
	c := e.Value.(*pendingCall)
	if len(c.attempts) < maxPendingAttempts {
		c.attempts = append(c.attempts, a)
	}
}

// take returns the attempts of a call, by number, and forgets them. A caller may
// have given one correlation id to several calls of one operation at a time:
// of the attempts with the same number, a call's is the first one that began
// after the call itself did; the others are left for theirs.
func (p *pending) take(call usersecurity.CallEvent) []usersecurity.AttemptEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byKey[callKey{call.CorrelationID, call.Operation}]
	if e == nil {
		return nil
	}
	c := e.Value.(*pendingCall)
	slices.SortStableFunc(c.attempts, func(a, b usersecurity.AttemptEvent) int {
		return cmp.Or(cmp.Compare(a.Attempt, b.Attempt), a.Start.Compare(b.Start))
	})
	var taken, left []usersecurity.AttemptEvent
	for _, a := range c.attempts {
		again := len(taken) > 0 && taken[len(taken)-1].Attempt == a.Attempt
		if a.Attempt > call.Attempts || a.Start.Before(call.Start) || again {
			left = append(left, a)
			continue
		}
		taken = append(taken, a)
	}
	if c.attempts = left; len(left) == 0 {
		p.remove(e)
	}
	return taken
}

// remove forgets a call. The lock is held.
func (p *pending) remove(e *list.Element) {
	delete(p.byKey, e.Value.(*pendingCall).key)
	p.order.Remove(e)
}
