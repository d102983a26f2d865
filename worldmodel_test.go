package usersecurity_test

import (
	"cmp"
	"encoding/binary"
	"net/http"
	"slices"

	"github.com/wise-partner/usersecurity"
)

// What may have happened at Wise, given what the client saw. This is a second
// implementation, from the contract; it knows nothing of the package.

// manner is what a user of the package is promised of an operation's repeats.
type manner int

const (
	reading     manner = iota // repeats do no harm
	removing                  // nor do they here: what is gone is gone
	setting                   // Wise refuses a second one
	registering               // a phone number: look before repeating
	neverAgain                // once
)

// plan is an operation to be walked through.
type plan struct {
	name    string
	row     *row // which calls it and answers it well
	manner  manner
	sealed  bool // by the client, which asks for Wise's key after a 500
	relayed bool // by a device
	leads   bool // in more breadth than its sisters
}

// state is how things stand at Wise with what an operation is about.
type state struct {
	there bool // the thing is there: the PIN, the number
	alike bool // a number is listed that looks like it
	taken bool // the number is in use elsewhere, or is listed in another form
}

// process carries out an operation on s. There are two results where Wise may
// write a number in another form than it was sent in; there is none where Wise
// refuses.
func (p *plan) process(s state) []state {
	switch p.manner {
	case reading:
		return []state{s}
	case removing:
		if s.there {
			return []state{{}}
		}
	case setting:
		if !s.there {
			return []state{{there: true}}
		}
	case registering:
		// Changing a number to what it is already is no conflict.
		if s.there && p.changes() {
			return []state{s}
		}
		if !s.there && !s.taken {
			return []state{{there: true, alike: s.alike}, {alike: true, taken: true}}
		}
	case neverAgain:
		return []state{{there: true}}
	}
	return nil
}

// asAsked reports whether things stand as the operation wants them, whoever
// has seen to it. An old PIN is not the one that was to be set.
func (p *plan) asAsked(s state) bool {
	return p.manner == removing && !s.there || p.manner == registering && s.there
}

// changes reports whether the operation is for a thing that has an id already.
func (p *plan) changes() bool { return p.row.method == http.MethodPut }

// refusals are Wise's own words for things as they are, by manner.
var refusals = map[manner]word{removing: isGone, setting: isThere, registering: isTaken}

// view is what a list shows.
func (s state) view() *event {
	switch {
	case s.there:
		return looksThere
	case s.alike:
		return looksMaybe
	}
	return looksNone
}

// world is one way in which it may have been.
type world struct {
	now    state
	first  state // when the call began, which is what a stale list shows
	late   int   // requests that are still to be carried out
	done   bool  // one of the call's requests was carried out
	met    bool  // at some time since the call began, things stood as asked
	misled bool  // a list was stale, or another writer was about
}

// belief is the set of worlds that are possible.
type belief struct {
	worlds []world
	after  map[*event]*sight
	end    *verdict
}

// sight is what an event makes of a belief. From each world ways lead to some
// of the next.
type sight struct {
	to   *belief
	ways [][2]int // from and to, by index
}

// verdict is in which worlds an answer is wrong at the end.
type verdict struct {
	wrong map[usersecurity.Outcome][]world
}

// certain reports whether there is an answer that is right in every world.
func (v *verdict) certain() bool {
	return len(v.wrong[usersecurity.OutcomeDone]) == 0 || len(v.wrong[usersecurity.OutcomeNotDone]) == 0
}

// universe keeps beliefs, each once.
type universe struct {
	plan    *plan
	writers int
	first   *belief
	known   map[string]*belief
}

func newUniverse(p *plan, writers int) *universe {
	return &universe{plan: p, writers: writers, known: map[string]*belief{}}
}

// start is the belief before the first request.
func (u *universe) start() *belief {
	if u.first != nil {
		return u.first
	}
	var worlds []world
	for _, s := range u.plan.starts() {
		worlds = append(worlds, world{now: s, first: s, met: u.plan.asAsked(s)})
	}
	u.first = u.keep(worlds)
	return u.first
}

// starts is how things may stand before the call.
func (p *plan) starts() []state {
	switch p.manner {
	case registering:
		return []state{{}, {there: true}, {alike: true}, {taken: true}, {alike: true, taken: true}}
	case neverAgain, reading:
		return []state{{}}
	}
	return []state{{}, {there: true}}
}

// acts is what another writer can make of s.
func (p *plan) acts() []state {
	if p.manner == registering {
		return []state{{}, {there: true}, {alike: true}, {taken: true}}
	}
	return p.starts()
}

func (u *universe) keep(worlds []world) *belief {
	slices.SortFunc(worlds, func(a, b world) int { return cmp.Compare(a.number(), b.number()) })
	worlds = slices.Compact(worlds)
	key := make([]byte, 0, 2*len(worlds))
	for _, w := range worlds {
		key = binary.BigEndian.AppendUint16(key, w.number())
	}
	b := u.known[string(key)]
	if b == nil {
		b = &belief{worlds: worlds, after: map[*event]*sight{}}
		u.known[string(key)] = b
	}
	return b
}

