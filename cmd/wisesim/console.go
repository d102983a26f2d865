package main

import (
	"sync"
	"sync/atomic"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const (
	consolePath = "/_sim/"
	loginPath   = consolePath + "login"
	apiPath     = consolePath + "api/"
)

// console is what people and scripts see of the simulator, and do to it.
type console struct {
	srv       *usersecuritytest.Server
	seed      seed
	statePath string
	adding    sync.Mutex   // users get one id each
	changes   atomic.Int64 // by people and scripts; those by requests are the simulator's
}

func newConsole(srv *usersecuritytest.Server, first seed, statePath string) *console {
	return &console{srv: srv, seed: first, statePath: statePath}
}

// addUser makes a user, of the lowest id that is free from firstUser on if none is
// named.
func (c *console) addUser(p person) (usersecurity.UserID, error) {
	c.adding.Lock()
	defer c.adding.Unlock()
	if p.ID == 0 {
		for p.ID = firstUser; c.knows(p.ID); p.ID++ {
		}
	}
	return p.ID, p.add(c.srv)
}

func (c *console) knows(id usersecurity.UserID) bool {
	_, known := c.srv.User(id)
	return known
}

// reset makes the simulator what it was when it was started for the first time.
func (c *console) reset() error {
	c.adding.Lock()
	defer c.adding.Unlock()
	c.srv.Reset()
	return c.seed.plant(c.srv)
}

func (c *console) save() error {
	if c.statePath == "" {
		return conflict("wisesim runs without -state")
	}
	return saveState(c.srv, c.statePath)
}
