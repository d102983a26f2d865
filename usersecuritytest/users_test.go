package usersecuritytest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestStateIsACopyAndPrintsNoSecret(t *testing.T) {
	srv := newServer(t)
	mustStatus(t, send(t, srv, createPin(t, srv, "8273")), 204)
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "device-secret")), 200)
	mustStatus(t, send(t, srv, asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6581234567"}`)), 200)
	s := state(t, srv, user)
	digest := usersecuritytest.DigestOf("8273")
	var asBytes [32]byte = digest
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		assertNoneOf(t, fmt.Appendf(nil, verb, s), "8273", "device-secret", "6581234567", fmt.Sprintf("%x", asBytes), fmt.Sprint(asBytes), fmt.Sprintf("%#v", asBytes))
	}
	asJSON, err := json.Marshal(s.PinDigest)
	if err != nil || string(asJSON) != `"****"` {
		t.Errorf("as JSON a digest is %s, %v", asJSON, err)
	}
	s.PhoneNumbers[0].PhoneNumber = "changed"
	clear(s.FingerprintDigests)
	if again := state(t, srv, user); again.PhoneNumbers[0].PhoneNumber == "changed" || len(again.FingerprintDigests) != 1 {
		t.Error("changing the snapshot changed the state")
	}
	srv.AddUser(user)
	if !state(t, srv, user).PinSet {
		t.Error("adding a user again has lost its state")
	}
	if _, ok := srv.User(stranger); ok {
		t.Error("a stranger is known")
	}
}
