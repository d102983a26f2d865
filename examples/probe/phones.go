package main

import (
	"context"
	"errors"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// askPhones adds a phone number that nobody uses, and removes it.
func (p *probe) askPhones(ctx context.Context) error {
	client := p.wise.client
	_, refused, err := p.addPhone(ctx, p.phone)
	if err != nil {
		return err
	}
	if refused != nil {
		p.saw("phone-delete-nothing", "What is deleting a phone number answered with that isn't there?", "", "not seen: adding one was refused, %s", sentinelOf(refused))
		return nil
	}
	id := p.lastPhone
	if err := p.removeAll(ctx); err != nil {
		return err
	}
	seen, _ := p.try(func() error { return client.DeletePhoneNumber(ctx, p.wise.user, id) })
	p.saw("phone-delete-nothing", "What is deleting a phone number answered with that isn't there?", "", "%s", seen)

	seen, _, err = p.addPhone(ctx, "+0")
	p.saw("phone-invalid", "What is an invalid phone number answered with?", "", "%s", seen)
	return errors.Join(err, p.removeAll(ctx))
}

func (p *probe) addPhone(ctx context.Context, number string) (seen exchange, refused, end error) {
	var id usersecurity.PhoneNumberID
	t := &trial.Thing{Name: "a phone number", Remove: func(ctx context.Context, o ...usersecurity.CallOption) error {
		return p.wise.client.DeletePhoneNumber(ctx, p.wise.user, id, o...)
	}}
	seen, refused, end = p.create(t, nil, func() error {
		made, err := p.wise.client.CreatePhoneNumber(ctx, p.wise.user, number)
		if err == nil {
			id, p.lastPhone = made.ID, made.ID
		}
		return err
	})
	return seen, refused, end
}
