package main

import (
	"encoding/pem"
	"net/http"
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

func newConsole(srv *usersecuritytest.Server, first seed, conf *config) *console {
	return &console{srv: srv, seed: first, statePath: conf.state}
}

// routes are all that is below consolePath.
func (c *console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+consolePath+"{$}", c.page)
	mux.HandleFunc("POST "+consolePath+"do/{action}", c.do)
	mux.HandleFunc("GET "+consolePath+"events", c.ticks)
	mux.HandleFunc("GET "+consolePath+"certificate.pem", c.certificate)
	mux.Handle("GET "+consolePath+"{file}", static())
	c.addEndpoints(mux)
	return mux
}

// certificate is what clients have to trust.
func (c *console) certificate(w http.ResponseWriter, _ *http.Request) {
	certificate := c.srv.Certificate()
	if certificate == nil {
		http.Error(w, "wisesim runs without -tls", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
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
