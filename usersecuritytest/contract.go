package usersecuritytest

import (
	"fmt"
	"net/http"
	"strings"
)

// contract is what Wise wants of every request, whatever it is about.
type contract struct {
	sealing      *sealing
	clearBodies  bool
	withoutGrant bool
}

// checkTarget looks at path, method and query.
func checkTarget(r *route, allowed []string, c *call) *answer {
	switch {
	case allowed != nil:
		a := refusal(http.StatusMethodNotAllowed, "method.wrong", "this path takes "+strings.Join(allowed, ", "))
		a.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
		return a
	case r == nil:
		return refusal(http.StatusNotFound, "path.unknown", "no call of the API has this path")
	case c.ids.malformed:
		return refusal(http.StatusBadRequest, "path.id", "user and phone number ids are positive decimal numbers, fingerprint ids are UUIDs")
	case c.request.URL.RawQuery != "" && !r.query:
		return refusal(http.StatusBadRequest, "query.unexpected", "this call takes no query")
	}
	return nil
}

// checkToken looks at whose token was sent.
func (k *contract) checkToken(r *route, c *call) *answer {
	switch {
	case r.token == "":
		return nil
	case c.token.kind == "":
		a := invalidToken()
		return &a
	case c.token.kind != r.token:
		return refusal(http.StatusForbidden, "token.kind", fmt.Sprintf(
			"this call takes the token of the %s, not of the %s", r.token, c.token.kind))
	case r.grant && k.withoutGrant:
		a := forbidden(c.request.URL.EscapedPath())
		return &a
	}
	return nil
}

// open looks at the body and at the headers that describe it. It returns the
// payload, and the content key where the body was sealed.
func (k *contract) open(r *route, h http.Header, body []byte) (payload, cek []byte, refused *answer) {
	switch {
	case r.body == sealedBody && k.clearBodies && mediaType(h) == typeJSON:
		return body, nil, checkEncoding(h)
	case r.body == sealedBody:
		return k.sealing.open(h, body, operationHeaders)
	case r.body == joseBody:
		return k.sealing.open(h, body, playgroundHeaders)
	case r.body == noBody && len(body) > 0:
		return nil, nil, refusal(http.StatusBadRequest, "body.unexpected", "this call takes no body")
	case r.body == noBody && r.reply == keyReply:
		return nil, nil, checkHeaders(h, bodilessHeaders)
	case r.body == noBody:
		return nil, nil, nil
	}
	want := typeJSON
	if r.body == formBody {
		want = typeForm
	}
	if mediaType(h) != want {
		return nil, nil, refusal(http.StatusUnsupportedMediaType, "content.type", "the Content-Type of this call is "+want)
	}
	return body, nil, checkEncoding(h)
}
