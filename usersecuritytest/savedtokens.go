package usersecuritytest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// savedTokens is what is written of tokens and of grants.
type savedTokens struct {
	Access         []savedAccess        `json:"access"`
	Refresh        []savedRefresh       `json:"refresh"`
	Registrations  []savedRegistration  `json:"registrationCodes"`
	Authorizations []savedAuthorization `json:"authorizationCodes"`
}

type savedAccess struct {
	Token   string              `json:"token"`
	User    usersecurity.UserID `json:"user,omitempty"` // without one it is the partner's
	Expires time.Time           `json:"expires"`
	Latest  bool                `json:"latest,omitempty"`
}

type savedRefresh struct {
	Token   string              `json:"token"`
	User    usersecurity.UserID `json:"user"`
	Created time.Time           `json:"created"`
	Expires time.Time           `json:"expires"`
}

type savedRegistration struct {
	Code  savedDigest         `json:"code"`
	Email string              `json:"email,omitempty"`
	User  usersecurity.UserID `json:"user"`
}

type savedAuthorization struct {
	Code    savedDigest         `json:"code"`
	User    usersecurity.UserID `json:"user"`
	Expires time.Time           `json:"expires"`
}

// save writes the tokens that are valid, in an order that doesn't change.
func (t *tokens) save(s *savedTokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.now()
	for value, live := range t.live {
		if now.Before(live.expires) {
			s.Access = append(s.Access, savedAccess{value, live.user, live.expires, t.latest[live.user] == value})
		}
	}
	for value, r := range t.refreshes {
		s.Refresh = append(s.Refresh, savedRefresh{value, r.user, r.created, r.expires})
	}
	slices.SortFunc(s.Access, func(a, b savedAccess) int { return cmp.Compare(a.Token, b.Token) })
	slices.SortFunc(s.Refresh, func(a, b savedRefresh) int { return cmp.Compare(a.Token, b.Token) })
}

func (g *grants) save(s *savedTokens) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for code, user := range g.registrations {
		s.Registrations = append(s.Registrations, savedRegistration{savedDigest(code.code), code.email, user})
	}
	for code, a := range g.authorized {
		s.Authorizations = append(s.Authorizations, savedAuthorization{savedDigest(code), a.user, a.expires})
	}
	slices.SortFunc(s.Registrations, func(a, b savedRegistration) int { return slices.Compare(a.Code[:], b.Code[:]) })
	slices.SortFunc(s.Authorizations, func(a, b savedAuthorization) int { return slices.Compare(a.Code[:], b.Code[:]) })
}

// restore makes tokens and grants of what was written for users that are known.
func (s *savedTokens) restore(t *tokens, g *grants, known func(usersecurity.UserID) bool) error {
	for _, a := range s.Access {
		if a.Token == "" || a.User != 0 && !known(a.User) {
			return fmt.Errorf("an access token is empty, or of user %d, who isn't there", a.User)
		}
		live := token{kindUser, a.User, a.Expires}
		if a.User == 0 {
			live.kind = kindApplication
		}
		t.live[a.Token] = live
		if a.Latest {
			t.latest[a.User] = a.Token
		}
	}
	for _, r := range s.Refresh {
		if r.Token == "" || !known(r.User) {
			return fmt.Errorf("a refresh token is empty, or of user %d, who isn't there", r.User)
		}
		t.refreshes[r.Token] = refresh{r.User, r.Created, r.Expires}
	}
	for _, r := range s.Registrations {
		if !known(r.User) {
			return fmt.Errorf("a registration code is of user %d, who isn't there", r.User)
		}
		g.registrations[registrationCode{Digest(r.Code), r.Email}] = r.User
	}
	for _, a := range s.Authorizations {
		if !known(a.User) {
			return fmt.Errorf("an authorization code is of user %d, who isn't there", a.User)
		}
		g.authorized[Digest(a.Code)] = authorization{a.User, a.Expires}
	}
	return nil
}

func (t *tokens) replace(by *tokens) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live, t.latest, t.refreshes = by.live, by.latest, by.refreshes
}

func (g *grants) replace(by *grants) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.registrations, g.authorized = by.registrations, by.authorized
}
