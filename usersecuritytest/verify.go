package usersecuritytest

import (
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// verifier answers the calls that answer challenges.
type verifier struct {
	users    *users
	tokens   *oneTimeTokens
	readings tokenReadings
}

// routes are the calls for factors that were enrolled: the successors', and the
// first ones, which have ended.
func (v *verifier) routes() []route {
	post := []string{http.MethodPost}
	return []route{
		{
			operation: usersecurity.OpSCAVerifyPin, methods: post, path: "/v2/profiles/{profile}/pin/verify",
			token: kindUser, challenge: true, body: sealedBody, reply: settledReply, handle: v.verifyPin(bareForm),
		},
		{
			operation: usersecurity.OpSCAVerifyDeviceFingerprint, methods: post, path: "/v2/profiles/{profile}/device-fingerprints/verify",
			token: kindUser, challenge: true, body: sealedBody, reply: settledReply, handle: v.verifyFingerprint(bareForm),
		},
		{
			operation: usersecurity.OpSCAVerifyFaceMap, methods: post, path: "/v2/profiles/{profile}/facemaps/verify",
			token: kindUser, challenge: true, body: jsonBody, handle: v.verifyFaceMap(bareForm),
		},
		{
			operation: usersecurity.OpOneTimeTokenVerifyPin, methods: post, path: "/v1/one-time-token/pin/verify", ended: true,
			token: kindUser, challenge: true, body: sealedBody, reply: settledReply, handle: v.verifyPin(fullForm),
		},
		{
			operation: usersecurity.OpOneTimeTokenVerifyDeviceFingerprint, methods: post, path: "/v1/one-time-token/partner-device-fingerprint/verify", ended: true,
			token: kindUser, challenge: true, body: sealedBody, reply: settledReply, handle: v.verifyFingerprint(fullForm),
		},
		{
			operation: usersecurity.OpOneTimeTokenVerifyFaceMap, methods: post, path: "/v1/one-time-token/facemap/verify", ended: true,
			token: kindUser, challenge: true, body: jsonBody, handle: v.verifyFaceMap(fullForm),
		},
	}
}

// phoneRoutes are the calls for codes that are sent to a phone.
func (v *verifier) phoneRoutes() (routes []route) {
	for _, kind := range []usersecurity.ChallengeKind{usersecurity.ChallengeSMS, usersecurity.ChallengeWhatsApp, usersecurity.ChallengeVoice} {
		path := "/v1/one-time-token/" + strings.ToLower(string(kind))
		routes = append(routes, route{
			operation: usersecurity.OpOneTimeTokenTrigger, methods: []string{http.MethodPost}, path: path + "/trigger",
			token: kindUser, challenge: true, handle: v.trigger(kind),
		}, route{
			operation: usersecurity.OpOneTimeTokenVerifyOTP, methods: []string{http.MethodPost}, path: path + "/verify",
			token: kindUser, challenge: true, body: jsonBody, handle: v.verifyOTP(kind),
		})
	}
	return routes
}

func (v *verifier) verifyPin(form tokenForm) func(*call) answer {
	return func(c *call) answer {
		pin, refused := pinIn(c)
		if refused != nil {
			return *refused
		}
		return v.verify(c, usersecurity.ChallengePin, form, http.StatusNotFound, trySecret(pinOf, DigestOf(pin)))
	}
}

func (v *verifier) verifyFingerprint(form tokenForm) func(*call) answer {
	return func(c *call) answer {
		value, refused := fingerprintIn(c)
		if refused != nil {
			return *refused
		}
		return v.verify(c, usersecurity.ChallengeDeviceFingerprint, form, http.StatusNotFound, tryFingerprint(DigestOf(value)))
	}
}

// verifyFaceMap takes the same export again; the simulator can't tell faces. No
// 404 is documented for it.
func (v *verifier) verifyFaceMap(form tokenForm) func(*call) answer {
	return func(c *call) answer {
		faceMap, refused := faceMapIn(c)
		if refused != nil {
			return *refused
		}
		return v.verify(c, usersecurity.ChallengeFaceMap, form, http.StatusBadRequest, trySecret(faceMapOf, DigestOf(faceMap)))
	}
}

// verifyOTP refuses a code where none was sent.
func (v *verifier) verifyOTP(kind usersecurity.ChallengeKind) func(*call) answer {
	return func(c *call) answer {
		code, refused := c.field("otpCode")
		if refused != nil {
			return *refused
		}
		sent := v.tokens.wasSent(c.oneTimeToken, c.token.user, kind)
		return v.verify(c, kind, fullForm, http.StatusBadRequest, tryOTP(code, sent))
	}
}

// verify tries an answer to a challenge of the token that the call names.
// notSet is the status where the user has no such factor.
func (v *verifier) verify(c *call, kind usersecurity.ChallengeKind, form tokenForm, notSet int, try func(*factors) outcome) answer {
	user := c.token.user
	if refused := v.check(c, kind); refused != nil {
		return *refused
	}
	switch v.users.attempt(user, c.ids.profile, try) {
	case missing:
		return emptyAnswer(notSet).because("the user has nothing enrolled to compare the answer with")
	case blocked:
		return v.failed("The challenge can't be answered now").because("too many answers were wrong: the user is blocked for a while")
	case wrong:
		v.tokens.fail(c.oneTimeToken, user)
		return v.failed("The challenge was not answered correctly").because("the answer is wrong")
	}
	view, ok := v.tokens.pass(c.oneTimeToken, user, kind)
	if !ok {
		return v.readings.unusable()
	}
	if v.readings.verifyForm != nil {
		form = *v.readings.verifyForm
	}
	return jsonAnswer(http.StatusOK, view.reply(form, v.readings.showCleared))
}

// check refuses a token that can't be used, or that asks for something else.
func (v *verifier) check(c *call, kind usersecurity.ChallengeKind) *answer {
	known, asked := v.tokens.asks(c.oneTimeToken, c.token.user, kind)
	switch {
	case !known:
		a := v.readings.unusable()
		return &a
	case !asked:
		a := errorAnswer(http.StatusBadRequest, "challenge.not.asked", "The one-time token asks for something else")
		return &a
	}
	return nil
}

// failed doesn't say whether the answer was wrong or the user is blocked, as
// Wise doesn't.
func (v *verifier) failed(message string) answer {
	if !v.readings.messages {
		return emptyAnswer(http.StatusBadRequest)
	}
	return jsonAnswer(http.StatusBadRequest, struct {
		Message string `json:"message"`
	}{message})
}

// trigger sends a code, as far as the sandbox does: to the first of the user's
// numbers, which the answer shows in part.
func (v *verifier) trigger(kind usersecurity.ChallengeKind) func(*call) answer {
	return func(c *call) answer {
		if refused := v.check(c, kind); refused != nil {
			return *refused
		}
		list, _ := v.users.listPhones(c.token.user)
		if len(list) == 0 {
			return errorAnswer(http.StatusBadRequest, "phone.number.not.setup", "The user has no phone number")
		}
		v.tokens.send(c.oneTimeToken, c.token.user, kind)
		return jsonAnswer(http.StatusOK, struct {
			Number string `json:"obfuscatedPhoneNo"`
		}{obfuscated(list[0].number)})
	}
}

// obfuscated leaves the last four digits.
func obfuscated(number string) string {
	hidden := max(0, len(number)-4)
	return strings.Repeat("*", hidden) + number[hidden:]
}
