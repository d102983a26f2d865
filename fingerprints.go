package usersecurity

import (
	"context"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
)

// maxFingerprint bounds a fingerprint in bytes. Wise documents no bound; a
// value this long is a mistake at the caller's.
const maxFingerprint = 4096

// NewFingerprint takes the fingerprint of a device: any text that isn't empty,
// in valid UTF-8, of at most 4096 bytes. Anything else is refused with an
// error that matches [ErrInvalidArgument] and doesn't repeat it.
func NewFingerprint(value string) (Fingerprint, error) {
	switch {
	case value == "":
		return Fingerprint{}, invalid("a fingerprint can't be empty")
	case len(value) > maxFingerprint:
		return Fingerprint{}, invalid("a fingerprint is at most %d bytes, this one has %d", maxFingerprint, len(value))
	case !utf8.ValidString(value):
		return Fingerprint{}, invalid("a fingerprint must be valid UTF-8")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return Fingerprint{}, invalid("a fingerprint must be valid UTF-8")
	}
	return Fingerprint{keep(slices.Concat([]byte(`{"deviceFingerprint":`), text, []byte(`}`)))}, nil
}

// UnmarshalText is [NewFingerprint], so that a field of a request can be a
// Fingerprint. It still marshals as the mask.
func (f *Fingerprint) UnmarshalText(text []byte) (err error) {
	*f, err = NewFingerprint(string(text))
	return err
}

// CreateDeviceFingerprint registers a device of the user, who may have three
// unless Wise allows more. It needs the user's token, and [WithJWE]: the fingerprint
// is sealed to Wise.
//
// Errors: [ErrFingerprintExists], [ErrFingerprintLimit].
//
// POST /v1/user/partner-device-fingerprints. Successor: POST
// /v2/profiles/{profileId}/device-fingerprints.
func (c *Client) CreateDeviceFingerprint(ctx context.Context, user UserID, fingerprint Fingerprint, opts ...CallOption) (*DeviceFingerprint, error) {
	var created DeviceFingerprint
	_, err := c.do(ctx, request{op: OpCreateDeviceFingerprint, user: user, secret: fingerprint.secret, decode: created.decode}, opts)
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// ListDeviceFingerprints lists the user's registered devices; the list is empty
// where there are none. It needs the application's token, with the extra grant
// that Wise gives on request.
//
// Errors: [ErrUserNotFound].
//
// POST or GET /v1/users/{userId}/partner-device-fingerprints, see
// [WithFingerprintListMethod]. There is no successor: v2 has no list.
func (c *Client) ListDeviceFingerprints(ctx context.Context, user UserID, opts ...CallOption) ([]DeviceFingerprint, error) {
	list := []DeviceFingerprint{}
	_, err := c.do(ctx, request{op: OpListDeviceFingerprints, user: user, decode: func(r reply) error {
		var body []fingerprintReply
		err := r.decode(&body, fingerprintFields, func() bool {
			return !slices.ContainsFunc(body, func(f fingerprintReply) bool { return f.ID == uuid.Nil })
		})
		list = list[:0] // of an attempt before this one
		for _, f := range body {
			list = append(list, f.deviceFingerprint())
		}
		return err
	}}, opts)
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
	_, err := c.do(ctx, request{op: OpDeleteDeviceFingerprint, user: user, id: id.String(), problem: checkFingerprintID(id)}, opts)
	return err
}
