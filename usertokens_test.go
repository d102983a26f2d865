package usersecurity_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// From a customer who is none of Wise's to a renewal, under the legacy paths and
// under a calendar version's.
func TestUserTokensJourney(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "2026Q4"} {
		t.Run("version "+version, func(t *testing.T) {
			store := usersecurity.NewMemoryTokenStore()
			options := []usersecurity.Option{usersecurity.WithUserTokenStore(store)}
			if version != "" {
				options = append(options, usersecurity.WithVersion(version))
			}
			wise, client := newPair(t, nil, options...)
			code := must(usersecurity.NewRegistrationCode(strings.Repeat("registration", 3)))

			user, err := client.UserTokens.SignUp(t.Context(), "new@example.com", code)
			if err != nil || user <= 0 {
				t.Fatalf("sign-up: %d, %v", user, err)
			}
			_, err = client.UserTokens.SignUp(t.Context(), "new@example.com", code)
			expectMatches(t, err, usersecurity.ErrUserExists)
			if got, err := client.UserTokens.ExchangeRegistrationCode(t.Context(), "new@example.com", code); err != nil || got != user {
				t.Fatalf("registration code: user %d, %v, want %d", got, err, user)
			}
			if profiles, err := client.ListProfiles(t.Context(), user); err != nil || len(profiles) == 0 || profiles[0].User != user {
				t.Errorf("%v, %v", profiles, err)
			}

			if got, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), wise.AuthorizationCode(1001), redirectURI); err != nil || got != 1001 {
				t.Fatalf("authorization code: user %d, %v", got, err)
			}
			before, _ := store.Load(t.Context(), 1001)
			if err := client.UserTokens.Refresh(t.Context(), 1001); err != nil {
				t.Fatal(err)
			}
			after, _ := store.Load(t.Context(), 1001)
			if before.AccessToken == after.AccessToken || after.RefreshToken == "" || after.ExpiresIn != 43_199 {
				t.Errorf("a refresh made of %+v this: %+v", before, after)
			}
			if err := callAs(t, client, 1001); err != nil {
				t.Error(err)
			}
			if err := client.UserTokens.Forget(t.Context(), 1001); err != nil {
				t.Fatal(err)
			}
			expectMatches(t, callAs(t, client, 1001), usersecurity.ErrNoToken)
			expectStored(t, store, 1001, "")
			for _, r := range wise.Requests() {
				if version != "" && (!strings.HasPrefix(r.Path, "/2026Q4/") || strings.Contains(r.Path, "/v1/")) || r.Refusal != "" {
					t.Errorf("%s %s: %s", r.Method, r.Path, r.Refusal)
				}
			}
		})
	}
}

// A partner's own calls take the token that the client's calls have.
func TestTokenForCallsOfOnesOwn(t *testing.T) {
	t.Parallel()
	wise, client := newPair(t, nil, usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))
	_, err := client.UserTokens.Token(t.Context(), usersecurity.TokenRequest{User: 1001})
	expectMatches(t, err, usersecurity.ErrNoToken)
	if _, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), wise.AuthorizationCode(1001), redirectURI); err != nil {
		t.Fatal(err)
	}
	status := func(token *oauth2.Token) int {
		t.Helper()
		req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, wise.URL()+"/v2/profiles", nil))
		token.SetAuthHeader(req)
		resp := must(wise.HTTPClient().Do(req))
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	first := must(client.UserTokens.Token(t.Context(), usersecurity.TokenRequest{User: 1001}))
	if got := status(first); got != http.StatusOK || first.RefreshToken != "" || time.Until(first.Expiry) <= 0 {
		t.Errorf("status %d with the first token, until %v", got, first.Expiry)
	}
	wise.ExpireTokens()
	if got := status(first); got != http.StatusUnauthorized {
		t.Fatalf("status %d with a token that has expired", got)
	}
	second := must(client.UserTokens.Token(t.Context(), usersecurity.TokenRequest{User: 1001, Rejected: first.AccessToken}))
	if got := status(second); got != http.StatusOK {
		t.Errorf("status %d with the second token", got)
	}
	if err := callAs(t, client, 1001); err != nil {
		t.Error(err)
	}
	if third := must(client.UserTokens.Token(t.Context(), usersecurity.TokenRequest{User: 1001})); third.AccessToken != second.AccessToken {
		t.Error("the client's own call has another token")
	}
}

