package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// maxDevices ends the search for the limit, three by default.
const maxDevices = 10

// askDevices registers devices up to the limit, and removes them.
func (p *probe) askDevices(ctx context.Context) error {
	if !p.readable {
		p.saw("device-limit", "What is one device too many answered with?", "", "not asked: the ids in the replies couldn't be read, and the devices not removed")
		return nil
	}
	for n := range maxDevices + 1 {
		device, err := usersecurity.NewFingerprint(uuid.NewString())
		if err != nil {
			return err
		}
		id, seen, refused, err := p.register(ctx, device)
		if err != nil {
			return err
		}
		if refused != nil {
			option := ""
			if !errors.Is(refused, usersecurity.ErrFingerprintLimit) {
				option = "none, but take " + sentinelOf(refused) + " of SCA.CreateDeviceFingerprint for a limit too"
			}
			p.saw("device-limit", "What is one device too many answered with?", option, "%s, after %d", seen, n)
			return p.removeAll(ctx)
		}
		if n == 0 {
			p.saw("device-reply", "How is the reply with a device's id sealed?", sealingOption(seen), "%s", seen)
			if err := p.askFirstDevice(ctx, device, id); err != nil {
				return err
			}
		}
	}
	p.saw("device-limit", "What is one device too many answered with?", "", "nothing: there are more than %d", maxDevices)
	return p.removeAll(ctx)
}

func (p *probe) register(ctx context.Context, device usersecurity.Fingerprint) (id uuid.UUID, seen exchange, refused, end error) {
	registered := &trial.Thing{Name: "a device", Remove: func(ctx context.Context, o ...usersecurity.CallOption) error {
		return p.wise.client.SCA.DeleteDeviceFingerprint(ctx, p.who, id, o...)
	}}
	seen, refused, end = p.create(registered, nil, func() error {
		made, err := p.wise.client.SCA.CreateDeviceFingerprint(ctx, p.who, device)
		if err == nil {
			id = made.ID
		}
		return err
	})
	return id, seen, refused, end
}

// askFirstDevice looks at a device that is there.
func (p *probe) askFirstDevice(ctx context.Context, device usersecurity.Fingerprint, id uuid.UUID) error {
	seen, err := p.try(func() error {
		_, err := p.wise.client.SCA.CreateDeviceFingerprint(ctx, p.who, device)
		return err
	})
	if !errors.Is(err, usersecurity.ErrFingerprintExists) && usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
		return fmt.Errorf("a second registration of the same device %s, and it may be left behind: look, and delete it", seen)
	}
	p.saw("device-again", "What is the same device answered with?", "", "%s", seen)
	if !p.firstServed {
		return nil
	}
	list, err := p.wise.client.ListDeviceFingerprints(ctx, p.wise.user)
	known := slices.ContainsFunc(list, func(d usersecurity.DeviceFingerprint) bool { return d.ID == id })
	answer := "no"
	if known {
		answer = "yes"
	}
	if err == nil {
		p.saw("v2-devices-in-list", "Does the first calls' list have a device of the successors'?", "", "%s", answer)
	}
	return nil
}
