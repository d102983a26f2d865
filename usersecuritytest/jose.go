package usersecuritytest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// sealing opens what is sealed to Wise, and seals replies.
type sealing struct {
	clock           *clock
	wiseKeys        *wiseKeys
	partnerKeys     *partnerKeys
	clearReplies    bool
	sealedErrors    bool
	replyKeyReplies bool
	replyKeyNamed   bool // it must be named in a header
}

// envelope is what a reply is sealed with.
type envelope struct {
	reply replyKind
	cek   []byte      // the content key of a sealed request
	key   *partnerKey // nil unless the reply goes to a key of the partner's
}

// open checks a sealed request, and opens its body.
func (s *sealing) open(h http.Header, body []byte, headers []requiredHeader) (payload, cek []byte, refused *answer) {
	switch {
	case mediaType(h) == typeJOSE && isCompact(body):
	case isCompact(body):
		return nil, nil, refusal(http.StatusUnsupportedMediaType, "content.type", "the Content-Type of a sealed body is "+typeJOSE)
	default:
		return nil, nil, refusal(http.StatusBadRequest, "body.not.sealed", "the body of this call must be a JWE in compact form, sealed to Wise's key")
	}
	if refused := checkHeaders(h, headers); refused != nil {
		return nil, nil, refused
	}
	parts := strings.Split(string(body), ".")
	if refused := checkProtected(parts[0]); refused != nil {
		return nil, nil, refused
	}
	payload, cek, ok := openCompact(s.wiseKeys.newest().private, parts)
	if !ok {
		a := unreadable()
		return nil, nil, &a
	}
	return payload, cek, nil
}

// checkProtected looks at the protected header of a request. Members that it
// doesn't know are tolerated.
func checkProtected(encoded string) *answer {
	raw, err := base64url.DecodeString(encoded)
	var header map[string]any // names are compared letter by letter, unlike a struct's
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return refusal(http.StatusBadRequest, "jose.header", "the protected header must be a JSON object in base64url without padding")
	}
	for _, name := range []string{"zip", "crit"} {
		if _, present := header[name]; present {
			return refusal(http.StatusBadRequest, "jose."+name, "the protected header must not have "+name)
		}
	}
	switch {
	case header["alg"] != algRSA:
		return refusal(http.StatusBadRequest, "jose.alg", "alg must be "+algRSA)
	case header["enc"] != encGCM:
		return refusal(http.StatusBadRequest, "jose.enc", "enc must be "+encGCM)
	}
	return nil
}

// prepare finds what the reply is sealed with before anything is done: a
// request whose reply can't be sealed must change nothing.
func (s *sealing) prepare(reply replyKind, h http.Header, cek []byte) (envelope, *answer) {
	e := envelope{reply: reply, cek: cek}
	if reply == keyReply || reply == settledReply && s.replyKeyReplies && cek != nil {
		if s.replyKeyNamed && h.Get(headerReplyKey) == "" {
			return e, refusal(http.StatusBadRequest, "header.missing", "this call must have the header "+headerReplyKey)
		}
		e.key = s.partnerKeys.find(h.Get(headerReplyKey), s.clock.now())
		if e.key == nil {
			return e, refusal(http.StatusBadRequest, "reply.key.unknown", "no key that is valid now is registered for replies, or not under this id")
		}
	}
	return e, nil
}

// seal makes the answer to a sealed request of what the call is answered with:
// the same where the body is empty, or the server was told not to seal.
func (s *sealing) seal(a answer, e envelope) answer {
	isError := a.status >= http.StatusBadRequest
	switch {
	case e.reply == clearReply, e.reply == settledReply && e.cek == nil:
		return a
	case isError && !s.sealedErrors:
		return a
	case isError && len(a.body) == 0:
		code := "status." + strconv.Itoa(a.status)
		if a.status == http.StatusBadRequest {
			code = "limit" // without a body it says no more than that
		}
		a = errorAnswer(a.status, simulatorCode+code, "Wise documents no body for this error")
	case len(a.body) == 0:
		return a
	}
	switch {
	case e.key != nil:
		a.body = sealToKey(e.key.id, e.key.public, a.body)
	case e.reply == directReply || !s.clearReplies:
		a.body = sealDirect(e.cek, a.body)
	default:
		return a
	}
	a.contentType = typeJOSE
	return a
}
