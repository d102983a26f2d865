package usersecurity

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

func (p Fingerprint) check() error {
	if p.payload == nil {
		return invalid("the fingerprint is empty: make it with NewFingerprint")
	}
	return nil
}

// DeviceFingerprint is a registered device of a user. Wise never returns the
// fingerprint itself.
type DeviceFingerprint struct {
	// ID is Wise's id of the registration: what DeleteDeviceFingerprint takes.
	ID uuid.UUID `json:"deviceFingerprintId"`
	// CreatedAt is when it was registered, to the nanosecond, in UTC.
	CreatedAt time.Time `json:"createdAt"`
}

// CreateDeviceFingerprint registers a device of the user, three by default. It
// needs the user's token, and [WithJWE]: the fingerprint is sealed to Wise.
//
// Errors: [ErrFingerprintExists], [ErrFingerprintLimit].
//
// POST /v1/user/partner-device-fingerprints. Successor: POST
// /v2/profiles/{profileId}/device-fingerprints.
func (c *Client) CreateDeviceFingerprint(ctx context.Context, user UserID, fingerprint Fingerprint, opts ...CallOption) (*DeviceFingerprint, error) {
	var created DeviceFingerprint
	_, err := c.call(ctx, request{
		op:      &createDeviceFingerprint,
		invalid: firstOf(user.check, fingerprint.check),
		user:    user,
		path:    createDeviceFingerprint.path,
		body:    fingerprint.plaintext(),
		decode:  func(r reply) error { return r.decode(&created, func() bool { return created.ID != uuid.Nil }) },
	}, opts)
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// ListDeviceFingerprints lists the user's registered devices; the list is empty
// where there are none. It needs the application's token.
//
// Errors: [ErrUserNotFound].
//
// POST or GET /v1/users/{userId}/partner-device-fingerprints, see
// [WithFingerprintListMethod]. There is no successor: v2 has no list.
func (c *Client) ListDeviceFingerprints(ctx context.Context, user UserID, opts ...CallOption) ([]DeviceFingerprint, error) {
	list := []DeviceFingerprint{}
	_, err := c.call(ctx, request{
		op:      &listDeviceFingerprints,
		invalid: user.check(),
		path:    listDeviceFingerprints.target(user, ""),
		decode: func(r reply) error {
			return r.decode(&list, func() bool {
				return !slices.ContainsFunc(list, func(f DeviceFingerprint) bool { return f.ID == uuid.Nil })
			})
		},
	}, opts)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// DeleteDeviceFingerprint removes a device of the user. It needs the
// application's token, with the extra grant that Wise gives on request.
//
// Errors: [ErrFingerprintNotFound], which stands for an unknown user too.
//
// DELETE /v1/users/{userId}/partner-device-fingerprints/{deviceFingerprintId}.
// Successor: DELETE
// /v2/profiles/{profileId}/device-fingerprints/{deviceFingerprintId}.
func (c *Client) DeleteDeviceFingerprint(ctx context.Context, user UserID, id uuid.UUID, opts ...CallOption) error {
	_, err := c.call(ctx, request{
		op:      &deleteDeviceFingerprint,
		invalid: firstOf(user.check, func() error { return checkFingerprintID(id) }),
		path:    deleteDeviceFingerprint.target(user, id.String()),
	}, opts)
	return err
}

func checkFingerprintID(id uuid.UUID) error {
	if id == uuid.Nil {
		return invalid("the fingerprint id is the zero UUID")
	}
	return nil
}
