package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/wise-partner/usersecurity"
)

// customer is what the partner's database holds of one. The last three columns are
// new: the successors have no lists.
type customer struct {
	user    usersecurity.UserID
	moved   bool // served by the successors
	profile usersecurity.ProfileID
	devices []usersecurity.DeviceFingerprint
	phones  []usersecurity.PhoneNumberID
}

func (c *customer) generation() string {
	if c.moved {
		return "the successors"
	}
	return "the eleven"
}

var errSeveralProfiles = errors.New("there is more than one profile, and a person must choose")

// prepare stores what the successors can't be asked for later. It changes nothing
// at Wise, and can be run again: for all customers, long before the first is moved.
func prepare(ctx context.Context, client *usersecurity.Client, c *customer) error {
	if c.profile == 0 {
		profile, err := onlyProfile(ctx, client, c.user)
		if err != nil {
			return err
		}
		c.profile = profile
	}
	devices, err := client.ListDeviceFingerprints(ctx, c.user)
	if err != nil {
		return err
	}
	numbers, err := client.ListPhoneNumbers(ctx, c.user)
	if err != nil {
		return err
	}
	c.devices, c.phones = devices, nil
	for _, n := range numbers {
		c.phones = append(c.phones, n.ID)
	}
	return nil
}

// onlyProfile doesn't guess. Whoever has kept the id that creating the profile
// returned doesn't need it.
func onlyProfile(ctx context.Context, client usersecurity.ProfileAPI, user usersecurity.UserID) (usersecurity.ProfileID, error) {
	list, err := client.ListProfiles(ctx, user)
	if err != nil {
		return 0, err
	}
	var active []usersecurity.ProfileID
	for _, p := range list {
		if p.User != user {
			return 0, fmt.Errorf("the token of user %d is somebody else's", user)
		}
		if p.State != "DEACTIVATED" {
			active = append(active, p.ID)
		}
	}
	switch len(active) {
	case 0:
		return 0, fmt.Errorf("user %d has no active profile", user)
	case 1:
		return active[0], nil
	}
	return 0, errSeveralProfiles
}
