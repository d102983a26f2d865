package usersecuritytest

import (
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// tokenForm is one of the forms in which one-time tokens are answered.
type tokenForm int

const (
	bareForm    tokenForm = iota // the fields of the successors' documents
	sessionForm                  // the same, wrapped
	fullForm                     // all fields, wrapped
)

// tokenReadings say how one-time tokens are answered where the documents leave
// it open.
type tokenReadings struct {
	verifyForm  *tokenForm // of all verifies; nil: as it is documented for each
	showCleared bool       // of a token that is cleared everything is shown
	messages    bool       // verifies that fail have a body
	unknown     int        // the status for a token that can't be used
}

// unusable is the answer to a one-time token that is unknown, expired, used or
// another user's, for which Wise documents none.
func (r tokenReadings) unusable() answer {
	if r.unknown == http.StatusUnauthorized {
		return invalidToken()
	}
	return emptyAnswer(r.unknown).because("the one-time token is unknown, expired, used or another user's")
}

type bareToken struct {
	OneTimeToken string          `json:"oneTimeToken"`
	Challenges   []bareChallenge `json:"challenges"`
	Validity     int             `json:"validity"`
}

type bareChallenge struct {
	Primary struct {
		Type usersecurity.ChallengeKind `json:"type"`
	} `json:"primaryChallenge"`
	Passed bool `json:"passed"`
}

type fullToken struct {
	OneTimeToken string               `json:"oneTimeToken"`
	Challenges   []fullChallenge      `json:"challenges"`
	Validity     int                  `json:"validity"`
	ActionType   *string              `json:"actionType"`
	User         *usersecurity.UserID `json:"userId"`
}

type fullChallenge struct {
	Primary      choice   `json:"primaryChallenge"`
	Alternatives []choice `json:"alternatives"`
	Required     bool     `json:"required"`
	Passed       bool     `json:"passed"`
}

type choice struct {
	Type     usersecurity.ChallengeKind `json:"type"`
	ViewData viewData                   `json:"viewData"`
}

type viewData struct {
	Attributes *attributes `json:"attributes,omitempty"`
}

type attributes struct {
	User usersecurity.UserID `json:"userId"`
}

type wrapped struct {
	Properties any `json:"oneTimeTokenProperties"`
}

// reply is what is answered of a token. Of one that is cleared, Wise's samples
// show neither challenges nor what it was for.
func (v tokenView) reply(form tokenForm, showCleared bool) any {
	if v.cleared && !showCleared {
		v.challenges, v.actionType, v.user = nil, "", 0
	}
	switch form {
	case bareForm:
		return v.bare()
	case sessionForm:
		return wrapped{v.bare()}
	}
	return wrapped{v.full()}
}

func (v tokenView) bare() bareToken {
	b := bareToken{OneTimeToken: v.value, Challenges: []bareChallenge{}, Validity: v.validity}
	for _, c := range v.challenges {
		challenge := bareChallenge{Passed: c.Passed}
		challenge.Primary.Type = c.Kind
		b.Challenges = append(b.Challenges, challenge)
	}
	return b
}

func (v tokenView) full() fullToken {
	f := fullToken{OneTimeToken: v.value, Challenges: []fullChallenge{}, Validity: v.validity}
	if v.actionType != "" {
		f.ActionType = &v.actionType
	}
	if v.user != 0 {
		f.User = &v.user
	}
	for _, c := range v.challenges {
		challenge := fullChallenge{
			Primary:      choice{c.Kind, viewData{&attributes{v.user}}},
			Alternatives: []choice{},
			Required:     c.Required,
			Passed:       c.Passed,
		}
		for _, kind := range c.Alternatives {
			challenge.Alternatives = append(challenge.Alternatives, choice{Type: kind})
		}
		f.Challenges = append(f.Challenges, challenge)
	}
	return f
}
