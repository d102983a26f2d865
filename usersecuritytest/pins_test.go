package usersecuritytest_test

import (
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestPin(t *testing.T) {
	srv := newServer(t)
	remove := asApplication(srv, "DELETE", "/v1/users/42/pin", "")

	mustCode(t, send(t, srv, remove), 404, "pin.not.setup")
	mustEmpty(t, send(t, srv, createPin(t, srv, "0420")), 204)
	if s := state(t, srv, user); !s.PinSet || s.PinDigest != usersecuritytest.DigestOf("0420") {
		t.Errorf("state = %+v, want PIN 0420", s)
	}
	if s := state(t, srv, otherUser); s.PinSet {
		t.Error("another user's PIN is set")
	}
	mustEmpty(t, send(t, srv, createPin(t, srv, "1111")), 409)
	if s := state(t, srv, user); s.PinDigest != usersecuritytest.DigestOf("0420") {
		t.Error("a refused PIN has replaced the one before")
	}
	mustEmpty(t, send(t, srv, remove), 204)
	if s := state(t, srv, user); s.PinSet || s.PinDigest != (usersecuritytest.Digest{}) {
		t.Error("the PIN is still set")
	}
	mustCode(t, send(t, srv, remove), 404, "pin.not.setup")
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/99/pin", "")), 404)

	for _, pin := range []string{"", "123", "12345", "12a4", "-123", "١٢٣٤"} {
		mustCode(t, send(t, srv, createPin(t, srv, pin)), 400, "pin.invalid")
	}
	for _, payload := range []string{``, `[]`, `null`, `{}`, `{"pin":1234}`, `{"pin":null}`, `{"PIN":"1234"}`, `{"pin":"1234","x":""}`, `{"pin":"1234"} x`, "{\"pin\":\"\xff\"}"} {
		m := asSealed(asUser(srv, "POST", "/v1/user/pin", ""), seal(t, srv, payload))
		mustCode(t, send(t, srv, m), 400, "simulator.body.malformed")
	}
	if state(t, srv, user).PinSet {
		t.Error("a PIN that was refused is set")
	}
}

// The successor acts on the same PIN.
func TestSuccessorsPin(t *testing.T) {
	srv := newServer(t)
	path := ofProfile(srv, "/pin")
	create := func(pin string) message { return sealedAsUser(t, srv, path, `{"pin":"`+pin+`"}`) }
	remove := asUser(srv, "DELETE", path, "")

	mustEmpty(t, send(t, srv, remove), 404)
	mustEmpty(t, send(t, srv, create("0420")), 200)
	if state(t, srv, user).PinDigest != usersecuritytest.DigestOf("0420") || state(t, srv, otherUser).PinSet {
		t.Error("the PIN is another one, or another user's")
	}
	mustEmpty(t, send(t, srv, create("1111")), 409)
	mustEmpty(t, send(t, srv, createPin(t, srv, "1111")), 409)
	mustEmpty(t, send(t, srv, remove), 204)
	mustEmpty(t, send(t, srv, remove), 404)
	mustEmpty(t, send(t, srv, createPin(t, srv, "2222")), 204)
	mustEmpty(t, send(t, srv, create("0420")), 409)
	mustCode(t, send(t, srv, create("x")), 400, "pin.invalid")
	mustCode(t, send(t, srv, remove.with("Authorization", "Bearer "+srv.ApplicationToken())), 403, "simulator.token.kind")
}
