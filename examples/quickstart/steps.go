package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

type (
	option = usersecurity.CallOption
	call   = func(context.Context, ...option) error
)

// step is one call.
type step struct {
	name   string
	call   call         // nil: the name is a heading
	want   error        // how it must end; nil for success
	makes  *trial.Thing // what its success creates
	theirs error        // what says that the user has such a thing already
	takes  *trial.Thing // what its success removes
}

// secrets are what the user is set up with.
type secrets struct {
	pin     usersecurity.Pin
	device  usersecurity.Fingerprint
	faceMap usersecurity.FaceMap // the zero one where there is none
}

func newSecrets(s settings) (made secrets, err error) {
	var failed [3]error
	made.pin, failed[0] = usersecurity.NewPin("0417")
	made.device, failed[1] = usersecurity.NewFingerprint(uuid.NewString())
	switch {
	case s.faceMapFile != "":
		var text []byte
		if text, err = os.ReadFile(s.faceMapFile); err != nil {
			return made, err
		}
		made.faceMap, failed[2] = usersecurity.FaceMapFromBase64(strings.TrimSpace(string(text)))
	case s.baseURL == "":
		noise := make([]byte, 4096) // the simulator can't tell a face map from noise
		_, _ = rand.Read(noise)
		made.faceMap, failed[2] = usersecurity.NewFaceMap(noise)
	}
	return made, errors.Join(failed[:]...)
}

// firstSteps are the eleven older calls.
func firstSteps(client *usersecurity.Client, user usersecurity.UserID, s settings, with secrets) []step {
	var device usersecurity.DeviceFingerprint
	pin := &trial.Thing{Name: "a PIN", Remove: func(ctx context.Context, o ...option) error { return client.DeletePin(ctx, user, o...) }}
	face := &trial.Thing{Name: "a face map", Remove: func(ctx context.Context, o ...option) error { return client.DeleteFaceMap(ctx, user, o...) }}
	registered := &trial.Thing{Name: "a device", Remove: func(ctx context.Context, o ...option) error {
		return client.DeleteDeviceFingerprint(ctx, user, device.ID, o...)
	}}
	setPin := func(ctx context.Context, o ...option) error { return client.CreatePin(ctx, user, with.pin, o...) }
	steps := []step{
		{name: "Wise's older calls, most of which it has deprecated:"},
		{name: "check the sealing", call: client.VerifyJWE},
		{name: "set the PIN", call: setPin, makes: pin, theirs: usersecurity.ErrPinAlreadySet},
		{name: "set the PIN again", call: setPin, want: usersecurity.ErrPinAlreadySet},
		{name: "register the device", makes: registered, theirs: usersecurity.ErrFingerprintExists, call: func(ctx context.Context, o ...option) error {
			created, err := client.CreateDeviceFingerprint(ctx, user, with.device, o...)
			if err == nil {
				device = *created
			}
			return err
		}},
		{name: "list the devices", call: func(ctx context.Context, o ...option) error {
			_, err := client.ListDeviceFingerprints(ctx, user, o...)
			return err
		}},
	}
	if !with.faceMap.IsZero() {
		enrol := func(ctx context.Context, o ...option) error {
			return client.EnrolFaceMap(ctx, user, with.faceMap, o...)
		}
		steps = append(steps, faceMapSteps(enrol, face)...)
	}
	steps = append(steps, phoneSteps(client, user, s, true)...)
	return append(steps,
		step{name: "delete the device", call: registered.Remove, takes: registered},
		step{name: "delete the PIN", call: pin.Remove, takes: pin},
		step{name: "delete the PIN again", call: pin.Remove, want: usersecurity.ErrPinNotSet},
	)
}

func faceMapSteps(enrol call, face *trial.Thing) []step {
	return []step{
		{name: "enrol the face map", call: enrol, makes: face, theirs: usersecurity.ErrFaceMapAlreadyEnrolled},
		{name: "delete the face map", call: face.Remove, takes: face},
	}
}

