package usersecurity

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// TokenSource gives access tokens. It is asked before every call and must be
// safe for concurrent use; wrap a source that does any work in [CacheTokens].
//
// A source that has no token for the request returns an error. The client
// repeats nothing of that error's text, but matches it.
type TokenSource interface {
	Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error)
}

// TokenRequest says which token is wanted. Printed, logged or encoded it masks
// the rejected one. A printer that asks no method shows it: spew without
// methods, a test's diff, or fmt where the request stands in a field of another
// struct that is not exported.
type TokenRequest struct {
	// User is the end customer whose token is wanted, or 0 for the partner's own
	// (client credentials) token.
	User UserID
	// Rejected is the access token that Wise has just answered with 401; empty on
	// the first try. A source that returns it again ends the call with
	// [ErrUnauthorized].
	Rejected string
}

// Format prints the request with the rejected token masked.
func (r TokenRequest) Format(f fmt.State, verb rune) { writeText(f, verb, r.String()) }

// GoString returns the request with the rejected token masked.
func (r TokenRequest) GoString() string { return r.String() }

// MarshalText writes the request with the rejected token masked.
func (r TokenRequest) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// GobEncode writes the request with the rejected token masked.
func (r TokenRequest) GobEncode() ([]byte, error) { return r.MarshalText() }

// String returns the request with the rejected token masked.
func (r TokenRequest) String() string {
	rejected := ""
	if r.Rejected != "" {
		rejected = mask
	}
	return "{User:" + strconv.FormatInt(int64(r.User), 10) + " Rejected:" + rejected + "}"
}

// TokenFunc is a function that serves as a [TokenSource].
type TokenFunc func(ctx context.Context, req TokenRequest) (*oauth2.Token, error)

// Token calls f.
func (f TokenFunc) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	return f(ctx, req)
}

// wholeSource is a source of this package's, made for as much as it says.
type wholeSource struct {
	TokenFunc
	blind   bool   // it gives the same token whoever it is asked for
	problem string // why it can't serve; empty if it can
}

func (s wholeSource) flaw() string { return s.problem }

func (s wholeSource) isBlind() bool { return s.blind }

// flawOf says why New refuses a source; empty if it doesn't.
func flawOf(src TokenSource) string {
	switch s := src.(type) {
	case nil:
		return "the source is nil"
	case TokenFunc:
		if s == nil {
			return "the source is nil"
		}
	case interface{ flaw() string }:
		return s.flaw()
	}
	return ""
}

// isBlind reports whether a source is known to give one user's token to another.
func isBlind(src TokenSource) bool {
	s, ok := src.(interface{ isBlind() bool })
	return ok && s.isBlind()
}

// StaticToken always gives the same access token. As a source of users' tokens
// it serves one user: [ForUser] says which.
func StaticToken(accessToken string) TokenSource {
	token := &oauth2.Token{AccessToken: accessToken}
	s := wholeSource{blind: true, TokenFunc: func(context.Context, TokenRequest) (*oauth2.Token, error) { return token, nil }}
	if !isVisible(accessToken) {
		s.problem = "the token of StaticToken must be visible ASCII and not empty"
	}
	return s
}

// OAuth2 makes a source of any of golang.org/x/oauth2's. Such a source knows no
// users: like [StaticToken] it serves the application, or one user with
// [ForUser].
//
// A call doesn't wait for src longer than its own context allows; as src takes
// no context, one that hangs is given up after a minute, and asked again by the
// next call: give its HTTP client a timeout.
func OAuth2(src oauth2.TokenSource) TokenSource {
	if src == nil {
		return TokenFunc(nil) // which New refuses
	}
	var flights flight.Group[struct{}, *oauth2.Token]
	return wholeSource{blind: true, TokenFunc: func(ctx context.Context, _ TokenRequest) (*oauth2.Token, error) {
		token, _, err := flights.Do(ctx, struct{}{}, maxTokenFetch, func(context.Context) (*oauth2.Token, error) { return src.Token() })
		return token, err
	}}
}

// maxTokenFetch bounds one fetch that several calls wait for.
const maxTokenFetch = time.Minute

// ForUser makes src the source of one user's tokens. It refuses every other
// user, and the application: one customer's token must never act on another.
func ForUser(user UserID, src TokenSource) TokenSource {
	s := wholeSource{problem: flawOf(src), TokenFunc: func(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
		if req.User != user {
			return nil, plainError("the source serves user " + strconv.FormatInt(int64(user), 10) + " alone")
		}
		return src.Token(ctx, req)
	}}
	if user <= 0 {
		s.problem = "ForUser: a user id is a positive number"
	}
	return s
}
