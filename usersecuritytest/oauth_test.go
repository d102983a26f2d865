package usersecuritytest_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

type wireToken struct {
	AccessToken           string `json:"access_token"`
	TokenType             string `json:"token_type"`
	ExpiresIn             int64  `json:"expires_in"`
	ExpiresAt             string `json:"expires_at"`
	Scope                 string `json:"scope"`
	RefreshToken          string `json:"refresh_token"`
	RefreshTokenExpiresIn int64  `json:"refresh_token_expires_in"`
	RefreshTokenExpiresAt string `json:"refresh_token_expires_at"`
	CreatedAt             string `json:"created_at"`
}

func fetchToken(t *testing.T, srv *usersecuritytest.Server, form url.Values) wireToken {
	t.Helper()
	var token wireToken
	mustStatus(t, send(t, srv, tokenRequest(srv, form.Encode())), 200).json(t, &token)
	expires, err := time.Parse(time.RFC3339Nano, token.ExpiresAt)
	if err != nil || token.ExpiresIn != 43199 || time.Until(expires) < 11*time.Hour || token.Scope != "transfers" || token.TokenType == "" {
		t.Errorf("token reply = %+v", token)
	}
	return token
}

func TestClientCredentials(t *testing.T) {
	srv := newServer(t)
	token := fetchToken(t, srv, url.Values{"grant_type": {"client_credentials"}})
	if token.RefreshToken != "" || token.CreatedAt != "" {
		t.Error("client credentials brought a refresh token")
	}
	m := message{"GET", phones(user), bearer(token.AccessToken), ""}
	mustStatus(t, send(t, srv, m), 200)
	if token.AccessToken != srv.ApplicationToken() {
		t.Error("ApplicationToken is not the latest one")
	}
	srv.ExpireTokens()
	mustStatus(t, send(t, srv, m), 401)
}

func TestUserGrants(t *testing.T) {
	srv := newServer(t)
	enrol := func(token wireToken) message {
		return withJSON(message{"POST", "/v1/user/facemap/enrol", bearer(token.AccessToken), `{"faceMap":"Zm9v"}`})
	}
	registration := url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {srv.RegistrationCode(user)}}
	authorization := url.Values{"grant_type": {"authorization_code"}, "client_id": {srv.ClientID()}, "code": {srv.AuthorizationCode(otherUser)}, "redirect_uri": {"https://example.com"}}

	mine := fetchToken(t, srv, registration)
	if created, err := time.Parse(time.RFC3339Nano, mine.CreatedAt); err != nil || time.Since(created) > time.Minute {
		t.Errorf("created_at = %q", mine.CreatedAt)
	}
	if mine.RefreshToken == "" || mine.RefreshTokenExpiresIn != 628639555 || mine.RefreshTokenExpiresAt == "" {
		t.Errorf("token reply = %+v", mine)
	}
	mustStatus(t, send(t, srv, enrol(mine)), 204)
	if !state(t, srv, user).FaceMapEnrolled || state(t, srv, otherUser).FaceMapEnrolled {
		t.Error("the token stands for another user")
	}
	mustStatus(t, send(t, srv, enrol(fetchToken(t, srv, authorization))), 204)
	if !state(t, srv, otherUser).FaceMapEnrolled {
		t.Error("the token stands for another user")
	}
	before := mine
	mine = fetchToken(t, srv, registration)         // can be used again
	mustStatus(t, send(t, srv, enrol(before)), 409) // its access token lives on
	if r := send(t, srv, tokenRequest(srv, refreshOf(before))); r.status != 401 {
		t.Errorf("a refresh token of before a new grant: status %d, want 401", r.status)
	}
	if r := send(t, srv, tokenRequest(srv, authorization.Encode())); r.status != 401 {
		t.Errorf("an authorization code used twice: status %d, want 401", r.status)
	}

	renewed := fetchToken(t, srv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {mine.RefreshToken}})
	if renewed.RefreshToken != mine.RefreshToken {
		t.Error("the refresh token changed")
	}
	mustStatus(t, send(t, srv, enrol(mine)), 401)
	mustStatus(t, send(t, srv, enrol(before)), 401)
	mustStatus(t, send(t, srv, enrol(renewed)), 409)
	srv.ExpireTokens()
	mustStatus(t, send(t, srv, enrol(renewed)), 401)
	mustStatus(t, send(t, srv, enrol(fetchToken(t, srv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {mine.RefreshToken}}))), 409)
}

func refreshOf(token wireToken) string {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}}.Encode()
}

func whoami(access string) message { return message{"GET", "/v1/me", bearer(access), ""} }

func TestRotatingRefreshTokens(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithRotatingRefreshTokens())
	grant := url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {srv.RegistrationCode(user)}}
	first := fetchToken(t, srv, grant)
	renew := func(token wireToken) (renewed wireToken) {
		mustStatus(t, send(t, srv, tokenRequest(srv, refreshOf(token))), 200).json(t, &renewed)
		return renewed
	}
	second := renew(first)
	if second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Error("the refresh token stays the same")
	}
	mustOAuthError(t, send(t, srv, tokenRequest(srv, refreshOf(first))), 401, "invalid_grant")
	mustStatus(t, send(t, srv, whoami(second.AccessToken)), 200) // the refusal voids nothing
	renew(second)
}

