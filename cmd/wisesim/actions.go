package main

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// maxForm is more than any form of the page's takes.
const maxForm = 64 << 10

// actions are what the page's forms do. What they return is revealed.
var actions = map[string]func(*console, url.Values) (string, error){
	"add-user":     func(c *console, f url.Values) (string, error) { return "", c.addFromForm(f) },
	"add-business": quietly(func(c *console, id usersecurity.UserID) { c.srv.AddBusinessProfile(id) }),
	"reveal-token": onUser(func(c *console, id usersecurity.UserID) string { return c.srv.UserToken(id) }),
	"registration": onUser(func(c *console, id usersecurity.UserID) string { return c.srv.RegistrationCode(id) }),
	"one-time-token": onUser(func(c *console, id usersecurity.UserID) string {
		return c.srv.NewOneTimeToken(id, c.enrolledKinds(id)...)
	}),
	"withdraw-tokens": quietly(func(c *console, id usersecurity.UserID) {
		c.srv.WithdrawTokens(id)
	}),

	"reveal-secret":    func(c *console, _ url.Values) (string, error) { return c.srv.ClientSecret(), nil },
	"reveal-app-token": func(c *console, _ url.Values) (string, error) { return c.srv.ApplicationToken(), nil },

	"protect":        func(c *console, f url.Values) (string, error) { return "", protectFromForm(c.srv, f) },
	"inject":         func(c *console, f url.Values) (string, error) { return "", injectFromForm(c.srv, f) },
	"advance":        func(c *console, f url.Values) (string, error) { return "", c.advanceBy(f.Get("by")) },
	"retire":         func(c *console, f url.Values) (string, error) { return "", c.retireWith(numberIn(f, "status")) },
	"expire-tokens":  simply(func(c *console) { c.srv.ExpireTokens() }),
	"rotate-key":     simply(func(c *console) { c.srv.RotateKey() }),
	"unprotect":      simply(func(c *console) { c.srv.Unprotect() }),
	"clear-faults":   simply(func(c *console) { c.srv.ClearFaults() }),
	"clear-requests": simply(func(c *console) { c.srv.ClearRequests() }),
	"reset":          func(c *console, _ url.Values) (string, error) { return "", c.reset() },
	"save":           func(c *console, _ url.Values) (string, error) { return "", c.save() },
}

func simply(do func(*console)) func(*console, url.Values) (string, error) {
	return func(c *console, _ url.Values) (string, error) {
		do(c)
		return "", nil
	}
}

func onUser(do func(*console, usersecurity.UserID) string) func(*console, url.Values) (string, error) {
	return func(c *console, f url.Values) (string, error) {
		id := usersecurity.UserID(numberIn(f, "user"))
		if !c.knows(id) {
			return "", missing("there is no such user any more")
		}
		return do(c, id), nil
	}
}

func quietly(do func(*console, usersecurity.UserID)) func(*console, url.Values) (string, error) {
	return onUser(func(c *console, id usersecurity.UserID) string {
		do(c, id)
		return ""
	})
}

// do does what a form of the page's asks for. What reveals something shows it at
// once, so that it is in no address; the rest goes on to the page, so that loading
// it again does nothing twice.
func (c *console) do(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("action")
	action, known := actions[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form can't be read", http.StatusBadRequest)
		return
	}
	revealed, err := action(c, r.PostForm)
	c.changes.Add(1)
	var p *problem
	switch {
	case errors.As(err, &p):
		// For people the page says it. A status would only be a line on the console.
		c.show(w, r, http.StatusOK, notice{Text: "Not done: " + p.text + ".", Wrong: true})
	case err != nil:
		c.show(w, r, http.StatusInternalServerError, notice{Text: "Not done: " + err.Error(), Wrong: true})
	case revealed != "":
		c.show(w, r, http.StatusOK, notice{Text: said[name], Reveal: revealed})
	default:
		http.Redirect(w, r, consolePath+"?done="+name, http.StatusSeeOther) // #nosec G710 -- the name is one of actions
	}
}

// enrolledKinds are what a user can be asked for.
func (c *console) enrolledKinds(id usersecurity.UserID) (kinds []usersecurity.ChallengeKind) {
	state, _ := c.srv.User(id)
	if state.PinSet {
		kinds = append(kinds, usersecurity.ChallengePin)
	}
	if len(state.Fingerprints) > 0 {
		kinds = append(kinds, usersecurity.ChallengeDeviceFingerprint)
	}
	if state.FaceMapEnrolled {
		kinds = append(kinds, usersecurity.ChallengeFaceMap)
	}
	if len(state.PhoneNumbers) > 0 {
		kinds = append(kinds, usersecurity.ChallengeSMS)
	}
	return kinds
}

func (c *console) addFromForm(f url.Values) error {
	p := person{enrolment: enrolment{Pin: strings.TrimSpace(f.Get("pin"))}}
	if f.Get("id") != "" {
		if p.ID = usersecurity.UserID(numberIn(f, "id")); p.ID <= 0 {
			return invalid("a user's id is a positive number")
		}
	}
	if number := strings.TrimSpace(f.Get("phone")); number != "" {
		p.PhoneNumbers = []string{number}
	}
	_, err := c.addUser(p)
	return err
}

func protectFromForm(srv *usersecuritytest.Server, f url.Values) error {
	call := protectedCall{Method: f.Get("method"), Path: strings.TrimSpace(f.Get("path"))}
	for _, kind := range f["kind"] {
		call.Kinds = append(call.Kinds, usersecurity.ChallengeKind(kind))
	}
	return call.apply(srv)
}

func injectFromForm(srv *usersecuritytest.Server, f url.Values) error {
	rule := fault{
		Kind: usersecuritytest.FaultKind(f.Get("kind")), Operation: usersecurity.Operation(f.Get("operation")),
		User: usersecurity.UserID(numberIn(f, "user")), Times: numberIn(f, "times"),
	}
	switch rule.Kind {
	case usersecuritytest.Delay, usersecuritytest.SlowTLS:
		rule.Delay = strings.TrimSpace(f.Get("delay"))
	case usersecuritytest.TooManyRequests:
		rule.RetryAfter = strings.TrimSpace(f.Get("retryAfter"))
	case usersecuritytest.Status:
		rule.Status = numberIn(f, "status")
	}
	return rule.apply(srv)
}

// numberIn is 0 where there is no number.
func numberIn(f url.Values, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(f.Get(name)))
	if err != nil {
		return 0
	}
	return n
}
