package usersecuritytest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// mustChallenge wants a 403 that asks for challenges, and returns its token.
func mustChallenge(t *testing.T, r response) string {
	t.Helper()
	mustEmpty(t, r, 403)
	token := r.header.Get("x-2fa-approval")
	if token == "" || r.header.Get("x-2fa-approval-result") != "REJECTED" {
		t.Fatalf("header = %v, want a token and REJECTED", r.header)
	}
	return token
}

// mustApprove wants the answer to a call that has passed.
func mustApprove(t *testing.T, r response, status int) {
	t.Helper()
	mustStatus(t, r, status)
	if got := r.header.Get("x-2fa-approval-result"); got != "APPROVED" {
		t.Errorf("x-2fa-approval-result = %q, want APPROVED", got)
	}
}

func TestProtectedCallThatTheSimulatorKnows(t *testing.T) {
	srv := newServer(t)
	enrolAll(t, srv)
	srv.Protect("POST", "/v1/application/users/{user}/phone-numbers", kindPin)
	add := asApplication(srv, "POST", phones(user), `{"phoneNumber":"+14155550100"}`)

	// What breaks the contract is refused before anybody is asked.
	mustStatus(t, send(t, srv, add.without("Authorization")), 401)
	mustCode(t, send(t, srv, asApplication(srv, "POST", phones(user), `{}`).without("Content-Type")), 415, "simulator.content.type")
	token := mustChallenge(t, send(t, srv, add))
	if got := readStatus(t, srv, token); got.summary() != "PIN" || *got.ActionType != "PHONE_NUMBERS__POST" || *got.UserID != user {
		t.Errorf("state = %+v", got)
	}
	if again := mustChallenge(t, send(t, srv, add.with("x-2fa-approval", token))); again != token {
		t.Error("a token that still waits was replaced")
	}
	if len(state(t, srv, user).PhoneNumbers) != 1 {
		t.Fatal("a call that was refused was processed")
	}
	mustStatus(t, send(t, srv, answerPin(t, srv, token, "0412")), 200)
	mustApprove(t, send(t, srv, add.with("x-2fa-approval", token)), 200)
	if len(state(t, srv, user).PhoneNumbers) != 2 {
		t.Error("a call that has passed was not processed")
	}
	// Once, and no more.
	if again := mustChallenge(t, send(t, srv, add.with("x-2fa-approval", token))); again == token {
		t.Error("a token that was used is handed out again")
	}
	mustEmpty(t, send(t, srv, tokenStatus(srv, token)), 404)
	if made := srv.OneTimeTokens(user); !made[0].Used || made[1].Used {
		t.Errorf("tokens = %+v", made)
	}
	// Another method of the same path is free, and so is a user whom nobody knows.
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	free := send(t, srv, asApplication(srv, "POST", phones(stranger), `{"phoneNumber":"+14155550101"}`))
	if mustEmpty(t, free, 404); free.header.Get("x-2fa-approval-result") != "" {
		t.Error("a call that nobody has approved is marked as approved")
	}
	srv.Unprotect()
	mustCode(t, send(t, srv, add), 422, "phone.number.repeated")
}

func TestProtectedCallThatTheSimulatorDoesNotKnow(t *testing.T) {
	srv := newServer(t)
	enrolAll(t, srv)
	srv.Protect("POST", "/v3/profiles/{profileId}/transfers/{transferId}/payments", kindPin, kindDevice)
	pay := asUser(srv, "POST", "/v3/profiles/7/transfers/9/payments", `{"type":"BALANCE"}`)

	mustOAuthError(t, send(t, srv, pay.with("Authorization", "Bearer x")), 401, "invalid_token")
	mustCode(t, send(t, srv, pay.with("Authorization", "Bearer "+srv.ApplicationToken())), 403, "simulator.token.kind")
	token := mustChallenge(t, send(t, srv, pay))
	mustStatus(t, send(t, srv, answerPin(t, srv, token, "0412")), 200)
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 200)

	// It is for that call and that user.
	other := asUser(srv, "POST", "/v3/profiles/7/transfers/10/payments", "").with("x-2fa-approval", token)
	if made := mustChallenge(t, send(t, srv, other)); made == token {
		t.Error("the token serves for another call")
	}
	theirs := pay.with("Authorization", "Bearer "+srv.UserToken(otherUser)).with("x-2fa-approval", token)
	if made := mustChallenge(t, send(t, srv, theirs)); made == token {
		t.Error("the token serves for another user")
	}
	r := send(t, srv, pay.with("x-2fa-approval", token))
	mustApprove(t, r, 200)
	if r.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(r.body)) {
		t.Errorf("body = %s", r.body)
	}
	mustCode(t, send(t, srv, asUser(srv, "GET", "/v3/profiles/7/transfers/9/payments", "")), 404, "simulator.path.unknown")
	requests := srv.Requests()
	last := requests[len(requests)-2]
	if last.Path != "/v3/profiles/****/transfers/****/payments" || last.User != user || last.Status != 200 || last.Operation != "" {
		t.Errorf("recorded %+v", last)
	}

	// An expired token is worth nothing.
	token = mustChallenge(t, send(t, srv, pay))
	mustStatus(t, send(t, srv, answerPin(t, srv, token, "0412")), 200)
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 200)
	srv.Advance(time.Hour)
	mustChallenge(t, send(t, srv, pay.with("x-2fa-approval", token)))

	// Protected again, it asks for something else; without kinds for what there is.
	srv.Protect("POST", "/v3/profiles/{profileId}/transfers/{transferId}/payments", kindFaceMap)
	if got := readStatus(t, srv, mustChallenge(t, send(t, srv, pay))).summary(); got != "FACE_MAP" {
		t.Errorf("the user is asked for %s", got)
	}
	srv.Protect("POST", "/v3/profiles/{profileId}/transfers/{transferId}/payments")
	if got := readStatus(t, srv, mustChallenge(t, send(t, srv, pay))).summary(); got != "PIN PARTNER_DEVICE_FINGERPRINT" {
		t.Errorf("the user is asked for %s", got)
	}
}