// A code that can be used once is sent once; a registration code again.
func TestLostGrants(t *testing.T) {
	t.Parallel()
	wise, client := newPair(t, nil, usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()), briefWaits)
	lose := func() {
		wise.ClearFaults()
		wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Operation: usersecurity.OpFetchToken, Times: 1})
	}
	lose()
	code := wise.AuthorizationCode(1001)
	_, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), code, redirectURI)
	expectMatches(t, err, usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport)
	_, err = client.UserTokens.ExchangeAuthorizationCode(t.Context(), code, redirectURI)
	expectMatches(t, err, usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
	lose()
	registration := must(usersecurity.NewRegistrationCode(wise.RegistrationCode(1001)))
	if user, err := client.UserTokens.ExchangeRegistrationCode(t.Context(), "any@example.com", registration); err != nil || user != 1001 {
		t.Errorf("%d, %v", user, err)
	}
}

func TestSignUpIsNotRepeatedOnceItMayHaveArrived(t *testing.T) {
	t.Parallel()
	done := answers(200, `{"id":42,"name":null,"email":"a@example.com","active":true,"details":null}`)
	for _, test := range []struct {
		name     string
		steps    []step
		requests int
		want     []error
	}{
		{"done", []step{done}, 1, nil},
		{"429, then done", []step{answers(429, ""), done}, 2, nil},
		{"refused, then done", []step{refused, done}, 2, nil},
		{"lost", []step{lost, done}, 1, []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}},
		{"500", []step{answers(500, ""), done}, 1, []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrServer}},
		{"502", []step{answers(502, "<html>"), done}, 1, []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrServer}},
		{"exists", []step{answers(409, `{"errors":[{"code":"NOT_UNIQUE","message":"a@example.com"}]}`)}, 1, []error{usersecurity.ErrUserExists}},
		{"another 409", []step{answers(409, `{"errors":[{"code":"OTHER"}]}`)}, 1, []error{usersecurity.ErrUnexpectedStatus}},
		{"a reply without id", []step{answers(200, `{"email":"a@example.com"}`)}, 1, []error{usersecurity.ErrMalformedReply}},
	} {
		scripted(t, test.name, func(t *testing.T) {
			wise := play(t, test.steps...)
			client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"),
				usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithClientCredentials("acme-client", "acme-secret"),
				usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))
			token := answers(200, `{"access_token":"app","token_type":"bearer","expires_in":43199}`)
			wise.steps = append([]step{token}, wise.steps...)
			user, err := client.UserTokens.SignUp(t.Context(), "a@example.com", must(usersecurity.NewRegistrationCode(registrationText)))
			if n := wise.count() - 1; n != test.requests {
				t.Errorf("%d requests", n)
			}
			if test.want == nil {
				if err != nil || user != 42 {
					t.Errorf("user %d, %v", user, err)
				}
				return
			}
			expectMatches(t, err, test.want...)
			expectNoSecret(t, err)
		})
	}
}

func TestSignUpSends(t *testing.T) {
	t.Parallel()
	for version, path := range map[string]string{"": "/v1/user/signup/registration_code", "2026Q4": "/2026Q4/user/signup/registration_code"} {
		wise := play(t, answers(200, `{"access_token":"app","token_type":"bearer","expires_in":43199}`), answers(200, `{"id":42}`))
		client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithVersion(version),
			usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))
		if _, err := client.UserTokens.SignUp(t.Context(), "a@example.com", must(usersecurity.NewRegistrationCode(registrationText))); err != nil {
			t.Fatal(err)
		}
		sent := wise.requests[1]
		if sent.method != "POST" || sent.uri != path || sent.body != `{"email":"a@example.com","registrationCode":"`+registrationText+`"}` ||
			sent.header.Get("Authorization") != "Bearer app" || sent.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %s %v", sent.method, sent.uri, sent.body, sent.header)
		}
	}
}

