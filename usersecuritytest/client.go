package usersecuritytest

import (
	"context"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// Options returns what makes a client of this server: usersecurity.New with
// them works for every user that was added. They set the base URL, the client
// credentials, a source of user tokens, sealing with the key that the server
// publishes, and, with [WithTLS], an HTTP client. Further options may follow
// them.
func (s *Server) Options() []usersecurity.Option {
	opts := []usersecurity.Option{
		usersecurity.WithBaseURL(s.URL()),
		usersecurity.WithClientCredentials(s.ClientID(), s.ClientSecret()),
		usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.TokenFunc(s.userToken))),
		usersecurity.WithJWE(),
	}
	if s.settings.tls {
		opts = append(opts, usersecurity.WithHTTPClient(s.client))
	}
	return opts
}

// ClientID is the partner's client id, for the token endpoint.
func (s *Server) ClientID() string { return clientID }

// ClientSecret is the partner's client secret, for the token endpoint. Every
// server has another one, unless it was made [WithClientSecret].
func (s *Server) ClientSecret() string { return s.partner.current() }

// UserToken returns an access token of the user's that is valid now. It panics
// if the user was not added.
func (s *Server) UserToken(id usersecurity.UserID) string {
	s.mustKnow("UserToken", id)
	value, _ := s.tokens.current(id, "")
	return value
}

// ApplicationToken returns an access token of the partner's that is valid now.
func (s *Server) ApplicationToken() string {
	value, _ := s.tokens.current(0, "")
	return value
}

// RegistrationCode returns a code that the token endpoint exchanges for tokens
// of the user, any number of times and with any e-mail address, with grant type
// registration_code, until [Server.ReclaimAccount] ends it. It panics if the user
// was not added.
func (s *Server) RegistrationCode(id usersecurity.UserID) string {
	s.mustKnow("RegistrationCode", id)
	code := newCode()
	s.grants.register(code, "", id)
	return code
}

// AuthorizationCode returns a code as the customer brings it from Wise's page: the
// token endpoint exchanges it once, within ten minutes, for tokens of the user,
// with grant type authorization_code. It panics if the user was not added.
func (s *Server) AuthorizationCode(id usersecurity.UserID) string {
	s.mustKnow("AuthorizationCode", id)
	return s.grants.authorize(id)
}

// userToken is the source of user tokens in Options.
func (s *Server) userToken(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	if !s.users.known(req.User) {
		return nil, fmt.Errorf("usersecuritytest: user %d is unknown: call AddUser first", req.User)
	}
	value, expires := s.tokens.current(req.User, req.Rejected)
	return &oauth2.Token{AccessToken: value, TokenType: tokenType, Expiry: expires}, nil
}

// mustKnow is for methods that tests call: a user that was never added is a
// mistake in the test.
func (s *Server) mustKnow(method string, id usersecurity.UserID) {
	if !s.users.known(id) {
		panic(fmt.Sprintf("usersecuritytest: %s: user %d is unknown: call AddUser first", method, id))
	}
}
