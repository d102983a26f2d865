package usersecuritytest

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// EnrolPin gives a user a PIN of four digits, as if a call had done it. It fails
// where the call would have.
func (s *Server) EnrolPin(id usersecurity.UserID, digits string) error {
	if !isPin(digits) {
		return errors.New("a PIN has four digits")
	}
	return enrolment(id, "a PIN", s.users.setSecret(id, 0, pinOf, DigestOf(digits)))
}

// EnrolFaceMap gives a user a face map, which is a text in base64. It fails where
// the call would have.
func (s *Server) EnrolFaceMap(id usersecurity.UserID, base64 string) error {
	if !isFaceMap(base64) {
		return errors.New("a face map is written in base64")
	}
	return enrolment(id, "a face map", s.users.setSecret(id, 0, faceMapOf, DigestOf(base64)))
}

// AddDeviceFingerprint gives a user one more device. It fails where the call would
// have.
func (s *Server) AddDeviceFingerprint(id usersecurity.UserID, value string) (uuid.UUID, error) {
	if value == "" {
		return uuid.Nil, errors.New("a device fingerprint is not empty")
	}
	made, o := s.users.addFingerprint(id, 0, DigestOf(value))
	return made.id, enrolment(id, "this device fingerprint", o)
}

// AddPhoneNumber gives a user one more phone number, such as +6588888888. It fails
// where the call would have.
func (s *Server) AddPhoneNumber(id usersecurity.UserID, number string) (usersecurity.PhoneNumberID, error) {
	if !validPhoneNumber.MatchString(number) {
		return 0, errors.New("a phone number is written like +6588888888")
	}
	made, o := s.users.addPhone(id, number)
	if o == exists {
		return 0, errors.New("this phone number is a user's already")
	}
	return made.id, enrolment(id, "this phone number", o)
}

// enrolment never names the secret.
func enrolment(id usersecurity.UserID, what string, o outcome) error {
	switch o {
	case done:
		return nil
	case unknownUser:
		return fmt.Errorf("user %d is unknown", id)
	case full:
		return fmt.Errorf("user %d can have no further device fingerprint", id)
	}
	return fmt.Errorf("user %d has %s already", id, what)
}
