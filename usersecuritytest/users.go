package usersecuritytest

import (
	"math/rand/v2"
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

func newUsers(seed uint64, fingerprintLimit int) *users {
	return &users{
		fingerprintLimit: fingerprintLimit,
		byID:             map[usersecurity.UserID]*user{},
		phones:           map[string]usersecurity.PhoneNumberID{},
		lastPhone:        firstPhone - 1,
		random:           rand.New(rand.NewPCG(seed, 'i')),
	}
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

// visit gives what a user has to a function that may change it. No two of them
// run side by side.
func (u *users) visit(id usersecurity.UserID, do func(*user) outcome) outcome {
	u.mu.Lock()
	defer u.mu.Unlock()
	usr := u.byID[id]
	if usr == nil {
		return unknownUser
	}
	return do(usr)
}

func (u *users) snapshot(id usersecurity.UserID) (UserState, bool) {
	var state UserState
	known := u.visit(id, func(usr *user) outcome {
		state = usr.state()
		return done
	})
	return state, known == done
}

func (u *user) state() UserState {
	state := UserState{FingerprintDigests: map[uuid.UUID]Digest{}}
	if u.pin != nil {
		state.PinSet, state.PinDigest = true, *u.pin
	}
	if u.faceMap != nil {
		state.FaceMapEnrolled, state.FaceMapDigest = true, *u.faceMap
	}
	for _, f := range u.fingerprints {
		state.Fingerprints = append(state.Fingerprints, usersecurity.DeviceFingerprint{ID: f.id, CreatedAt: f.created})
		state.FingerprintDigests[f.id] = f.digest
	}
	for _, p := range u.phones {
		state.PhoneNumbers = append(state.PhoneNumbers, usersecurity.PhoneNumber{
			ID: p.id, PhoneNumber: p.number, Type: phoneType, Verified: true, ClientID: clientID,
		})
	}
	return state
}
