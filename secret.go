package usersecurity

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
)

// mask is all that a secret ever prints.
const mask = "****"

// maxFingerprint bounds a fingerprint in bytes. Wise documents no bound; a
// value this long is a mistake at the caller's.
const maxFingerprint = 4096

// masked gives a type every printing method there is, each of which prints the
// mask. It is embedded by the secrets, so that neither fmt, slog nor an encoder
// finds a way round it.
type masked struct{}

// Format prints the mask, whatever the verb.
func (masked) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// String returns the mask.
func (masked) String() string { return mask }

// GoString returns the mask.
func (masked) GoString() string { return mask }

// LogValue is the mask.
func (masked) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText writes the mask.
func (masked) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON writes the mask as a JSON string.
func (masked) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// Pin is a user's PIN: exactly four ASCII digits. Make one with [NewPin]; the
// zero Pin is refused by every method.
//
// A Pin can't be printed: every fmt verb, slog handler and JSON encoder gives
// a fixed mask, and the digits can't be read back from it.
type Pin struct {
	masked
	payload *[]byte
}

func (p Pin) plaintext() []byte         { return bytesOf(p.payload) }
func (p Fingerprint) plaintext() []byte { return bytesOf(p.payload) }
func (m FaceMap) plaintext() []byte     { return bytesOf(m.payload) }

func bytesOf(payload *[]byte) []byte {
	if payload == nil {
		return nil // the zero value, which check refuses
	}
	return *payload
}

// NewPin takes a PIN of exactly four ASCII digits; leading zeros count. Any
// other text is refused with an error that matches [ErrInvalidArgument] and
// doesn't repeat it.
func NewPin(digits string) (Pin, error) {
	if len(digits) != 4 || strings.Trim(digits, "0123456789") != "" {
		return Pin{}, invalid("a PIN is exactly four digits 0 to 9")
	}
	payload := []byte(`{"pin":"` + digits + `"}`)
	return Pin{payload: &payload}, nil
}

// Fingerprint is what a partner's app computed to recognise a device. Make one
// with [NewFingerprint]; the zero Fingerprint is refused by every method. Like
// a [Pin] it can't be printed.
type Fingerprint struct {
	masked
	payload *[]byte
}

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
	payload := slices.Concat([]byte(`{"deviceFingerprint":`), text, []byte(`}`))
	return Fingerprint{payload: &payload}, nil
}

// FaceMap is a FaceTec face map, encrypted by FaceTec's server export to
// Wise's FaceTec key. Make one with [NewFaceMap] or [FaceMapFromBase64]; the
// zero FaceMap is refused by every method. Like a [Pin] it can't be printed.
type FaceMap struct {
	masked
	payload *[]byte
}

const (
	faceMapBefore = `{"faceMap":"`
	faceMapAfter  = `"}`
)

// NewFaceMap takes the bytes of an encrypted face map; it fails, with an error
// that matches [ErrInvalidArgument], where there are none. It copies them.
func NewFaceMap(raw []byte) (FaceMap, error) {
	if len(raw) == 0 {
		return FaceMap{}, invalid("a face map can't be empty")
	}
	payload := make([]byte, 0, len(faceMapBefore)+base64.StdEncoding.EncodedLen(len(raw))+len(faceMapAfter))
	payload = append(payload, faceMapBefore...)
	payload = base64.StdEncoding.AppendEncode(payload, raw)
	payload = append(payload, faceMapAfter...)
	return FaceMap{payload: &payload}, nil
}

// FaceMapFromBase64 takes an encrypted face map as FaceTec's export API
// returns it: standard base64 (RFC 4648, section 4) with padding and without
// line breaks. Anything else is refused with an error that matches
// [ErrInvalidArgument] and doesn't repeat it.
func FaceMapFromBase64(s string) (FaceMap, error) {
	if s == "" {
		return FaceMap{}, invalid("a face map can't be empty")
	}
	if !isStandardBase64(s) {
		return FaceMap{}, invalid("a face map must be standard base64 with padding and without line breaks")
	}
	payload := make([]byte, 0, len(faceMapBefore)+len(s)+len(faceMapAfter))
	payload = append(payload, faceMapBefore...)
	payload = append(payload, s...)
	payload = append(payload, faceMapAfter...)
	return FaceMap{payload: &payload}, nil
}

// isStandardBase64 does not decode: a face map is large, and only its shape
// matters here.
func isStandardBase64(s string) bool {
	if len(s)%4 != 0 {
		return false
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

// maskPhoneNumber keeps the last two digits, which is enough to tell two
// numbers of one user apart in a log.
func maskPhoneNumber(number string) string {
	if len(number) < 6 {
		return mask
	}
	return mask + number[len(number)-2:]
}
