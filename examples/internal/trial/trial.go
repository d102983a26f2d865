// Package trial holds what the examples have in common that can be pointed at a
// real Wise: they refuse Production, act on the profile they were told and no
// other, and remove what they have created.
package trial

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// RefuseProduction returns an error for an address of Wise's live API: any host
// of the domains that its addresses are in, old ones included. Wise's sandboxes
// have domains of their own.
func RefuseProduction(baseURL string) error {
	u, err := url.Parse(strings.TrimSpace(baseURL))
	if err != nil || u.Hostname() == "" {
		return errors.New("the base URL must look like " + usersecurity.Sandbox)
	}
	host := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	for _, domain := range []string{"wise.com", "transferwise.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return errors.New(host + " is Production, where this must not run: use " + usersecurity.Sandbox)
		}
	}
	return nil
}

// FindProfile returns the profile to act on: the wanted one, or the only one that
// isn't deactivated where none is wanted. It fails where the access token belongs
// to another user, as calls that name the user would act on somebody else.
func FindProfile(ctx context.Context, client usersecurity.ProfileAPI, user usersecurity.UserID, wanted usersecurity.ProfileID) (usersecurity.Profile, error) {
	list, err := client.ListProfiles(ctx, user)
	if err != nil {
		return usersecurity.Profile{}, err
	}
	var usable []usersecurity.ProfileID
	for _, p := range list {
		if p.User != user {
			return usersecurity.Profile{}, fmt.Errorf("the user's access token is not that of user %d", user)
		}
		if p.State != "DEACTIVATED" && (wanted == 0 || p.ID == wanted) {
			usable = append(usable, p.ID)
		}
	}
	switch len(usable) {
	case 1:
		return usersecurity.Profile{User: user, ID: usable[0]}, nil
	case 0:
		return usersecurity.Profile{}, fmt.Errorf("user %d has no such profile that is active", user)
	}
	return usersecurity.Profile{}, fmt.Errorf("user %d has the profiles %d: say which with -profile", user, usable)
}
