package usersecurity

import (
	"context"

	"github.com/google/uuid"
)

// CreateDeviceFingerprint registers a device of the user, who may have three unless
// Wise allows more. It needs the user's token, and [WithJWE]: the fingerprint is
// sealed to Wise. Keep the id: there is no list of them.
//
// Errors: [ErrFingerprintExists], [ErrFingerprintLimit].
//
// POST /v2/profiles/{profileId}/device-fingerprints; in calendar versions
// without /v2.
func (s *SCAService) CreateDeviceFingerprint(ctx context.Context, p Profile, f Fingerprint, opts ...CallOption) (*DeviceFingerprint, error) {
	var created DeviceFingerprint
	_, err := s.engine().do(ctx, request{op: OpSCACreateDeviceFingerprint, user: p.User, profile: p.ID, secret: f.secret, decode: created.decode}, opts)
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// VerifyDeviceFingerprint clears a challenge of t's with the fingerprint of a
// registered device, sealed to Wise. It is never repeated once it may have
// arrived, as every time counts as an attempt.
//
// Errors: [ErrChallengeFailed], [ErrFingerprintNotFound].
//
// POST /v2/profiles/{profileId}/device-fingerprints/verify; in calendar versions
// without /v2.
func (s *SCAService) VerifyDeviceFingerprint(ctx context.Context, p Profile, t OneTimeToken, f Fingerprint, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpSCAVerifyDeviceFingerprint, user: p.User, profile: p.ID, oneTimeToken: t, secret: f.secret}, opts)
}

// DeleteDeviceFingerprint removes a device. It needs the user's token, unlike
// [Client.DeleteDeviceFingerprint].
//
// Errors: [ErrFingerprintNotFound].
//
// DELETE /v2/profiles/{profileId}/device-fingerprints/{deviceFingerprintId}; in
// calendar versions without /v2.
func (s *SCAService) DeleteDeviceFingerprint(ctx context.Context, p Profile, id uuid.UUID, opts ...CallOption) error {
	_, err := s.engine().do(ctx, request{op: OpSCADeleteDeviceFingerprint, user: p.User, profile: p.ID, id: id.String(), problem: checkFingerprintID(id)}, opts)
	return err
}

// CreateDeviceFingerprintSealed is CreateDeviceFingerprint for a fingerprint
// that the user's device has sealed, as [Client.CreateDeviceFingerprintSealed]
// is.
func (s *SCAService) CreateDeviceFingerprintSealed(ctx context.Context, p Profile, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpSCACreateDeviceFingerprint, user: p.User, profile: p.ID, body: r.bytes()}, opts)
}

// VerifyDeviceFingerprintSealed is VerifyDeviceFingerprint for a fingerprint that
// the user's device has sealed. The reply is the device's to open;
// [OneTimeTokenService.Status] tells the backend what is passed.
func (s *SCAService) VerifyDeviceFingerprintSealed(ctx context.Context, p Profile, t OneTimeToken, r SealedRequest, opts ...CallOption) (SealedReply, error) {
	return s.engine().relay(ctx, request{op: OpSCAVerifyDeviceFingerprint, user: p.User, profile: p.ID, oneTimeToken: t, body: r.bytes()}, opts)
}
