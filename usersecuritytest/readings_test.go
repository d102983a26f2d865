package usersecuritytest_test

import (
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestPinCreatedReply(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
	}{{200, ""}, {201, ""}, {204, ""}, {200, `{"created":true}`}, {201, `{}`}} {
		srv := newServer(t, usersecuritytest.WithPinCreatedReply(c.status, c.body))
		cek := newCEK()
		r := send(t, srv, asSealed(asUser(srv, "POST", ofProfile(srv, "/pin"), ""), sealWith(t, srv, goodHeader, cek, `{"pin":"0412"}`)))
		if c.body == "" {
			mustEmpty(t, r, c.status)
		} else if plaintext, _ := mustOpen(t, mustStatus(t, r, c.status).body, cek, jose.DIRECT); plaintext != c.body {
			t.Errorf("reply = %s, want %s", plaintext, c.body)
		}
		if !state(t, srv, user).PinSet {
			t.Error("the PIN is not set")
		}
	}
	// Unsealed, where all replies are; and the first call answers as ever.
	srv := newServer(t, usersecuritytest.WithPinCreatedReply(200, `{"created":true}`), usersecuritytest.WithClearReplies())
	r := mustStatus(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"0412"}`)), 200)
	if r.body != `{"created":true}` || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("reply = %s", r.body)
	}
	mustStatus(t, send(t, srv, asUser(srv, "DELETE", ofProfile(srv, "/pin"), "")), 204)
	mustEmpty(t, send(t, srv, createPin(t, srv, "0412")), 204)
}

// What belongs to a profile is neither the user's nor another profile's.
func TestFactorsPerProfile(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithFactorsPerProfile(), usersecuritytest.WithFingerprintLimit(1), usersecuritytest.WithClearReplies())
	business := fmt.Sprint("/v2/profiles/", srv.AddBusinessProfile(user))
	mustEmpty(t, send(t, srv, createPin(t, srv, "1111")), 204)
	mustEmpty(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"2222"}`)), 200)
	mustEmpty(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"2222"}`)), 409)
	mustEmpty(t, send(t, srv, asUser(srv, "DELETE", business+"/pin", "")), 404)
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200)
	var made wireFingerprint
	mustStatus(t, send(t, srv, sealedAsUser(t, srv, business+"/device-fingerprints", `{"deviceFingerprint":"a"}`)), 200).json(t, &made)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(user)+"/"+made.DeviceFingerprintID.String(), "")), 404)
	if s := state(t, srv, user); s.PinDigest != usersecuritytest.DigestOf("1111") || len(s.Fingerprints) != 1 {
		t.Errorf("the user's own state is %+v", s)
	}

	token := srv.NewOneTimeToken(user, kindPin)
	mustEmpty(t, send(t, srv, answerPin(t, srv, token, "1111")), 400)
	mustStatus(t, send(t, srv, answerPin(t, srv, token, "2222")), 200)
	mustStatus(t, send(t, srv, sealedAsUser(t, srv, "/v1/one-time-token/pin/verify", `{"pin":"1111"}`).withOneTimeToken(srv.NewOneTimeToken(user, kindPin))), 200)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/42/pin", "")), 204)
	mustEmpty(t, send(t, srv, asUser(srv, "DELETE", ofProfile(srv, "/pin"), "")), 204)
	if got := startSession(t, srv).summary(); got != "PARTNER_DEVICE_FINGERPRINT" {
		t.Errorf("a session asks for %s", got)
	}
}

func TestFingerprintLimitCode(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithFingerprintLimit(0), usersecuritytest.WithFingerprintLimitCode("max.device.fingerprints"))
	mustCode(t, send(t, srv, createFingerprint(t, srv, "a")), 400, "max.device.fingerprints")
	mustCode(t, send(t, srv, sealedAsUser(t, srv, ofProfile(srv, "/device-fingerprints"), `{"deviceFingerprint":"a"}`)), 400, "max.device.fingerprints")
}

func TestReplyKeyNamed(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithReplyKeyNamed())
	const id = "11111111-1111-4111-8111-111111111111"
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, &partnerKey().PublicKey, validFrom, validTill))), 201)
	m := asSealed(asApplication(srv, "POST", "/v1/auth/jose/playground/jwe", ""), seal(t, srv, `{"message":"x"}`))
	mustCode(t, send(t, srv, m), 400, "simulator.header.missing")
	mustStatus(t, send(t, srv, m.with("X-TW-JOSE-Encryption-kid", id)), 200)
	mustEmpty(t, send(t, srv, createPin(t, srv, "1111")), 204) // its reply goes to no key
}