// phoneSteps add a phone number, try it twice and remove it. Calendar versions
// have neither the change nor the list.
func phoneSteps(client usersecurity.PhoneNumberAPI, user usersecurity.UserID, s settings, all bool) []step {
	var added usersecurity.PhoneNumber
	number := &trial.Thing{Name: "a phone number", Remove: func(ctx context.Context, o ...option) error {
		return client.DeletePhoneNumber(ctx, user, added.ID, o...)
	}}
	add := func(ctx context.Context, o ...option) error {
		created, err := client.CreatePhoneNumber(ctx, user, s.phone, o...)
		if err == nil {
			added = *created
		}
		return err
	}
	steps := []step{
		{name: "add a phone number", call: add, makes: number},
		{name: "add the same number again", call: add, want: usersecurity.ErrPhoneRepeated},
	}
	if all {
		steps = append(steps, step{name: "change the phone number", call: func(ctx context.Context, o ...option) error {
			_, err := client.UpdatePhoneNumber(ctx, user, added.ID, s.otherPhone, o...)
			return err
		}}, step{name: "list the phone numbers", call: func(ctx context.Context, o ...option) error {
			_, err := client.ListPhoneNumbers(ctx, user, o...)
			return err
		}})
	}
	return append(steps, step{name: "remove the phone number", call: number.Remove, takes: number})
}

// successorSteps do the same for a profile, and answer challenges with what they
// have enrolled.
func successorSteps(client *usersecurity.Client, who usersecurity.Profile, with secrets) []step {
	var device usersecurity.DeviceFingerprint
	var session *usersecurity.OneTimeTokenState
	sca := client.SCA
	pin := &trial.Thing{Name: "a PIN", Remove: func(ctx context.Context, o ...option) error { return sca.DeletePin(ctx, who, o...) }}
	face := &trial.Thing{Name: "a face map", Remove: func(ctx context.Context, o ...option) error { return sca.DeleteFaceMap(ctx, who, o...) }}
	registered := &trial.Thing{Name: "a device", Remove: func(ctx context.Context, o ...option) error {
		return sca.DeleteDeviceFingerprint(ctx, who, device.ID, o...)
	}}
	setPin := func(ctx context.Context, o ...option) error { return sca.CreatePin(ctx, who, with.pin, o...) }
	steps := []step{
		{name: "Their successors, which act on a profile, and answer 200 to a new PIN:"},
		{name: "set the PIN", call: setPin, makes: pin, theirs: usersecurity.ErrPinAlreadySet},
		{name: "set the PIN again", call: setPin, want: usersecurity.ErrPinAlreadySet},
		{name: "register the device", makes: registered, theirs: usersecurity.ErrFingerprintExists, call: func(ctx context.Context, o ...option) error {
			created, err := sca.CreateDeviceFingerprint(ctx, who, with.device, o...)
			if err == nil {
				device = *created // keep the id: there is no list
			}
			return err
		}},
	}
	if !with.faceMap.IsZero() {
		enrol := func(ctx context.Context, o ...option) error { return sca.EnrolFaceMap(ctx, who, with.faceMap, o...) }
		steps = append(steps, faceMapSteps(enrol, face)...)
	}
	return append(steps,
		step{name: "start a session", call: func(ctx context.Context, o ...option) (err error) {
			session, err = sca.StartSession(ctx, who, o...)
			return err
		}},
		step{name: "clear its challenges", call: func(ctx context.Context, o ...option) error {
			return client.ClearChallenges(ctx, who, session.Token, answers(with), o...)
		}},
		step{name: "delete the device", call: registered.Remove, takes: registered},
		step{name: "delete the PIN", call: pin.Remove, takes: pin},
		step{name: "delete the PIN again", call: pin.Remove, want: usersecurity.ErrPinNotSet},
	)
}

// answers is where a real service asks its customer.
func answers(with secrets) usersecurity.Challenger {
	return usersecurity.Challenger{
		Pin: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) { return with.pin, nil },
		DeviceFingerprint: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Fingerprint, error) {
			return with.device, nil
		},
		OTP: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.OTP, error) {
			return usersecurity.NewOTP("111111") // what Wise's sandbox always expects
		},
	}
}

// calendarSteps are what a calendar version has besides, and has no more.
func calendarSteps(client *usersecurity.Client, user usersecurity.UserID, s settings, with secrets) []step {
	return append(phoneSteps(client, user, s, false),
		step{name: "set the PIN the old way", want: usersecurity.ErrNotInVersion, call: func(ctx context.Context, o ...option) error {
			return client.CreatePin(ctx, user, with.pin, o...)
		}})
}
