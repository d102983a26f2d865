package main

import (
	"context"
	"sync"

	"github.com/wise-partner/usersecurity"
)

// profiles are the personal profiles of customers, which their factors belong to.
// The id of one never changes, so it is asked for once. A service has a column for
// it in its database, and fills it when the customer links the account.
type profiles struct {
	mu     sync.Mutex
	byUser map[usersecurity.UserID]usersecurity.ProfileID
}

func (p *profiles) get(user usersecurity.UserID) (usersecurity.ProfileID, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.byUser[user]
	return id, ok
}

func (p *profiles) put(user usersecurity.UserID, id usersecurity.ProfileID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byUser[user] = id
}

// profile is the one of the customer who is calling. Where it can't be found out
// nothing else is done.
func (a *api) profile(ctx context.Context, x *exchange) (usersecurity.Profile, error) {
	user := x.customer.WiseUser
	if id, ok := a.profiles.get(user); ok {
		return usersecurity.Profile{User: user, ID: id}, nil
	}
	list, err := a.wise.ListProfiles(ctx, user, x.wiseOptions()...)
	if err != nil {
		return usersecurity.Profile{}, err
	}
	for _, p := range list {
		if p.Type == "PERSONAL" && p.State != "DEACTIVATED" {
			a.profiles.put(user, p.ID)
			return usersecurity.Profile{User: user, ID: p.ID}, nil
		}
	}
	return usersecurity.Profile{}, problemProfile
}
