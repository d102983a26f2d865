package usersecuritytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// One challenge after the other: the next one is there when the state is asked
// for, and only then.
func TestGradualChallenges(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithGradualChallenges(), usersecuritytest.WithClearReplies(), usersecuritytest.WithClearedTokensShown())
	enrolAll(t, srv)
	token := srv.NewOneTimeToken(user, kindPin, kindDevice)
	if got := readStatus(t, srv, token).summary(); got != "PIN" {
		t.Errorf("at first %s is shown", got)
	}
	mustCode(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 400, "challenge.not.asked")
	reply := readBare(t, mustStatus(t, send(t, srv, answerPin(t, srv, token, "0412")), 200))
	if len(reply.Challenges) != 1 || !reply.Challenges[0].Passed {
		t.Errorf("the verify shows %+v, want the PIN alone", reply)
	}
	if srv.OneTimeTokens(user)[0].Cleared {
		t.Error("the token is cleared while a challenge is left")
	}
	if got := readStatus(t, srv, token).summary(); got != "PIN+ PARTNER_DEVICE_FINGERPRINT" {
		t.Errorf("then %s is shown", got)
	}
	mustStatus(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 200)
	if got := readStatus(t, srv, token).summary(); got != "PIN+ PARTNER_DEVICE_FINGERPRINT+" || !srv.OneTimeTokens(user)[0].Cleared {
		t.Errorf("at last %s is shown", got)
	}
}

func TestValidityRunsDown(t *testing.T) {
	srv := newServer(t)
	token := srv.NewOneTimeToken(user, kindPin)
	srv.Advance(30 * time.Minute)
	if got := readStatus(t, srv, token).Validity; got < 1790 || got > 1800 {
		t.Errorf("validity is %d after half an hour", got)
	}
	srv.Advance(30 * time.Minute)
	mustEmpty(t, send(t, srv, tokenStatus(srv, token)), 404)
}

// What tests see of tokens holds no token.
func TestOneTimeTokensAreShownWithoutTheirText(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithAlternatives(kindPin, kindSMS))
	token := srv.NewOneTimeToken(user, kindPin)
	srv.NewOneTimeToken(otherUser, kindPin)
	srv.Protect("GET", "/v1/profiles/7/balance-statements", kindDevice)
	mustStatus(t, send(t, srv, asUser(srv, "GET", "/v1/profiles/7/balance-statements", "")), 403)
	list := srv.OneTimeTokens(user)
	if len(list) != 2 || list[0].Digest != usersecuritytest.DigestOf(token) || list[0].ActionType != "" ||
		list[1].ActionType != "BALANCE_STATEMENTS__GET" || list[0].Expires.Sub(list[0].Created) != time.Hour {
		t.Errorf("tokens = %+v", list)
	}
	if c := list[0].Challenges[0]; c.Kind != kindPin || len(c.Alternatives) != 1 || !c.Required || c.Passed {
		t.Errorf("challenge = %+v", c)
	}
	assertNoneOf(t, fmt.Appendf(nil, "%v %+v %#v", list, list, list), token)
	list[0].Challenges[0].Passed = true
	if srv.OneTimeTokens(user)[0].Challenges[0].Passed {
		t.Error("changing the snapshot changed the token")
	}
}
