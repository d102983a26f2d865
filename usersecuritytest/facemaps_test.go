package usersecuritytest_test

import (
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestFaceMap(t *testing.T) {
	srv := newServer(t)
	enrol := func(faceMap string) message {
		return asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"`+faceMap+`"}`)
	}
	remove := asApplication(srv, "DELETE", "/v1/users/42/facemap/enrol", "")

	mustCode(t, send(t, srv, remove), 404, "facemap.not.setup")
	mustEmpty(t, send(t, srv, enrol("Zm9v")), 204)
	if s := state(t, srv, user); !s.FaceMapEnrolled || s.FaceMapDigest != usersecuritytest.DigestOf("Zm9v") {
		t.Errorf("state = %+v, want face map Zm9v", s)
	}
	mustEmpty(t, send(t, srv, enrol("YmFy")), 409)
	mustEmpty(t, send(t, srv, remove), 204)
	if state(t, srv, user).FaceMapEnrolled {
		t.Error("the face map is still enrolled")
	}
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/99/facemap/enrol", "")), 404)
	for _, faceMap := range []string{"", "Zm9", "Zm9v!", `Zm\n9v`, "Zm_-"} {
		mustCode(t, send(t, srv, enrol(faceMap)), 400, "facemap.invalid")
	}
	mustCode(t, send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"facemap":"Zm9v"}`)), 400, "simulator.body.malformed")
	large := strings.Repeat("QUJD", 1<<20)
	mustEmpty(t, send(t, srv, enrol(large)), 204)
	if state(t, srv, user).FaceMapDigest != usersecuritytest.DigestOf(large) {
		t.Error("a large face map did not arrive whole")
	}
	mustCode(t, send(t, srv, enrol(strings.Repeat("QUJD", 9<<20))), 413, "simulator.body.large")
}

// The successor acts on the same face map.
func TestSuccessorsFaceMap(t *testing.T) {
	srv := newServer(t)
	path := ofProfile(srv, "/facemaps")
	enrol := asUser(srv, "POST", path, `{"faceMap":"Zm9v"}`)
	remove := asUser(srv, "DELETE", path, "")
	mustEmpty(t, send(t, srv, remove), 404)
	mustEmpty(t, send(t, srv, enrol), 204)
	if state(t, srv, user).FaceMapDigest != usersecuritytest.DigestOf("Zm9v") || state(t, srv, otherUser).FaceMapEnrolled {
		t.Error("the face map is another one, or another user's")
	}
	mustEmpty(t, send(t, srv, enrol), 409)
	mustEmpty(t, send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)), 409)
	mustEmpty(t, send(t, srv, remove), 204)
	mustEmpty(t, send(t, srv, remove), 404)
	mustCode(t, send(t, srv, asUser(srv, "POST", path, `{"faceMap":"Zm9"}`)), 400, "facemap.invalid")
}
