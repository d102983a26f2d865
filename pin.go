package usersecurity

import "context"

func (p Pin) check() error {
	if p.payload == nil {
		return invalid("the PIN is empty: make it with NewPin")
	}
	return nil
}

// CreatePin sets the user's PIN. It needs the user's token, and [WithJWE]: the
// PIN is sealed to Wise.
//
// Errors: [ErrPinAlreadySet]; see the package text for those that any
// operation may give. There is no way to change a PIN: delete it first.
//
// POST /v1/user/pin. Successor: POST /v2/profiles/{profileId}/pin.
func (c *Client) CreatePin(ctx context.Context, user UserID, pin Pin, opts ...CallOption) error {
	_, err := c.call(ctx, request{
		op:      &createPin,
		invalid: firstOf(user.check, pin.check),
		user:    user,
		path:    createPin.path,
		body:    pin.plaintext(),
	}, opts)
	return err
}

// DeletePin removes the user's PIN. It needs the application's token, with the
// extra grant that Wise gives on request.
//
// Errors: [ErrPinNotSet].
//
// DELETE /v1/users/{userId}/pin. Successor: DELETE /v2/profiles/{profileId}/pin.
func (c *Client) DeletePin(ctx context.Context, user UserID, opts ...CallOption) error {
	_, err := c.call(ctx, request{
		op:      &deletePin,
		invalid: user.check(),
		path:    deletePin.target(user, ""),
	}, opts)
	return err
}
