package usersecuritytest

import (
	"crypto/rsa"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/wise-partner/usersecurity"
)

// AddUser makes the user known, with nothing set but a personal profile, which
// [Server.Profile] tells. For a user that is known already it does nothing. It
// panics on an id that no user can have.
func (s *Server) AddUser(id usersecurity.UserID) {
	if id <= 0 {
		panic("usersecuritytest: AddUser: a user id is a positive number")
	}
	s.users.add(id)
}

// User returns what the simulator holds of a user, and whether it knows the
// user.
func (s *Server) User(id usersecurity.UserID) (UserState, bool) { return s.users.snapshot(id) }

// Profile returns the id of the user's personal profile; 0 for a user that the
// simulator doesn't know.
func (s *Server) Profile(id usersecurity.UserID) usersecurity.ProfileID {
	return s.users.personalProfile(id)
}

// AddBusinessProfile gives one more profile to a user, and returns its id. It
// panics if the user was not added.
func (s *Server) AddBusinessProfile(id usersecurity.UserID) usersecurity.ProfileID {
	s.mustKnow("AddBusinessProfile", id)
	return s.users.addBusiness(id)
}

// DeactivateProfile makes a profile one that is listed, but that no call can act
// for any more.
func (s *Server) DeactivateProfile(id usersecurity.ProfileID) { s.users.deactivate(id) }

// Advance moves the simulator's clock ahead: tokens, codes, keys, blocks and
// limits age by d. What waits, such as [Delay], waits as long as before. It
// panics if d is negative.
func (s *Server) Advance(d time.Duration) {
	if d < 0 {
		panic("usersecuritytest: Advance: time doesn't run backwards")
	}
	s.clock.advance(d)
}

// Protect makes a call one that needs a one-time token: it is answered 403, with
// a token in x-2fa-approval, until it is repeated with a token that is cleared.
// The path is written as it is requested, below URL and without a query; a segment
// in braces, such as {transferId}, stands for any. It may be a path that the
// simulator doesn't know: it then answers 200 and a JSON object. kinds are what is
// asked for, in their order; without them it is what the user has enrolled, and of
// that at most two of different sorts. Protected again, a call asks for the new
// kinds.
//
// A call in which there is no user passes. A user who is blocked gets no token,
// only the 403.
func (s *Server) Protect(method, path string, kinds ...usersecurity.ChallengeKind) {
	if !canProtect(method, path) {
		panic("usersecuritytest: Protect: a method and a path without a query are needed, such as POST and /v1/transfers")
	}
	s.guards.add(method, path, slices.Clone(kinds))
}

// Unprotect takes back every [Server.Protect].
func (s *Server) Unprotect() { s.guards.clear() }

// NewOneTimeToken makes a one-time token that asks a user for kinds, as if a
// session had been started. It panics if the user was not added.
func (s *Server) NewOneTimeToken(id usersecurity.UserID, kinds ...usersecurity.ChallengeKind) string {
	s.mustKnow("NewOneTimeToken", id)
	return s.oneTimeTokens.create(id, "", "", kinds)
}

// OneTimeTokens returns the tokens that were made for a user, the oldest first.
func (s *Server) OneTimeTokens(id usersecurity.UserID) []OneTimeToken {
	return s.oneTimeTokens.snapshot(id)
}

// Retire is the day on which Wise turns the deprecated calls off: the nine of User
// Security that have successors, and the first verifies of one-time tokens, are
// answered with status, 404 or 410. With 0 they are answered again. It panics on
// any other status.
func (s *Server) Retire(status int) {
	if status != 0 && status != http.StatusNotFound && status != http.StatusGone {
		panic("usersecuritytest: Retire: the status is 404, 410, or 0 for not retired")
	}
	s.router.retired.Store(int64(status))
}

// WithdrawTokens takes back what a customer has granted, as Wise's settings let
// the customer do: the access and refresh tokens of the user are void.
// Registration codes still serve.
func (s *Server) WithdrawTokens(id usersecurity.UserID) { s.tokens.withdraw(id) }

// ReclaimAccount lets a customer take over the account that the partner has made:
// registration codes of the user are void. Tokens still serve.
func (s *Server) ReclaimAccount(id usersecurity.UserID) { s.grants.reclaim(id) }

// ExpireTokens makes all access tokens that were handed out invalid: requests
// with one of them are answered with 401. Refresh tokens stay valid.
func (s *Server) ExpireTokens() { s.tokens.expire() }

// EncryptionKey is Wise's encryption key as it is now.
func (s *Server) EncryptionKey() *rsa.PublicKey {
	pub := s.wiseKeys.newest().private.PublicKey
	return &pub
}

// RotateKey gives Wise a new encryption key. Bodies sealed to the old one can't
// be opened any more: they are answered with Wise's 500.
func (s *Server) RotateKey() { s.wiseKeys.rotate() }

// Inject adds a rule. Kinds [Refuse] and [SlowTLS] strike when a connection is
// accepted, when nothing is known of the requests to come: of the selection
// only Rate and Times apply to them. Inject panics on a rule that makes no
// sense, as it would never strike.
func (s *Server) Inject(f Fault) {
	if err := s.CheckFault(f); err != nil {
		panic("usersecuritytest: Inject: " + err.Error())
	}
	f.Header = f.Header.Clone()
	s.faults.add(f)
}

// CheckFault says what is wrong with a rule, for programs that are given it by
// somebody else; nil if [Server.Inject] takes it.
func (s *Server) CheckFault(f Fault) error {
	if problem := f.check(s.settings.tls); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// ClearFaults removes all rules. Requests that a rule has already hit stay hit.
func (s *Server) ClearFaults() { s.faults.clear() }

// Faults returns how often each kind has struck since the server started.
func (s *Server) Faults() map[FaultKind]int { return s.faults.snapshot() }

// Requests returns what has arrived, the oldest first; the last 10,000, unless
// [WithRecordLimit] says otherwise.
func (s *Server) Requests() []RecordedRequest { return s.log.snapshot(nil) }

// Count returns how often an operation was requested since the server started,
// whatever became of it. The key and token endpoints have operations too:
// usersecurity.OpFetchWiseKey and usersecurity.OpFetchToken. The empty operation
// counts requests that stand for none.
func (s *Server) Count(op usersecurity.Operation) int { return s.log.count(op) }