// What a code has brought is not to be had again: what fails after that says
// what to do.
func TestGrantThatCannotBeSettled(t *testing.T) {
	t.Parallel()
	registration := must(usersecurity.NewRegistrationCode(registrationText))
	exchanges := map[string]func(t *testing.T, c *usersecurity.Client) error{
		"send the customer to the authorisation page again": func(t *testing.T, c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)
			return err
		},
		"repeat it with the same code": func(t *testing.T, c *usersecurity.Client) error {
			_, err := c.UserTokens.ExchangeRegistrationCode(t.Context(), "a@example.com", registration)
			return err
		},
	}
	for advice, exchange := range exchanges {
		for _, test := range []struct {
			name  string
			me    step
			save  error
			says  string
			match []error
		}{
			{"whose is refused", answers(403, ""), nil, "whose they are could not be asked", []error{usersecurity.ErrForbidden}},
			{"whose is nobody", answers(200, `{"id":0}`), nil, "whose they are could not be asked", []error{usersecurity.ErrMalformedReply}},
			{"whose is a page", answers(200, "<html>"), nil, "whose they are could not be asked", []error{usersecurity.ErrUnexpectedReply}},
			{"the store fails", nil, errShaky, "could not be stored", nil},
		} {
			scripted(t, test.name+": "+advice, func(t *testing.T) {
				g := newGranter(t)
				g.me = test.me
				store := newShakyStore()
				store.set(nil, nil, test.save)
				err := exchange(t, g.client(store))
				expectMatches(t, err, test.match...)
				if err == nil || !strings.Contains(err.Error(), test.says) || !strings.HasSuffix(err.Error(), advice) {
					t.Errorf("%v", err)
				}
				if test.save != nil && !errors.Is(err, errShaky) {
					t.Errorf("the store's error is lost: %v", err)
				}
				if strings.Contains(err.Error(), "Authorization") && usersecurity.OutcomeOf(err) != usersecurity.OutcomeUnknown {
					t.Errorf("the outcome is %s", usersecurity.OutcomeOf(err))
				}
				expectStored(t, store, 7, "")
				expectNoSecret(t, err)
			})
		}
	}
}

// The caller leaves, and the store is away for a while: the tokens are stored.
func TestGrantIsSettledWithoutItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		store.set(nil, errShaky, nil)
		client := g.client(store)
		ctx, leave := context.WithCancel(t.Context())
		g.me = func(r *http.Request, body string) (*http.Response, error) {
			leave()
			time.AfterFunc(10*time.Second, func() { store.set(nil, nil, nil) })
			return answers(200, `{"id":7}`)(r, body)
		}
		if user, err := client.UserTokens.ExchangeAuthorizationCode(ctx, "code-1", redirectURI); err != nil || user != 7 {
			t.Errorf("user %d, %v", user, err)
		}
		expectStored(t, store, 7, "access-7-1")
		if g.refreshes() != 1 || g.asked != 1 {
			t.Errorf("%d grants, asked %d times whose they are", g.refreshes(), g.asked)
		}

		// But not for ever.
		g.me = nil
		store.set(nil, errShaky, nil)
		began := time.Now()
		if _, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI); !errors.Is(err, errShaky) || time.Since(began) > 31*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// New tokens take the place of those that calls use and of what failed before.
func TestGrantReplacesWhatIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := usersecurity.NewMemoryTokenStore()
		stored(t, store, 7, 0)
		client := g.client(store)
		g.expectCall(client, 7, "access-7-0")
		if _, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI); err != nil {
			t.Fatal(err)
		}
		g.expectCall(client, 7, "access-7-1")
		g.grant = refuses(401, "invalid_grant")
		g.reject("access-7-1")
		expectMatches(t, callAs(t, client, 7), usersecurity.ErrReauthorise, usersecurity.ErrNoToken, usersecurity.ErrUnauthorized)
		expectMatches(t, callAs(t, client, 7), usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
		g.grant = nil
		if _, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI); err != nil {
			t.Fatal(err)
		}
		g.expectCall(client, 7, "access-7-2")
	})
}

