package usersecurity

import "context"

// CreatePin sets the PIN of a profile's user. It needs the user's token, and
// [WithJWE]: the PIN is sealed to Wise.
//
// Errors: [ErrPinAlreadySet]; see the package text for those that any operation
// may give. There is no way to change a PIN: delete it first.
//
// POST /v2/profiles/{profileId}/pin; in calendar versions without /v2.
func (s *SCAService) CreatePin(ctx context.Context, p Profile, pin Pin, opts ...CallOption) error {
	_, err := s.engine().do(ctx, request{op: OpSCACreatePin, user: p.User, profile: p.ID, secret: pin.secret}, opts)
	return err
}

// VerifyPin clears a challenge of t's with the PIN, sealed to Wise. It is never
// repeated once it may have arrived: every time counts as an attempt, and five
// that fail in a row may block the customer for 15 minutes.
//
// Errors: [ErrChallengeFailed], for a wrong and for a blocked PIN;
// [ErrPinNotSet].
//
// POST /v2/profiles/{profileId}/pin/verify; in calendar versions without /v2.
func (s *SCAService) VerifyPin(ctx context.Context, p Profile, t OneTimeToken, pin Pin, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpSCAVerifyPin, user: p.User, profile: p.ID, oneTimeToken: t, secret: pin.secret}, opts)
}

// DeletePin removes the PIN. It needs the user's token, unlike
// [Client.DeletePin].
//
// Errors: [ErrPinNotSet].
//
// DELETE /v2/profiles/{profileId}/pin; in calendar versions without /v2.
func (s *SCAService) DeletePin(ctx context.Context, p Profile, opts ...CallOption) error {
	_, err := s.engine().do(ctx, request{op: OpSCADeletePin, user: p.User, profile: p.ID}, opts)
	return err
}

// CreatePinSealed is CreatePin for a PIN that the user's device has sealed, as
// [Client.CreatePinSealed] is.
func (s *SCAService) CreatePinSealed(ctx context.Context, p Profile, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpSCACreatePin, user: p.User, profile: p.ID, body: r.bytes()}, opts)
}

// VerifyPinSealed is VerifyPin for a PIN that the user's device has sealed. The
// reply is the device's to open; [OneTimeTokenService.Status] tells the backend
// what is passed.
func (s *SCAService) VerifyPinSealed(ctx context.Context, p Profile, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpSCAVerifyPin, user: p.User, profile: p.ID, oneTimeToken: t, body: r.bytes()}, opts)
}
