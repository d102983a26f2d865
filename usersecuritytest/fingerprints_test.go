package usersecuritytest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

type wireFingerprint struct {
	DeviceFingerprintID uuid.UUID `json:"deviceFingerprintId"`
	CreatedAt           string    `json:"createdAt"`
}

func TestFingerprints(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearReplies())
	list := func() (l []wireFingerprint) {
		for _, method := range []string{"GET", "POST"} {
			l = nil
			r := mustStatus(t, send(t, srv, asApplication(srv, method, fingerprints(user), "")), 200)
			r.json(t, &l)
		}
		return l
	}

	if r := send(t, srv, asApplication(srv, "GET", fingerprints(user), "")); r.body != "[]" {
		t.Errorf("the empty list is written %s, want []", r.body)
	}
	var made []wireFingerprint
	for _, value := range []string{"a", "b", "c"} {
		var f wireFingerprint
		mustStatus(t, send(t, srv, createFingerprint(t, srv, value)), 200).json(t, &f)
		if f.DeviceFingerprintID.Version() != 4 {
			t.Errorf("id = %v, want a random UUID", f.DeviceFingerprintID)
		}
		if at, err := time.Parse(time.RFC3339Nano, f.CreatedAt); err != nil || !strings.HasSuffix(f.CreatedAt, "Z") || time.Since(at) > time.Minute {
			t.Errorf("createdAt = %q, want now in UTC", f.CreatedAt)
		}
		made = append(made, f)
	}
	if got := list(); !slices.Equal(got, made) {
		t.Errorf("listed %v, want %v", got, made)
	}
	s := state(t, srv, user)
	for i, f := range made {
		if s.Fingerprints[i].ID != f.DeviceFingerprintID || s.Fingerprints[i].CreatedAt.Format(time.RFC3339Nano) != f.CreatedAt {
			t.Errorf("state has %v, want %v", s.Fingerprints[i], f)
		}
		if s.FingerprintDigests[f.DeviceFingerprintID] != usersecuritytest.DigestOf(string("abc"[i])) {
			t.Errorf("fingerprint %d has another value", i)
		}
	}
	// With no room left, one that exists is still told from one too many.
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "a")), 409)
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "d")), 400)

	one := fingerprints(user) + "/" + made[1].DeviceFingerprintID.String()
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(otherUser)+"/"+made[1].DeviceFingerprintID.String(), "")), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", one, "")), 204)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", one, "")), 404)
	if got := list(); !slices.Equal(got, []wireFingerprint{made[0], made[2]}) {
		t.Errorf("listed %v after one was deleted", got)
	}
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "b")), 200)

	mustEmpty(t, send(t, srv, asApplication(srv, "GET", fingerprints(stranger), "")), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(stranger)+"/"+made[0].DeviceFingerprintID.String(), "")), 404)
	mustCode(t, send(t, srv, createFingerprint(t, srv, "")), 400, "device.fingerprint.invalid")
}

func TestFingerprintLimit(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithFingerprintLimit(1))
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200)
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "b")), 400)
}

func TestFingerprintListMethod(t *testing.T) {
	for method, other := range map[string]string{"GET": "POST", "POST": "GET"} {
		srv := newServer(t, usersecuritytest.WithFingerprintListMethod(method))
		mustStatus(t, send(t, srv, asApplication(srv, method, fingerprints(user), "")), 200)
		r := send(t, srv, asApplication(srv, other, fingerprints(user), ""))
		mustCode(t, r, 405, "simulator.method.wrong")
		if got := r.header.Get("Allow"); got != method {
			t.Errorf("Allow = %q, want %s", got, method)
		}
		if n := srv.Count(usersecurity.OpListDeviceFingerprints); n != 2 {
			t.Errorf("%d lists counted, want 2", n)
		}
	}
}

func TestSeedMakesTheSameFingerprintIDs(t *testing.T) {
	first := func(seed uint64) uuid.UUID {
		srv := newServer(t, usersecuritytest.WithSeed(seed), usersecuritytest.WithClearReplies())
		var f wireFingerprint
		mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200).json(t, &f)
		return f.DeviceFingerprintID
	}
	one, again, other := first(7), first(7), first(8)
	if one != again || one == other {
		t.Error("ids don't follow the seed")
	}
}

// The successors act on the same devices.
func TestSuccessorsFingerprints(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearReplies(), usersecuritytest.WithFingerprintLimit(2))
	path := ofProfile(srv, "/device-fingerprints")
	create := func(value string) message {
		return sealedAsUser(t, srv, path, `{"deviceFingerprint":"`+value+`"}`)
	}
	var first, second wireFingerprint
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200).json(t, &first)
	mustEmpty(t, send(t, srv, create("a")), 409)
	mustStatus(t, send(t, srv, create("b")), 200).json(t, &second)
	mustEmpty(t, send(t, srv, create("c")), 400)
	if s := state(t, srv, user); len(s.Fingerprints) != 2 || s.FingerprintDigests[second.DeviceFingerprintID] != usersecuritytest.DigestOf("b") {
		t.Errorf("state has %v", s.Fingerprints)
	}
	one := path + "/" + first.DeviceFingerprintID.String()
	mustEmpty(t, send(t, srv, asUser(srv, "DELETE", one, "")), 204)
	mustEmpty(t, send(t, srv, asUser(srv, "DELETE", one, "")), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(user)+"/"+second.DeviceFingerprintID.String(), "")), 204)
	mustEmpty(t, send(t, srv, asUser(srv, "DELETE", path+"/"+second.DeviceFingerprintID.String(), "")), 404)
	mustCode(t, send(t, srv, asUser(srv, "GET", path, "")), 405, "simulator.method.wrong")
}
