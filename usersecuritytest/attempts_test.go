package usersecuritytest_test

import (
	"testing"
	"time"
)

// Five wrong answers in a row, of whatever kind and to whatever token, block a
// user for fifteen minutes, and nobody else.
func TestFiveFailuresBlock(t *testing.T) {
	srv := newServer(t)
	enrolAll(t, srv)
	srv.Protect("GET", "/v1/secret")
	one, two := srv.NewOneTimeToken(user, kindPin, kindSMS, kindFaceMap), srv.NewOneTimeToken(user, kindPin, kindDevice)
	right := answerPin(t, srv, two, "0412")
	for range 4 {
		mustEmpty(t, send(t, srv, answerPin(t, srv, one, "9999")), 400)
	}
	if s := state(t, srv, user); s.Failures != 4 || !s.BlockedUntil.IsZero() {
		t.Errorf("after four failures: %d, blocked until %v", s.Failures, s.BlockedUntil)
	}
	mustStatus(t, send(t, srv, right), 200)
	if s := state(t, srv, user); s.Failures != 0 {
		t.Errorf("%d failures after a success", s.Failures)
	}

	mustStatus(t, send(t, srv, triggerCode(srv, one, "sms")), 200)
	for _, m := range []message{
		answerPin(t, srv, one, "9999"), answerFingerprint(t, srv, two, "x"), answerFaceMap(srv, one, "AAED"),
		answerCode(srv, one, "sms", "999999"), answerPin(t, srv, two, "9999"),
	} {
		mustEmpty(t, send(t, srv, m), 400)
	}
	if s := state(t, srv, user); time.Until(s.BlockedUntil) < 14*time.Minute || time.Until(s.BlockedUntil) > 15*time.Minute {
		t.Errorf("blocked until %v", s.BlockedUntil)
	}
	mustEmpty(t, send(t, srv, right), 400) // what is right is refused too
	if got := srv.OneTimeTokens(user); got[0].Attempts != 7 || got[1].Attempts != 3 {
		t.Errorf("%d and %d attempts, want 7 and 3: none while blocked", got[0].Attempts, got[1].Attempts)
	}
	mustStatus(t, send(t, srv, tokenStatus(srv, one)), 200)
	for _, m := range []message{asUser(srv, "GET", "/v1/secret", ""), asUser(srv, "POST", ofProfile(srv, "/sca-sessions/authorise"), "")} {
		r := send(t, srv, m)
		mustEmpty(t, r, 403)
		if r.header.Get("x-2fa-approval-result") != "REJECTED" || r.header.Get("x-2fa-approval") != "" {
			t.Errorf("%s: header = %v, want REJECTED and no token", m.path, r.header)
		}
	}
	theirs := message{"GET", "/v1/secret", bearer(srv.UserToken(otherUser)), ""}
	if r := mustStatus(t, send(t, srv, theirs), 403); r.header.Get("x-2fa-approval") == "" {
		t.Error("another user is blocked")
	}

	srv.Advance(14 * time.Minute)
	mustEmpty(t, send(t, srv, right), 400)
	srv.Advance(time.Minute)
	mustStatus(t, send(t, srv, right), 200)
	if r := mustStatus(t, send(t, srv, asUser(srv, "GET", "/v1/secret", "")), 403); r.header.Get("x-2fa-approval") == "" {
		t.Error("the user is still blocked")
	}
}