// Tokens and codes age by the clock that tests move.
func TestTokensExpire(t *testing.T) {
	srv := newServer(t)
	code := srv.AuthorizationCode(user)
	grant := url.Values{"grant_type": {"authorization_code"}, "client_id": {srv.ClientID()}, "redirect_uri": {"https://example.com"}}
	srv.Advance(11 * time.Minute)
	grant.Set("code", code)
	mustOAuthError(t, send(t, srv, tokenRequest(srv, grant.Encode())), 401, "invalid_grant")
	grant.Set("code", srv.AuthorizationCode(user))
	token := fetchToken(t, srv, grant)
	application := asApplication(srv, "GET", phones(user), "")

	srv.Advance(43_190 * time.Second)
	mustStatus(t, send(t, srv, whoami(token.AccessToken)), 200)
	mustStatus(t, send(t, srv, application), 200)
	srv.Advance(10 * time.Second)
	mustOAuthError(t, send(t, srv, whoami(token.AccessToken)), 401, "invalid_token")
	mustStatus(t, send(t, srv, application), 401)
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)

	srv.Advance(19 * 365 * 24 * time.Hour)
	r := mustStatus(t, send(t, srv, tokenRequest(srv, refreshOf(token))), 200)
	var renewed wireToken
	r.json(t, &renewed)
	if renewed.RefreshTokenExpiresIn > 628_639_555-19*365*24*3600 || renewed.CreatedAt != token.CreatedAt {
		t.Errorf("a renewal makes the refresh token younger: %+v", renewed)
	}
	srv.Advance(366 * 24 * time.Hour)
	mustOAuthError(t, send(t, srv, tokenRequest(srv, refreshOf(token))), 401, "invalid_grant")
}

func TestWithdrawnAndReclaimed(t *testing.T) {
	srv := newServer(t)
	grant := url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {srv.RegistrationCode(user)}}
	mine := fetchToken(t, srv, grant)
	theirs := fetchToken(t, srv, url.Values{"grant_type": {"authorization_code"}, "client_id": {srv.ClientID()}, "code": {srv.AuthorizationCode(otherUser)}, "redirect_uri": {"https://example.com"}})
	srv.WithdrawTokens(user)
	mustStatus(t, send(t, srv, whoami(mine.AccessToken)), 401)
	mustOAuthError(t, send(t, srv, tokenRequest(srv, refreshOf(mine))), 401, "invalid_grant")
	mustStatus(t, send(t, srv, whoami(theirs.AccessToken)), 200)
	mustStatus(t, send(t, srv, tokenRequest(srv, refreshOf(theirs))), 200)

	again := fetchToken(t, srv, grant)
	srv.ReclaimAccount(user)
	mustOAuthError(t, send(t, srv, tokenRequest(srv, grant.Encode())), 401, "invalid_grant")
	mustStatus(t, send(t, srv, whoami(again.AccessToken)), 200)
	mustStatus(t, send(t, srv, tokenRequest(srv, refreshOf(again))), 200)
}

func mustOAuthError(t *testing.T, r response, status int, code string) {
	t.Helper()
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	mustStatus(t, r, status).json(t, &body)
	if body.Error != code || body.Description == "" {
		t.Errorf("body = %+v, want %s", body, code)
	}
}

func TestTokenErrors(t *testing.T) {
	srv := newServer(t)
	good := tokenRequest(srv, "grant_type=client_credentials")
	wrongSecret := http.Request{Header: http.Header{}}
	wrongSecret.SetBasicAuth(srv.ClientID(), "guess")
	form := func(pairs ...string) message {
		values := url.Values{"client_id": {srv.ClientID()}, "email": {"a@example.com"}, "redirect_uri": {"https://example.com"}}
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return tokenRequest(srv, values.Encode())
	}
	for _, c := range []struct {
		name   string
		send   message
		status int
		error  string
	}{
		{"no authentication", good.without("Authorization"), 401, "invalid_client"},
		{"wrong secret", good.with("Authorization", wrongSecret.Header.Get("Authorization")), 401, "invalid_client"},
		{"bearer", good.with("Authorization", "Bearer "+srv.ApplicationToken()), 401, "invalid_client"},
		{"no grant type", tokenRequest(srv, ""), 400, "invalid_request"},
		{"unreadable form", tokenRequest(srv, "grant_type=%zz"), 400, "invalid_request"},
		{"unknown grant type", tokenRequest(srv, "grant_type=password"), 400, "unsupported_grant_type"},
		{"short registration code", form("grant_type", "registration_code", "registration_code", "short"), 400, "invalid_request"},
		{"no e-mail", form("grant_type", "registration_code", "registration_code", srv.RegistrationCode(user), "email", ""), 400, "invalid_request"},
		{"another client id", form("grant_type", "registration_code", "registration_code", srv.RegistrationCode(user), "client_id", "x"), 400, "invalid_request"},
		{"unknown registration code", form("grant_type", "registration_code", "registration_code", "00000000000000000000000000000000"), 401, "invalid_grant"},
		{"code of the other grant", form("grant_type", "registration_code", "registration_code", srv.AuthorizationCode(user)), 401, "invalid_grant"},
		{"no code", form("grant_type", "authorization_code"), 400, "invalid_request"},
		{"unknown code", form("grant_type", "authorization_code", "code", "x"), 401, "invalid_grant"},
		{"unknown refresh token", form("grant_type", "refresh_token", "refresh_token", "x"), 401, "invalid_grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mustOAuthError(t, send(t, srv, c.send), c.status, c.error)
		})
	}
	mustCode(t, send(t, srv, good.with("Content-Type", "application/json")), 415, "simulator.content.type")
	mustCode(t, send(t, srv, message{"GET", "/oauth/token", good.header, ""}), 405, "simulator.method.wrong")
}
