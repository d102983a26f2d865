package usersecuritytest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

func TestProfiles(t *testing.T) {
	srv := newServer(t)
	personal, theirs := srv.Profile(user), srv.Profile(otherUser)
	if personal <= 0 || theirs == personal || srv.Profile(stranger) != 0 {
		t.Errorf("profiles %d and %d", personal, theirs)
	}
	business := srv.AddBusinessProfile(user)
	if got := state(t, srv, user).Profiles; !slices.Equal(got, []usersecurity.ProfileID{personal, business}) {
		t.Errorf("state has %v", got)
	}
	list := func() (list []map[string]json.RawMessage) {
		mustStatus(t, send(t, srv, asUser(srv, "GET", "/v2/profiles", "")), 200).json(t, &list)
		return list
	}
	got := list()
	if len(got) != 2 {
		t.Fatalf("%d profiles are listed, want 2", len(got))
	}
	common := []string{"publicId", "email", "createdAt", "updatedAt", "contactDetails", "address"}
	for i, want := range []struct {
		kind, id string
		fields   []string
	}{
		{`"PERSONAL"`, fmt.Sprint(personal), []string{"firstName", "lastName", "preferredName", "fullName", "dateOfBirth", "phoneNumber", "avatar", "secondaryAddresses"}},
		{`"BUSINESS"`, fmt.Sprint(business), []string{"businessName", "registrationNumber"}},
	} {
		p := got[i]
		if string(p["type"]) != want.kind || string(p["id"]) != want.id || string(p["userId"]) != "42" || string(p["currentState"]) != `"VISIBLE"` {
			t.Errorf("profile %d is %s", i, p)
		}
		for _, field := range append(common, want.fields...) {
			if _, ok := p[field]; !ok {
				t.Errorf("profile %d has no %s", i, field)
			}
		}
		var at string
		if err := json.Unmarshal(p["createdAt"], &at); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse("2006-01-02T15:04:05", at); err != nil {
			t.Errorf("createdAt = %q, want a time without zone", at)
		}
	}

	// A call acts for a profile of the token's user, as long as it is active.
	pinOf := func(id any) message { return asUser(srv, "DELETE", fmt.Sprintf("/v2/profiles/%v/pin", id), "") }
	mustEmpty(t, send(t, srv, pinOf(business)), 404)
	for _, id := range []any{theirs, 1} {
		mustStatus(t, send(t, srv, pinOf(id)), 403)
	}
	srv.DeactivateProfile(business)
	mustStatus(t, send(t, srv, pinOf(business)), 403)
	mustEmpty(t, send(t, srv, pinOf(personal)), 404)
	if got := list(); string(got[1]["currentState"]) != `"DEACTIVATED"` || string(got[0]["currentState"]) != `"VISIBLE"` {
		t.Errorf("states are %s and %s", got[0]["currentState"], got[1]["currentState"])
	}
	for _, id := range []any{0, -1, "x", "07"} {
		mustCode(t, send(t, srv, pinOf(id)), 400, "simulator.path.id")
	}
}
