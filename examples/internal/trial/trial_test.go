package trial

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestProductionIsRefused(t *testing.T) {
	for _, address := range []string{
		usersecurity.Production, usersecurity.ProductionMTLS, "https://api.transferwise.com", "https://api-mtls.wise.com",
		"https://API.Wise.com:443/gateway", "https://api.wise.com./", " https://wise.com", "https://api.wise.com@api.wise.com",
	} {
		if err := RefuseProduction(address); err == nil || !strings.Contains(err.Error(), "is Production") {
			t.Errorf("%s: error %v", address, err)
		}
	}
	for _, address := range []string{"", "api.wise.com", "https://%zz"} {
		if RefuseProduction(address) == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	for _, address := range []string{
		usersecurity.Sandbox, usersecurity.SandboxMTLS, "https://api.sandbox.transferwise.tech", "http://127.0.0.1:8080", "https://wise.example",
	} {
		if err := RefuseProduction(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestFindProfile(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(1)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	personal := usersecurity.Profile{User: 1, ID: wise.Profile(1)}
	if got, err := FindProfile(t.Context(), client, 1, 0); err != nil || got != personal {
		t.Errorf("the only one: %v, %v", got, err)
	}
	business := wise.AddBusinessProfile(1)
	if _, err := FindProfile(t.Context(), client, 1, 0); err == nil || !strings.Contains(err.Error(), "-profile") {
		t.Errorf("one of two was guessed: %v", err)
	}
	if got, err := FindProfile(t.Context(), client, 1, business); err != nil || got.ID != business {
		t.Errorf("the wanted one: %v, %v", got, err)
	}
	wise.DeactivateProfile(business)
	if got, err := FindProfile(t.Context(), client, 1, 0); err != nil || got != personal {
		t.Errorf("the only active one: %v, %v", got, err)
	}
	if _, err := FindProfile(t.Context(), client, 1, business); err == nil {
		t.Error("a deactivated profile was taken")
	}
}

// profilesOf is a Wise whose token is another user's.
type profilesOf struct {
	usersecurity.ProfileAPI
	user usersecurity.UserID
}

func (p profilesOf) ListProfiles(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.ProfileInfo, error) {
	return []usersecurity.ProfileInfo{{ID: 7, User: p.user, State: "VISIBLE"}}, nil
}

func TestAnotherUsersTokenIsRefused(t *testing.T) {
	if _, err := FindProfile(t.Context(), profilesOf{user: 2}, 1, 7); err == nil || !strings.Contains(err.Error(), "token is not that of user 1") {
		t.Errorf("error %v", err)
	}
}

func TestRemoveAll(t *testing.T) {
	var calls []string
	thing := func(name string, err error) *Thing {
		return &Thing{name, func(ctx context.Context, _ ...usersecurity.CallOption) error {
			if ctx.Err() != nil {
				t.Error("the context has ended")
			}
			calls = append(calls, name)
			return err
		}}
	}
	var made Made
	made.Add(thing("the PIN", nil))
	made.Add(thing("a device", usersecurity.ErrFingerprintNotFound))
	made.Add(thing("a number", errors.Join(usersecurity.ErrNotFound)))
	made.Add(thing("the face map", nil))
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	removed, err := made.RemoveAll(interrupted)
	if want := []string{"the face map", "a device", "the PIN"}; !slices.Equal(removed, want) {
		t.Errorf("removed %q, want %q", removed, want)
	}
	if !errors.Is(err, usersecurity.ErrNotFound) || !strings.Contains(err.Error(), "a number was left behind") {
		t.Errorf("error %v", err)
	}
	if len(made.things) != 1 || len(calls) != 4 {
		t.Errorf("%d things are left after %q", len(made.things), calls)
	}
}
