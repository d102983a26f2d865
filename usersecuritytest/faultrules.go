package usersecuritytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/wise-partner/usersecurity"
)

func (f *Fault) onAccept() bool { return f.Kind == Refuse || f.Kind == SlowTLS }

// check returns what is wrong with a rule.
func (f *Fault) check(tls bool) string {
	kinds := []FaultKind{
		Refuse, SlowTLS, ResetBefore, ResetAfter, Delay, Stall, Cut, Garbage,
		HTML502, HTMLPage, ForeignJSON, EmptyReply, Status000, SwitchingProtocols, TooManyRequests, Unreadable, Unauthorized, Status, RotateKey,
	}
	mayBeAfter := []FaultKind{Delay, Status, HTML502, HTMLPage, ForeignJSON, EmptyReply, Status000, SwitchingProtocols}
	takesStatus := []FaultKind{Status, HTMLPage, ForeignJSON, EmptyReply}
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Sprintf("the kind %q is unknown", f.Kind)
	case f.Kind == SlowTLS && !tls:
		return "SlowTLS takes a server made WithTLS"
	case f.onAccept() && (f.Operation != "" || f.User != 0 || f.Attempt != 0):
		return string(f.Kind) + " strikes before there is a request: Operation, User and Attempt can't be set"
	case f.After && !slices.Contains(mayBeAfter, f.Kind):
		return "After has no meaning for " + string(f.Kind)
	case f.Rate < 0 || f.Rate > 1:
		return "Rate is between 0 and 1"
	case f.User < 0 || f.Attempt < 0 || f.Times < 0 || f.Delay < 0:
		return "a negative value"
	case (f.Kind == Delay || f.Kind == SlowTLS) && f.Delay == 0:
		return string(f.Kind) + " needs Delay"
	case f.Kind == Status && (f.Status < 200 || f.Status > 999):
		return "Status needs a Status from 200 to 999"
	case f.Status != 0 && (f.Status < 200 || f.Status > 999 || !slices.Contains(takesStatus, f.Kind)):
		return string(f.Kind) + " doesn't take this Status"
	}
	return ""
}

// subject is what is known of a request when faults are picked.
type subject struct {
	operation usersecurity.Operation
	user      usersecurity.UserID
	attempt   int
	protected bool // it is a protected call that is none of the simulator's
}

// fits reports whether a rule is about a request.
func (f *Fault) fits(s subject) bool {
	op := s.operation
	return !f.onAccept() &&
		(f.Operation == op && op != "" || f.Operation == "" && (op != "" && !ownNeeds[op] || s.protected)) &&
		(f.User == 0 || f.User == s.user) &&
		(f.Attempt == 0 || f.Attempt == s.attempt)
}

// ownNeeds are the operations that a rule without an operation leaves alone:
// tokens, keys and what else a client asks for by itself.
var ownNeeds = map[usersecurity.Operation]bool{
	usersecurity.OpFetchToken:       true,
	usersecurity.OpFetchUser:        true,
	usersecurity.OpFetchWiseKey:     true,
	usersecurity.OpRegisterReplyKey: true,
	usersecurity.OpVerifyJWE:        true,
}

// faults are the rules in force.
type faults struct {
	mu     sync.Mutex
	rules  []*rule
	random *rand.Rand
	counts map[FaultKind]int
}

type rule struct {
	Fault
	struck int
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 'f')), counts: map[FaultKind]int{}}
}

func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{Fault: fault})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *faults) snapshot() map[FaultKind]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// inForce returns the rules, the first one first, with what is left of Times.
func (f *faults) inForce() (rules []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		left := r.Fault
		left.Header = left.Header.Clone()
		if left.Times > 0 {
			left.Times -= r.struck
		}
		rules = append(rules, left)
	}
	return rules
}

// pick returns the fault that strikes a request; the zero Fault for none.
func (f *faults) pick(s subject) Fault {
	return f.first(func(rule *Fault) bool { return rule.fits(s) })
}

// pickOnAccept returns the fault that strikes a new connection.
func (f *faults) pickOnAccept() Fault { return f.first((*Fault).onAccept) }

func (f *faults) first(fits func(*Fault) bool) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if !fits(&r.Fault) || r.Rate > 0 && r.Rate < 1 && f.random.Float64() >= r.Rate {
			continue
		}
		f.counts[r.Kind]++
		if r.struck++; r.struck == r.Times {
			f.rules = slices.Delete(f.rules, i, i+1)
		}
		return r.Fault
	}
	return Fault{}
}
