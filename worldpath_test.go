package usersecurity_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// path is a walk through all sequences of events of an operation, one run of the
// client for each: what the client asks for is answered with the first event
// that is possible, and in the next run the last answer is changed for the next
// one.
type path struct {
	t        *testing.T
	plan     *plan
	breadth  breadth
	alone    *universe // with one writer
	together *universe // with another about
	nodes    []*node
	tally    *tally

	// Of the running call:
	mu     sync.Mutex
	at     int // how many of the nodes it has passed
	asked  int // requests of the look that is under way
	token  string
	key    *usersecurity.WiseKey
	giveUp context.CancelFunc
}

// node is what one request of a call has brought.
type node struct {
	options  []*event
	chosen   int
	alone    *belief // after it; without worlds where it takes another writer
	together *belief
	count    []int // for each world of alone, how many ways lead there
}

func newPath(t *testing.T, p *plan, b breadth, y *tally) *path {
	return &path{t: t, plan: p, breadth: b, tally: y, alone: newUniverse(p, 1), together: newUniverse(p, 2)}
}

func (n *node) event() *event { return n.options[n.chosen] }

// walk makes the calls. It ends early where too much is wrong.
func (p *path) walk() {
	for more := true; more && len(p.tally.wrong) <= 20; more = p.turn() {
		p.call()
	}
}

func (p *path) call() {
	p.at, p.asked, p.token, p.key = 0, 0, "", firstKey
	options := append(oneSource(p), usersecurity.WithTimeouts(0, 10*time.Minute))
	if p.plan.sealed {
		options = append(options, usersecurity.WithJWE(usersecurity.JWEKeys(p)))
	} else {
		options = append(options, usersecurity.WithUnsealedBodies())
	}
	client := bareClient(p.t, p, options...)
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	p.giveUp = cancel
	var meta usersecurity.Meta
	got, err := p.plan.row.do(ctx, client, usual, usersecurity.WithMeta(&meta), usersecurity.WithMaxAttempts(p.breadth.attempts))
	p.tally.calls++
	p.settle(meta, got, err)
}

// turn makes the next call go another way; false where all were gone.
func (p *path) turn() bool {
	for len(p.nodes) > 0 {
		n := p.nodes[len(p.nodes)-1]
		if n.chosen+1 < len(n.options) {
			p.choose(n)
			return true
		}
		p.nodes = p.nodes[:len(p.nodes)-1]
	}
	return false
}

// choose takes the next option of n, which is the last node.
func (p *path) choose(n *node) {
	before := p.root()
	if len(p.nodes) > 1 {
		before = p.nodes[len(p.nodes)-2]
	}
	n.chosen++
	after := p.alone.see(before.alone, n.event())
	n.alone, n.together = after.to, p.together.see(before.together, n.event()).to
	n.count = make([]int, len(n.alone.worlds))
	for _, way := range after.ways {
		n.count[way[1]] += before.count[way[0]]
	}
}

// root is before the first request.
func (p *path) root() *node {
	alone := p.alone.start()
	return &node{alone: alone, together: p.together.start(), count: slices.Repeat([]int{1}, len(alone.worlds))}
}

// last is the node that the call has passed last.
func (p *path) last() *node {
	if p.at == 0 {
		return p.root()
	}
	return p.nodes[p.at-1]
}

// seen are the events of the running call.
func (p *path) seen() (seen []*event) {
	for _, n := range p.nodes[:p.at] {
		seen = append(seen, n.event())
	}
	return seen
}

// next chooses what the request brings that has just come.
func (p *path) next(look bool) *event {
	p.check(look)
	if p.at == len(p.nodes) {
		n := &node{chosen: -1}
		for _, e := range p.alphabet(look) {
			if len(p.together.see(p.last().together, e).to.worlds) > 0 {
				n.options = append(n.options, e)
			}
		}
		p.nodes = append(p.nodes, n)
		p.choose(n)
	}
	p.at++
	return p.nodes[p.at-1].event()
}

// check compares the request that has come with what may follow.
func (p *path) check(look bool) {
	came := attempts
	if look {
		came = looking
	}
	if expected := p.plan.follows(p.seen(), p.breadth.attempts); came != expected {
		p.blame("%s came; expected %s", came, expected)
	}
}

// alphabet are the events that are tried.
func (p *path) alphabet(look bool) (tried []*event) {
	among := events
	if look {
		among = looks
	}
	for _, e := range among {
		if e.try >= p.breadth.try && (e.when == nil || e.when(p.plan)) {
			tried = append(tried, e)
		}
	}
	return tried
}

// RoundTrip answers the requests of the call.
func (p *path) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	e := p.event(r)
	p.mu.Unlock()
	if e.beneath {
		reaches(r, asksForConnection, getsConnection, writes, getsConnection, writes)
	}
	if e.givesUp {
		p.giveUp()
	}
	switch {
	case e.refusal:
		return p.plan.refusal()(r, "")
	case e.response != nil:
		return e.response(r, "")
	case e == looksThere:
		return answers(http.StatusOK, "["+numberReply+"]")(r, "")
	case e == looksMaybe:
		return alike(p.plan)(r, "")
	case e.breaks:
		return breaksOff(p.plan.row.reply)(r, "")
	}
	return p.plan.row.answersWell()(r, "")
}

// event is what a request brings. A look is a call of its own, which repeats
// what it takes for lost.
func (p *path) event(r *http.Request) *event {
	p.tally.requests++
	if !p.isLook(r) {
		p.asked = 0
		return p.next(false)
	}
	if p.asked++; p.asked > 1 && p.asked <= 4 {
		if e := p.last().event(); e == looksLost || e == looksForeign {
			return e
		}
	}
	p.asked = 1
	return p.next(true)
}

func (p *path) isLook(r *http.Request) bool {
	return p.plan.manner == registering && r.Method == http.MethodGet
}

// Token is the source of tokens.
func (p *path) Token(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if req.Rejected != "" {
		switch p.last().event().token {
		case gone:
			return nil, errors.New("no token")
		case another:
			p.token += "+"
		}
	}
	return &oauth2.Token{AccessToken: "token" + p.token}, nil
}

// EncryptionKey is the source of Wise's key.
func (p *path) EncryptionKey(_ context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rejected != nil {
		switch p.last().event().key {
		case gone:
			return nil, errors.New("no key")
		case another:
			p.key = otherKey(p.key)
		}
	}
	return p.key, nil
}
