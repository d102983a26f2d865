package usersecuritytest

import (
	"crypto/rsa"

	"github.com/wise-partner/usersecurity"
)

// AddUser makes the user known, with nothing set. For a user that is known
// already it does nothing. It panics on an id that no user can have.
func (s *Server) AddUser(id usersecurity.UserID) {
	if id <= 0 {
		panic("usersecuritytest: AddUser: a user id is a positive number")
	}
	s.users.add(id)
}

// User returns what the simulator holds of a user, and whether it knows the
// user.
func (s *Server) User(id usersecurity.UserID) (UserState, bool) { return s.users.snapshot(id) }

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
	if problem := f.check(s.settings.tls); problem != "" {
		panic("usersecuritytest: Inject: " + problem)
	}
	f.Header = f.Header.Clone()
	s.faults.add(f)
}

// ClearFaults removes all rules. Requests that a rule has already hit stay hit.
func (s *Server) ClearFaults() { s.faults.clear() }

// Faults returns how often each kind has struck since the server started.
func (s *Server) Faults() map[FaultKind]int { return s.faults.snapshot() }

// Requests returns what has arrived, the oldest first; the last 10,000, unless
// [WithRecordLimit] says otherwise.
func (s *Server) Requests() []RecordedRequest { return s.log.snapshot() }

// Count returns how often an operation was requested since the server started,
// whatever became of it. The key and token endpoints have operations too:
// usersecurity.OpFetchWiseKey and usersecurity.OpFetchToken. The empty operation
// counts requests that stand for none.
func (s *Server) Count(op usersecurity.Operation) int { return s.log.count(op) }