func TestProtectedSealedCallBelowAPrefix(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithPathPrefix("/gateway"))
	srv.Protect("POST", "/v1/user/pin", kindFaceMap)
	srv.Protect("GET", "/v1/other/{id}", kindFaceMap)
	mustStatus(t, send(t, srv, asUser(srv, "POST", ofProfile(srv, "/facemaps"), `{"faceMap":"AAEC"}`)), 204)
	create := createPin(t, srv, "1234")
	token := mustChallenge(t, send(t, srv, create))
	mustStatus(t, send(t, srv, answerFaceMap(srv, token, "AAEC")), 200)
	mustApprove(t, send(t, srv, create.with("x-2fa-approval", token)), 204)
	if !state(t, srv, user).PinSet {
		t.Error("the PIN is not set")
	}
	mustChallenge(t, send(t, srv, asUser(srv, "GET", "/v1/other/s3cret", "")))
	requests := srv.Requests()
	if got := requests[len(requests)-1].Path; got != "/gateway/v1/other/****" {
		t.Errorf("path = %s", got)
	}
}

func TestChallengeForms(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithChallengeBody(), usersecuritytest.WithoutChallengeResult(), usersecuritytest.WithChallengeKindHint())
	enrolAll(t, srv)
	srv.Protect("GET", "/v1/secret", kindPin, kindDevice)
	m := asUser(srv, "GET", "/v1/secret", "")
	r := mustStatus(t, send(t, srv, m), 403)
	var body struct {
		Timestamp, Error, Message, Path string
		Status                          int
	}
	r.json(t, &body)
	value := r.header.Get("x-2fa-approval")
	if body.Path != "/v1/secret" || body.Status != 403 || r.header.Get("x-2fa-approval-result") != "" || len(value) != 36+4 || value[36:] != " PIN" {
		t.Errorf("body %+v, header %v", body, r.header)
	}
	token := value[:36]
	mustStatus(t, send(t, srv, answerPin(t, srv, token, "0412")), 200)
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 200)
	mustApprove(t, send(t, srv, m.with("x-2fa-approval", value)), 200)
}

func TestLowRiskWindow(t *testing.T) {
	for _, open := range []bool{false, true} {
		var opts []usersecuritytest.ServerOption
		if open {
			opts = append(opts, usersecuritytest.WithLowRiskWindow())
		}
		srv := newServer(t, opts...)
		enrolAll(t, srv)
		srv.Protect("GET", "/v1/secret", kindPin)
		m := asUser(srv, "GET", "/v1/secret", "")
		mustStatus(t, send(t, srv, answerPin(t, srv, mustChallenge(t, send(t, srv, m)), "0412")), 200)
		srv.Advance(4 * time.Minute)
		if open {
			mustApprove(t, send(t, srv, m), 200)
		} else {
			mustChallenge(t, send(t, srv, m))
		}
		mustChallenge(t, send(t, srv, m.with("Authorization", "Bearer "+srv.UserToken(otherUser))))
		srv.Advance(time.Minute)
		mustChallenge(t, send(t, srv, m))
	}
}

// A user who has enrolled nothing is asked for nothing: an empty list is cleared.
func TestProtectedCallOfAUserWithoutFactors(t *testing.T) {
	srv := newServer(t)
	srv.Protect("GET", "/v1/secret")
	m := asUser(srv, "GET", "/v1/secret", "")
	token := mustChallenge(t, send(t, srv, m))
	if got := readStatus(t, srv, token); len(got.Challenges) != 0 {
		t.Errorf("the user is asked for %s", got.summary())
	}
	mustApprove(t, send(t, srv, m.with("x-2fa-approval", token)), 200)
}

// The action is named after the last word of the path.
func TestActionTypes(t *testing.T) {
	srv := newServer(t)
	for path, want := range map[string]string{
		"/v1/transfers/7":            "TRANSFERS__PUT",
		"/v1/transfers/{transferId}": "TRANSFERS__PUT",
		"/v1/card-pin":               "CARD_PIN__PUT",
	} {
		srv.Unprotect()
		srv.Protect("PUT", path, kindPin)
		token := mustChallenge(t, send(t, srv, asUser(srv, "PUT", strings.ReplaceAll(path, "{transferId}", "8"), "")))
		if got := *readStatus(t, srv, token).ActionType; got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}
