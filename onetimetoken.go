package usersecurity

import (
	"context"
	"strings"
)

// NewOneTimeToken takes a one-time token as Wise gives it in x-2fa-approval:
// visible ASCII, a UUID in all of Wise's samples. Anything else is refused with
// an error that matches [ErrInvalidArgument] and doesn't repeat it.
func NewOneTimeToken(text string) (OneTimeToken, error) {
	if !isVisible(text) {
		return OneTimeToken{}, invalid("a one-time token is visible ASCII and not empty")
	}
	return OneTimeToken{keep([]byte(text))}, nil
}

// NewOTP takes a code of exactly six ASCII digits. Any other text is refused
// with an error that matches [ErrInvalidArgument] and doesn't repeat it.
func NewOTP(digits string) (OTP, error) {
	if len(digits) != 6 || strings.Trim(digits, "0123456789") != "" {
		return OTP{}, invalid("a code is exactly six digits 0 to 9")
	}
	return OTP{keep([]byte(`{"otpCode":"` + digits + `"}`))}, nil
}

// UnmarshalText is [NewOTP], so that a field of a request can be an OTP. It
// still marshals as the mask.
func (o *OTP) UnmarshalText(text []byte) (err error) {
	*o, err = NewOTP(string(text))
	return err
}

// OneTimeTokenService is [Client.OneTimeTokens]: what one-time tokens ask for,
// codes, and the older calls that clear the other factors. All act with the
// user's token. See [Client.ClearChallenges] for all of it in one call.
//
// A call that counts as an attempt of the customer's is never repeated once it
// may have arrived: it ends with [ErrOutcomeUnknown] then, and
// [OneTimeTokenService.Status] tells whether the challenge is passed.
type OneTimeTokenService struct{ engine func() *engine }

// Status asks what a token asks for, and what of it is passed.
//
// Errors: [ErrOneTimeTokenUnknown].
//
// GET /v1/one-time-token/status; in calendar versions without /v1.
func (s *OneTimeTokenService) Status(ctx context.Context, user UserID, t OneTimeToken, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpOneTimeTokenStatus, user: user, oneTimeToken: t}, opts)
}

// Trigger has Wise send a code to the customer's phone: by [ChallengeSMS],
// [ChallengeWhatsApp] or [ChallengeVoice], at the customer's choice. It returns
// the phone number as Wise masks it. In Wise's sandbox no code is sent: it is
// 111111 there.
//
// Errors: [ErrOneTimeTokenUnknown]; [ErrInvalidArgument] for another kind.
//
// POST /v1/one-time-token/{kind}/trigger; in calendar versions without /v1.
func (s *OneTimeTokenService) Trigger(ctx context.Context, user UserID, t OneTimeToken, kind ChallengeKind, opts ...CallOption) (sentTo string, err error) {
	_, err = s.engine().do(ctx, request{
		op: OpOneTimeTokenTrigger, user: user, oneTimeToken: t, kind: kind.phonePath(), problem: checkPhoneKind(kind),
		decode: func(r reply) error {
			var body struct {
				SentTo looseText `json:"obfuscatedPhoneNo"`
			}
			err := r.decode(&body, []string{"obfuscatedPhoneNo"}, func() bool { return body.SentTo != "" })
			sentTo = string(body.SentTo)
			return err
		},
	}, opts)
	return sentTo, err
}

func checkPhoneKind(kind ChallengeKind) error {
	if kind.phonePath() == "" {
		return invalid("codes come by SMS, WhatsApp or voice")
	}
	return nil
}

// VerifyOTP gives Wise the code that the customer has received.
//
// Errors: [ErrChallengeFailed], [ErrOneTimeTokenUnknown]; [ErrInvalidArgument]
// for a kind that has no codes.
//
// POST /v1/one-time-token/{kind}/verify; in calendar versions without /v1.
func (s *OneTimeTokenService) VerifyOTP(ctx context.Context, user UserID, t OneTimeToken, kind ChallengeKind, code OTP, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{
		op: OpOneTimeTokenVerifyOTP, user: user, oneTimeToken: t, kind: kind.phonePath(), problem: checkPhoneKind(kind), secret: code.secret,
	}, opts)
}

// VerifyPin clears a challenge with the user's PIN, sealed. Wise has deprecated
// it, and calendar versions don't have it: see [SCAService.VerifyPin].
//
// Errors: [ErrChallengeFailed], [ErrOneTimeTokenUnknown].
//
// POST /v1/one-time-token/pin/verify.
func (s *OneTimeTokenService) VerifyPin(ctx context.Context, user UserID, t OneTimeToken, pin Pin, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpOneTimeTokenVerifyPin, user: user, oneTimeToken: t, secret: pin.secret}, opts)
}

// VerifyDeviceFingerprint clears a challenge with the fingerprint of one of the
// user's devices, sealed. Wise has deprecated it, and calendar versions don't
// have it: see [SCAService.VerifyDeviceFingerprint].
//
// Errors: [ErrChallengeFailed], [ErrOneTimeTokenUnknown].
//
// POST /v1/one-time-token/partner-device-fingerprint/verify.
func (s *OneTimeTokenService) VerifyDeviceFingerprint(ctx context.Context, user UserID, t OneTimeToken, f Fingerprint, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpOneTimeTokenVerifyDeviceFingerprint, user: user, oneTimeToken: t, secret: f.secret}, opts)
}

// VerifyFaceMap clears a challenge with a new face map of the user's. Wise has
// deprecated it, and calendar versions don't have it: see
// [SCAService.VerifyFaceMap].
//
// Errors: [ErrChallengeFailed], [ErrOneTimeTokenUnknown].
//
// POST /v1/one-time-token/facemap/verify.
func (s *OneTimeTokenService) VerifyFaceMap(ctx context.Context, user UserID, t OneTimeToken, m FaceMap, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpOneTimeTokenVerifyFaceMap, user: user, oneTimeToken: t, secret: m.secret}, opts)
}

// VerifyPinSealed is VerifyPin for a PIN that the user's device has sealed. The
// reply is the device's to open.
func (s *OneTimeTokenService) VerifyPinSealed(ctx context.Context, user UserID, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpOneTimeTokenVerifyPin, user: user, oneTimeToken: t, body: r.bytes()}, opts)
}

// VerifyDeviceFingerprintSealed is VerifyDeviceFingerprint for a fingerprint that
// the user's device has sealed. The reply is the device's to open.
func (s *OneTimeTokenService) VerifyDeviceFingerprintSealed(ctx context.Context, user UserID, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpOneTimeTokenVerifyDeviceFingerprint, user: user, oneTimeToken: t, body: r.bytes()}, opts)
}
