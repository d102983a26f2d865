package usersecurity_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/wise-partner/usersecurity"
)

var worldsMore = flag.Bool("worlds.more", false, "TestWorlds tries every event in each of three attempts (of two, where a call looks or seals), which takes a quarter of an hour")

// underRace says that the race detector slows everything down, so that less is
// to be tried.
var underRace bool

// TestWorlds walks through the sequences of what the attempts of a call can
// bring. One run of the client stands for a whole group of worlds: all those in
// which it would see the same. Where all of them agree on whether the write was
// done, the client must say so; where they don't, it must say that it doesn't
// know. It must make the requests that the contract allows, and no more.
//
// Tried are: every event in each of two attempts, those that stand for a row of
// the contract in each of four, for one operation of each kind; fewer for its
// sisters (see breadths). -worlds.more tries more.
func TestWorlds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	total, exceptions := newTally(), map[usersecurity.Operation]map[string]int{}
	looking := map[usersecurity.Operation]bool{}
	t.Run("walk", func(t *testing.T) {
		for _, p := range plans() {
			looking[p.row.op] = p.manner == registering
			for _, b := range p.breadths() {
				t.Run(fmt.Sprintf("%s, %d attempts", p.name, b.attempts), func(t *testing.T) {
					t.Parallel()
					y := newTally()
					synctest.Test(t, func(t *testing.T) { newPath(t, p, b, y).walk() })
					for _, w := range y.wrong {
						t.Error(w)
					}
					t.Log(y)
					mu.Lock()
					defer mu.Unlock()
					total.add(y)
					if len(y.exceptions) > 0 {
						exceptions[p.row.op] = added(exceptions[p.row.op], y.exceptions)
					}
				})
			}
		}
	})
	t.Log(total)
	for _, what := range slices.Sorted(maps.Keys(total.exceptions)) {
		t.Logf("%6d of them %s", total.exceptions[what], what)
	}
	if *worldsMore || underRace {
		return
	}
	if total.calls < 150_000 || total.worlds < 5_000_000 || total.definite < 10_000 || total.unknown < 10_000 {
		t.Error("that is less than was to be walked through")
	}
	for op, want := range knownExceptions {
		if !maps.Equal(exceptions[op], want) {
			t.Errorf("the exceptions of %s are %v, and not those that are known, which are %v", op, exceptions[op], want)
		}
		delete(exceptions, op)
	}
	for op, further := range exceptions {
		if !looking[op] {
			t.Errorf("%s looks for nothing, and has exceptions: %v", op, further)
		}
		t.Logf("the exceptions of %s are not pinned: knownExceptions is the place for %v", op, further)
	}
}

// knownExceptions are how many there are, by operation. Only what looks has any.
var knownExceptions = map[usersecurity.Operation]map[string]int{
	usersecurity.OpCreatePhoneNumber: {certainAlone: 8_334, lookedAfterOwn500: 150},
	usersecurity.OpUpdatePhoneNumber: {certainAlone: 8_334, lookedAfterOwn500: 150},
}

// The exceptions that are known.
const (
	// The package says "unknown" though all worlds with one writer agree: of two
	// lists one showed something like the number and one didn't, so it came
	// meanwhile, and must be this call's own in another form. But another writer
	// may have added it.
	certainAlone = "unknown, as of two lists one showed something like the number, and it may be another writer's"
	// The package says "not done" though there are worlds in which it was: every
	// attempt left open ended with Wise's own 500, after which nothing comes, it
	// refused a later one, and the list doesn't show the number. A list that is
	// stale, or another writer who has removed the number again, makes that wrong.
	lookedAfterOwn500 = "not done, as a list showed after Wise's own 500s alone and a refusal; wrong if it was stale, or another writer removed the number"
)

// tally is what walks came to.
type tally struct {
	calls, requests   int
	worlds            int
	definite, unknown int
	exceptions        map[string]int
	wrong             []string
}

func newTally() *tally { return &tally{exceptions: map[string]int{}} }

func (y *tally) add(other *tally) {
	y.calls += other.calls
	y.requests += other.requests
	y.worlds += other.worlds
	y.definite += other.definite
	y.unknown += other.unknown
	y.exceptions = added(y.exceptions, other.exceptions)
}

