package usersecurity

import (
	"context"
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
	return token, err
}
