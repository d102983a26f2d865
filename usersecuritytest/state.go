package usersecuritytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wise-partner/usersecurity"
)

// stateFormat changes where a reader of before would misread what is written.
const stateFormat = 1

// savedState is what is written of a server.
type savedState struct {
	Format        int                `json:"format"`
	Ahead         int64              `json:"clockAheadMilliseconds"`
	ClientSecret  string             `json:"clientSecret"`
	Users         savedUsers         `json:"users"`
	Tokens        savedTokens        `json:"tokens"`
	OneTimeTokens savedOneTimeTokens `json:"oneTimeTokens"`
	Keys          savedKeys          `json:"keys"`
	Protected     []savedGuard       `json:"protected"`
	Retired       int                `json:"retired"`
}

type savedGuard struct {
	Method string                       `json:"method"`
	Path   string                       `json:"path"`
	Kinds  []usersecurity.ChallengeKind `json:"kinds,omitempty"`
}

// SaveState writes, as JSON, what the server holds: users with their factors and
// profiles, tokens, one-time tokens, keys, the client secret, protected and retired
// calls, and by how much its clock is ahead. What it has recorded, and rules of
// [Server.Inject], are not in it.
//
// Tokens, the client secret and Wise's private keys are written as they are, and of
// a PIN a digest that is soon traced back to its four digits: keep the file to
// yourself, and no PIN of a person's in a simulator.
func (s *Server) SaveState(w io.Writer) error {
	state, err := s.saved()
	if err != nil {
		return fmt.Errorf("usersecuritytest: SaveState: %w", err)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "\t")
	return encoder.Encode(state) // #nosec G117 -- the text says so
}

// LoadState puts what [Server.SaveState] has written in the place of what the
// server holds. Of what can't be read or can't be so nothing is taken, and the
// error doesn't quote it. Requests under way may see half of it.
func (s *Server) LoadState(r io.Reader) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var state savedState
	if decoder.Decode(&state) != nil {
		return errors.New("usersecuritytest: LoadState: this is not the JSON that SaveState writes")
	}
	if state.Format != stateFormat {
		return fmt.Errorf("usersecuritytest: LoadState: the format is %d, and this version reads %d", state.Format, stateFormat)
	}
	if err := s.replace(&state); err != nil {
		return fmt.Errorf("usersecuritytest: LoadState: %w", err)
	}
	return nil
}

// Reset makes the server what it was at first: without users, tokens, rules,
// protected calls and records, and with the machine's time. The client secret and
// Wise's keys stay.
func (s *Server) Reset() {
	keys := savedKeys{}
	if err := s.wiseKeys.save(&keys); err != nil {
		panic("usersecuritytest: Reset: " + err.Error())
	}
	fresh := savedState{Format: stateFormat, ClientSecret: s.partner.current(), Users: s.freshUsers().saved(), Keys: keys}
	if err := s.replace(&fresh); err != nil {
		panic("usersecuritytest: Reset: " + err.Error())
	}
	s.ClearFaults()
	s.ClearRequests()
}

func (s *Server) freshUsers() *users {
	set := &s.settings
	return newUsers(s.clock, set.seed, set.fingerprintLimit, set.factorsByProfile)
}

func (s *Server) saved() (state savedState, err error) {
	state = savedState{
		Format:        stateFormat,
		Ahead:         s.clock.ahead.Load() / int64(time.Millisecond),
		ClientSecret:  s.partner.current(),
		Users:         s.users.saved(),
		OneTimeTokens: s.oneTimeTokens.saved(),
		Retired:       s.Retired(),
	}
	s.tokens.save(&state.Tokens)
	s.grants.save(&state.Tokens)
	for _, call := range s.ProtectedCalls() {
		state.Protected = append(state.Protected, savedGuard(call))
	}
	if err := s.wiseKeys.save(&state.Keys); err != nil {
		return state, err
	}
	return state, s.partnerKeys.save(&state.Keys)
}

// replace makes new parts of what was written, and takes them if all could be
// made.
func (s *Server) replace(state *savedState) error {
	users := s.freshUsers()
	tokens, grants := newTokens(s.clock, s.settings.rotateRefresh), newGrants(s.clock)
	oneTimeTokens := newOneTimeTokens(s.clock, s.settings.challenges)
	wiseKeys, partnerKeys := &wiseKeys{}, &partnerKeys{}
	err := errors.Join(
		state.Users.restore(users),
		state.Tokens.restore(tokens, grants, users.known),
		state.OneTimeTokens.restore(oneTimeTokens, users.known),
		state.Keys.restore(wiseKeys, partnerKeys),
		state.check(),
	)
	if err != nil {
		return err
	}
	s.clock.ahead.Store(state.Ahead * int64(time.Millisecond))
	s.partner.replace(state.ClientSecret)
	s.users.replace(users)
	s.tokens.replace(tokens)
	s.grants.replace(grants)
	s.oneTimeTokens.replace(oneTimeTokens)
	s.wiseKeys.replace(wiseKeys)
	s.partnerKeys.replace(partnerKeys)
	s.guards.clear()
	for i := len(state.Protected) - 1; i >= 0; i-- { // the one protected last is written first
		s.guards.add(state.Protected[i].Method, state.Protected[i].Path, state.Protected[i].Kinds)
	}
	s.router.retired.Store(int64(state.Retired))
	return nil
}

// check looks at what is of no part with checks of its own.
func (s *savedState) check() error {
	if s.ClientSecret == "" || s.Ahead < 0 {
		return errors.New("the client secret is empty, or the clock is behind")
	}
	if s.Retired != 0 && s.Retired != http.StatusNotFound && s.Retired != http.StatusGone {
		return errors.New("retired is 404, 410 or 0")
	}
	for _, g := range s.Protected {
		if !canProtect(g.Method, g.Path) {
			return errors.New("a protected call has no method, or no path")
		}
	}
	return nil
}
