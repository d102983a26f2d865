package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// challengeKinds are what one-time tokens can ask for.
var challengeKinds = []usersecurity.ChallengeKind{
	usersecurity.ChallengePin, usersecurity.ChallengeDeviceFingerprint, usersecurity.ChallengeFaceMap,
	usersecurity.ChallengeSMS, usersecurity.ChallengeWhatsApp, usersecurity.ChallengeVoice,
}

// protectedCall is a call that needs a one-time token.
type protectedCall struct {
	Method string                       `json:"method"`
	Path   string                       `json:"path"`
	Kinds  []usersecurity.ChallengeKind `json:"kinds"`
}

func (p protectedCall) apply(srv *usersecuritytest.Server) error {
	if p.Method == "" || !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, "?#") {
		return invalid("a method and a path without a query are needed, such as POST and /v3/pay")
	}
	if err := checkKinds(p.Kinds); err != nil {
		return err
	}
	srv.Protect(p.Method, p.Path, p.Kinds...)
	return nil
}

func checkKinds(kinds []usersecurity.ChallengeKind) error {
	for _, kind := range kinds {
		if !slices.Contains(challengeKinds, kind) {
			return invalid("the kinds are PIN, PARTNER_DEVICE_FINGERPRINT, FACE_MAP, SMS, WHATSAPP and VOICE")
		}
	}
	return nil
}

// faultKinds are what can be injected, in the order in which they are offered.
var faultKinds = []usersecuritytest.FaultKind{
	usersecuritytest.HTML502, usersecuritytest.TooManyRequests, usersecuritytest.Unauthorized, usersecuritytest.Unreadable,
	usersecuritytest.Delay, usersecuritytest.Stall, usersecuritytest.Cut, usersecuritytest.ResetBefore, usersecuritytest.ResetAfter,
	usersecuritytest.Status, usersecuritytest.HTMLPage, usersecuritytest.ForeignJSON, usersecuritytest.EmptyReply,
	usersecuritytest.Garbage, usersecuritytest.Status000, usersecuritytest.SwitchingProtocols, usersecuritytest.RotateKey,
	usersecuritytest.Refuse, usersecuritytest.SlowTLS,
}

// fault is a rule as scripts write one.
type fault struct {
	Kind       usersecuritytest.FaultKind `json:"kind"`
	Operation  usersecurity.Operation     `json:"operation,omitempty"`
	User       usersecurity.UserID        `json:"user,omitempty"`
	Attempt    int                        `json:"attempt,omitempty"`
	Rate       float64                    `json:"rate,omitempty"`
	Times      int                        `json:"times,omitempty"`
	Delay      string                     `json:"delay,omitempty"`
	After      bool                       `json:"after,omitempty"`
	RetryAfter string                     `json:"retryAfter,omitempty"`
	Status     int                        `json:"status,omitempty"`
	Header     http.Header                `json:"header,omitempty"`
	Body       string                     `json:"body,omitempty"`
}

const (
	// maxConnectionFaults bounds what strikes connections: the page that would
	// take the rule back comes over one too.
	maxConnectionFaults = 100
	maxDelay            = time.Hour
)

func (f fault) apply(srv *usersecuritytest.Server) error {
	rule := usersecuritytest.Fault{
		Kind: f.Kind, Operation: f.Operation, User: f.User, Attempt: f.Attempt, Rate: f.Rate, Times: f.Times,
		After: f.After, RetryAfter: f.RetryAfter, Status: f.Status, Header: f.Header, Body: f.Body,
	}
	if f.Delay != "" {
		d, err := time.ParseDuration(f.Delay)
		if err != nil || d > maxDelay {
			return invalid("delay is written like 1.5s, and at most 1h")
		}
		rule.Delay = d
	}
	if f.Operation != "" && !slices.Contains(srv.Operations(), f.Operation) {
		return invalid("there is no such operation")
	}
	onConnections := f.Kind == usersecuritytest.Refuse || f.Kind == usersecuritytest.SlowTLS
	if onConnections && (f.Times < 1 || f.Times > maxConnectionFaults) {
		return invalid("refuse and slow-tls strike this page too: times is from 1 to 100")
	}
	if err := srv.CheckFault(rule); err != nil {
		return invalid(err.Error())
	}
	srv.Inject(rule)
	return nil
}

func faultsInForce(srv *usersecuritytest.Server) []fault {
	list := []fault{}
	for _, f := range srv.FaultsInForce() {
		shown := fault{
			Kind: f.Kind, Operation: f.Operation, User: f.User, Attempt: f.Attempt, Rate: f.Rate, Times: f.Times,
			After: f.After, RetryAfter: f.RetryAfter, Status: f.Status, Header: f.Header, Body: f.Body,
		}
		if f.Delay > 0 {
			shown.Delay = f.Delay.String()
		}
		list = append(list, shown)
	}
	return list
}
