package usersecuritytest_test

import (
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func startSession(t *testing.T, srv *usersecuritytest.Server) wireFullToken {
	t.Helper()
	r := mustStatus(t, send(t, srv, asUser(srv, "POST", ofProfile(srv, "/sca-sessions/authorise"), "")), 200)
	for _, field := range []string{"required", "alternatives", "viewData", "actionType", "userId"} {
		if strings.Contains(r.body, field) {
			t.Errorf("a session has the field %s: %s", field, r.body)
		}
	}
	return readWrapped(t, r)
}

// A session asks for what the user has, of two sorts.
func TestSession(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearReplies())
	if got := startSession(t, srv); got.summary() != "" {
		t.Errorf("a user without factors is asked for %s", got.summary())
	}
	mustStatus(t, send(t, srv, asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`)), 200)
	if got := startSession(t, srv); got.summary() != "SMS" {
		t.Errorf("a user with a phone is asked for %s", got.summary())
	}
	mustStatus(t, send(t, srv, asApplication(srv, "DELETE", phones(user)+"/5000001", "")), 204)
	mustStatus(t, send(t, srv, asUser(srv, "POST", ofProfile(srv, "/facemaps"), `{"faceMap":"AAEC"}`)), 204)
	if got := startSession(t, srv); got.summary() != "FACE_MAP" {
		t.Errorf("a user with a face map is asked for %s", got.summary())
	}
	mustStatus(t, send(t, srv, asUser(srv, "DELETE", ofProfile(srv, "/facemaps"), "")), 204)
	enrolAll(t, srv)
	token := startSession(t, srv)
	if token.summary() != "PIN PARTNER_DEVICE_FINGERPRINT" || token.Validity != 3600 {
		t.Errorf("the user is asked for %s within %d s", token.summary(), token.Validity)
	}
	full := readStatus(t, srv, token.OneTimeToken)
	if full.summary() != token.summary() || *full.UserID != user || full.ActionType != nil ||
		string(full.Challenges[0].PrimaryChallenge.ViewData) != `{"attributes":{"userId":42}}` || !*full.Challenges[0].Required {
		t.Errorf("state = %+v", full)
	}

	mustStatus(t, send(t, srv, answerPin(t, srv, token.OneTimeToken, "0412")), 200)
	if got := readStatus(t, srv, token.OneTimeToken); got.summary() != "PIN+ PARTNER_DEVICE_FINGERPRINT" {
		t.Errorf("after the PIN: %s", got.summary())
	}
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token.OneTimeToken, "d-71")), 200)
	if got := readStatus(t, srv, token.OneTimeToken); got.summary() != "" || got.UserID != nil || got.ActionType != nil {
		t.Errorf("after both: %+v, want nothing left", got)
	}
	old := asUser(srv, "GET", "/v1/identity/one-time-token/status", "").withOneTimeToken(token.OneTimeToken)
	if got := readWrapped(t, mustStatus(t, send(t, srv, old), 200)); got.OneTimeToken != token.OneTimeToken {
		t.Error("the first call for the state shows another token")
	}
	// A session's token serves for any call.
	srv.Protect("POST", "/v1/anything", kindFaceMap)
	mustStatus(t, send(t, srv, asUser(srv, "POST", "/v1/anything", "").with("x-2fa-approval", token.OneTimeToken)), 200)
}

func TestSessionChallenges(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithSessionChallenges(kindFaceMap, kindSMS, kindPin),
		usersecuritytest.WithOptionalChallenges(kindSMS), usersecuritytest.WithAlternatives(kindPin, kindDevice, kindSMS))
	token := startSession(t, srv).OneTimeToken
	full := readStatus(t, srv, token)
	if want := "FACE_MAP SMS? PIN/PARTNER_DEVICE_FINGERPRINT/SMS"; full.summary() != want {
		t.Errorf("%s, want %s", full.summary(), want)
	}
	if got := string(full.Challenges[2].Alternatives[0].ViewData); got != "{}" {
		t.Errorf("an alternative has view data %s", got)
	}
	enrolAll(t, srv)
	mustStatus(t, send(t, srv, answerFaceMap(srv, token, "AAEC")), 200)
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 200) // instead of the PIN
	if made := srv.OneTimeTokens(user)[0]; !made.Cleared || made.Challenges[1].Passed {
		t.Errorf("without the one that isn't required: %+v", made)
	}
}

// A session in which nothing is required is cleared when it begins, and shown as
// what is cleared is shown.
func TestSessionWithoutRequiredChallenges(t *testing.T) {
	for want, opts := range map[string][]usersecuritytest.ServerOption{
		"":    nil,
		"SMS": {usersecuritytest.WithClearedTokensShown()},
	} {
		srv := newServer(t, append(opts, usersecuritytest.WithSessionChallenges(kindSMS), usersecuritytest.WithOptionalChallenges(kindSMS))...)
		if got := startSession(t, srv).summary(); got != want {
			t.Errorf("%q is shown, want %q", got, want)
		}
		if !srv.OneTimeTokens(user)[0].Cleared {
			t.Error("it is not cleared")
		}
	}
}
