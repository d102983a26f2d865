package usersecuritytest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// savedUsers is what is written of users.
type savedUsers struct {
	Users       []savedUser                `json:"users"`
	LastUser    usersecurity.UserID        `json:"lastUser"`
	LastProfile usersecurity.ProfileID     `json:"lastProfile"`
	LastPhone   usersecurity.PhoneNumberID `json:"lastPhone"`
	Random      []byte                     `json:"random"`
}

type savedUser struct {
	ID           usersecurity.UserID `json:"id"`
	Email        string              `json:"email"`
	Created      time.Time           `json:"created"`
	Profiles     []savedProfile      `json:"profiles"`
	Factors      []savedFactors      `json:"factors"`
	Phones       []savedPhone        `json:"phoneNumbers"`
	Failures     int                 `json:"failures,omitempty"`
	BlockedUntil time.Time           `json:"blockedUntil,omitzero"`
}

type savedProfile struct {
	ID          usersecurity.ProfileID `json:"id"`
	Business    bool                   `json:"business,omitempty"`
	Deactivated bool                   `json:"deactivated,omitempty"`
	Created     time.Time              `json:"created"`
}

type savedFactors struct {
	Profile      usersecurity.ProfileID `json:"profile,omitempty"` // without one they are the user's
	Pin          *savedDigest           `json:"pin,omitempty"`
	FaceMap      *savedDigest           `json:"faceMap,omitempty"`
	Fingerprints []savedFingerprint     `json:"deviceFingerprints,omitempty"`
}

type savedFingerprint struct {
	ID      uuid.UUID   `json:"id"`
	Created time.Time   `json:"created"`
	Digest  savedDigest `json:"digest"`
}

type savedPhone struct {
	ID     usersecurity.PhoneNumberID `json:"id"`
	Number string                     `json:"number"`
}

// savedDigest is written, where a Digest is masked.
type savedDigest Digest

func (d savedDigest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

func (d *savedDigest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(d) {
		return errors.New("a digest is written with 64 hexadecimal digits")
	}
	*d = savedDigest(raw)
	return nil
}

func (u *users) saved() savedUsers {
	ids := u.ids()
	u.mu.Lock()
	defer u.mu.Unlock()
	s := savedUsers{LastUser: u.lastUser, LastProfile: u.lastProfile, LastPhone: u.lastPhone}
	s.Random, _ = u.random.MarshalBinary() // never fails
	for _, id := range ids {
		s.Users = append(s.Users, u.byID[id].saved())
	}
	return s
}

func (u *user) saved() savedUser {
	s := savedUser{ID: u.id, Email: u.email, Created: u.created, Failures: u.failures, BlockedUntil: u.blockedUntil}
	for _, p := range u.profiles {
		s.Profiles = append(s.Profiles, savedProfile{p.id, p.business, p.deactivated, p.created})
	}
	for owner, own := range u.factors {
		f := savedFactors{owner, (*savedDigest)(own.pin), (*savedDigest)(own.faceMap), nil}
		for _, device := range own.fingerprints {
			f.Fingerprints = append(f.Fingerprints, savedFingerprint{device.id, device.created, savedDigest(device.digest)})
		}
		s.Factors = append(s.Factors, f)
	}
	slices.SortFunc(s.Factors, func(a, b savedFactors) int { return int(a.Profile - b.Profile) })
	for _, p := range u.phones {
		s.Phones = append(s.Phones, savedPhone{p.id, p.number})
	}
	return s
}

// restore makes users of what was written. It says what can't be so.
func (s *savedUsers) restore(into *users) error {
	if err := into.random.UnmarshalBinary(s.Random); err != nil {
		return errors.New("the state of the random numbers can't be read")
	}
	into.lastUser, into.lastProfile, into.lastPhone = s.LastUser, s.LastProfile, s.LastPhone
	profiles := map[usersecurity.ProfileID]bool{}
	for i := range s.Users {
		usr := &s.Users[i]
		email := strings.ToLower(usr.Email)
		switch _, taken := into.byEmail[email]; {
		case usr.ID <= 0 || into.byID[usr.ID] != nil:
			return fmt.Errorf("user %d: the id is not positive, or another user's", usr.ID)
		case len(usr.Profiles) == 0 || usr.Profiles[0].Business:
			return fmt.Errorf("user %d: the first profile must be a personal one", usr.ID)
		case taken:
			return fmt.Errorf("user %d: the e-mail address is another user's", usr.ID)
		}
		for _, p := range usr.Profiles {
			if p.ID <= 0 || p.ID > s.LastProfile || profiles[p.ID] {
				return fmt.Errorf("user %d: profile %d is no possible one, or there twice", usr.ID, p.ID)
			}
			profiles[p.ID] = true
		}
		for _, p := range usr.Phones {
			if _, taken := into.phones[p.Number]; taken || p.ID <= 0 || p.ID > s.LastPhone {
				return fmt.Errorf("user %d: phone number %d is no possible one, or another user's", usr.ID, p.ID)
			}
			into.phones[p.Number] = p.ID
		}
		into.byID[usr.ID], into.byEmail[email] = usr.restored(), usr.ID
	}
	return nil
}

func (s *savedUser) restored() *user {
	usr := &user{
		id: s.ID, email: s.Email, created: s.Created, failures: s.Failures, blockedUntil: s.BlockedUntil,
		factors: map[usersecurity.ProfileID]*factors{0: {}},
	}
	for _, p := range s.Profiles {
		usr.profiles = append(usr.profiles, profile{p.ID, p.Business, p.Deactivated, p.Created})
	}
	for _, f := range s.Factors {
		own := &factors{pin: (*Digest)(f.Pin), faceMap: (*Digest)(f.FaceMap)}
		for _, device := range f.Fingerprints {
			own.fingerprints = append(own.fingerprints, fingerprint{device.ID, device.Created, Digest(device.Digest)})
		}
		usr.factors[f.Profile] = own
	}
	for _, p := range s.Phones {
		usr.phones = append(usr.phones, phone{p.ID, p.Number})
	}
	return usr
}

// replace takes the place of what is there.
func (u *users) replace(by *users) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.byID, u.byEmail, u.phones = by.byID, by.byEmail, by.phones
	u.lastUser, u.lastProfile, u.lastPhone, u.random = by.lastUser, by.lastProfile, by.lastPhone, by.random
}
