package main

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// userView is what is shown of a user: that there is a PIN, and never which one;
// of tokens their ends.
type userView struct {
	ID                 usersecurity.UserID `json:"id"`
	Email              string              `json:"email"`
	Profiles           []profileView       `json:"profiles"`
	PinSet             bool                `json:"pinSet"`
	FaceMapEnrolled    bool                `json:"faceMapEnrolled"`
	DeviceFingerprints []deviceView        `json:"deviceFingerprints"`
	PhoneNumbers       []phoneView         `json:"phoneNumbers"`
	Failures           int                 `json:"failures"`
	BlockedUntil       time.Time           `json:"blockedUntil,omitzero"`
	Tokens             []tokenView         `json:"tokens"`
	OneTimeTokens      []oneTimeTokenView  `json:"oneTimeTokens"`
}

type profileView struct {
	ID    usersecurity.ProfileID `json:"id"`
	Type  string                 `json:"type"`
	State string                 `json:"state"`
}

type deviceView struct {
	ID      uuid.UUID `json:"id"`
	Created time.Time `json:"createdAt"`
}

type phoneView struct {
	ID     usersecurity.PhoneNumberID `json:"id"`
	Number string                     `json:"phoneNumber"`
}

type tokenView struct {
	Kind    string    `json:"kind"`
	Masked  string    `json:"masked"`
	Expires time.Time `json:"expiresAt"`
}

type oneTimeTokenView struct {
	ActionType string          `json:"actionType,omitempty"`
	Challenges []challengeView `json:"challenges"`
	Expires    time.Time       `json:"expiresAt"`
	Failures   int             `json:"failures"`
	State      string          `json:"state"` // open, cleared, used or expired
}

type challengeView struct {
	Kind   usersecurity.ChallengeKind `json:"kind"`
	Passed bool                       `json:"passed"`
}

// maxShown is how many of a user's tokens, and of the one-time tokens, are shown:
// the newest.
const maxShown = 5

func viewUser(srv *usersecuritytest.Server, id usersecurity.UserID) (userView, bool) {
	state, known := srv.User(id)
	if !known {
		return userView{}, false
	}
	v := userView{
		ID: id, Email: state.Email, PinSet: state.PinSet, FaceMapEnrolled: state.FaceMapEnrolled,
		Profiles: []profileView{}, DeviceFingerprints: []deviceView{}, PhoneNumbers: []phoneView{},
		Failures: state.Failures,
		Tokens:   viewTokens(srv, id), OneTimeTokens: []oneTimeTokenView{},
	}
	if srv.Now().Before(state.BlockedUntil) {
		v.BlockedUntil = state.BlockedUntil
	}
	for _, p := range srv.Profiles(id) {
		v.Profiles = append(v.Profiles, profileView{p.ID, p.Type, p.State})
	}
	for _, f := range state.Fingerprints {
		v.DeviceFingerprints = append(v.DeviceFingerprints, deviceView{f.ID, f.CreatedAt})
	}
	for _, p := range state.PhoneNumbers {
		v.PhoneNumbers = append(v.PhoneNumbers, phoneView{p.ID, p.PhoneNumber})
	}
	for _, t := range last(srv.OneTimeTokens(id)) {
		v.OneTimeTokens = append(v.OneTimeTokens, viewOneTimeToken(t, srv.Now()))
	}
	return v, true
}

func last[T any](list []T) []T { return list[max(0, len(list)-maxShown):] }

// viewTokens shows the partner's tokens for user 0.
func viewTokens(srv *usersecuritytest.Server, id usersecurity.UserID) []tokenView {
	list := []tokenView{}
	for _, t := range last(srv.HeldTokens(id)) {
		kind := "access"
		if t.Refresh {
			kind = "refresh"
		}
		list = append(list, tokenView{kind, "****" + t.Ending, t.Expires})
	}
	return list
}

func viewOneTimeToken(t usersecuritytest.OneTimeToken, now time.Time) oneTimeTokenView {
	v := oneTimeTokenView{ActionType: t.ActionType, Expires: t.Expires, Failures: t.Failures, State: "open", Challenges: []challengeView{}}
	switch {
	case t.Used:
		v.State = "used"
	case !now.Before(t.Expires):
		v.State = "expired"
	case t.Cleared:
		v.State = "cleared"
	}
	for _, c := range t.Challenges {
		v.Challenges = append(v.Challenges, challengeView{c.Kind, c.Passed})
	}
	return v
}

// requestView is a recorded request as scripts read it.
type requestView struct {
	Number        int                        `json:"number"`
	Time          time.Time                  `json:"time"`
	Operation     usersecurity.Operation     `json:"operation,omitempty"`
	Method        string                     `json:"method"`
	Path          string                     `json:"path"`
	Status        int                        `json:"status"` // 0: none was sent, or not yet
	User          usersecurity.UserID        `json:"user,omitempty"`
	TokenKind     string                     `json:"tokenKind,omitempty"`
	CorrelationID string                     `json:"correlationId,omitempty"`
	Attempt       int                        `json:"attempt"`
	ContentType   string                     `json:"contentType,omitempty"`
	BodySize      int                        `json:"bodySize"`
	Sealed        bool                       `json:"sealed"`
	Header        http.Header                `json:"header"`
	Checks        []string                   `json:"checks"`
	Refusal       string                     `json:"refusal,omitempty"`
	Reason        string                     `json:"reason,omitempty"`
	Fault         usersecuritytest.FaultKind `json:"fault,omitempty"`
}

func viewRequest(r usersecuritytest.RecordedRequest) requestView {
	v := requestView{
		Number: r.Number, Time: r.Time, Operation: r.Operation, Method: r.Method, Path: r.Path, Status: r.Status,
		User: r.User, TokenKind: r.TokenKind, CorrelationID: r.CorrelationID, Attempt: r.Attempt,
		ContentType: r.ContentType, BodySize: r.BodySize, Sealed: r.Sealed, Header: r.Header,
		Checks: r.Checks, Refusal: r.Refusal, Reason: r.Reason, Fault: r.Fault,
	}
	if v.Checks == nil {
		v.Checks = []string{}
	}
	return v
}

// requestQuery says which of the recorded requests are wanted.
type requestQuery struct {
	before   int // the number that they come before; 0 for the newest
	limit    int
	user     usersecurity.UserID // 0 for any
	problems bool                // only those that were refused, or that a fault has struck
}

// find returns a page of requests, the newest first, and the number that the next
// page comes before; 0 where there is none.
func (q requestQuery) find(srv *usersecuritytest.Server) (page []requestView, next int) {
	page = []requestView{}
	for r := range srv.RequestsBefore(q.before) {
		if q.user != 0 && r.User != q.user || q.problems && r.Status < http.StatusBadRequest && r.Fault == "" {
			continue
		}
		if len(page) == q.limit {
			return page, page[q.limit-1].Number
		}
		page = append(page, viewRequest(r))
	}
	return page, 0
}
