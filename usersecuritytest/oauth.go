package usersecuritytest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/wise-partner/usersecurity"
)

const (
	scope = "transfers"
	// minRegistrationCode is the shortest registration code there may be.
	minRegistrationCode = 32

	expiryLayout  = "2006-01-02T15:04:05.000Z"
	createdLayout = "2006-01-02T15:04:05.000000000Z"
)

// tokenReply is the success of the token endpoint.
type tokenReply struct {
	AccessToken           string `json:"access_token"`
	TokenType             string `json:"token_type"`
	ExpiresIn             int64  `json:"expires_in"`
	ExpiresAt             string `json:"expires_at"`
	Scope                 string `json:"scope"`
	RefreshToken          string `json:"refresh_token,omitempty"`
	RefreshTokenExpiresIn int64  `json:"refresh_token_expires_in,omitempty"`
	RefreshTokenExpiresAt string `json:"refresh_token_expires_at,omitempty"`
	CreatedAt             string `json:"created_at,omitempty"`
}

// tokenEndpoint hands out tokens to the partner.
type tokenEndpoint struct {
	partner *partner
	tokens  *tokens
}

func tokenRoutes(p *partner, t *tokens) []route {
	return []route{{
		operation: usersecurity.OpFetchToken,
		methods:   []string{http.MethodPost}, path: "/oauth/token",
		body: formBody, handle: (&tokenEndpoint{p, t}).fetchToken,
	}}
}

func (e *tokenEndpoint) fetchToken(c *call) answer {
	if !e.partner.authenticates(c.request) {
		return oauthError(http.StatusUnauthorized, "invalid_client", "HTTP Basic authentication with client id and client secret is needed")
	}
	form, err := url.ParseQuery(string(c.payload))
	if err != nil {
		return oauthError(http.StatusBadRequest, "invalid_request", "the form can't be read")
	}
	grant := form.Get("grant_type")
	switch grant {
	case grantClientCredentials:
		access, expires := e.tokens.forApplication()
		return jsonAnswer(http.StatusOK, newTokenReply(access, expires))
	case grantRegistrationCode:
		if len(form.Get("registration_code")) < minRegistrationCode || form.Get("email") == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "email and a registration_code of at least 32 characters are needed")
		}
		return e.redeem(form, grant, form.Get("registration_code"))
	case grantAuthorizationCode:
		if form.Get("code") == "" || form.Get("redirect_uri") == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "code and redirect_uri are needed")
		}
		return e.redeem(form, grant, form.Get("code"))
	case grantRefreshToken:
		refreshToken := form.Get("refresh_token")
		access, expires, ok := e.tokens.renew(refreshToken)
		if !ok {
			return oauthError(http.StatusUnauthorized, "invalid_grant", "the refresh token is not valid")
		}
		return jsonAnswer(http.StatusOK, newTokenReply(access, expires).withRefresh(refreshToken))
	case "":
		return oauthError(http.StatusBadRequest, "invalid_request", "grant_type is needed")
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "the grant type is unknown")
}

func (e *tokenEndpoint) redeem(form url.Values, grant, value string) answer {
	if form.Get("client_id") != clientID {
		return oauthError(http.StatusBadRequest, "invalid_request", "client_id must be the one that authenticates")
	}
	access, refreshToken, expires, ok := e.tokens.redeem(value, grant)
	if !ok {
		return oauthError(http.StatusUnauthorized, "invalid_grant", "the code is not valid")
	}
	return jsonAnswer(http.StatusOK, newTokenReply(access, expires).withRefresh(refreshToken))
}

func newTokenReply(access string, expires time.Time) tokenReply {
	return tokenReply{
		AccessToken: access,
		TokenType:   tokenType,
		ExpiresIn:   int64(accessLife / time.Second),
		ExpiresAt:   expires.UTC().Format(expiryLayout),
		Scope:       scope,
	}
}

func (r tokenReply) withRefresh(refreshToken string) tokenReply {
	now := time.Now().UTC()
	r.RefreshToken = refreshToken
	r.RefreshTokenExpiresIn = int64(refreshLife / time.Second)
	r.RefreshTokenExpiresAt = now.Add(refreshLife).Format(expiryLayout)
	r.CreatedAt = now.Format(createdLayout)
	return r
}
