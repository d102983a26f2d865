package usersecurity

import (
	"context"
	"encoding/base64"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const formContentType = "application/x-www-form-urlencoded"

// clientCredentials asks Wise's token endpoint for the partner's own tokens,
// with a call like any other, and keeps them. What the endpoint has just refused
// it doesn't ask for again at once.
type clientCredentials struct {
	engine        *engine
	authorization string

	mu        sync.Mutex
	restraint restraint
	failure   error // of the last fetch, while the restraint holds
}

func newClientCredentials(e *engine, clientID, clientSecret string) TokenSource {
	c := &clientCredentials{engine: e, authorization: basicAuthorization(clientID, clientSecret)}
	return newKeptTokens(c.token, e.total)
}

// basicAuthorization encodes both parts first, as RFC 6749 asks in section
// 2.3.1.
func basicAuthorization(clientID, clientSecret string) string {
	text := url.QueryEscape(clientID) + ":" + url.QueryEscape(clientSecret)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(text))
}

func (c *clientCredentials) token(ctx context.Context, _ TokenRequest, _ *oauth2.Token) (token *oauth2.Token, found bool, err error) {
	c.mu.Lock()
	failure, held := c.failure, c.restraint.holds(time.Now())
	c.mu.Unlock()
	if held {
		return nil, false, failure
	}
	token, err = c.fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.restraint = restraint{}
	case !isOver(err): // or it was given up here, and Wise has refused nothing
		c.failure = err
		c.restraint.refused(time.Now(), askedToWait(err))
	}
	return token, false, err
}

func (c *clientCredentials) fetch(ctx context.Context) (token *oauth2.Token, err error) {
	_, err = c.engine.do(ctx, request{
		op:            OpFetchToken,
		body:          []byte(url.Values{"grant_type": {"client_credentials"}}.Encode()),
		contentType:   formContentType,
		authorization: c.authorization,
		decode: func(r reply) (err error) {
			token, err = decodeToken(r)
			return err
		},
	}, nil)
	return token, err
}
