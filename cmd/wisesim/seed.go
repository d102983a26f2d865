package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// firstUser is there where no seed says who is.
const firstUser usersecurity.UserID = 1001

// seed is who is there at first.
type seed struct {
	// ClientSecret is the partner's, for scripts that have to know it beforehand.
	ClientSecret string   `json:"clientSecret"`
	Users        []person `json:"users"`
}

// person is a user as seeds and scripts describe one.
type person struct {
	ID usersecurity.UserID `json:"id"`
	enrolment
}

type enrolment struct {
	Pin                string   `json:"pin"`
	FaceMap            string   `json:"faceMap"`
	DeviceFingerprints []string `json:"deviceFingerprints"`
	PhoneNumbers       []string `json:"phoneNumbers"`
	BusinessProfiles   int      `json:"businessProfiles"`
}

// maxBusinessProfiles is more than anybody needs.
const maxBusinessProfiles = 100

func readSeed(path string) (seed, error) {
	if path == "" {
		return seed{Users: []person{{ID: firstUser}}}, nil
	}
	text, err := os.ReadFile(path) // #nosec G304 -- the user of the program names it
	if err != nil {
		return seed{}, fmt.Errorf("-seed: %w", err)
	}
	var s seed
	if err := decodeStrictly(text, &s); err != nil {
		return seed{}, fmt.Errorf("-seed: %s: %w", path, err)
	}
	return s, nil
}

// decodeStrictly takes one JSON value that has no field that isn't known. The error
// doesn't quote it.
func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fmt.Errorf("the field %q is of another type", kind.Field)
		}
		return errors.New("the JSON is broken, or has a field that isn't known")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON")
	}
	return nil
}

// plant adds all users.
func (s seed) plant(srv *usersecuritytest.Server) error {
	for _, p := range s.Users {
		if err := p.add(srv); err != nil {
			return err
		}
	}
	return nil
}

// add makes a user. Of one that can't have all this, what could be given stays.
func (p person) add(srv *usersecuritytest.Server) error {
	if p.ID <= 0 {
		return invalid("a user's id is a positive number")
	}
	if _, known := srv.User(p.ID); known {
		return conflict(fmt.Sprintf("user %d is there already", p.ID))
	}
	srv.AddUser(p.ID)
	return p.enrol(srv, p.ID)
}

func (e enrolment) enrol(srv *usersecuritytest.Server, id usersecurity.UserID) error {
	if e.BusinessProfiles < 0 || e.BusinessProfiles > maxBusinessProfiles {
		return invalid(fmt.Sprintf("businessProfiles is from 0 to %d", maxBusinessProfiles))
	}
	var problems []error
	if e.Pin != "" {
		problems = append(problems, srv.EnrolPin(id, e.Pin))
	}
	if e.FaceMap != "" {
		problems = append(problems, srv.EnrolFaceMap(id, e.FaceMap))
	}
	for _, value := range e.DeviceFingerprints {
		_, err := srv.AddDeviceFingerprint(id, value)
		problems = append(problems, err)
	}
	for _, number := range e.PhoneNumbers {
		_, err := srv.AddPhoneNumber(id, number)
		problems = append(problems, err)
	}
	for range e.BusinessProfiles {
		srv.AddBusinessProfile(id)
	}
	if err := errors.Join(problems...); err != nil {
		return invalid(err.Error())
	}
	return nil
}
