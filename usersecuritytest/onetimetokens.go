package usersecuritytest

import (
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// OneTimeToken is what the simulator holds of a one-time token at one moment.
// Its text is in it as a digest only.
type OneTimeToken struct {
	Digest     Digest
	ActionType string // empty for that of a session
	Challenges []Challenge
	Created    time.Time
	Expires    time.Time
	// Attempts counts the answers that were compared with a factor of the user's,
	// Failures those of them that were wrong.
	Attempts, Failures int
	Cleared            bool // no challenge is left that must be answered
	Used               bool // it has let a call pass, and lets no other
}

// Challenge is one of the things that a one-time token asks for.
type Challenge struct {
	Kind         usersecurity.ChallengeKind
	Alternatives []usersecurity.ChallengeKind // what may be answered instead
	Required     bool
	Passed       bool
}

const (
	oneTimeTokenLife = time.Hour
	// lowRiskLife is how long a user who has cleared a token isn't asked again,
	// where the server was told to.
	lowRiskLife = 5 * time.Minute
	// maxOneTimeTokens is how many are kept: the oldest are forgotten.
	maxOneTimeTokens = 1 << 14
)

// challengeRules say what challenges look like.
type challengeRules struct {
	alternatives map[usersecurity.ChallengeKind][]usersecurity.ChallengeKind
	optional     map[usersecurity.ChallengeKind]bool
	gradual      bool // one challenge after the other
}

// oneTimeTokens are the tokens that were made, by digest.
type oneTimeTokens struct {
	clock *clock
	rules challengeRules

	mu        sync.Mutex
	byDigest  map[Digest]*oneTimeToken
	made      []Digest // the oldest first
	clearedAt map[usersecurity.UserID]time.Time
}

type oneTimeToken struct {
	OneTimeToken
	user     usersecurity.UserID
	action   string // the call that it is for; empty for any
	revealed int    // how many challenges are shown
	sent     map[usersecurity.ChallengeKind]bool
}

// tokenView is a one-time token as its user may see it.
type tokenView struct {
	value      string
	actionType string
	user       usersecurity.UserID
	challenges []Challenge
	validity   int // in seconds
	cleared    bool
}

func newOneTimeTokens(c *clock, rules challengeRules) *oneTimeTokens {
	return &oneTimeTokens{
		clock:     c,
		rules:     rules,
		byDigest:  map[Digest]*oneTimeToken{},
		clearedAt: map[usersecurity.UserID]time.Time{},
	}
}

// create makes a token for an action of a user's; for any action where there is
// none.
func (o *oneTimeTokens) create(user usersecurity.UserID, action, actionType string, kinds []usersecurity.ChallengeKind) string {
	value, now := uuid.NewString(), o.clock.now()
	t := &oneTimeToken{
		OneTimeToken: OneTimeToken{
			Digest: DigestOf(value), ActionType: actionType,
			Created: now, Expires: now.Add(oneTimeTokenLife),
		},
		user: user, action: action,
		sent: map[usersecurity.ChallengeKind]bool{},
	}
	for _, kind := range kinds {
		t.Challenges = append(t.Challenges, Challenge{
			Kind:         kind,
			Alternatives: o.rules.alternatives[kind],
			Required:     !o.rules.optional[kind],
		})
	}
	o.reveal(t)
	t.Cleared = t.isCleared()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byDigest[t.Digest] = t
	if o.made = append(o.made, t.Digest); len(o.made) > maxOneTimeTokens {
		delete(o.byDigest, o.made[0])
		o.made = o.made[1:]
	}
	return value
}

// reveal shows the next challenge where they come one after the other.
func (o *oneTimeTokens) reveal(t *oneTimeToken) {
	t.revealed = len(t.Challenges)
	if next := slices.IndexFunc(t.Challenges, func(c Challenge) bool { return !c.Passed }); o.rules.gradual && next >= 0 {
		t.revealed = next + 1
	}
}

// isCleared reports whether nothing is left that must be answered.
func (t *oneTimeToken) isCleared() bool {
	return !slices.ContainsFunc(t.Challenges, func(c Challenge) bool { return c.Required && !c.Passed })
}

// find returns a token of the user's that can still be used; nil if there is
// none.
func (o *oneTimeTokens) find(value string, user usersecurity.UserID) *oneTimeToken {
	t := o.byDigest[DigestOf(value)]
	if t == nil || t.user != user || t.Used || !o.clock.now().Before(t.Expires) {
		return nil
	}
	return t
}

// status shows a token, with the next challenge if there is one.
func (o *oneTimeTokens) status(value string, user usersecurity.UserID) (tokenView, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.find(value, user)
	if t == nil {
		return tokenView{}, false
	}
	o.reveal(t)
	return o.view(t, value), true
}

// asks reports whether a token is known, and whether it asks for that kind.
func (o *oneTimeTokens) asks(value string, user usersecurity.UserID, kind usersecurity.ChallengeKind) (known, asked bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.find(value, user)
	return t != nil, t != nil && t.challenge(kind) != nil
}

// challenge returns the one that an answer of that kind is for, one that is not
// passed first.
func (t *oneTimeToken) challenge(kind usersecurity.ChallengeKind) (found *Challenge) {
	for i := range t.revealed {
		c := &t.Challenges[i]
		if (c.Kind == kind || slices.Contains(c.Alternatives, kind)) && (found == nil || found.Passed && !c.Passed) {
			found = c
		}
	}
	return found
}

// send remembers that a code was sent.
func (o *oneTimeTokens) send(value string, user usersecurity.UserID, kind usersecurity.ChallengeKind) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.find(value, user); t != nil {
		t.sent[kind] = true
	}
}