func TestAuthorizationURL(t *testing.T) {
	t.Parallel()
	const query = "?client_id=acme+client&redirect_uri=https%3A%2F%2Fpartner.example%2Fwise%3Fa%3Db&state=s%261"
	for base, page := range map[string]string{
		usersecurity.Production:       "https://wise.com/oauth/authorize/",
		usersecurity.ProductionMTLS:   "https://wise.com/oauth/authorize/",
		usersecurity.Sandbox:          "https://wise-sandbox.com/oauth/authorize/",
		usersecurity.SandboxMTLS:      "https://wise-sandbox.com/oauth/authorize/",
		usersecurity.Sandbox + "/":    "https://wise-sandbox.com/oauth/authorize/",
		usersecurity.Sandbox + "/x":   "",
		"https://gateway.example":     "",
		"https://api.wise.com:8443":   "",
		"http://127.0.0.1:1/api.wise": "",
	} {
		options := []usersecurity.Option{
			usersecurity.WithBaseURL(base), usersecurity.WithClientCredentials("acme client", "s"),
			usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()),
		}
		got, err := clientOf(t, options...).UserTokens.AuthorizationURL("https://partner.example/wise?a=b", "s&1")
		if page == "" {
			expectMatches(t, err, usersecurity.ErrInvalidArgument)
			if err != nil && !strings.Contains(err.Error(), "WithAuthorizationPage") {
				t.Errorf("%s: %v", base, err)
			}
		} else if err != nil || got != page+query {
			t.Errorf("%s: %s, %v", base, got, err)
		}
		const own = "https://gateway.example/authorize"
		got, err = clientOf(t, append(options, usersecurity.WithAuthorizationPage(own))...).UserTokens.AuthorizationURL("https://partner.example/wise?a=b", "s&1")
		if err != nil || got != own+query {
			t.Errorf("%s with a page of its own: %s, %v", base, got, err)
		}
	}
	client := clientOf(t, usersecurity.WithBaseURL(usersecurity.Sandbox), usersecurity.WithClientCredentials("c", "s"),
		usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))
	for _, bad := range [][2]string{{"/wise", "s"}, {"", "s"}, {"https:", "s"}, {"%", "s"}, {redirectURI, ""}} {
		_, err := client.UserTokens.AuthorizationURL(bad[0], bad[1])
		expectMatches(t, err, usersecurity.ErrInvalidArgument)
	}
}

func TestArgumentsOfUserTokens(t *testing.T) {
	t.Parallel()
	client := bareClient(t, nothingSent{t}, usersecurity.WithClientCredentials("c", "s"), usersecurity.WithUserTokenStore(newShakyStore()))
	tokens, code := client.UserTokens, must(usersecurity.NewRegistrationCode(registrationText))
	var none context.Context
	for name, err := range map[string]error{
		"no code":         second(tokens.SignUp(t.Context(), "a@example.com", usersecurity.RegistrationCode{})),
		"no address":      second(tokens.SignUp(t.Context(), "example.com", code)),
		"a line break":    second(tokens.ExchangeRegistrationCode(t.Context(), "a@example.com\n", code)),
		"no registration": second(tokens.ExchangeRegistrationCode(t.Context(), "a@example.com", usersecurity.RegistrationCode{})),
		"empty":           second(tokens.ExchangeAuthorizationCode(t.Context(), "", redirectURI)),
		"a space":         second(tokens.ExchangeAuthorizationCode(t.Context(), "code 1", redirectURI)),
		"no context":      second(tokens.ExchangeAuthorizationCode(none, "code-1", redirectURI)),
		"nobody":          tokens.Refresh(t.Context(), 0),
		"no context too":  tokens.Refresh(none, 7),
		"forget nobody":   tokens.Forget(t.Context(), -1),
		"forget without":  tokens.Forget(none, 7),
		"nobody's token":  second(tokens.Token(t.Context(), usersecurity.TokenRequest{})),
		"a token without": second(tokens.Token(none, usersecurity.TokenRequest{User: 7})),
	} {
		t.Run(name, func(t *testing.T) {
			expectMatches(t, err, usersecurity.ErrInvalidArgument)
			expectNoSecret(t, err)
			if usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
				t.Errorf("the outcome is %s", usersecurity.OutcomeOf(err))
			}
		})
	}
	for _, text := range []string{"", strings.Repeat("x", 31), strings.Repeat("x", 32) + " ", strings.Repeat("ü", 32)} {
		if _, err := usersecurity.NewRegistrationCode(text); !errors.Is(err, usersecurity.ErrInvalidArgument) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if same := must(usersecurity.NewRegistrationCode(registrationText)); !same.Equal(code) || same.IsZero() {
		t.Error("equal codes are not Equal")
	}
}

