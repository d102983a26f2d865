package usersecuritytest

import (
	"fmt"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// savedOneTimeTokens is what is written of one-time tokens.
type savedOneTimeTokens struct {
	Tokens  []savedOneTimeToken               `json:"tokens"`
	Cleared map[usersecurity.UserID]time.Time `json:"lastCleared"`
}

type savedOneTimeToken struct {
	Digest     savedDigest                  `json:"digest"`
	User       usersecurity.UserID          `json:"user"`
	Action     string                       `json:"action,omitempty"`
	ActionType string                       `json:"actionType,omitempty"`
	Challenges []savedChallenge             `json:"challenges"`
	Revealed   int                          `json:"revealed"`
	Sent       []usersecurity.ChallengeKind `json:"sent,omitempty"`
	Created    time.Time                    `json:"created"`
	Expires    time.Time                    `json:"expires"`
	Attempts   int                          `json:"attempts,omitempty"`
	Failures   int                          `json:"failures,omitempty"`
	Cleared    bool                         `json:"cleared,omitempty"`
	Used       bool                         `json:"used,omitempty"`
}

type savedChallenge struct {
	Kind         usersecurity.ChallengeKind   `json:"kind"`
	Alternatives []usersecurity.ChallengeKind `json:"alternatives,omitempty"`
	Required     bool                         `json:"required"`
	Passed       bool                         `json:"passed"`
}

func (o *oneTimeTokens) saved() savedOneTimeTokens {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := savedOneTimeTokens{Cleared: map[usersecurity.UserID]time.Time{}}
	for user, at := range o.clearedAt {
		s.Cleared[user] = at
	}
	for _, digest := range o.made {
		t := o.byDigest[digest]
		saved := savedOneTimeToken{
			Digest: savedDigest(t.Digest), User: t.user, Action: t.action, ActionType: t.ActionType, Revealed: t.revealed,
			Created: t.Created, Expires: t.Expires, Attempts: t.Attempts, Failures: t.Failures, Cleared: t.Cleared, Used: t.Used,
		}
		for _, c := range t.Challenges {
			saved.Challenges = append(saved.Challenges, savedChallenge(c))
		}
		for kind := range t.sent {
			saved.Sent = append(saved.Sent, kind)
		}
		slices.Sort(saved.Sent)
		s.Tokens = append(s.Tokens, saved)
	}
	return s
}

func (s *savedOneTimeTokens) restore(into *oneTimeTokens, known func(usersecurity.UserID) bool) error {
	for user, at := range s.Cleared {
		into.clearedAt[user] = at
	}
	for i := range s.Tokens {
		saved := &s.Tokens[i]
		digest := Digest(saved.Digest)
		if !known(saved.User) || into.byDigest[digest] != nil || saved.Revealed < 0 || saved.Revealed > len(saved.Challenges) {
			return fmt.Errorf("one-time token %d of the list: its user %d isn't there, or it is there twice, or shows what it hasn't", i+1, saved.User)
		}
		into.byDigest[digest] = saved.restored()
		into.made = append(into.made, digest)
	}
	return nil
}

func (s *savedOneTimeToken) restored() *oneTimeToken {
	t := &oneTimeToken{
		OneTimeToken: OneTimeToken{
			Digest: Digest(s.Digest), ActionType: s.ActionType, Created: s.Created, Expires: s.Expires,
			Attempts: s.Attempts, Failures: s.Failures, Cleared: s.Cleared, Used: s.Used,
		},
		user: s.User, action: s.Action, revealed: s.Revealed,
		sent: map[usersecurity.ChallengeKind]bool{},
	}
	for _, c := range s.Challenges {
		t.Challenges = append(t.Challenges, Challenge(c))
	}
	for _, kind := range s.Sent {
		t.sent[kind] = true
	}
	return t
}

func (o *oneTimeTokens) replace(by *oneTimeTokens) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byDigest, o.made, o.clearedAt = by.byDigest, by.made, by.clearedAt
}
