package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wise-partner/usersecurity"
)

// service serves customers of both generations. When all are moved the first half
// of each method goes.
type service struct{ client *usersecurity.Client }

func (c *customer) who() usersecurity.Profile {
	return usersecurity.Profile{User: c.user, ID: c.profile}
}

// setPin sets the PIN that the customer has typed. If there is one already, it is
// the one that counts, and it may have other digits: don't tell the customer that
// these are set.
func (s *service) setPin(ctx context.Context, c *customer, pin usersecurity.Pin) error {
	var err error
	if !c.moved {
		err = s.client.CreatePin(ctx, c.user, pin)
	} else {
		err = s.client.SCA.CreatePin(ctx, c.who(), pin)
	}
	if errors.Is(err, usersecurity.ErrPinAlreadySet) {
		return nil
	}
	return err
}

// addDevice registers a device, and keeps its id. A device that is there already
// has its id among the exported ones.
func (s *service) addDevice(ctx context.Context, c *customer, device usersecurity.Fingerprint) error {
	var (
		made *usersecurity.DeviceFingerprint
		err  error
	)
	if !c.moved {
		made, err = s.client.CreateDeviceFingerprint(ctx, c.user, device)
	} else {
		made, err = s.client.SCA.CreateDeviceFingerprint(ctx, c.who(), device)
	}
	switch {
	case errors.Is(err, usersecurity.ErrFingerprintExists):
		return nil
	case err != nil:
		return err
	}
	c.devices = append(c.devices, *made)
	return nil
}

// removeNewestDevice removes one by its id: with the application's token before,
// with the customer's after the move. There a 404 means that it is gone. Of the old
// endpoint it doesn't any more: one that was turned off may answer so too.
func (s *service) removeNewestDevice(ctx context.Context, c *customer) error {
	if len(c.devices) == 0 {
		return errors.New("no device is known")
	}
	newest := len(c.devices) - 1
	id := c.devices[newest].ID
	var err error
	if !c.moved {
		err = s.client.DeleteDeviceFingerprint(ctx, c.user, id)
	} else if err = s.client.SCA.DeleteDeviceFingerprint(ctx, c.who(), id); errors.Is(err, usersecurity.ErrFingerprintNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	c.devices = slices.Delete(c.devices, newest, newest+1)
	return nil
}

// addPhone is the same call before and after, with the application's token.
func (s *service) addPhone(ctx context.Context, c *customer, number string) error {
	made, err := s.client.CreatePhoneNumber(ctx, c.user, number)
	if err != nil {
		return err
	}
	c.phones = append(c.phones, made.ID)
	return nil
}

// changePhone had a call of its own. Now it is two: between them the customer has
// no number, so the second is to be repeated until it has worked.
func (s *service) changePhone(ctx context.Context, c *customer, number string) error {
	if !c.moved {
		list, err := s.client.ListPhoneNumbers(ctx, c.user)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errors.New("there is no phone number to change")
		}
		_, err = s.client.UpdatePhoneNumber(ctx, c.user, list[0].ID, number)
		return err
	}
	for _, id := range c.phones {
		if err := s.client.DeletePhoneNumber(ctx, c.user, id); err != nil && !errors.Is(err, usersecurity.ErrNotFound) {
			return err
		}
	}
	c.phones = nil
	return s.addPhone(ctx, c, number)
}

// clear answers a challenge. With a profile it takes the successors' verifies,
// without one those of the first generation: nothing else changes.
func (s *service) clear(ctx context.Context, c *customer, token usersecurity.OneTimeToken) error {
	who := c.who()
	if !c.moved {
		who.ID = 0
	}
	return s.client.ClearChallenges(ctx, who, token, usersecurity.Challenger{
		Pin: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) { return pinOf(c), nil },
		DeviceFingerprint: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Fingerprint, error) {
			return deviceOf(c, "phone"), nil
		},
	})
}

// pinOf and deviceOf stand for the customer and the customer's app. No service
// keeps a PIN.
func pinOf(c *customer) usersecurity.Pin {
	pin, err := usersecurity.NewPin(fmt.Sprintf("%04d", c.user))
	if err != nil {
		panic(err)
	}
	return pin
}

func deviceOf(c *customer, kind string) usersecurity.Fingerprint {
	f, err := usersecurity.NewFingerprint(fmt.Sprint(kind, " of customer ", c.user))
	if err != nil {
		panic(err)
	}
	return f
}
