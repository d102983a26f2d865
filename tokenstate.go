package usersecurity

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// ChallengeKind is what a challenge asks a customer for. It is an open set: Wise
// may ask for others.
type ChallengeKind string

// The kinds that Wise documents.
const (
	ChallengePin               ChallengeKind = "PIN"
	ChallengeFaceMap           ChallengeKind = "FACE_MAP"
	ChallengeDeviceFingerprint ChallengeKind = "PARTNER_DEVICE_FINGERPRINT"
	ChallengeSMS               ChallengeKind = "SMS"
	ChallengeWhatsApp          ChallengeKind = "WHATSAPP"
	ChallengeVoice             ChallengeKind = "VOICE"
)

// phonePath is the kind in the paths of the calls for codes; empty for a kind
// that has no code.
func (k ChallengeKind) phonePath() string {
	switch k {
	case ChallengeSMS, ChallengeWhatsApp, ChallengeVoice:
		return strings.ToLower(string(k))
	}
	return ""
}

// Challenge is one thing that a one-time token asks for.
type Challenge struct {
	// Kind is what Wise asks for in the first place.
	Kind ChallengeKind
	// Alternatives are what it takes instead.
	Alternatives []ChallengeKind
	// Required says that the token isn't ready without it; true where Wise
	// doesn't say.
	Required bool
	// Passed says that it is cleared.
	Passed bool
}

// OneTimeTokenState is what Wise says of a one-time token.
type OneTimeTokenState struct {
	// Token is the token, masked wherever it is printed.
	Token OneTimeToken
	// Challenges are what it asks for. After one is passed others may appear: a
	// reply to a verify is not the last word, see [OneTimeTokenService.Status].
	Challenges []Challenge
	// Validity is how long the token lives from now on, in whole seconds.
	Validity time.Duration
	// ActionType is what the customer is about to do, such as
	// BALANCE__GET_STATEMENT; empty where Wise doesn't say.
	ActionType string
	// User is whose token it is; 0 where Wise doesn't say.
	User UserID
}

// Ready reports whether every required challenge is passed, so that the refused
// call can be repeated with the token. A token without challenges is ready.
func (s *OneTimeTokenState) Ready() bool {
	for _, c := range s.Challenges {
		if c.Required && !c.Passed {
			return false
		}
	}
	return true
}

var tokenStateFields = []string{
	"oneTimeTokenProperties", "oneTimeToken", "challenges", "primaryChallenge", "alternatives", "type", "required", "passed",
	"validity", "actionType", "userId",
}

// tokenReply is a one-time token as Wise writes it: bare, or wrapped.
type tokenReply struct {
	OneTimeToken string            `json:"oneTimeToken"`
	Challenges   *[]challengeReply `json:"challenges"`
	Validity     looseNumber       `json:"validity"`
	ActionType   looseText         `json:"actionType"`
	UserID       looseText         `json:"userId"`
}

type challengeReply struct {
	Primary      kindReply       `json:"primaryChallenge"`
	Alternatives kindReplies     `json:"alternatives"`
	Required     json.RawMessage `json:"required"`
	Passed       json.RawMessage `json:"passed"`
}

// kindReply is an object with a type, or the type alone.
type kindReply struct{ kind ChallengeKind }

// UnmarshalJSON never fails: a kind that can't be read is none that anybody can
// be asked for.
func (k *kindReply) UnmarshalJSON(raw []byte) error {
	var object struct {
		Type looseText `json:"type"`
	}
	var text string
	switch {
	case json.Unmarshal(raw, &object) == nil:
		k.kind = ChallengeKind(object.Type)
	case json.Unmarshal(raw, &text) == nil:
		k.kind = ChallengeKind(text)
	}
	return nil
}

// kindReplies are kinds, of which those that can't be read are left out.
type kindReplies []ChallengeKind

// UnmarshalJSON never fails.
func (k *kindReplies) UnmarshalJSON(raw []byte) error {
	var list []kindReply
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, r := range list {
		if r.kind != "" {
			*k = append(*k, r.kind)
		}
	}
	return nil
}

// tokenState makes a call whose reply is a one-time token.
func (e *engine) tokenState(ctx context.Context, r request, opts []CallOption) (*OneTimeTokenState, error) {
	var state OneTimeTokenState
	r.decode = state.decode
	if _, err := e.do(ctx, r, opts); err != nil {
		return nil, err
	}
	return &state, nil
}

// decode reads both forms. Only what says so is passed, and what doesn't say
// that it isn't required is: a token that isn't ready must not look so.
func (s *OneTimeTokenState) decode(r reply) error {
	var body struct {
		tokenReply
		Wrapped *tokenReply `json:"oneTimeTokenProperties"`
	}
	t := &body.tokenReply
	err := r.decode(&body, tokenStateFields, func() bool {
		if body.Wrapped != nil {
			t = body.Wrapped
		}
		return isVisible(t.OneTimeToken) && t.Challenges != nil
	})
	if err != nil {
		return err
	}
	user, _ := strconv.ParseInt(string(t.UserID), 10, 64)
	*s = OneTimeTokenState{
		Token:      OneTimeToken{keep([]byte(t.OneTimeToken))},
		Challenges: make([]Challenge, 0, len(*t.Challenges)),
		Validity:   t.validity(),
		ActionType: string(t.ActionType),
		User:       UserID(user),
	}
	for _, c := range *t.Challenges {
		s.Challenges = append(s.Challenges, Challenge{
			Kind:         c.Primary.kind,
			Alternatives: c.Alternatives,
			Required:     string(c.Required) != "false",
			Passed:       string(c.Passed) == "true",
		})
	}
	return nil
}

// maxValidity is in seconds: a year, far more than any token lives.
const maxValidity = 365 * 24 * 60 * 60

// validity is in whole seconds, and 0 for what is no time.
func (t *tokenReply) validity() time.Duration {
	if t.Validity <= 0 {
		return 0
	}
	return time.Duration(min(float64(t.Validity), maxValidity)) * time.Second
}