// number tells worlds apart.
func (w world) number() (n uint16) {
	for _, bit := range []bool{w.now.there, w.now.alike, w.now.taken, w.first.there, w.first.alike, w.first.taken, w.done, w.met, w.misled} {
		n <<= 1
		if bit {
			n++
		}
	}
	return n<<4 + uint16(w.late)
}

// see is what an event makes of a belief; worlds in which it can't be seen end.
func (u *universe) see(b *belief, e *event) *sight {
	if s := b.after[e]; s != nil {
		return s
	}
	s := &sight{}
	next := make([][]world, len(b.worlds))
	var all []world
	for i, w := range b.worlds {
		for _, answered := range u.answer(w, e) {
			next[i] = append(next[i], u.gap(answered)...)
		}
		all = append(all, next[i]...)
	}
	s.to = u.keep(all)
	for i := range next {
		for _, w := range next[i] {
			s.ways = append(s.ways, [2]int{i, slices.Index(s.to.worlds, w)})
		}
	}
	b.after[e] = s
	return s
}

// answer is what may have become of the request that e answers.
func (u *universe) answer(w world, e *event) (worlds []world) {
	if slices.Contains(looks, e) {
		return u.look(w, e)
	}
	if e.beneath {
		// One that was lost, and then the one that is answered.
		for _, w := range u.outcomes(w, anything) {
			worlds = append(worlds, u.answered(w, e)...)
		}
		return worlds
	}
	return u.answered(w, e)
}

func (u *universe) answered(w world, e *event) []world {
	if own := refusals[u.plan.manner]; e.says == itsOwn || own != noWord && own == e.says {
		if u.plan.process(w.now) != nil {
			return nil
		}
		return []world{w}
	}
	return u.outcomes(w, e.effect)
}

// outcomes is what may have become of a request with that effect.
func (u *universe) outcomes(w world, e effect) (worlds []world) {
	if e != carriedOut {
		worlds = append(worlds, w)
	}
	if e != nothing {
		worlds = append(worlds, u.carryOut(w)...)
	}
	if e == anything {
		later := w
		later.late++
		worlds = append(worlds, later)
	}
	return worlds
}

// look shows how things stand, or how they stood.
func (u *universe) look(w world, e *event) (worlds []world) {
	switch e {
	case looksRefused, looksLost, looksForeign:
		return []world{w}
	}
	if w.now.view() == e {
		worlds = append(worlds, w)
	} else if w.first.view() == e {
		w.misled = true
		worlds = append(worlds, w)
	}
	return worlds
}

// carryOut does what one request asks for; nothing where Wise refuses.
func (u *universe) carryOut(w world) (worlds []world) {
	for _, s := range u.plan.process(w.now) {
		after := w
		after.now, after.done, after.met = s, true, w.met || u.plan.asAsked(s)
		worlds = append(worlds, after)
	}
	return worlds
}

// gap is what can happen before the next request: another writer acts, and some
// of what is late is carried out.
func (u *universe) gap(w world) (worlds []world) {
	for _, w := range u.others(w) {
		some := []world{w}
		for {
			worlds = append(worlds, some...)
			if some = u.carryOutLate(some); some == nil {
				break
			}
		}
	}
	return worlds
}

func (u *universe) others(w world) []world {
	worlds := []world{w}
	if u.writers == 1 {
		return worlds
	}
	for _, s := range u.plan.acts() {
		if s != w.now {
			after := w
			after.now, after.misled, after.met = s, true, w.met || u.plan.asAsked(s)
			worlds = append(worlds, after)
		}
	}
	return worlds
}

// carryOutLate carries out one late request of each world, or has Wise refuse it.
func (u *universe) carryOutLate(worlds []world) (after []world) {
	for _, w := range worlds {
		if w.late == 0 {
			continue
		}
		w.late--
		if carried := u.carryOut(w); carried != nil {
			after = append(after, carried...)
		} else {
			after = append(after, w)
		}
	}
	return after
}

// judge is what may be said when the call ends and everything late is carried
// out. Whether things stood as asked counts until then.
func (u *universe) judge(b *belief) *verdict {
	if b.end != nil {
		return b.end
	}
	v := &verdict{wrong: map[usersecurity.Outcome][]world{}}
	for _, w := range b.worlds {
		for _, last := range u.last(w) {
			switch {
			case last.done:
				v.wrong[usersecurity.OutcomeNotDone] = append(v.wrong[usersecurity.OutcomeNotDone], last)
			case !w.met:
				v.wrong[usersecurity.OutcomeDone] = append(v.wrong[usersecurity.OutcomeDone], last)
			}
		}
	}
	b.end = v
	return v
}

func (u *universe) last(w world) []world {
	worlds := u.others(w)
	for worlds[0].late > 0 {
		worlds = u.carryOutLate(worlds)
	}
	return worlds
}
