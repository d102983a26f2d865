package usersecuritytest

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// WithPinCreatedReply sets what the successor's call answers when it has made a
// PIN: status 200, 201 or 204, and a JSON text as body, which is sealed as other
// replies are; none if body is empty. Without it that is 200 and no body.
func WithPinCreatedReply(status int, body string) ServerOption {
	switch {
	case status != http.StatusOK && status != http.StatusCreated && status != http.StatusNoContent:
		panic("usersecuritytest: WithPinCreatedReply: the status is 200, 201 or 204")
	case body != "" && (status == http.StatusNoContent || !json.Valid([]byte(body))):
		panic("usersecuritytest: WithPinCreatedReply: the body must be JSON, and 204 has none")
	}
	created := emptyAnswer(status)
	if body != "" {
		created.contentType, created.body = typeJSON, []byte(body)
	}
	return func(s *settings) { s.pinCreated = created }
}

// WithFactorsPerProfile gives the successors factors of their own: what is enrolled
// for a profile belongs to it, and what is enrolled with the first calls to the
// user, whose profiles know nothing of it. Without it both act on the factors of
// the user.
func WithFactorsPerProfile() ServerOption {
	return func(s *settings) { s.factorsByProfile = true }
}

// WithFingerprintLimitCode gives the 400 of a device fingerprint too many an error
// body with this code. Without it there is none, as Wise documents none.
func WithFingerprintLimitCode(code string) ServerOption {
	return func(s *settings) {
		s.tooManyDevices = errorAnswer(http.StatusBadRequest, code, "No further device fingerprint can be created")
	}
}

// WithReplyKeyNamed wants X-TW-JOSE-Encryption-kid on every request whose reply is
// sealed to a key of the partner's. Without it only a calendar version's GET of the
// playground does.
func WithReplyKeyNamed() ServerOption {
	return func(s *settings) { s.replyKeyNamed = true }
}

// WithBareVerifyReplies answers every verify with the bare one-time token. Without
// it the successors are answered so, and the others with the wrapped one.
func WithBareVerifyReplies() ServerOption { return withVerifyForm(bareForm) }

// WithWrappedVerifyReplies answers every verify with the one-time token wrapped in
// oneTimeTokenProperties, with all its fields.
func WithWrappedVerifyReplies() ServerOption { return withVerifyForm(fullForm) }

func withVerifyForm(form tokenForm) ServerOption {
	return func(s *settings) { s.oneTimeTokens.verifyForm = &form }
}

// WithVerifyMessages gives verifies that fail a body with a message. Without it
// there is none, as Wise documents none.
func WithVerifyMessages() ServerOption {
	return func(s *settings) { s.oneTimeTokens.messages = true }
}

// WithUnknownTokenStatus sets what one-time tokens are answered with that are
// unknown, expired, used or another user's: 400, 401, 403 or 404. Wise documents
// nothing; without it the status is 404.
func WithUnknownTokenStatus(status int) ServerOption {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
	default:
		panic("usersecuritytest: WithUnknownTokenStatus: the status is 400, 401, 403 or 404")
	}
	return func(s *settings) { s.oneTimeTokens.unknown = status }
}

// WithClearedTokensShown goes on showing the challenges of a one-time token that
// is cleared, as passed, and what it is for. Without it there are none, as in
// Wise's samples.
func WithClearedTokensShown() ServerOption {
	return func(s *settings) { s.oneTimeTokens.showCleared = true }
}

// WithGradualChallenges shows one challenge after the other: the next one appears
// when the state of the token is asked for after a verify. The reply of the verify
// itself doesn't show it yet.
func WithGradualChallenges() ServerOption {
	return func(s *settings) { s.challenges.gradual = true }
}

// WithAlternatives lets a challenge of that kind be answered with others too.
func WithAlternatives(kind usersecurity.ChallengeKind, alternatives ...usersecurity.ChallengeKind) ServerOption {
	return func(s *settings) { s.challenges.alternatives[kind] = alternatives }
}

// WithOptionalChallenges makes challenges of these kinds not required: a token is
// cleared without them.
func WithOptionalChallenges(kinds ...usersecurity.ChallengeKind) ServerOption {
	return func(s *settings) {
		for _, kind := range kinds {
			s.challenges.optional[kind] = true
		}
	}
}

// WithSessionChallenges sets what the token of a session asks for. Without it that
// is what the user has enrolled, and of that at most two of different sorts.
func WithSessionChallenges(kinds ...usersecurity.ChallengeKind) ServerOption {
	return func(s *settings) { s.sessionKinds = kinds }
}

// WithLowRiskWindow lets all protected calls of a user pass for five minutes after
// the user has cleared a one-time token. Without it each call needs its own.
func WithLowRiskWindow() ServerOption {
	return func(s *settings) { s.lowRisk = true }
}

// WithChallengeBody gives the 403 of protected calls the body of Wise's other
// 403s. Without it there is none.
func WithChallengeBody() ServerOption {
	return func(s *settings) { s.challengeForm.body = true }
}

// WithoutChallengeResult leaves x-2fa-approval-result out of the 403 of protected
// calls, but where there is no token either.
func WithoutChallengeResult() ServerOption {
	return func(s *settings) { s.challengeForm.withoutResult = true }
}

// WithChallengeKindHint writes the kind of the first challenge after the token in
// x-2fa-approval, as was seen in other programs.
func WithChallengeKindHint() ServerOption {
	return func(s *settings) { s.challengeForm.withKind = true }
}

// WithFaceTecKey publishes this key as FaceTec's. Without it that is an RSA key
// that is made when it is first asked for.
func WithFaceTecKey(public crypto.PublicKey) ServerOption {
	if _, err := x509.MarshalPKIXPublicKey(public); err != nil {
		panic("usersecuritytest: WithFaceTecKey: the key can't be encoded")
	}
	return func(s *settings) { s.faceTecKey = public }
}
