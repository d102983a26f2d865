package usersecurity

import "context"

// EnrolFaceMap enrols the face map of a profile's user. It needs the user's
// token. The face map is not sealed: FaceTec's export has encrypted it for Wise
// already, see [Client.FaceTecPublicKey].
//
// Errors: [ErrFaceMapAlreadyEnrolled]. There is no way to change a face map:
// delete it first.
//
// POST /v2/profiles/{profileId}/facemaps; in calendar versions without /v2.
func (s *SCAService) EnrolFaceMap(ctx context.Context, p Profile, m FaceMap, opts ...CallOption) error {
	_, err := s.engine().do(ctx, request{op: OpSCAEnrolFaceMap, user: p.User, profile: p.ID, secret: m.secret}, opts)
	return err
}

// VerifyFaceMap clears a challenge of t's with a new face map. It is never
// repeated once it may have arrived, as every time counts as an attempt.
//
// Errors: [ErrChallengeFailed].
//
// POST /v2/profiles/{profileId}/facemaps/verify; in calendar versions without
// /v2.
func (s *SCAService) VerifyFaceMap(ctx context.Context, p Profile, t OneTimeToken, m FaceMap, opts ...CallOption) (*OneTimeTokenState, error) {
	return s.engine().tokenState(ctx, request{op: OpSCAVerifyFaceMap, user: p.User, profile: p.ID, oneTimeToken: t, secret: m.secret}, opts)
}

// DeleteFaceMap removes the face map. It needs the user's token, unlike
// [Client.DeleteFaceMap].
//
// Errors: [ErrFaceMapNotEnrolled].
//
// DELETE /v2/profiles/{profileId}/facemaps; in calendar versions without /v2.
func (s *SCAService) DeleteFaceMap(ctx context.Context, p Profile, opts ...CallOption) error {
	_, err := s.engine().do(ctx, request{op: OpSCADeleteFaceMap, user: p.User, profile: p.ID}, opts)
	return err
}
