package usersecurity

import (
	"context"
	"strings"
)

// NewPin takes a PIN of exactly four ASCII digits; leading zeros count. Any
// other text is refused with an error that matches [ErrInvalidArgument] and
// doesn't repeat it.
func NewPin(digits string) (Pin, error) {
	if len(digits) != 4 || strings.Trim(digits, "0123456789") != "" {
		return Pin{}, invalid("a PIN is exactly four digits 0 to 9")
	}
	return Pin{keep([]byte(`{"pin":"` + digits + `"}`))}, nil
}

// UnmarshalText is [NewPin], so that a field of a request can be a Pin. It
// still marshals as the mask.
func (p *Pin) UnmarshalText(text []byte) (err error) {
	*p, err = NewPin(string(text))
	return err
}

// CreatePin sets the user's PIN. It needs the user's token, and [WithJWE]: the
// PIN is sealed to Wise.
//
// Errors: [ErrPinAlreadySet]; see the package text for those that any
// operation may give. There is no way to change a PIN: delete it first.
//
// POST /v1/user/pin. Successor: POST /v2/profiles/{profileId}/pin.
func (c *Client) CreatePin(ctx context.Context, user UserID, pin Pin, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: OpCreatePin, user: user, secret: pin.secret}, opts)
	return err
}

// DeletePin removes the user's PIN. It needs the application's token, with the
// extra grant that Wise gives on request.
//
// Errors: [ErrPinNotSet].
//
// DELETE /v1/users/{userId}/pin. Successor: DELETE /v2/profiles/{profileId}/pin.
func (c *Client) DeletePin(ctx context.Context, user UserID, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: OpDeletePin, user: user}, opts)
	return err
}
