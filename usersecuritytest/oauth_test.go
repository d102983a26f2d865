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
	fetchToken(t, srv, registration) // can be used again
	if r := send(t, srv, tokenRequest(srv, authorization.Encode())); r.status != 401 {
		t.Errorf("an authorization code used twice: status %d, want 401", r.status)
	}

	renewed := fetchToken(t, srv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {mine.RefreshToken}})
	if renewed.RefreshToken != mine.RefreshToken {
		t.Error("the refresh token changed")
	}
	mustStatus(t, send(t, srv, enrol(mine)), 401)
	mustStatus(t, send(t, srv, enrol(renewed)), 409)
	srv.ExpireTokens()
	mustStatus(t, send(t, srv, enrol(renewed)), 401)
	mustStatus(t, send(t, srv, enrol(fetchToken(t, srv, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {mine.RefreshToken}}))), 409)
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
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			mustStatus(t, send(t, srv, c.send), c.status).json(t, &body)
			if body.Error != c.error || body.Description == "" {
				t.Errorf("body = %+v, want %s", body, c.error)
			}
		})
	}
	mustCode(t, send(t, srv, good.with("Content-Type", "application/json")), 415, "simulator.content.type")
	mustCode(t, send(t, srv, message{"GET", "/oauth/token", good.header, ""}), 405, "simulator.method.wrong")
}
