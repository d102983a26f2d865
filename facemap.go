package usersecurity

import "context"

func (m FaceMap) check() error {
	if m.payload == nil {
		return invalid("the face map is empty: make it with NewFaceMap or FaceMapFromBase64")
	}
	return nil
}

// EnrolFaceMap enrols the user's face map. It needs the user's token. The face
// map is not sealed: FaceTec's export has encrypted it for Wise already.
//
// Errors: [ErrFaceMapAlreadyEnrolled]. There is no way to change a face map:
// delete it first.
//
// POST /v1/user/facemap/enrol. Successor: POST /v2/profiles/{profileId}/facemaps.
func (c *Client) EnrolFaceMap(ctx context.Context, user UserID, faceMap FaceMap, opts ...CallOption) error {
	if err := firstOf(user.check, faceMap.check); err != nil {
		return in(OpEnrolFaceMap, err)
	}
	_, err := c.call(ctx, request{
		op:   &enrolFaceMap,
		user: user,
		path: enrolFaceMap.path,
		body: *faceMap.payload,
	}, opts)
	return err
}

// DeleteFaceMap removes the user's face map. It needs the application's token,
// with the extra grant that Wise gives on request.
//
// Errors: [ErrFaceMapNotEnrolled].
//
// DELETE /v1/users/{userId}/facemap/enrol. Successor: DELETE
// /v2/profiles/{profileId}/facemaps.
func (c *Client) DeleteFaceMap(ctx context.Context, user UserID, opts ...CallOption) error {
	if err := user.check(); err != nil {
		return in(OpDeleteFaceMap, err)
	}
	_, err := c.call(ctx, request{op: &deleteFaceMap, path: deleteFaceMap.target(user, "")}, opts)
	return err
}
