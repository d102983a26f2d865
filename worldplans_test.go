package usersecurity_test

import (
	"context"
	"crypto/rsa"
	"math/big"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// next is what a call does after what it has seen.
type next string

const (
	stopped  next = "its end"
	attempts next = "an attempt"
	looking  next = "a look"
)

// course is where a call has got to.
type course struct {
	plan *plan
	left int // attempts

	open    bool // one was left open
	unseen  bool // and no look has followed it
	over    bool // no attempt follows
	renewed bool
	turned  bool
	sealed  int  // for how many other keys
	lastKey bool // there is no other key of Wise's
	expects next
}

// follows is what the contract lets follow the events: an attempt, a look, or
// nothing.
func (p *plan) follows(seen []*event, most int) next {
	c := &course{plan: p, left: most, expects: attempts}
	for _, e := range seen {
		if isLook(e) {
			c.look(e)
		} else {
			c.attempt(e)
		}
	}
	return c.expects
}

func (c *course) attempt(e *event) {
	c.left--
	if e.effect == anything || e.effect == over || e.beneath {
		c.open, c.unseen = true, true
	}
	corrected := c.corrects(e)
	c.over = !corrected && !c.goesOn(e)
	looks := c.plan.manner == registering
	switch {
	case corrected:
		c.left++             // it doesn't count
		c.expects = attempts // at once
	case !c.over && looks && c.unseen:
		c.expects = looking
	case !c.over:
		c.expects = attempts
	case looks && !e.givesUp && (e.breaks || e.effect != carriedOut && c.open):
		c.expects = looking // it may tell more than the last attempt
	default:
		c.expects = stopped
	}
}

func (c *course) look(e *event) {
	c.unseen = false
	c.over = c.over || e != looksNone && e != looksMaybe
	c.expects = attempts
	if c.over {
		c.expects = stopped
	}
}

// goesOn reports whether another attempt of the same request follows.
func (c *course) goesOn(e *event) bool {
	if c.plan.sealed && e.effect == over && e.key != another {
		c.lastKey = true
	}
	switch e.pace {
	case repeats:
		return c.left > 0
	case byClass, seals:
		return c.left > 0 && c.plan.manner != neverAgain
	case readsAgain:
		return c.left > 0 && c.plan.manner == reading
	}
	return false
}

// corrects reports whether the event says what to change in the request, and it
// wasn't changed before.
func (c *course) corrects(e *event) bool {
	switch {
	case e.pace == renews && !c.renewed:
		c.renewed = true
	case e.pace == turns && !c.turned:
		c.turned = true
	case e.pace == seals && c.sealed < 3 && !c.lastKey:
		c.sealed++
	default:
		return false
	}
	return true
}

// plans are all operations, each in every way in which it is sent.
func plans() (all []*plan) {
	for i := range contract {
		r := &contract[i]
		p := &plan{name: string(r.op), row: r, manner: manners[r.class], leads: leads[r.op]}
		all = append(all, p)
		if r.sealed {
			s := *p
			s.name += ", sealed"
			s.sealed = true
			all = append(all, &s)
		}
	}
	_, compact := sealedBy(firstKey, usual.pin)
	relayed := *rowOf(usersecurity.OpCreatePin)
	relayed.do = func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
		return result(c.CreatePinSealed(ctx, in.user, compact, o...))
	}
	return append(all,
		&plan{name: "CreatePinSealed", row: &relayed, manner: setting, relayed: true, leads: true},
		&plan{name: "RegisterReplyKey", row: replyKeyRow, manner: neverAgain, leads: true},
	)
}

// leads are the operations that are walked through in more breadth than their
// sisters: a further operation is one of those.
var leads = map[usersecurity.Operation]bool{
	usersecurity.OpListPhoneNumbers: true, usersecurity.OpDeletePin: true, usersecurity.OpCreatePin: true,
	usersecurity.OpCreatePhoneNumber: true, usersecurity.OpUpdatePhoneNumber: true, // which differ in what is listed
}

var manners = map[class]manner{aRead: reading, aDelete: removing, aSetOnce: setting, aNumber: registering, aOnce: neverAgain}

var replyKeyRow = &row{
	op: usersecurity.OpRegisterReplyKey,
	do: func(ctx context.Context, c *usersecurity.Client, _ inputs, o ...usersecurity.CallOption) (any, error) {
		return nil, c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: uuid.UUID{1}, PublicKey: publicKey()}, o...)
	},
	success: 201,
}

// breadth is how many attempts a call has, and which events are tried in them.
type breadth struct {
	attempts int
	try      depth
}

// breadths are what is tried of an operation.
func (p *plan) breadths() []breadth {
	switch {
	case *worldsMore && p.manner == registering && p.sealed:
		return []breadth{{1, inTwo}, {2, inThree}}
	case *worldsMore && (p.manner == registering || p.sealed):
		return []breadth{{2, inTwo}, {3, inThree}}
	case *worldsMore:
		return []breadth{{3, inTwo}}
	case underRace:
		return []breadth{{2, always}}
	case p.manner == registering && p.sealed: // looks multiply what keys do
		return []breadth{{1, inThree}, {2, always}}
	case p.manner == registering && !p.leads:
		return []breadth{{1, inTwo}, {2, inThree}}
	case p.manner == registering:
		return []breadth{{1, inTwo}, {2, inThree}, {4, always}}
	case p.sealed && p.leads, p.manner == reading && !p.leads:
		return []breadth{{1, inTwo}, {2, inThree}}
	case p.sealed:
		return []breadth{{1, inTwo}}
	case p.leads:
		return []breadth{{2, inTwo}, {4, inFour}}
	}
	return []breadth{{1, inTwo}, {3, inThree}}
}

// firstKey is a key of Wise's, and otherKey another one: nobody opens what is
// sealed to it.
var firstKey = &usersecurity.WiseKey{PublicKey: publicKey()}

func otherKey(k *usersecurity.WiseKey) *usersecurity.WiseKey {
	return &usersecurity.WiseKey{PublicKey: &rsa.PublicKey{E: k.PublicKey.E, N: new(big.Int).Add(k.PublicKey.N, big.NewInt(2))}}
}
