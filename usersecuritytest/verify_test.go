package usersecuritytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const (
	kindPin     = usersecurity.ChallengePin
	kindDevice  = usersecurity.ChallengeDeviceFingerprint
	kindFaceMap = usersecurity.ChallengeFaceMap
	kindSMS     = usersecurity.ChallengeSMS
)

// Every factor answers its challenge, with the first calls and with their
// successors, and a wrong one doesn't.
func TestVerify(t *testing.T) {
	sealedV1 := func(path, field string) func(*testing.T, *usersecuritytest.Server, string, string) message {
		return func(t *testing.T, srv *usersecuritytest.Server, token, value string) message {
			return sealedAsUser(t, srv, path, `{"`+field+`":"`+value+`"}`).withOneTimeToken(token)
		}
	}
	for _, c := range []struct {
		name         string
		kind         usersecurity.ChallengeKind
		send         func(t *testing.T, srv *usersecuritytest.Server, token, value string) message
		right, wrong string
		wrapped      bool
		notSet       int
	}{
		{"pin", kindPin, answerPin, "0412", "0413", false, 404},
		{"fingerprint", kindDevice, answerFingerprint, "d-71", "d-72", false, 404},
		{"face map", kindFaceMap, func(_ *testing.T, srv *usersecuritytest.Server, token, value string) message {
			return answerFaceMap(srv, token, value)
		}, "AAEC", "AAED", false, 400},
		{"first pin", kindPin, sealedV1("/v1/one-time-token/pin/verify", "pin"), "0412", "0413", true, 404},
		{"first fingerprint", kindDevice, sealedV1("/v1/one-time-token/partner-device-fingerprint/verify", "deviceFingerprint"), "d-71", "d-72", true, 404},
		{"first face map", kindFaceMap, func(_ *testing.T, srv *usersecuritytest.Server, token, value string) message {
			return asUser(srv, "POST", "/v1/one-time-token/facemap/verify", `{"faceMap":"`+value+`"}`).withOneTimeToken(token)
		}, "AAEC", "AAED", true, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newServer(t, usersecuritytest.WithClearReplies(), usersecuritytest.WithClearedTokensShown())
			token := srv.NewOneTimeToken(user, c.kind, kindSMS)
			mustEmpty(t, send(t, srv, c.send(t, srv, token, c.right)), c.notSet)
			enrolAll(t, srv)
			mustEmpty(t, send(t, srv, c.send(t, srv, token, c.wrong)), 400)
			if got := srv.OneTimeTokens(user)[0]; got.Attempts != 1 || got.Failures != 1 || got.Challenges[0].Passed {
				t.Errorf("after a wrong answer: %+v", got)
			}
			r := mustStatus(t, send(t, srv, c.send(t, srv, token, c.right)), 200)
			if c.wrapped {
				got := readWrapped(t, r)
				if want := string(c.kind) + "+ SMS"; got.summary() != want || got.OneTimeToken != token || *got.UserID != user {
					t.Errorf("reply = %s, want %s", r.body, want)
				}
			} else {
				got := readBare(t, r)
				if got.OneTimeToken != token || len(got.Challenges) != 2 || !got.Challenges[0].Passed || got.Challenges[1].Passed ||
					got.Challenges[0].PrimaryChallenge.Type != string(c.kind) || got.Validity < 3590 || got.Validity > 3600 {
					t.Errorf("reply = %s", r.body)
				}
			}
			mustStatus(t, send(t, srv, c.send(t, srv, token, c.right)), 200) // and again: nothing is harmed
			if got := srv.OneTimeTokens(user)[0]; got.Attempts != 3 || got.Failures != 1 {
				t.Errorf("after three answers: %+v", got)
			}
			mustCode(t, send(t, srv, c.send(t, srv, token, c.right).without("One-Time-Token")), 400, "simulator.header.missing")
		})
	}
}

func TestVerifyRepliesAreSealed(t *testing.T) {
	srv := newServer(t)
	enrolAll(t, srv)
	for _, path := range []string{ofProfile(srv, "/pin/verify"), "/v1/one-time-token/pin/verify"} {
		cek := newCEK()
		m := asSealed(asUser(srv, "POST", path, ""), sealWith(t, srv, goodHeader, cek, `{"pin":"0412"}`))
		r := mustStatus(t, send(t, srv, m.withOneTimeToken(srv.NewOneTimeToken(user, kindPin))), 200)
		if r.header.Get("Content-Type") != "application/jose+json" {
			t.Errorf("%s: Content-Type = %s", path, r.header.Get("Content-Type"))
		}
		mustOpen(t, r.body, cek, jose.DIRECT)
	}
}

