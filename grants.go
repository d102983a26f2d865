package usersecurity

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// granting asks the token endpoint for users' tokens.
type granting struct {
	engine        *engine
	clientID      string
	authorization string
}

// grant makes one grant.
func (g *granting) grant(ctx context.Context, op Operation, problem error, form url.Values, opts []CallOption) (token *oauth2.Token, err error) {
	_, err = g.engine.do(ctx, request{
		op: op, problem: problem, body: []byte(form.Encode()), contentType: formContentType, authorization: g.authorization,
		decode: func(r reply) (err error) {
			token, err = decodeToken(r)
			return err
		},
	}, opts)
	return token, grantFailure(ctx, op, err)
}

// grantFailure is the error of a grant whose call has ended with err.
func grantFailure(ctx context.Context, op Operation, err error) error {
	switch {
	case refusesWith(err, "invalid_grant"):
		return sourceFailure(ctx, op, ErrNoToken, failure("", ErrReauthorise, err))
	case refusesWith(err, "invalid_client"), errors.Is(err, ErrUnauthorized):
		// It is the client's id or secret that Wise refuses, and nothing of the customer's.
		return sourceFailure(ctx, op, ErrNoToken, err)
	}
	return err
}

// refusesWith reports whether the token endpoint refuses a grant with the code:
// Wise's documents show the same ones under 400 and under 401.
func refusesWith(err error, code string) bool {
	var api *APIError
	return errors.As(err, &api) && !api.Foreign && (api.StatusCode == http.StatusBadRequest || api.StatusCode == http.StatusUnauthorized) && api.heard().hasCode(code)
}
