package usersecuritytest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// UserState is what the simulator holds of a user at one moment. Secrets are in
// it as digests only. With [WithFactorsPerProfile] it doesn't show what belongs to
// a profile.
type UserState struct {
	// Email is the address that the user has signed up with, or a made-up one.
	Email string
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
	// Profiles are the user's profiles, the oldest first.
	Profiles []usersecurity.ProfileID
	// Failures counts the challenges that were answered wrongly since the last one
	// that was answered rightly.
	Failures int
	// BlockedUntil is when challenges can be answered again, after five failures;
	// the zero time if the user was never blocked.
	BlockedUntil time.Time
}

// users is the state that the operations change. Each change is one method,
// under one mutex, and ends in one of the outcomes below.
type users struct {
	clock            *clock
	fingerprintLimit int
	perProfile       bool // the successors' factors belong to the profile

	mu          sync.Mutex
	byID        map[usersecurity.UserID]*user
	byEmail     map[string]usersecurity.UserID        // in small letters
	phones      map[string]usersecurity.PhoneNumberID // by number; one owner each
	lastUser    usersecurity.UserID                   // of those who signed up
	lastProfile usersecurity.ProfileID
	lastPhone   usersecurity.PhoneNumberID
	random      *rand.PCG // of fingerprint ids
}

type user struct {
	id       usersecurity.UserID
	email    string
	created  time.Time
	profiles []profile
	factors  map[usersecurity.ProfileID]*factors // by owner; 0 is the user
	phones   []phone

	failures     int // since the last success
	blockedUntil time.Time
}

// factors are what is enrolled with calls that Wise has successors for.
type factors struct {
	pin, faceMap *Digest
	fingerprints []fingerprint
}

type profile struct {
	id          usersecurity.ProfileID
	business    bool
	deactivated bool
	created     time.Time
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
	wrong   // it is another one
	blocked // too many were wrong
)

const (
	// The ids of phone numbers, users who sign up and profiles are kept apart from
	// each other, and from the small numbers that tests use for users.
	firstPhone   = 5_000_001
	firstUser    = 6_000_001
	firstProfile = 7_000_001

	phoneType = "PRIMARY"
)

func newUsers(c *clock, seed uint64, fingerprintLimit int, perProfile bool) *users {
	return &users{
		clock:            c,
		fingerprintLimit: fingerprintLimit,
		perProfile:       perProfile,
		byID:             map[usersecurity.UserID]*user{},
		byEmail:          map[string]usersecurity.UserID{},
		phones:           map[string]usersecurity.PhoneNumberID{},
		lastUser:         firstUser - 1,
		lastProfile:      firstProfile - 1,
		lastPhone:        firstPhone - 1,
		random:           rand.NewPCG(seed, 'i'),
	}
}

// add makes a user known, with a personal profile and a made-up e-mail address.
func (u *users) add(id usersecurity.UserID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID[id] == nil {
		u.create(id, fmt.Sprintf("user%d@example.com", id))
	}
}

// signUp makes a new user, unless the e-mail address is another one's.
func (u *users) signUp(email string) (usersecurity.UserID, outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, taken := u.byEmail[strings.ToLower(email)]; taken {
		return 0, exists
	}
	for u.lastUser++; u.byID[u.lastUser] != nil; u.lastUser++ {
	}
	u.create(u.lastUser, email)
	return u.lastUser, done
}

func (u *users) create(id usersecurity.UserID, email string) {
	usr := &user{
		id: id, email: email, created: u.clock.now(),
		factors: map[usersecurity.ProfileID]*factors{0: {}},
	}
	u.addProfile(usr, false)
	u.byID[id] = usr
	u.byEmail[strings.ToLower(email)] = id
}

func (u *users) addProfile(usr *user, business bool) usersecurity.ProfileID {
	u.lastProfile++
	usr.profiles = append(usr.profiles, profile{id: u.lastProfile, business: business, created: u.clock.now()})
	return u.lastProfile
}

func (u *users) hasEmail(email string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, taken := u.byEmail[strings.ToLower(email)]
	return taken
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

// visitFactors gives the factors that calls on a profile of a user's act on, or
// calls on the user where profile is 0.
func (u *users) visitFactors(id usersecurity.UserID, profile usersecurity.ProfileID, do func(*factors) outcome) outcome {
	return u.visit(id, func(usr *user) outcome { return do(u.factorsOf(usr, profile)) })
}

func (u *users) factorsOf(usr *user, profile usersecurity.ProfileID) *factors {
	if !u.perProfile {
		profile = 0
	}
	own := usr.factors[profile]
	if own == nil {
		own = &factors{}
		usr.factors[profile] = own
	}
	return own
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
	state := UserState{
		Email:              u.email,
		FingerprintDigests: map[uuid.UUID]Digest{},
		Failures:           u.failures,
		BlockedUntil:       u.blockedUntil,
	}
	own := u.factors[0]
	if own.pin != nil {
		state.PinSet, state.PinDigest = true, *own.pin
	}
	if own.faceMap != nil {
		state.FaceMapEnrolled, state.FaceMapDigest = true, *own.faceMap
	}
	for _, f := range own.fingerprints {
		state.Fingerprints = append(state.Fingerprints, usersecurity.DeviceFingerprint{ID: f.id, CreatedAt: f.created})
		state.FingerprintDigests[f.id] = f.digest
	}
	for _, p := range u.profiles {
		state.Profiles = append(state.Profiles, p.id)
	}
	for _, p := range u.phones {
		state.PhoneNumbers = append(state.PhoneNumbers, usersecurity.PhoneNumber{
			ID: p.id, PhoneNumber: p.number, Type: phoneType, Verified: true, ClientID: clientID,
		})
	}
	return state
}
