package usersecuritytest_test

import (
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
