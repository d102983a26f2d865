package usersecuritytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// UserState is what the simulator holds of a user at one moment. Secrets are in
// it as digests only.
type UserState struct {
	// PinSet says whether the user has a PIN, PinDigest which one.
	PinSet    bool
	PinDigest Digest
	// FaceMapEnrolled says whether the user has a face map, FaceMapDigest which
	// one.
	FaceMapEnrolled bool
	FaceMapDigest   Digest
	// Fingerprints are the user's devices, the oldest first.
	Fingerprints []usersecurity.DeviceFingerprint
	// FingerprintDigests are the digests of their values.
	FingerprintDigests map[uuid.UUID]Digest
	// PhoneNumbers are the user's numbers, the oldest first.
	PhoneNumbers []usersecurity.PhoneNumber
}

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

// users is the state that the operations change. Each change is one method,
// under one mutex, and ends in one of the outcomes below.
type users struct {
	fingerprintLimit int

	mu        sync.Mutex
	byID      map[usersecurity.UserID]*user
	phones    map[string]usersecurity.PhoneNumberID // by number; one owner each
	lastPhone usersecurity.PhoneNumberID
	random    *rand.Rand // of fingerprint ids
}

type user struct {
	pin, faceMap *Digest
	fingerprints []fingerprint
	phones       []phone
}

type fingerprint struct {
	id      uuid.UUID
	created time.Time
	digest  Digest
}

type phone struct {
	id     usersecurity.PhoneNumberID
	number string
}

// outcome is what became of a change.
type outcome int

const (
	done outcome = iota
	unknownUser
	missing // there is nothing to remove or change
	exists  // it is there already
	full    // no room for another one
)

const (
	// firstPhone keeps the ids of phone numbers apart from the small numbers that
	// tests use for users.
	firstPhone = 5_000_001
	phoneType  = "PRIMARY"
)

func (u *users) init(seed uint64, fingerprintLimit int) {
	u.fingerprintLimit = fingerprintLimit
	u.byID = map[usersecurity.UserID]*user{}
	u.phones = map[string]usersecurity.PhoneNumberID{}
	u.lastPhone = firstPhone - 1
	u.random = rand.New(rand.NewPCG(seed, 'i'))
}

func (u *users) add(id usersecurity.UserID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID[id] == nil {
		u.byID[id] = &user{}
	}
}

func (u *users) known(id usersecurity.UserID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.byID[id] != nil
}

func (u *users) snapshot(id usersecurity.UserID) (UserState, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return UserState{}, false
	}
	state := UserState{FingerprintDigests: map[uuid.UUID]Digest{}}
	if usr.pin != nil {
		state.PinSet, state.PinDigest = true, *usr.pin
	}
	if usr.faceMap != nil {
		state.FaceMapEnrolled, state.FaceMapDigest = true, *usr.faceMap
	}
	for _, f := range usr.fingerprints {
		state.Fingerprints = append(state.Fingerprints, usersecurity.DeviceFingerprint{ID: f.id, CreatedAt: f.created})
		state.FingerprintDigests[f.id] = f.digest
	}
	for _, p := range usr.phones {
		state.PhoneNumbers = append(state.PhoneNumbers, usersecurity.PhoneNumber{
			ID: p.id, PhoneNumber: p.number, Type: phoneType, Verified: true, ClientID: clientID,
		})
	}
	return state, true
}

// A secret is what a user has at most one of: the PIN, or the face map.
type secret func(*user) **Digest

func pinOf(u *user) **Digest     { return &u.pin }
func faceMapOf(u *user) **Digest { return &u.faceMap }

func (u *users) setSecret(id usersecurity.UserID, which secret, digest Digest) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return unknownUser
	}
	place := which(usr)
	if *place != nil {
		return exists
	}
	*place = &digest
	return done
}

func (u *users) removeSecret(id usersecurity.UserID, which secret) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return unknownUser
	}
	place := which(usr)
	if *place == nil {
		return missing
	}
	*place = nil
	return done
}

func (u *users) addFingerprint(id usersecurity.UserID, digest Digest) (fingerprint, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	switch {
	case usr == nil:
		return fingerprint{}, unknownUser
	case slices.ContainsFunc(usr.fingerprints, func(f fingerprint) bool { return f.digest == digest }):
		return fingerprint{}, exists
	case len(usr.fingerprints) >= u.fingerprintLimit:
		return fingerprint{}, full
	}
	f := fingerprint{
		id: u.newUUID(),
		// Without the monotonic clock it compares equal to what a client reads.
		created: time.Now().UTC().Round(0),
		digest:  digest,
	}
	usr.fingerprints = append(usr.fingerprints, f)
	return f, done
}

// newUUID draws a version 4 UUID from the seeded source.
func (u *users) newUUID() uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(u.random.Uint32())
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (u *users) listFingerprints(id usersecurity.UserID) ([]fingerprint, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return nil, unknownUser
	}
	return slices.Clone(usr.fingerprints), done
}

func (u *users) removeFingerprint(id usersecurity.UserID, which uuid.UUID) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return unknownUser
	}
	i := slices.IndexFunc(usr.fingerprints, func(f fingerprint) bool { return f.id == which })
	if i < 0 {
		return missing
	}
	usr.fingerprints = slices.Delete(usr.fingerprints, i, i+1)
	return done
}

func (u *users) listPhones(id usersecurity.UserID) ([]phone, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return nil, unknownUser
	}
	return slices.Clone(usr.phones), done
}

func (u *users) addPhone(id usersecurity.UserID, number string) (phone, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return phone{}, unknownUser
	}
	if _, taken := u.phones[number]; taken {
		return phone{}, exists
	}
	u.lastPhone++
	p := phone{id: u.lastPhone, number: number}
	u.phones[number] = p.id
	usr.phones = append(usr.phones, p)
	return p, done
}

func (u *users) changePhone(id usersecurity.UserID, which usersecurity.PhoneNumberID, number string) (phone, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return phone{}, unknownUser
	}
	i := usr.phone(which)
	if i < 0 {
		return phone{}, missing
	}
	if owner, taken := u.phones[number]; taken && owner != which {
		return phone{}, exists
	}
	p := &usr.phones[i]
	delete(u.phones, p.number)
	u.phones[number] = which
	p.number = number
	return *p, done
}

func (u *users) removePhone(id usersecurity.UserID, which usersecurity.PhoneNumberID) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return unknownUser
	}
	i := usr.phone(which)
	if i < 0 {
		return missing
	}
	delete(u.phones, usr.phones[i].number)
	usr.phones = slices.Delete(usr.phones, i, i+1)
	return done
}

func (u *user) phone(id usersecurity.PhoneNumberID) int {
	return slices.IndexFunc(u.phones, func(p phone) bool { return p.id == id })
}

// mustKnow is for methods that tests call: a user that was never added is a
// mistake in the test.
func (s *Server) mustKnow(method string, id usersecurity.UserID) {
	if !s.users.known(id) {
		panic(fmt.Sprintf("usersecuritytest: %s: user %d is unknown: call AddUser first", method, id))
	}
}
