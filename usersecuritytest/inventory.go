package usersecuritytest

import (
	"cmp"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// Users returns the ids of all users that the simulator knows, in their order.
func (s *Server) Users() []usersecurity.UserID { return s.users.ids() }

func (u *users) ids() []usersecurity.UserID {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := make([]usersecurity.UserID, 0, len(u.byID))
	for id := range u.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Profiles returns the profiles of a user, the oldest first, as they are listed to
// the user.
func (s *Server) Profiles(id usersecurity.UserID) (list []usersecurity.ProfileInfo) {
	s.users.visit(id, func(usr *user) outcome {
		for _, p := range usr.profiles {
			r := p.reply(usr)
			list = append(list, usersecurity.ProfileInfo{
				ID: p.id, User: usr.id, Type: r.Type, State: r.State, PublicID: r.PublicID,
			})
		}
		return done
	})
	return list
}

// HeldToken is a token that is valid, without what makes it one.
type HeldToken struct {
	Refresh bool   // it is a refresh token, else an access token
	Ending  string // its last four characters, to tell it from others
	Expires time.Time
}

// HeldTokens returns the tokens of a user that are valid, those that expire first
// at the beginning; of the partner for user 0.
func (s *Server) HeldTokens(id usersecurity.UserID) []HeldToken { return s.tokens.held(id) }

func (t *tokens) held(id usersecurity.UserID) (list []HeldToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.now()
	for value, live := range t.live {
		if live.user == id && !now.After(live.expires) {
			list = append(list, HeldToken{false, ending(value), live.expires})
		}
	}
	for value, r := range t.refreshes {
		if r.user == id && !now.After(r.expires) {
			list = append(list, HeldToken{true, ending(value), r.expires})
		}
	}
	slices.SortFunc(list, func(a, b HeldToken) int {
		return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Ending, b.Ending))
	})
	return list
}

func ending(value string) string { return value[max(0, len(value)-4):] }

// ProtectedCalls returns what [Server.Protect] has protected, the one protected
// last first.
func (s *Server) ProtectedCalls() []ProtectedCall { return s.guards.calls() }

// FaultsInForce returns the rules of [Server.Inject] that still strike, the first
// one first. Their Times is how often they will yet strike; 0 for without end.
func (s *Server) FaultsInForce() []Fault { return s.faults.inForce() }

// KeyVersion is the version of Wise's encryption key as it is now, from 1.
func (s *Server) KeyVersion() int { return s.wiseKeys.newest().version }

// Now is the simulator's time, which [Server.Advance] moves ahead.
func (s *Server) Now() time.Time { return s.clock.now() }

// Retired is what [Server.Retire] was told last; 0 if nothing is retired.
func (s *Server) Retired() int { return int(s.router.retired.Load()) }