// Codes are sent before they are good for anything.
func TestCodes(t *testing.T) {
	for _, kind := range []struct {
		path string
		kind usersecurity.ChallengeKind
	}{{"sms", kindSMS}, {"whatsapp", usersecurity.ChallengeWhatsApp}, {"voice", usersecurity.ChallengeVoice}} {
		srv := newServer(t)
		token := srv.NewOneTimeToken(user, kind.kind, kindPin)
		mustCode(t, send(t, srv, triggerCode(srv, token, kind.path)), 400, "phone.number.not.setup")
		enrolAll(t, srv)
		mustEmpty(t, send(t, srv, answerCode(srv, token, kind.path, "111111")), 400)
		var sent struct {
			Number string `json:"obfuscatedPhoneNo"`
		}
		mustStatus(t, send(t, srv, triggerCode(srv, token, kind.path)), 200).json(t, &sent)
		if sent.Number != "*******8888" {
			t.Errorf("sent to %q", sent.Number)
		}
		for _, code := range []string{"", "111112", "11111", "1111111"} {
			mustEmpty(t, send(t, srv, answerCode(srv, token, kind.path, code)), 400)
		}
		got := readWrapped(t, mustStatus(t, send(t, srv, answerCode(srv, token, kind.path, "111111")), 200))
		if want := string(kind.kind) + "+ PIN"; got.summary() != want {
			t.Errorf("%s, want %s", got.summary(), want)
		}
		if made := srv.OneTimeTokens(user)[0]; made.Attempts != 5 || made.Failures != 4 {
			t.Errorf("%d attempts, %d failures; want 5 and 4", made.Attempts, made.Failures)
		}
		mustCode(t, send(t, srv, asUser(srv, "POST", "/v1/one-time-token/"+kind.path+"/trigger", "{}").withOneTimeToken(token)), 400, "simulator.body.unexpected")
	}
}

// A token serves its own user, until it expires, for what it asks.
func TestTokensThatCannotBeVerified(t *testing.T) {
	srv := newServer(t)
	enrolAll(t, srv)
	token := srv.NewOneTimeToken(user, kindPin)
	theirs := srv.NewOneTimeToken(otherUser, kindPin)
	mustCode(t, send(t, srv, answerFingerprint(t, srv, token, "d-71")), 400, "challenge.not.asked")
	mustCode(t, send(t, srv, triggerCode(srv, token, "sms")), 400, "challenge.not.asked")
	for _, value := range []string{theirs, uuid.NewString(), "nonsense"} {
		mustEmpty(t, send(t, srv, answerPin(t, srv, value, "0412")), 404)
		mustEmpty(t, send(t, srv, triggerCode(srv, value, "sms")), 404)
		mustEmpty(t, send(t, srv, tokenStatus(srv, value)), 404)
	}
	srv.Advance(time.Hour)
	mustEmpty(t, send(t, srv, answerPin(t, srv, token, "0412")), 404)
	if got := srv.OneTimeTokens(user)[0]; got.Attempts != 0 {
		t.Errorf("%d attempts are counted of answers that nobody has looked at", got.Attempts)
	}
	// A PIN that is none is not counted either.
	mustCode(t, send(t, srv, answerPin(t, srv, srv.NewOneTimeToken(user, kindPin), "12")), 400, "pin.invalid")
	if state(t, srv, user).Failures != 0 {
		t.Error("a malformed answer was counted")
	}
}

func TestVerifyReplyForms(t *testing.T) {
	for name, c := range map[string]struct {
		option usersecuritytest.ServerOption
		bare   bool
	}{
		"bare":    {usersecuritytest.WithBareVerifyReplies(), true},
		"wrapped": {usersecuritytest.WithWrappedVerifyReplies(), false},
	} {
		srv := newServer(t, c.option, usersecuritytest.WithClearReplies())
		enrolAll(t, srv)
		first := sealedAsUser(t, srv, "/v1/one-time-token/pin/verify", `{"pin":"0412"}`)
		for i, m := range []message{answerPin(t, srv, "", "0412"), first} {
			r := mustStatus(t, send(t, srv, m.withOneTimeToken(srv.NewOneTimeToken(user, kindPin, kindSMS))), 200)
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				if c.bare {
					readBare(t, r)
				} else if got := readWrapped(t, r); got.Challenges[0].Required == nil {
					t.Errorf("reply = %s, want all fields", r.body)
				}
			})
		}
	}
}

func TestVerifyMessages(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithVerifyMessages())
	enrolAll(t, srv)
	var body struct {
		Message string `json:"message"`
	}
	mustStatus(t, send(t, srv, answerPin(t, srv, srv.NewOneTimeToken(user, kindPin), "9999")), 400).json(t, &body)
	if body.Message == "" {
		t.Error("there is no message")
	}
}

func TestUnknownTokenStatus(t *testing.T) {
	for _, status := range []int{400, 401, 403} {
		srv := newServer(t, usersecuritytest.WithUnknownTokenStatus(status))
		for _, m := range []message{tokenStatus(srv, uuid.NewString()), triggerCode(srv, uuid.NewString(), "sms"), answerPin(t, srv, uuid.NewString(), "0412")} {
			r := send(t, srv, m)
			if status == 401 {
				mustOAuthError(t, r, 401, "invalid_token")
			} else {
				mustEmpty(t, r, status)
			}
		}
	}
}