func (o *oneTimeTokens) wasSent(value string, user usersecurity.UserID, kind usersecurity.ChallengeKind) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.find(value, user)
	return t != nil && t.sent[kind]
}

// fail counts a wrong answer.
func (o *oneTimeTokens) fail(value string, user usersecurity.UserID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.find(value, user); t != nil {
		t.Attempts++
		t.Failures++
	}
}

// pass counts a right answer. It does not show what comes next.
func (o *oneTimeTokens) pass(value string, user usersecurity.UserID, kind usersecurity.ChallengeKind) (tokenView, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.find(value, user)
	if t == nil {
		return tokenView{}, false
	}
	t.Attempts++
	if c := t.challenge(kind); c != nil {
		c.Passed = true
	}
	if !t.Cleared && t.isCleared() {
		t.Cleared = true
		o.clearedAt[user] = o.clock.now()
	}
	return o.view(t, value), true
}

// use takes a token for a call, if it is cleared and for that call. It can be
// used once. waits reports that it can be used when it is cleared.
func (o *oneTimeTokens) use(value string, user usersecurity.UserID, action string) (used, waits bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.find(value, user)
	if t == nil || t.action != "" && t.action != action {
		return false, false
	}
	t.Used = t.Cleared
	return t.Used, !t.Used
}

// lowRisk reports whether the user has cleared a token a moment ago.
func (o *oneTimeTokens) lowRisk(user usersecurity.UserID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.clearedAt[user]
	return ok && o.clock.now().Before(at.Add(lowRiskLife))
}

// snapshot returns a user's tokens, the oldest first.
func (o *oneTimeTokens) snapshot(user usersecurity.UserID) (list []OneTimeToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, digest := range o.made {
		if t := o.byDigest[digest]; t.user == user {
			copied := t.OneTimeToken
			copied.Challenges = slices.Clone(t.Challenges)
			for i := range copied.Challenges {
				copied.Challenges[i].Alternatives = slices.Clone(copied.Challenges[i].Alternatives)
			}
			list = append(list, copied)
		}
	}
	return list
}

func (o *oneTimeTokens) view(t *oneTimeToken, value string) tokenView {
	return tokenView{
		value:      value,
		actionType: t.ActionType,
		user:       t.user,
		challenges: slices.Clone(t.Challenges[:t.revealed]),
		validity:   wholeSeconds(t.Expires.Sub(o.clock.now())),
		cleared:    t.Cleared,
	}
}
