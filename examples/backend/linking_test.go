package main

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// linkerStub hands out a page, and the tokens of user for any code.
type linkerStub struct {
	user  usersecurity.UserID
	err   error
	codes []string
}

func (l *linkerStub) AuthorizationURL(redirectURI, state string) (string, error) {
	return "https://wise.example/authorize?" + url.Values{"redirect_uri": {redirectURI}, "state": {state}}.Encode(), nil
}

func (l *linkerStub) ExchangeAuthorizationCode(_ context.Context, code, redirectURI string, _ ...usersecurity.CallOption) (usersecurity.UserID, error) {
	l.codes = append(l.codes, code+" "+redirectURI)
	return l.user, l.err
}

// linkingService is the service with that linker, and two customers.
func linkingService(t *testing.T, l *linkerStub) http.Handler {
	t.Helper()
	linking, err := newLinking(l, usersecurity.NewMemoryTokenStore(), "https://app.example/", "secret")
	if err != nil {
		t.Fatal(err)
	}
	customers := testCustomers()
	customers.add("other", customer{ID: "c-2", WiseUser: 1002})
	return newAPI(&wiseStub{}, &usersecuritytest.SCAStub{}, linking, customers, slog.New(slog.DiscardHandler)).handler()
}

// begin is a customer who begins to link: the browser's cookie, and the state.
func begin(t *testing.T, h http.Handler, session string) (cookie *http.Cookie, state string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, linkPath, nil)
	r.Header.Set("Authorization", "Bearer "+session)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	_, query, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(w.Body.String()), `"}`), "?")
	values, err := url.ParseQuery(strings.ReplaceAll(query, `\u0026`, "&"))
	if err != nil || w.Code != http.StatusOK || values.Get("redirect_uri") != "https://app.example/wise/callback" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("the cookies are %v", cookies)
	}
	return cookies[0], values.Get("state")
}

// comeBack is the browser that comes from Wise's page; what the app is told.
func comeBack(t *testing.T, h http.Handler, query url.Values, cookies ...*http.Cookie) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, callbackPath+"?"+query.Encode(), nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	result, ok := strings.CutPrefix(w.Header().Get("Location"), "https://app.example/settings?wise=")
	if !ok || w.Code != http.StatusSeeOther || w.Header().Get("Set-Cookie") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	return result
}

func TestLinking(t *testing.T) {
	l := &linkerStub{user: testUser}
	h := linkingService(t, l)
	cookie, state := begin(t, h, testSession)
	if got := comeBack(t, h, url.Values{"code": {"c"}, "state": {state}}, cookie); got != "linked" {
		t.Error(got)
	}
	if len(l.codes) != 1 || l.codes[0] != "c https://app.example/wise/callback" {
		t.Errorf("exchanged are %q", l.codes)
	}
}

// The state belongs to the browser that began, and nobody can make one.
func TestLinkingOfAnotherBrowser(t *testing.T) {
	l := &linkerStub{user: testUser}
	h := linkingService(t, l)
	cookie, state := begin(t, h, testSession)
	otherCookie, otherState := begin(t, h, "other")
	forged := *cookie
	encoded, mac, _ := strings.Cut(cookie.Value, ".")
	text, _ := base64.RawURLEncoding.DecodeString(encoded)
	forged.Value = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), "c-1", "c-2", 1))) + "." + mac
	unsigned := *cookie
	unsigned.Value = encoded
	for name, try := range map[string]struct {
		state   string
		cookies []*http.Cookie
	}{
		"no cookie":               {state, nil},
		"no state":                {"", []*http.Cookie{cookie}},
		"another browser's state": {otherState, []*http.Cookie{cookie}},
		"another's cookie":        {state, []*http.Cookie{otherCookie}},
		"a forged cookie":         {state, []*http.Cookie{&forged}},
		"an unsigned one":         {state, []*http.Cookie{&unsigned}},
		"the cookie's signature":  {mac, []*http.Cookie{cookie}},
	} {
		if got := comeBack(t, h, url.Values{"code": {"c"}, "state": {try.state}}, try.cookies...); got != "wise_link_expired" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if len(l.codes) != 0 {
		t.Errorf("exchanged are %q", l.codes)
	}
}

func TestLinkingThatFails(t *testing.T) {
	const exchange = usersecurity.OpExchangeAuthorizationCode
	for name, test := range map[string]struct {
		linker linkerStub
		code   string
		want   string
	}{
		"somebody else is logged in": {linkerStub{user: 1002}, "c", "wise_link_other_user"},
		"the customer refuses":       {linkerStub{}, "", "wise_link_refused"},
		"the code is used up":        {linkerStub{err: usersecurity.ErrReauthorise}, "c", "wise_link_required"},
		"Wise's answer is lost":      {linkerStub{err: &usersecurity.OutcomeError{Op: exchange, Err: usersecurity.ErrTransport}}, "c", "outcome_unknown"},
		"Wise has enough of us":      {linkerStub{err: usersecuritytest.NewError(exchange, 429, "")}, "c", "wise_busy"},
	} {
		h := linkingService(t, &test.linker)
		cookie, state := begin(t, h, testSession)
		if got := comeBack(t, h, url.Values{"code": {test.code}, "state": {state}}, cookie); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestLinkingTakesTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := linkingService(t, &linkerStub{user: testUser})
		cookie, state := begin(t, h, testSession)
		time.Sleep(linkTime)
		if got := comeBack(t, h, url.Values{"code": {"c"}, "state": {state}}, cookie); got != "linked" {
			t.Error(got)
		}
		time.Sleep(time.Second)
		if got := comeBack(t, h, url.Values{"code": {"c"}, "state": {state}}, cookie); got != "wise_link_expired" {
			t.Error(got)
		}
	})
}

// Whoever has never linked is told so; a store that can't be read is no reason to
// send customers to Wise.
func TestWhoMustLink(t *testing.T) {
	w := newWorld(t)
	w.wise.WithdrawTokens(testUser)
	w.at(0).expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required")
	w.at(1).expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required")
	w.at(0).expect(t.Context(), "GET /me/phone", "", "404 phone_not_set") // needs the partner's token only
	w.link(t.Context(), testUser, "303 /settings?wise=linked")
	w.at(0).expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "204")
	w.at(1).expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "409 pin_already_set")
	w.expectAll(t)

	a := &api{linking: &linking{store: brokenStore{}}}
	if got := problemOf(a.orLink(t.Context(), &exchange{}, usersecurity.ErrNoToken)).Code; got != "wise_unavailable" {
		t.Errorf("a store that can't be read: %s", got)
	}
	a.linking.store = usersecurity.NewMemoryTokenStore()
	if got := problemOf(a.orLink(t.Context(), &exchange{}, usersecurity.ErrNoToken)).Code; got != "wise_link_required" {
		t.Errorf("no tokens: %s", got)
	}
}

type brokenStore struct{ usersecurity.TokenStore }

func (brokenStore) Load(context.Context, usersecurity.UserID) (*oauth2.Token, error) {
	return nil, io.ErrUnexpectedEOF
}
