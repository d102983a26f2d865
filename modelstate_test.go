package usersecurity_test

import (
	"slices"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// modelUser is what a user has, as the contract has it: a second implementation
// of what the simulator keeps.
type modelUser struct {
	pin, faceMap string // empty for none
	devices      []modelDevice
	numbers      []modelNumber
}

type modelDevice struct {
	id    uuid.UUID
	value string
}

type modelNumber struct {
	id     usersecurity.PhoneNumberID
	number string
}

// modelWise is all users, and whose a number is.
type modelWise struct {
	users map[usersecurity.UserID]*modelUser
	owner map[string]usersecurity.UserID
}

// modelCall is a call as the model sees it.
type modelCall struct {
	op                  usersecurity.Operation
	user                usersecurity.UserID
	pin, faceMap, value string
	device              uuid.UUID
	number              string
	numberID            usersecurity.PhoneNumberID
}

// refuses says how Wise refuses the call as things are; nil if it doesn't.
func (m *modelWise) refuses(c *modelCall) error { return modelRefusals[c.op](m, m.users[c.user], c) }

// modelRefusals are the writes that the model knows, and when Wise refuses each.
var modelRefusals = map[usersecurity.Operation]func(m *modelWise, u *modelUser, c *modelCall) error{
	usersecurity.OpCreatePin: func(_ *modelWise, u *modelUser, _ *modelCall) error {
		return onlyIf(u.pin != "", usersecurity.ErrPinAlreadySet)
	},
	usersecurity.OpDeletePin: func(_ *modelWise, u *modelUser, _ *modelCall) error {
		return onlyIf(u.pin == "", usersecurity.ErrPinNotSet)
	},
	usersecurity.OpEnrolFaceMap: func(_ *modelWise, u *modelUser, _ *modelCall) error {
		return onlyIf(u.faceMap != "", usersecurity.ErrFaceMapAlreadyEnrolled)
	},
	usersecurity.OpDeleteFaceMap: func(_ *modelWise, u *modelUser, _ *modelCall) error {
		return onlyIf(u.faceMap == "", usersecurity.ErrFaceMapNotEnrolled)
	},
	usersecurity.OpCreateDeviceFingerprint: func(_ *modelWise, u *modelUser, c *modelCall) error {
		if slices.ContainsFunc(u.devices, func(d modelDevice) bool { return d.value == c.value }) {
			return usersecurity.ErrFingerprintExists
		}
		return onlyIf(len(u.devices) >= 3, usersecurity.ErrFingerprintLimit)
	},
	usersecurity.OpDeleteDeviceFingerprint: func(_ *modelWise, u *modelUser, c *modelCall) error {
		return onlyIf(u.deviceAt(c.device) < 0, usersecurity.ErrFingerprintNotFound)
	},
	usersecurity.OpCreatePhoneNumber: func(m *modelWise, _ *modelUser, c *modelCall) error {
		return onlyIf(m.owner[c.number] != 0, usersecurity.ErrPhoneRepeated)
	},
	usersecurity.OpUpdatePhoneNumber: func(m *modelWise, u *modelUser, c *modelCall) error {
		at := u.numberAt(c.numberID)
		switch {
		case at < 0:
			return usersecurity.ErrNotFound
		case u.numbers[at].number != c.number && m.owner[c.number] != 0:
			return usersecurity.ErrPhoneRepeated
		}
		return nil
	},
	usersecurity.OpDeletePhoneNumber: func(_ *modelWise, u *modelUser, c *modelCall) error {
		return onlyIf(u.numberAt(c.numberID) < 0, usersecurity.ErrNotFound)
	},
}

func onlyIf(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// asAsked reports whether things are as the call wants them, whoever has seen
// to it, where a call may take that for success.
func (m *modelWise) asAsked(c *modelCall) bool {
	u := m.users[c.user]
	switch c.op {
	case usersecurity.OpDeletePin:
		return u.pin == ""
	case usersecurity.OpDeleteFaceMap:
		return u.faceMap == ""
	case usersecurity.OpDeleteDeviceFingerprint:
		return u.deviceAt(c.device) < 0
	case usersecurity.OpDeletePhoneNumber:
		return u.numberAt(c.numberID) < 0
	case usersecurity.OpCreatePhoneNumber:
		return slices.ContainsFunc(u.numbers, func(n modelNumber) bool { return n.number == c.number })
	case usersecurity.OpUpdatePhoneNumber:
		return slices.Contains(u.numbers, modelNumber{c.numberID, c.number})
	}
	return false
}

// carryOut does what the call asks for. The ids that Wise has given are read
// from its state.
func (m *modelWise) carryOut(c *modelCall, after usersecuritytest.UserState) {
	u := m.users[c.user]
	switch c.op {
	case usersecurity.OpCreatePin:
		u.pin = c.pin
	case usersecurity.OpDeletePin:
		u.pin = ""
	case usersecurity.OpEnrolFaceMap:
		u.faceMap = c.faceMap
	case usersecurity.OpDeleteFaceMap:
		u.faceMap = ""
	case usersecurity.OpCreateDeviceFingerprint:
		u.devices = append(u.devices, modelDevice{value: c.value})
		if n := len(after.Fingerprints); n > 0 {
			u.devices[len(u.devices)-1].id = after.Fingerprints[n-1].ID
		}
	case usersecurity.OpDeleteDeviceFingerprint:
		at := u.deviceAt(c.device)
		u.devices = slices.Delete(u.devices, at, at+1)
	case usersecurity.OpCreatePhoneNumber:
		u.numbers = append(u.numbers, modelNumber{number: c.number})
		if n := len(after.PhoneNumbers); n > 0 {
			u.numbers[len(u.numbers)-1].id = after.PhoneNumbers[n-1].ID
		}
		m.owner[c.number] = c.user
	case usersecurity.OpUpdatePhoneNumber:
		at := u.numberAt(c.numberID)
		delete(m.owner, u.numbers[at].number)
		u.numbers[at].number = c.number
		m.owner[c.number] = c.user
	case usersecurity.OpDeletePhoneNumber:
		at := u.numberAt(c.numberID)
		delete(m.owner, u.numbers[at].number)
		u.numbers = slices.Delete(u.numbers, at, at+1)
	}
}

func (u *modelUser) deviceAt(id uuid.UUID) int {
	return slices.IndexFunc(u.devices, func(d modelDevice) bool { return d.id == id })
}

func (u *modelUser) numberAt(id usersecurity.PhoneNumberID) int {
	return slices.IndexFunc(u.numbers, func(n modelNumber) bool { return n.id == id })
}

// is reports whether the simulator holds the same.
func (u *modelUser) is(s usersecuritytest.UserState) bool {
	return u.pin != "" == s.PinSet && (u.pin == "" || s.PinDigest == usersecuritytest.DigestOf(u.pin)) &&
		u.faceMap != "" == s.FaceMapEnrolled && (u.faceMap == "" || s.FaceMapDigest == usersecuritytest.DigestOf(u.faceMap)) &&
		u.hasDevices(s.Fingerprints) && u.hasNumbers(s.PhoneNumbers) &&
		!slices.ContainsFunc(u.devices, func(d modelDevice) bool {
			return s.FingerprintDigests[d.id] != usersecuritytest.DigestOf(d.value)
		})
}

func (u *modelUser) hasDevices(list []usersecurity.DeviceFingerprint) bool {
	return slices.EqualFunc(u.devices, list, func(d modelDevice, l usersecurity.DeviceFingerprint) bool { return d.id == l.ID })
}

func (u *modelUser) hasNumbers(list []usersecurity.PhoneNumber) bool {
	return slices.EqualFunc(u.numbers, list, func(n modelNumber, l usersecurity.PhoneNumber) bool {
		return n == modelNumber{l.ID, l.PhoneNumber}
	})
}
