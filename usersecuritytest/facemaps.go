package usersecuritytest

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

func faceMapRoutes(u *users) []route {
	return []route{
		{
			operation: usersecurity.OpEnrolFaceMap,
			methods:   []string{http.MethodPost}, path: "/v1/user/facemap/enrol",
			token: kindUser, body: jsonBody, handle: u.enrolFaceMap,
		},
		{
			operation: usersecurity.OpDeleteFaceMap,
			methods:   []string{http.MethodDelete}, path: "/v1/users/{user}/facemap/enrol",
			token: kindApplication, grant: true, handle: u.deleteFaceMap,
		},
	}
}

func (u *users) enrolFaceMap(c *call) answer {
	faceMap, refused := c.field("faceMap")
	if refused != nil {
		return *refused
	}
	if !isFaceMap(faceMap) {
		return errorAnswer(http.StatusBadRequest, "facemap.invalid", "The face map must be base64")
	}
	switch u.setSecret(c.token.user, faceMapOf, DigestOf(faceMap)) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case exists:
		return emptyAnswer(http.StatusConflict)
	}
	return emptyAnswer(http.StatusNoContent)
}

// isFaceMap takes standard base64 with padding. The decoder alone would skip
// line breaks.
func isFaceMap(text string) bool {
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

func (u *users) deleteFaceMap(c *call) answer {
	switch u.removeSecret(c.ids.user, faceMapOf) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case missing:
		return errorAnswer(http.StatusNotFound, codeFaceMapNotSet, "The face map is not set up")
	}
	return emptyAnswer(http.StatusNoContent)
}