func added(sum, more map[string]int) map[string]int {
	if sum == nil {
		sum = map[string]int{}
	}
	for what, n := range more {
		sum[what] += n
	}
	return sum
}

func (y *tally) String() string {
	return fmt.Sprintf("%6d calls, %7d requests, %8d worlds; %6d definite, %6d unknown", y.calls, y.requests, y.worlds, y.definite, y.unknown)
}

// settle judges what the client says of a call.
func (p *path) settle(meta usersecurity.Meta, got any, err error) {
	seen := p.seen()
	if p.at != len(p.nodes) {
		p.blame("the call made fewer requests than before with the same responses")
	}
	if follows := p.plan.follows(seen, p.breadth.attempts); follows != stopped {
		p.blame("the call ended; expected %s", follows)
	}
	if sent := len(slices.DeleteFunc(slices.Clone(seen), isLook)); meta.Attempts != sent {
		p.blame("the call tells of %d attempts", meta.Attempts)
	}
	if last := seen[len(seen)-1]; err == nil && !last.useless && !p.plan.row.isResult(got) && last.pace == ends && !p.plan.relayed {
		p.blame("the method returned %v", got)
	}
	if p.plan.manner == reading {
		p.settleRead(seen[len(seen)-1], err)
		return
	}
	p.settleWrite(seen, err)
}

// settleRead: a read has its reply, or an error.
func (p *path) settleRead(last *event, err error) {
	p.tally.definite++
	good, want := last.effect == carriedOut && !last.useless, usersecurity.OutcomeNotDone
	if good {
		want = usersecurity.OutcomeDone
	}
	if got := usersecurity.OutcomeOf(err); got != want || (err == nil) != good {
		p.blame("the read ended with %v (%v)", err, got)
	}
}

func (p *path) settleWrite(seen []*event, err error) {
	said := usersecurity.OutcomeOf(err)
	p.tally.definite++
	if said == usersecurity.OutcomeUnknown {
		p.tally.definite--
		p.tally.unknown++
		var api *usersecurity.APIError
		if !errors.Is(err, usersecurity.ErrOutcomeUnknown) && (!errors.As(err, &api) || !api.Uncertain) {
			p.blame("the outcome is unknown, and the error doesn't say so: %v", err)
		}
	}
	n := p.last()
	for _, ways := range n.count {
		p.tally.worlds += ways
	}
	alone, together := p.alone.judge(n.alone), p.together.judge(n.together)
	wrong := slices.Concat(alone.wrong[said], together.wrong[said])
	switch {
	case said != usersecurity.OutcomeUnknown && len(wrong) == 0:
	case said == usersecurity.OutcomeUnknown && (len(n.alone.worlds) == 0 || !alone.certain()) && !together.certain():
	case said == usersecurity.OutcomeUnknown && !together.certain() && p.isCertainAlone(seen):
		p.tally.exceptions[certainAlone]++
	case said == usersecurity.OutcomeNotDone && p.hasLookedAfterOwn500(seen, wrong):
		p.tally.exceptions[lookedAfterOwn500]++
	default:
		p.blame("the outcome was said to be %s: %v", said, err)
	}
}

func (p *path) isCertainAlone(seen []*event) bool {
	return p.plan.manner == registering && slices.Contains(seen, looksNone) && slices.Contains(seen, looksMaybe)
}

func (p *path) hasLookedAfterOwn500(seen []*event, wrong []world) bool {
	return p.plan.manner == registering && seen[len(seen)-1] == looksNone &&
		!slices.ContainsFunc(seen, func(e *event) bool { return e.effect == anything || e.beneath }) &&
		!slices.ContainsFunc(wrong, func(w world) bool { return !w.misled })
}

func (p *path) blame(format string, args ...any) {
	var names []string
	for _, e := range p.seen() {
		names = append(names, e.name)
	}
	p.tally.wrong = append(p.tally.wrong, "["+strings.Join(names, ", ")+"]: "+fmt.Sprintf(format, args...))
}
