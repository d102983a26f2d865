package usersecuritytest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// personalProfile is the profile that every user is made with; 0 for a user who
// isn't known.
func (u *users) personalProfile(id usersecurity.UserID) (personal usersecurity.ProfileID) {
	u.visit(id, func(usr *user) outcome {
		personal = usr.profiles[0].id
		return done
	})
	return personal
}

func (u *users) addBusiness(id usersecurity.UserID) (made usersecurity.ProfileID) {
	u.visit(id, func(usr *user) outcome {
		made = u.addProfile(usr, true)
		return done
	})
	return made
}

func (u *users) deactivate(which usersecurity.ProfileID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, usr := range u.byID {
		for i := range usr.profiles {
			if usr.profiles[i].id == which {
				usr.profiles[i].deactivated = true
			}
		}
	}
}

// owns reports whether a profile is the user's, and not deactivated.
func (u *users) owns(id usersecurity.UserID, which usersecurity.ProfileID) bool {
	return u.visit(id, func(usr *user) outcome {
		if slices.ContainsFunc(usr.profiles, func(p profile) bool { return p.id == which && !p.deactivated }) {
			return done
		}
		return missing
	}) == done
}

func profileRoutes(u *users) []route {
	return []route{{
		operation: usersecurity.OpListProfiles,
		methods:   []string{http.MethodGet}, path: "/v2/profiles",
		token: kindUser, handle: u.fetchProfiles,
	}}
}

// profileReply has the fields of both types; all personal data in it is made up.
type profileReply struct {
	Type      string  `json:"type"`
	ID        int64   `json:"id"`
	PublicID  string  `json:"publicId"`
	UserID    int64   `json:"userId"`
	Email     string  `json:"email"`
	CreatedAt string  `json:"createdAt"`
	UpdatedAt string  `json:"updatedAt"`
	State     string  `json:"currentState"`
	Contact   contact `json:"contactDetails"`
	Address   address `json:"address"`
	*personalReply
	*businessReply
}

type contact struct {
	Email       string `json:"email"`
	PhoneNumber string `json:"phoneNumber"`
}

type address struct {
	Line1    string `json:"addressFirstLine"`
	City     string `json:"city"`
	PostCode string `json:"postCode"`
	Country  string `json:"countryIso3Code"`
}

type personalReply struct {
	FirstName          string    `json:"firstName"`
	LastName           string    `json:"lastName"`
	PreferredName      *string   `json:"preferredName"`
	FullName           string    `json:"fullName"`
	DateOfBirth        string    `json:"dateOfBirth"`
	PhoneNumber        string    `json:"phoneNumber"`
	Avatar             *string   `json:"avatar"`
	SecondaryAddresses []address `json:"secondaryAddresses"`
}

type businessReply struct {
	BusinessName       string `json:"businessName"`
	RegistrationNumber string `json:"registrationNumber"`
}

// profileTime is how Wise writes the times of profiles: without a zone.
const profileTime = "2006-01-02T15:04:05"

func (p profile) reply(u *user) profileReply {
	at := p.created.UTC().Format(profileTime)
	r := profileReply{
		Type:      "PERSONAL",
		ID:        int64(p.id),
		PublicID:  publicID(p.id),
		UserID:    int64(u.id),
		Email:     u.email,
		CreatedAt: at,
		UpdatedAt: at,
		State:     "VISIBLE",
		Contact:   contact{u.email, "+442079460000"},
		Address:   address{"1 Sample Street", "London", "E1 6JJ", "gbr"},
	}
	if p.deactivated {
		r.State = "DEACTIVATED"
	}
	if p.business {
		r.Type = "BUSINESS"
		r.businessReply = &businessReply{fmt.Sprint("Sample Business ", p.id), fmt.Sprintf("%08d", p.id)}
		return r
	}
	last := fmt.Sprint("Sample ", u.id)
	r.personalReply = &personalReply{
		FirstName: "Sam", LastName: last, FullName: "Sam " + last,
		DateOfBirth: "1980-01-01",
		PhoneNumber: r.Contact.PhoneNumber, SecondaryAddresses: []address{},
	}
	return r
}

func (u *users) fetchProfiles(c *call) answer {
	replies := []profileReply{}
	o := u.visit(c.user(), func(usr *user) outcome {
		for _, p := range usr.profiles {
			replies = append(replies, p.reply(usr))
		}
		return done
	})
	if o != done {
		return noSuchUser()
	}
	return jsonAnswer(http.StatusOK, replies)
}

// publicID is made of the profile's id, without the SHA-1 of name-based UUIDs,
// which FIPS 140-only mode refuses.
func publicID(id usersecurity.ProfileID) string {
	sum := sha256.Sum256(fmt.Append(nil, "profile/", id))
	return uuid.UUID(sum[:16]).String()
}
