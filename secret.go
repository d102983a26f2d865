package usersecurity

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// secret is what all secrets have in common: bytes that stand behind a
// function, where no reflection gets at them, and methods that print a mask. A
// function also keeps the types that embed it from being compared with ==.
type secret struct {
	open func() []byte // nil in the zero value
}

func keep(b []byte) secret { return secret{func() []byte { return b }} }

// bytes are those of the secret; nil in the zero value. Nobody may change them.
func (s secret) bytes() []byte {
	if s.open == nil {
		return nil
	}
	return s.open()
}

// equal compares in constant time. Nothing equals the zero secret.
func (s secret) equal(other secret) bool {
	a, b := s.bytes(), other.bytes()
	return a != nil && b != nil && subtle.ConstantTimeCompare(a, b) == 1
}

// IsZero reports whether this is the zero value, which no method takes.
func (s secret) IsZero() bool { return s.open == nil }

// Format prints the mask, whatever the verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// String returns the mask.
func (secret) String() string { return mask }

// GoString returns the mask.
func (secret) GoString() string { return mask }

// LogValue is the mask.
func (secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText writes the mask.
func (secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON writes the mask as a JSON string.
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// Pin is a user's PIN: exactly four ASCII digits. Make one with [NewPin]; the
// zero Pin is refused by every method.
//
// A Pin can't be printed: every fmt verb, slog handler and encoder gives a
// fixed mask, or fails as encoding/gob does, and reflection doesn't get at the
// digits. It can't be compared with == or be the key of a map: neither compiles,
// and as the key of a map[any] it is a panic. Two of the same digits are unequal
// to reflect.DeepEqual: see [Pin.Equal].
type Pin struct{ secret }

// Equal reports in constant time whether two PINs have the same digits. The
// zero Pin equals none. It is what mocks match with: gomock.Cond(pin.Equal),
// mock.MatchedBy(pin.Equal).
func (p Pin) Equal(other Pin) bool { return p.equal(other.secret) }

// Fingerprint is what a partner's app computed to recognise a device. Make one
// with [NewFingerprint]; the zero Fingerprint is refused by every method. Like
// a [Pin] it can be neither printed nor compared with ==.
type Fingerprint struct{ secret }

// Equal reports in constant time whether two fingerprints are the same. The
// zero Fingerprint equals none.
func (f Fingerprint) Equal(other Fingerprint) bool { return f.equal(other.secret) }

// FaceMap is a FaceTec face map, encrypted by FaceTec's server export to
// Wise's FaceTec key. Make one with [NewFaceMap] or [FaceMapFromBase64]; the
// zero FaceMap is refused by every method. Like a [Pin] it can be neither
// printed nor compared with ==.
type FaceMap struct{ secret }

// Equal reports in constant time whether two face maps are the same. The zero
// FaceMap equals none.
func (m FaceMap) Equal(other FaceMap) bool { return m.equal(other.secret) }

// OneTimeToken is what Wise gives with a challenge: it names the challenge
// until it is cleared, and repeats the refused call afterwards. It is a bearer
// secret for one action. Like a [Pin] it can be neither printed nor compared
// with ==.
type OneTimeToken struct{ secret }

// Reveal returns the token itself: to keep it between two requests of a web
// backend, or to hand it to the customer's app. It must not be logged.
func (t OneTimeToken) Reveal() string { return string(t.bytes()) }

// Equal reports in constant time whether two tokens are the same. The zero
// OneTimeToken equals none.
func (t OneTimeToken) Equal(other OneTimeToken) bool { return t.equal(other.secret) }

// OTP is a code that Wise has sent to a customer's phone: exactly six ASCII
// digits. Make one with [NewOTP]; the zero OTP is refused by every method. Like
// a [Pin] it can be neither printed nor compared with ==.
type OTP struct{ secret }

// Equal reports in constant time whether two codes are the same. The zero OTP
// equals none.
func (o OTP) Equal(other OTP) bool { return o.equal(other.secret) }

// RegistrationCode is what a partner signs a customer up with, and gets the
// customer's tokens with: a password of the partner's own making, kept
// encrypted. Make one with [NewRegistrationCode]. Like a [Pin] it can be neither
// printed nor compared with ==.
type RegistrationCode struct{ secret }

// Equal reports in constant time whether two codes are the same. The zero
// RegistrationCode equals none.
func (c RegistrationCode) Equal(other RegistrationCode) bool { return c.equal(other.secret) }

// UserID is Wise's id of a user, the partner's end customer: a positive number.
type UserID int64

// ProfileID is Wise's id of a profile, of which a user may have several: a
// positive number.
type ProfileID int64

// PhoneNumberID is Wise's id of a phone number: a positive number.
type PhoneNumberID int64

// Profile says whose factor a call is about, and whose token acts: a user, and
// one of the user's profiles, which [Client.ListProfiles] lists.
type Profile struct {
	User UserID
	ID   ProfileID
}
