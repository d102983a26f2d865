package usersecurity

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
)

const (
	faceMapBefore = `{"faceMap":"`
	faceMapAfter  = `"}`
)

// NewFaceMap takes the bytes of an encrypted face map, and copies them. It
// fails, with an error that matches [ErrInvalidArgument], where there are none,
// and where they are base64 text already: that is for [FaceMapFromBase64].
func NewFaceMap(raw []byte) (FaceMap, error) {
	switch {
	case len(raw) == 0:
		return FaceMap{}, invalid("a face map can't be empty")
	case isText(bytes.TrimRight(raw, "\r\n")):
		return FaceMap{}, invalid("the face map is base64 text already: use FaceMapFromBase64")
	}
	payload := make([]byte, 0, len(faceMapBefore)+base64.StdEncoding.EncodedLen(len(raw))+len(faceMapAfter))
	payload = append(payload, faceMapBefore...)
	payload = base64.StdEncoding.AppendEncode(payload, raw)
	payload = append(payload, faceMapAfter...)
	return FaceMap{keep(payload)}, nil
}

// isText reports whether bytes are base64 text, and that by no accident.
func isText(raw []byte) bool {
	const shortest, shortestPadded = 24, 8
	enough := shortest
	if bytes.HasSuffix(raw, []byte("=")) {
		enough = shortestPadded
	}
	return len(raw) >= enough && isStandardBase64(raw)
}

// FaceMapFromBase64 takes an encrypted face map as FaceTec's export API
// returns it: standard base64 (RFC 4648, section 4) with padding and without
// line breaks, but for one at its end. Anything else is refused with an error
// that matches [ErrInvalidArgument] and doesn't repeat it.
func FaceMapFromBase64(s string) (FaceMap, error) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
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
	return FaceMap{keep(payload)}, nil
}

// isStandardBase64 does not decode: a face map is large, and only its shape
// matters here.
func isStandardBase64[T string | []byte](s T) bool {
	if len(s)%4 != 0 {
		return false
	}
	end := len(s)
	for end > 0 && end > len(s)-2 && s[end-1] == '=' {
		end--
	}
	for i := range end {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

// EnrolFaceMap enrols the user's face map. It needs the user's token. The face
// map is not sealed: FaceTec's export has encrypted it for Wise already.
//
// Errors: [ErrFaceMapAlreadyEnrolled]. There is no way to change a face map:
// delete it first.
//
// POST /v1/user/facemap/enrol. Successor: POST /v2/profiles/{profileId}/facemaps.
func (c *Client) EnrolFaceMap(ctx context.Context, user UserID, faceMap FaceMap, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: OpEnrolFaceMap, user: user, secret: faceMap.secret}, opts)
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
	_, err := c.do(ctx, request{op: OpDeleteFaceMap, user: user}, opts)
	return err
}
