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
	_, err := c.call(ctx, request{
		op:      &enrolFaceMap,
		invalid: firstOf(user.check, faceMap.check),
		user:    user,
		path:    enrolFaceMap.path,
		body:    faceMap.plaintext(),
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
	_, err := c.call(ctx, request{
		op:      &deleteFaceMap,
		invalid: user.check(),
		path:    deleteFaceMap.target(user, ""),
	}, opts)
	return err
}
