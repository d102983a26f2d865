package usersecurity

import (
	"time"

	"github.com/google/uuid"
)

// DeviceFingerprint is a registered device of a user. Wise never returns the
// fingerprint itself.
type DeviceFingerprint struct {
	// ID is Wise's id of the registration: what DeleteDeviceFingerprint takes.
	ID uuid.UUID `json:"deviceFingerprintId"`
	// CreatedAt is when it was registered, to the nanosecond, in UTC; the zero
	// time where Wise's time can't be read.
	CreatedAt time.Time `json:"createdAt"`
}

// fingerprintReply is how Wise writes it.
type fingerprintReply struct {
	ID        uuid.UUID `json:"deviceFingerprintId"`
	CreatedAt looseTime `json:"createdAt"`
}

var fingerprintFields = []string{"deviceFingerprintId", "createdAt"}

func (f fingerprintReply) deviceFingerprint() DeviceFingerprint {
	return DeviceFingerprint{ID: f.ID, CreatedAt: f.CreatedAt.Time}
}

func (d *DeviceFingerprint) decode(r reply) error {
	var body fingerprintReply
	if err := r.decode(&body, fingerprintFields, func() bool { return body.ID != uuid.Nil }); err != nil {
		return err
	}
	*d = body.deviceFingerprint()
	return nil
}

func checkFingerprintID(id uuid.UUID) error {
	if id == uuid.Nil {
		return invalid("the fingerprint id is the zero UUID")
	}
	return nil
}