func second[T any](_ T, err error) error { return err }

func TestWithoutAStore(t *testing.T) {
	t.Parallel()
	client := bareClient(t, nothingSent{t}, usersecurity.WithClientCredentials("c", "s"), usersecurity.WithUserTokens(userTokens))
	tokens, code := client.UserTokens, must(usersecurity.NewRegistrationCode(registrationText))
	for name, err := range map[string]error{
		"SignUp":                    second(tokens.SignUp(t.Context(), "a@example.com", code)),
		"AuthorizationURL":          second(tokens.AuthorizationURL(redirectURI, "s")),
		"ExchangeRegistrationCode":  second(tokens.ExchangeRegistrationCode(t.Context(), "a@example.com", code)),
		"ExchangeAuthorizationCode": second(tokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)),
		"Refresh":                   tokens.Refresh(t.Context(), 7),
		"Forget":                    tokens.Forget(t.Context(), 7),
		"Token":                     second(tokens.Token(t.Context(), usersecurity.TokenRequest{User: 7})),
		"a call":                    callAs(t, bareClient(t, nothingSent{t}), 7),
	} {
		expectMatches(t, err, usersecurity.ErrNoToken)
		if err == nil || !strings.Contains(err.Error(), "WithUserTokenStore") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStoreOptions(t *testing.T) {
	t.Parallel()
	store := usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore())
	source := usersecurity.WithUserTokens(userTokens)
	credentials := usersecurity.WithClientCredentials("c", "s")
	application := usersecurity.WithApplicationTokens(applicationTokens)
	for _, test := range []struct {
		name    string
		options []usersecurity.Option
		problem string // empty: it is accepted
		stores  bool   // the store is in use
	}{
		{"store and credentials", []usersecurity.Option{store, credentials}, "", true},
		{"source, then store", []usersecurity.Option{credentials, source, store}, "", true},
		{"store, then source", []usersecurity.Option{credentials, store, source}, "", false},
		{"a source that would be refused, then store", []usersecurity.Option{credentials, usersecurity.WithUserTokens(nil), store}, "", true},
		{"no credentials", []usersecurity.Option{store}, "WithUserTokenStore needs WithClientCredentials", false},
		{"application's tokens", []usersecurity.Option{credentials, application, store}, "WithUserTokenStore needs WithClientCredentials", false},
		{"credentials after application's tokens", []usersecurity.Option{application, credentials, store}, "", true},
		{"nil", []usersecurity.Option{credentials, usersecurity.WithUserTokenStore(nil)}, "WithUserTokenStore: the store is nil", false},
		{"nil, then one", []usersecurity.Option{credentials, usersecurity.WithUserTokenStore(nil), store}, "", true},
		{"a page", []usersecurity.Option{usersecurity.WithAuthorizationPage("https://x.example/authorize")}, "", false},
		{"a relative page", []usersecurity.Option{usersecurity.WithAuthorizationPage("/authorize")}, "WithAuthorizationPage", false},
		{"a page with a query", []usersecurity.Option{usersecurity.WithAuthorizationPage("https://x.example/?a=b")}, "WithAuthorizationPage", false},
		{"a page with a user", []usersecurity.Option{usersecurity.WithAuthorizationPage("https://u:p@x.example/")}, "WithAuthorizationPage", false},
		{"a script", []usersecurity.Option{usersecurity.WithAuthorizationPage("javascript://x.example/")}, "WithAuthorizationPage", false},
	} {
		client, err := usersecurity.New(append([]usersecurity.Option{usersecurity.WithBaseURL(testHost)}, test.options...)...)
		if test.problem != "" {
			if !errors.Is(err, usersecurity.ErrInvalidArgument) || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		err = client.UserTokens.Refresh(t.Context(), 7)
		if has := !strings.Contains(err.Error(), "use WithUserTokenStore"); has != test.stores {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// eventRecorder keeps what observers are told, printed.
type eventRecorder struct{ bytes.Buffer }

func (r *eventRecorder) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) {
	fmt.Fprintf(r, "%+v %#v\n", e, e)
}

func (r *eventRecorder) CallDone(_ context.Context, e usersecurity.CallEvent) {
	fmt.Fprintf(r, "%+v %#v\n", e, e)
}

// No token, code or address is in a log or an event, whatever happens.
func TestUserTokensAreLoggedNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGranter(t)
		store := newShakyStore()
		stored(t, store, 7, 0)
		events, logs := &eventRecorder{}, &bytes.Buffer{}
		client := g.client(store, usersecurity.WithObserver(events),
			usersecurity.WithLogger(slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		code := must(usersecurity.NewRegistrationCode(registrationText))
		var errs []any
		for _, answer := range []step{nil, refuses(400, "invalid_grant"), refuses(401, "invalid_client"), answers(500, "refresh-7"), lost, answers(200, "access-7-1")} {
			g.grant = answer
			_, err1 := client.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)
			_, err2 := client.UserTokens.ExchangeRegistrationCode(t.Context(), "a@example.com", code)
			errs = append(errs, err1, err2, client.UserTokens.Refresh(t.Context(), 7), callAs(t, client, 7))
			time.Sleep(time.Hour)
		}
		store.set(errShaky, errShaky, errShaky)
		errs = append(errs, client.UserTokens.Forget(t.Context(), 7), client.UserTokens.Refresh(t.Context(), 7))
		if n := len(slices.DeleteFunc(slices.Clone(errs), func(e any) bool { return e == nil })); n < 15 {
			t.Errorf("only %d calls failed", n)
		}
		expectNoSecret(t, append(errs, events.String(), logs.String(), code, client, client.UserTokens, fmt.Sprintf("%#v", code))...)
		if !strings.Contains(events.String(), string(usersecurity.OpRefreshUserToken)) || !strings.Contains(logs.String(), string(usersecurity.OpFetchUser)) {
			t.Error("the calls are not observed")
		}
	})
}

// As doubles return it.
func TestReauthoriseIsNoToken(t *testing.T) {
	t.Parallel()
	expectMatches(t, usersecurity.ErrReauthorise, usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
	expectMatches(t, usersecurity.ErrNoToken, usersecurity.ErrNoToken)
}

// What a store's error says of itself is repeated, if it says that it is safe.
func TestSafeTextOfAStore(t *testing.T) {
	t.Parallel()
	g := newGranter(t)
	store := newShakyStore()
	client := g.client(store)
	for _, cause := range []error{safeError{}, fmt.Errorf("shaky: %w", safeError{})} {
		store.set(cause, nil, nil)
		err := callAs(t, client, 7)
		if !errors.Is(err, safeError{}) || !strings.Contains(err.Error(), "the token store failed: the database is away") {
			t.Errorf("%v", err)
		}
		expectNoSecret(t, err)
	}
	store.set(errShaky, nil, nil)
	if err := callAs(t, client, 7); !errors.Is(err, errShaky) || !strings.Contains(err.Error(), "the token store failed: an error of type *errors.errorString") {
		t.Errorf("%v", err)
	}
}

type safeError struct{}

func (safeError) Error() string    { return "shaky" }
func (safeError) SafeText() string { return "the database is away" }
