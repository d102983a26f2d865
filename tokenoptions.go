package usersecurity

import "net/url"

// WithApplicationTokens says where the partner's own (client credentials)
// tokens come from. The deletes, the fingerprint list and the phone number
// operations need one, and so does fetching Wise's key.
func WithApplicationTokens(src TokenSource) Option {
	return func(s *settings) {
		s.appTokens, s.hasAppTokens, s.credentials = src, true, false
	}
}

// WithClientCredentials fetches the partner's own tokens from Wise's
// /oauth/token with the partner's client id and secret, as HTTP Basic
// authentication, and keeps them until shortly before they expire. It takes
// the place of [WithApplicationTokens].
func WithClientCredentials(clientID, clientSecret string) Option {
	return func(s *settings) {
		s.clientID, s.clientSecret, s.credentials = clientID, clientSecret, true
		s.appTokens, s.hasAppTokens = nil, false
	}
}

// WithUserTokens says where the access tokens of end customers come from. The
// source is asked for the very user that a method was called for. What acts for
// a user needs one. A source that gives the same token whoever it is asked for
// is refused: [ForUser] makes it serve one user.
func WithUserTokens(src TokenSource) Option {
	return func(s *settings) {
		s.userTokens, s.hasUsers = src, true
		s.store, s.hasStore = nil, false
	}
}

// WithUserTokenStore takes the access tokens of end customers from a store that
// the whole fleet shares, and renews them there: see [UserTokenService]. It takes
// the place of [WithUserTokens], and needs [WithClientCredentials].
func WithUserTokenStore(store TokenStore) Option {
	return func(s *settings) {
		s.store, s.hasStore = store, true
		s.userTokens, s.hasUsers = nil, false
	}
}

// WithAuthorizationPage says where customers are sent to authorise the partner,
// for base URLs that aren't Wise's own: an absolute URL without a query, see
// [UserTokenService.AuthorizationURL].
func WithAuthorizationPage(rawURL string) Option {
	return func(s *settings) {
		u, err := url.Parse(rawURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			s.refuse("WithAuthorizationPage: the URL must be https://host/path, without user, query and fragment")
			return
		}
		s.page = rawURL
	}
}
