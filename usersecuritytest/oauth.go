package usersecuritytest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/wise-partner/usersecurity"
)

// Grant types of the token endpoint.
const (
	grantClientCredentials = "client_credentials"
	grantRegistrationCode  = "registration_code"
	grantAuthorizationCode = "authorization_code"
	grantRefreshToken      = "refresh_token"
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
	clock   *clock
	partner *partner
	tokens  *tokens
	grants  *grants
}

func (e *tokenEndpoint) routes() []route {
	return []route{{
		operation: usersecurity.OpFetchToken,
		methods:   []string{http.MethodPost}, path: "/oauth/token",
		body: formBody, handle: e.fetchToken,
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
	switch form.Get("grant_type") {
	case grantClientCredentials:
		access, expires := e.tokens.forApplication()
		return jsonAnswer(http.StatusOK, newTokenReply(access, expires))
	case grantRegistrationCode:
		code, email := form.Get("registration_code"), form.Get("email")
		if len(code) < minRegistrationCode || email == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "email and a registration_code of at least 32 characters are needed")
		}
		return e.grant(form, func() (usersecurity.UserID, bool) { return e.grants.registered(code, email) })
	case grantAuthorizationCode:
		code := form.Get("code")
		if code == "" || form.Get("redirect_uri") == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "code and redirect_uri are needed")
		}
		return e.grant(form, func() (usersecurity.UserID, bool) { return e.grants.redeem(code) })
	case grantRefreshToken:
		p, ok := e.tokens.renew(form.Get("refresh_token"))
		if !ok {
			return oauthError(http.StatusUnauthorized, "invalid_grant", "the refresh token is not valid")
		}
		return e.pairAnswer(p)
	case "":
		return oauthError(http.StatusBadRequest, "invalid_request", "grant_type is needed")
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "the grant type is unknown")
}

// grant makes tokens for the user whom a code stands for.
func (e *tokenEndpoint) grant(form url.Values, redeem func() (usersecurity.UserID, bool)) answer {
	if form.Get("client_id") != clientID {
		return oauthError(http.StatusBadRequest, "invalid_request", "client_id must be the one that authenticates")
	}
	user, ok := redeem()
	if !ok {
		return oauthError(http.StatusUnauthorized, "invalid_grant", "the code is not valid")
	}
	return e.pairAnswer(e.tokens.forUser(user))
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

func (e *tokenEndpoint) pairAnswer(p pair) answer {
	r := newTokenReply(p.access, p.expires)
	r.RefreshToken = p.refresh
	r.RefreshTokenExpiresIn = int64(wholeSeconds(p.refreshExpiry.Sub(e.clock.now())))
	r.RefreshTokenExpiresAt = p.refreshExpiry.UTC().Format(expiryLayout)
	r.CreatedAt = p.created.UTC().Format(createdLayout)
	return jsonAnswer(http.StatusOK, r)
}
