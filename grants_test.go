package usersecurity_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

const (
	registrationText = "a-registration-code-of-32-characters-or-more"
	redirectURI      = "https://partner.example/wise"
)

// What is sent for each grant, and how.
func TestGrantForms(t *testing.T) {
	t.Parallel()
	registration := must(usersecurity.NewRegistrationCode(registrationText))
	for _, test := range []struct {
		name string
		do   func(c *usersecurity.Client) error
		form string
	}{
		{"registration code", func(c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeRegistrationCode(t.Context(), "a@example.com", registration)
			return err
		}, "client_id=acme-client&email=a%40example.com&grant_type=registration_code&registration_code=" + registrationText},
		{"authorization code", func(c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)
			return err
		}, "client_id=acme-client&code=code-1&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fpartner.example%2Fwise"},
		{"refresh", func(c *usersecurity.Client) error {
			return c.UserTokens.Refresh(t.Context(), 7)
		}, "grant_type=refresh_token&refresh_token=refresh-7"},
	} {
		for version, path := range map[string]string{"": "", "2026Q4": "/2026Q4"} {
			t.Run(test.name+version, func(t *testing.T) {
				var sent arrival
				g := newGranter(t)
				store := usersecurity.NewMemoryTokenStore()
				stored(t, store, 7, 0)
				transport := roundTripper(func(r *http.Request) (*http.Response, error) {
					if !strings.HasSuffix(r.URL.Path, tokenURI) {
						return g.RoundTrip(r)
					}
					sent = arrivalOf(r)
					return g.renews(r, sent.body)
				})
				options := []usersecurity.Option{usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokenStore(store)}
				if version != "" {
					options = append(options, usersecurity.WithVersion(version))
				}
				if err := test.do(bareClient(t, transport, options...)); err != nil {
					t.Fatal(err)
				}
				if sent.method != "POST" || sent.uri != path+tokenURI || sent.body != test.form {
					t.Errorf("%s %s %s", sent.method, sent.uri, sent.body)
				}
				if sent.header.Get("Authorization") != "Basic YWNtZS1jbGllbnQ6YWNtZS1zZWNyZXQ=" ||
					sent.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
					t.Errorf("the header is %v", sent.header)
				}
				expectStored(t, store, 7, "access-7-1")
			})
		}
	}
}

// Whose word invalid_grant and invalid_client are, and under which status,
// whatever the grant is.
func TestGrantsThatAreRefused(t *testing.T) {
	t.Parallel()
	registration := must(usersecurity.NewRegistrationCode(registrationText))
	grants := map[string]func(c *usersecurity.Client) error{
		"registration code": func(c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeRegistrationCode(t.Context(), "a@example.com", registration)
			return err
		},
		"authorization code": func(c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)
			return err
		},
		"refresh": func(c *usersecurity.Client) error { return c.UserTokens.Refresh(t.Context(), 7) },
	}
	html := answers(401, "<html>invalid_grant</html>", "Content-Type", "text/html")
	for name, grant := range grants {
		for _, test := range []struct {
			name   string
			answer step
			want   []error
		}{
			{"400 invalid_grant", refuses(400, "invalid_grant"), []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken}},
			{"401 invalid_grant", refuses(401, "invalid_grant"), []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken}},
			{"400 invalid_client", refuses(400, "invalid_client"), []error{usersecurity.ErrNoToken}},
			{"401 invalid_client", refuses(401, "invalid_client"), []error{usersecurity.ErrNoToken}},
			{"401 of a gateway", html, []error{usersecurity.ErrNoToken}},
			{"403 invalid_grant", refuses(403, "invalid_grant"), nil},
		} {
			t.Run(name+" "+test.name, func(t *testing.T) {
				g := newGranter(t)
				g.grant = test.answer
				store := usersecurity.NewMemoryTokenStore()
				stored(t, store, 7, 0)
				err := grant(g.client(store))
				if err == nil {
					t.Fatal("no error")
				}
				want := test.want
				switch {
				case want == nil && name == "refresh":
					want = []error{usersecurity.ErrNoToken}
				case want == nil:
					want = []error{usersecurity.ErrForbidden}
				}
				expectMatches(t, err, want...)
				var api *usersecurity.APIError
				if !errors.As(err, &api) || g.refreshes() != 1 {
					t.Errorf("%d grants, %v", g.refreshes(), err)
				}
				if usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
					t.Errorf("the outcome is %s: %v", usersecurity.OutcomeOf(err), err)
				}
				expectStored(t, store, 7, "access-7-0")
				expectNoSecret(t, err)
			})
		}
	}
}

// userSecrets are what the tests of users' tokens must show nowhere.
var userSecrets = []string{"refresh-7", "access-7", "acme-secret", "YWNtZS1", registrationText, "code-1", "shaky", "a@example.com"}

func expectNoSecret(t testing.TB, values ...any) {
	t.Helper()
	for i, v := range values {
		for err := range chainOf(v) {
			for _, form := range []string{"%v", "%+v", "%#v", "%q"} {
				text := fmt.Sprintf(form, err)
				for _, secret := range userSecrets {
					if strings.Contains(text, secret) {
						t.Errorf("value %d shows %q: %s", i, secret, text)
					}
				}
			}
		}
	}
}

// chainOf is all that walking Unwrap from an error finds, and the error; any
// other value alone.
func chainOf(v any) func(yield func(any) bool) {
	return func(yield func(any) bool) {
		if !yield(v) {
			return
		}
		switch e := v.(type) {
		case interface{ Unwrap() error }:
			if next := e.Unwrap(); next != nil {
				chainOf(next)(yield)
			}
		case interface{ Unwrap() []error }:
			for _, next := range e.Unwrap() {
				chainOf(next)(yield)
			}
		}
	}
}
