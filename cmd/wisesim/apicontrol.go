package main

import (
	"net/http"
	"time"

	"github.com/wise-partner/usersecurity"
)

const (
	requestsPerPage    = 50
	maxRequestsPerPage = 500
	// maxAdvance is longer than any token lives but for the refresh token.
	maxAdvance = 10 * 365 * 24 * time.Hour
)

// description is what holds of the simulator as a whole.
type description struct {
	URL        string      `json:"url"`
	ClientID   string      `json:"clientId"`
	Now        time.Time   `json:"now"`
	KeyVersion int         `json:"keyVersion"`
	Retired    int         `json:"retired"` // the status of retired calls; 0: none is
	Tokens     []tokenView `json:"tokens"`  // the partner's
	Users      int         `json:"users"`
	Requests   int         `json:"requests"` // that have arrived
	CanSave    bool        `json:"canSave"`
}

func (c *console) description() description {
	d := description{
		URL: c.srv.URL(), ClientID: c.srv.ClientID(), Now: c.srv.Now(), KeyVersion: c.srv.KeyVersion(), Retired: c.srv.Retired(),
		Tokens: viewTokens(c.srv, 0), Users: len(c.srv.Users()), CanSave: c.statePath != "",
	}
	for r := range c.srv.RequestsBefore(0) {
		d.Requests = r.Number
		break
	}
	return d
}

func (c *console) describe(*http.Request) (any, error) { return c.description(), nil }

func (c *console) listRequests(r *http.Request) (any, error) {
	before, err := whole(r, "before", 0)
	if err != nil {
		return nil, err
	}
	limit, err := whole(r, "limit", requestsPerPage)
	if err != nil {
		return nil, err
	}
	user, err := whole(r, "user", 0)
	if err != nil {
		return nil, err
	}
	page, next := requestQuery{
		before: before, limit: min(max(limit, 1), maxRequestsPerPage),
		user: usersecurity.UserID(user), problems: r.URL.Query().Get("only") == "problems",
	}.find(c.srv)
	return struct {
		Requests []requestView `json:"requests"`
		Next     int           `json:"next"`
	}{page, next}, nil
}

// did is the answer after something that can't fail.
func did(do func()) (any, error) {
	do()
	return done{true}, nil
}

func (c *console) clearRequests(*http.Request) (any, error) { return did(c.srv.ClearRequests) }
func (c *console) unprotect(*http.Request) (any, error)     { return did(c.srv.Unprotect) }
func (c *console) clearFaults(*http.Request) (any, error)   { return did(c.srv.ClearFaults) }
func (c *console) expireTokens(*http.Request) (any, error)  { return did(c.srv.ExpireTokens) }
func (c *console) resetAll(*http.Request) (any, error)      { return done{true}, c.reset() }
func (c *console) saveNow(*http.Request) (any, error)       { return done{true}, c.save() }

func (c *console) rotateKey(*http.Request) (any, error) {
	c.srv.RotateKey()
	return struct {
		Version int `json:"keyVersion"`
	}{c.srv.KeyVersion()}, nil
}

func (c *console) listProtected(*http.Request) (any, error) { return protectedCalls(c), nil }

func protectedCalls(c *console) []protectedCall {
	list := []protectedCall{}
	for _, p := range c.srv.ProtectedCalls() {
		list = append(list, protectedCall(p))
	}
	return list
}

func (c *console) protect(r *http.Request) (any, error) {
	var call protectedCall
	if err := read(r, &call); err != nil {
		return nil, err
	}
	return done{true}, call.apply(c.srv)
}

func (c *console) listFaults(*http.Request) (any, error) {
	return struct {
		InForce []fault        `json:"inForce"`
		Struck  map[string]int `json:"struck"`
	}{faultsInForce(c.srv), struck(c)}, nil
}

func struck(c *console) map[string]int {
	counts := map[string]int{}
	for kind, n := range c.srv.Faults() {
		counts[string(kind)] = n
	}
	return counts
}

func (c *console) inject(r *http.Request) (any, error) {
	var f fault
	if err := read(r, &f); err != nil {
		return nil, err
	}
	return done{true}, f.apply(c.srv)
}

func (c *console) advance(r *http.Request) (any, error) {
	var by struct {
		By string `json:"by"`
	}
	if err := read(r, &by); err != nil {
		return nil, err
	}
	return done{true}, c.advanceBy(by.By)
}

func (c *console) advanceBy(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxAdvance {
		return invalid("by is written like 90s or 12h, and at most ten years")
	}
	c.srv.Advance(d)
	return nil
}

func (c *console) retire(r *http.Request) (any, error) {
	var how struct {
		Status int `json:"status"`
	}
	if err := read(r, &how); err != nil {
		return nil, err
	}
	return done{true}, c.retireWith(how.Status)
}

func (c *console) retireWith(status int) error {
	if status != 0 && status != http.StatusNotFound && status != http.StatusGone {
		return invalid("status is 404, 410, or 0 for not retired")
	}
	c.srv.Retire(status)
	return nil
}
