package usersecuritytest

import (
	"fmt"
	"net/http"
	"strings"
)

// contract is what Wise wants of every request, whatever it is about.
type contract struct {
	clock        *clock
	users        *users
	sealing      *sealing
	clearBodies  bool
	withoutGrant bool
}

// checkTarget looks at path, method and query.
func (k *contract) checkTarget(t *target, c *call) *answer {
	switch {
	case t.gone != 0:
		a := springError(k.clock.now(), t.gone, "This call is no longer part of the API", c.request.URL.EscapedPath())
		return &a
	case t.allowed != nil:
		allow := strings.Join(t.allowed, ", ")
		a := refusal(http.StatusMethodNotAllowed, "method.wrong", "this path takes "+allow)
		a.header = http.Header{"Allow": {allow}}
		return a
	case t.route == nil:
		return refusal(http.StatusNotFound, "path.unknown", "no call of the API has this path")
	case t.ids.malformed:
		return refusal(http.StatusBadRequest, "path.id", "user, profile and phone number ids are positive decimal numbers, fingerprint ids are UUIDs")
	case c.request.URL.RawQuery != "" && !t.route.query:
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
		return k.forbidden(c, "the partner doesn't have the extra grant")
	case c.ids.profile != 0 && !k.users.owns(c.token.user, c.ids.profile):
		return k.forbidden(c, "the profile is not the user's, or deactivated")
	}
	return nil
}

func (k *contract) forbidden(c *call, reason string) *answer {
	a := springError(k.clock.now(), http.StatusForbidden, "Access is denied", c.request.URL.EscapedPath()).because(reason)
	return &a
}

// oneTimeTokenIn is the one that a request names.
func oneTimeTokenIn(r *route, h http.Header) (string, *answer) {
	values := h.Values(headerOneTimeToken)
	switch {
	case !r.challenge:
		return "", nil
	case len(values) != 1 || values[0] == "":
		return "", refusal(http.StatusBadRequest, "header.missing", "this call must have the header "+headerOneTimeToken+" once")
	}
	return values[0], nil
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
