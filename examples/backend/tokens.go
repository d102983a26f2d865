package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// grant is what Wise gave the partner to act for one customer.
type grant struct {
	RefreshToken string
	Access       *oauth2.Token // nil before the first refresh
}

// vault keeps the grants: encrypted, and shared by all instances of the service.
type vault interface {
	// Update calls change with the user's grant and keeps what it returns, unless
	// it fails. No other Update of that user runs meanwhile, in this process or
	// in another: a database locks the row. Without a grant it fails with
	// errNotLinked.
	Update(ctx context.Context, user usersecurity.UserID, change func(grant) (grant, error)) (grant, error)
}

// errNotLinked says that the customer has to link his account to Wise (again):
// there is no grant, or Wise has ended it.
var errNotLinked = errors.New("the customer's account is not linked to Wise")

// userTokens is the source of the customers' access tokens.
//
// A refresh at Wise ends the access token that was valid before it. So the
// access token is kept in the vault, and only refreshed while the user's grant
// is locked: two instances that each refreshed for themselves would end each
// other's token for ever. CacheTokens on top saves the way to the vault.
type userTokens struct {
	config oauth2.Config
	http   *http.Client
	vault  vault
}

// earlyRefresh is longer before the end of a token than CacheTokens begins to
// ask for another one, or the vault would give it the same one again.
const earlyRefresh = 10 * time.Minute

const tokenTime = 10 * time.Second

func newUserTokens(p partner, vault vault) *userTokens {
	return &userTokens{
		config: oauth2.Config{
			ClientID:     p.clientID,
			ClientSecret: p.clientSecret,
			Endpoint: oauth2.Endpoint{
				TokenURL:  strings.TrimRight(p.baseURL, "/") + "/oauth/token",
				AuthStyle: oauth2.AuthStyleInHeader,
			},
		},
		http: &http.Client{
			Timeout: tokenTime,
			// Client secret and refresh token go to Wise and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		vault: vault,
	}
}

// Token returns the access token of the very user that is asked for.
func (t *userTokens) Token(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	g, err := t.vault.Update(ctx, req.User, func(g grant) (grant, error) {
		if a := g.Access; a != nil && a.AccessToken != req.Rejected && time.Until(a.Expiry) > earlyRefresh {
			return g, nil // refreshed by another instance
		}
		return t.refresh(ctx, g)
	})
	if err != nil {
		return nil, err
	}
	return g.Access, nil
}

func (t *userTokens) refresh(ctx context.Context, g grant) (grant, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.http)
	token, err := t.config.TokenSource(ctx, &oauth2.Token{RefreshToken: g.RefreshToken}).Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return grant{}, errNotLinked
	case errors.As(err, &refused):
		// Its text is Wise's reply, and Wise has been seen to repeat tokens.
		return grant{}, errors.New("Wise refuses the refresh: " + refused.Response.Status)
	case err != nil:
		return grant{}, err
	}
	return grant{RefreshToken: token.RefreshToken, Access: token}, nil
}
