package usersecurity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestListProfiles(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string][]usersecurity.ProfileInfo{
		`[]`:                {},
		`null`:              {},
		`[{"id":7}]`:        {{ID: 7}},
		`[{"id":7,"ID":8}]`: {{ID: 7}},
		`[{"id":7,"userId":"1001","type":null,"currentState":{},"publicId":5}]`: {{ID: 7, User: 1001, PublicID: "5"}},
		`[{"id":9223372036854775807,"type":"OTHER","currentState":"NEW"}]`:      {{ID: 9223372036854775807, Type: "OTHER", State: "NEW"}},
	} {
		got, err := newClient(t, play(t, answers(200, reply))).ListProfiles(t.Context(), 1001)
		if err != nil || got == nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v", reply, got, err)
		}
	}
	for _, reply := range []string{`[{}]`, `[{"id":0}]`, `[{"id":-7}]`, `[{"id":"7"}]`, `[{"id":null}]`, `[null]`, `[{"id":7},{"userId":1001}]`, `{"id":7}`, ``} {
		got, err := newClient(t, play(t, answers(200, reply))).ListProfiles(t.Context(), 1001)
		checkMatches(t, reply, err, usersecurity.ErrMalformedReply)
		if got != nil {
			t.Errorf("%s: a list next to an error", reply)
		}
	}
}

// Nothing that is personal in a profile is kept.
func TestProfilesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	got, err := newClient(t, play(t, answers(200, profilesReply))).ListProfiles(t.Context(), 1001)
	if err != nil || len(got) != 2 {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", got)
	for _, personal := range []string{"Ada", "example.com", "+65", "1990", "Acme"} {
		if strings.Contains(text, personal) {
			t.Errorf("%q is in %s", personal, text)
		}
	}
}

func TestProfilesAtTheSimulator(t *testing.T) {
	t.Parallel()
	wise, client := newPair(t, []usersecuritytest.ServerOption{}, usersecurity.WithVersion("2026Q4"))
	business := wise.AddBusinessProfile(1001)
	wise.DeactivateProfile(business)
	got, err := client.ListProfiles(t.Context(), 1001)
	if err != nil || len(got) != 2 || got[0].ID != wise.Profile(1001) || got[0].User != 1001 || got[1].ID != business ||
		got[1].Type != "BUSINESS" || got[1].State != "DEACTIVATED" {
		t.Errorf("%+v, %v", got, err)
	}
}
