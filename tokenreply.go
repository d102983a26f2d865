package usersecurity

import (
	"math"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

var tokenFields = []string{"access_token", "token_type", "expires_in", "refresh_token"}

// decodeToken reads the token endpoint's reply as JSON, whatever its content
// type says.
func decodeToken(r reply) (*oauth2.Token, error) {
	var body struct {
		AccessToken  string      `json:"access_token"`
		TokenType    string      `json:"token_type"`
		RefreshToken looseText   `json:"refresh_token"`
		ExpiresIn    looseNumber `json:"expires_in"`
	}
	if err := r.decode(&body, tokenFields, func() bool { return isVisible(body.AccessToken) }); err != nil {
		return nil, err
	}
	if body.TokenType != "" && !strings.EqualFold(body.TokenType, "bearer") {
		return nil, replyError(r.op, r.status, ErrMalformedReply, plainError("the token isn't a bearer token"))
	}
	token := &oauth2.Token{AccessToken: body.AccessToken, TokenType: "Bearer", RefreshToken: string(body.RefreshToken)}
	if seconds := float64(body.ExpiresIn); seconds > 0 {
		token.ExpiresIn = int64(min(math.Ceil(seconds), math.MaxInt32)) // none that is over at once, and asked for again by every call
		token.Expiry = time.Now().Add(time.Duration(token.ExpiresIn) * time.Second)
	}
	return token, nil
}
