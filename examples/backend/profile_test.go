package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestTheProfileIsAskedForOnce(t *testing.T) {
	asked := 0
	personal := usersecurity.ProfileInfo{ID: 8, Type: "PERSONAL"}
	stub := &wiseStub{
		profiles: func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error) {
			asked++
			return []usersecurity.ProfileInfo{{ID: 6, Type: "BUSINESS"}, {ID: 7, Type: "PERSONAL", State: "DEACTIVATED"}, personal}, nil
		},
		sca: usersecuritytest.SCAStub{DeletePinFunc: func(_ context.Context, p usersecurity.Profile, _ ...usersecurity.CallOption) error {
			if p.ID != personal.ID {
				t.Errorf("it is %+v", p)
			}
			return nil
		}},
	}
	h := stubbed(stub, testCustomers())
	for range 2 {
		r := httptest.NewRequest(http.MethodDelete, "/me/pin", nil)
		r.Header.Set("Authorization", "Bearer "+testSession)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := outcome(t, w); got != "204" {
			t.Error(got)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// No field of the SCA stub is set: a write would end in 500.
func TestWithoutAProfileNothingIsDone(t *testing.T) {
	for want, profiles := range map[string]func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error){
		"409 wise_profile_missing": func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error) { return nil, nil },
		"403 wise_link_required": func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error) {
			return nil, usersecuritytest.NewError(usersecurity.OpListProfiles, 0, "", usersecuritytest.Because(usersecurity.ErrReauthorise))
		},
		"503 wise_unavailable": func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error) {
			return nil, usersecuritytest.NewError(usersecurity.OpListProfiles, 503, "")
		},
	} {
		for _, c := range []struct{ route, body string }{
			{"PUT /me/pin", `{"pin":"0417"}`},
			{"DELETE /me/pin", ""},
			{"PUT /me/face-map", `{"faceMap":"AAEC"}`},
			{"DELETE /me/face-map", ""},
			{"POST /me/devices", `{"fingerprint":"x"}`},
			{"DELETE /me/devices/2d1c3f52-0d3e-4b0a-9d59-0f6d6b3a2c11", ""},
		} {
			if got := outcome(t, send(t, &wiseStub{profiles: profiles}, c.route, c.body)); got != want {
				t.Errorf("%s: %s, want %s", c.route, got, want)
			}
		}
	}
}
