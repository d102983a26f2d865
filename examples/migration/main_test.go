package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ended are the operations that calendar versions don't have.
var ended = []usersecurity.Operation{
	usersecurity.OpCreatePin, usersecurity.OpDeletePin, usersecurity.OpEnrolFaceMap, usersecurity.OpDeleteFaceMap,
	usersecurity.OpCreateDeviceFingerprint, usersecurity.OpListDeviceFingerprints, usersecurity.OpDeleteDeviceFingerprint,
	usersecurity.OpListPhoneNumbers, usersecurity.OpUpdatePhoneNumber,
	usersecurity.OpOneTimeTokenVerifyPin, usersecurity.OpOneTimeTokenVerifyDeviceFingerprint, usersecurity.OpOneTimeTokenVerifyFaceMap,
}

// TestMigration moves everybody, whether the successors see the factors of before
// or not.
func TestMigration(t *testing.T) {
	for name, opts := range map[string][]usersecuritytest.ServerOption{
		"one store":       nil,
		"a store of each": {usersecuritytest.WithFactorsPerProfile()},
	} {
		wise := usersecuritytest.NewServer(opts...)
		defer wise.Close()
		var out strings.Builder
		if err := run(t.Context(), wise, &out); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out.String())
		}
		for _, want := range []string{
			"customer 1003: stays with the eleven", "customer 1002: device, phone number and challenge, with the eleven",
			"customer 1003: device, phone number and challenge, with the successors", "in its place comes SCA.DeletePin",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: it doesn't say %q:\n%s", name, want, out.String())
			}
		}
		for _, secret := range []string{"+65", "phone of customer"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s: a secret was printed", name)
			}
		}
		checkRequests(t, wise.Requests())
	}
}

// checkRequests sees both generations side by side, and nothing of the first one
// under the calendar version but the call that shows what becomes of it.
func checkRequests(t *testing.T, requests []usersecuritytest.RecordedRequest) {
	t.Helper()
	switched := slices.IndexFunc(requests, func(r usersecuritytest.RecordedRequest) bool { return strings.HasPrefix(r.Path, "/"+version+"/") })
	first := slices.IndexFunc(requests, func(r usersecuritytest.RecordedRequest) bool {
		return r.Operation == usersecurity.OpSCADeleteDeviceFingerprint
	})
	if first < 0 || switched < first {
		t.Fatalf("the first delete by a successor is request %d, the switch request %d", first, switched)
	}
	if !slices.ContainsFunc(requests[first:switched], func(r usersecuritytest.RecordedRequest) bool {
		return r.Operation == usersecurity.OpDeleteDeviceFingerprint && r.TokenKind == "application"
	}) {
		t.Error("no customer was served by the eleven while another was by the successors")
	}
	for _, r := range requests {
		if r.Operation == usersecurity.OpSCADeleteDeviceFingerprint && r.TokenKind != "user" {
			t.Errorf("a successor's delete carried the token of %q", r.TokenKind)
		}
	}
	for _, r := range requests[switched:] {
		if slices.Contains(ended, r.Operation) && r.Status != 410 {
			t.Errorf("%s after the switch", r.Operation)
		}
	}
}

func TestNoProfileIsGuessed(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(7)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	business := wise.AddBusinessProfile(7)
	c := &customer{user: 7}
	if err := prepare(t.Context(), client, c); !errors.Is(err, errSeveralProfiles) || c.profile != 0 {
		t.Errorf("error %v, profile %d", err, c.profile)
	}
	wise.DeactivateProfile(business)
	if err := prepare(t.Context(), client, c); err != nil || c.profile != wise.Profile(7) {
		t.Errorf("error %v, profile %d", err, c.profile)
	}
	wise.DeactivateProfile(c.profile)
	if err := prepare(t.Context(), client, &customer{user: 7}); err == nil {
		t.Error("a deactivated profile was taken")
	}
}

// TestAnOldEndpointsNotFoundRemovesNothing is the day on which the old endpoints
// begin to answer 404, without a word.
func TestAnOldEndpointsNotFoundRemovesNothing(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(7)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	s, c := &service{client: client}, &customer{user: 7}
	if err := s.addDevice(t.Context(), c, deviceOf(c, "phone")); err != nil {
		t.Fatal(err)
	}
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Operation: usersecurity.OpDeleteDeviceFingerprint, Status: 404})
	if err := s.removeNewestDevice(t.Context(), c); !errors.Is(err, usersecurity.ErrFingerprintNotFound) || len(c.devices) != 1 {
		t.Errorf("error %v, %d devices are known", err, len(c.devices))
	}
	c.moved, c.profile = true, wise.Profile(7)
	if err := s.removeNewestDevice(t.Context(), c); err != nil || len(c.devices) != 0 {
		t.Errorf("error %v, %d devices are known", err, len(c.devices))
	}
}
