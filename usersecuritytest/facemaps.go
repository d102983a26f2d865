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
			methods:   []string{http.MethodPost}, path: "/v1/user/facemap/enrol", ended: true,
			token: kindUser, body: jsonBody, handle: u.enrolFaceMap,
		},
		{
			operation: usersecurity.OpDeleteFaceMap,
			methods:   []string{http.MethodDelete}, path: "/v1/users/{user}/facemap/enrol", ended: true,
			token: kindApplication, grant: true,
			handle: u.deleteFaceMap(errorAnswer(http.StatusNotFound, codeFaceMapNotSet, "The face map is not set up")),
		},
		{
			operation: usersecurity.OpSCAEnrolFaceMap,
			methods:   []string{http.MethodPost}, path: "/v2/profiles/{profile}/facemaps",
			token: kindUser, body: jsonBody, handle: u.enrolFaceMap,
		},
		{
			operation: usersecurity.OpSCADeleteFaceMap,
			methods:   []string{http.MethodDelete}, path: "/v2/profiles/{profile}/facemaps",
			token: kindUser, handle: u.deleteFaceMap(emptyAnswer(http.StatusNotFound).because("no face map is enrolled")),
		},
	}
}

func (u *users) enrolFaceMap(c *call) answer {
	faceMap, refused := faceMapIn(c)
	if refused != nil {
		return *refused
	}
	switch u.setSecret(c.user(), c.ids.profile, faceMapOf, DigestOf(faceMap)) {
	case unknownUser:
		return noSuchUser()
	case exists:
		return emptyAnswer(http.StatusConflict).because("the user has a face map already")
	}
	return emptyAnswer(http.StatusNoContent)
}

// faceMapIn is the one that a call brings.
func faceMapIn(c *call) (string, *answer) {
	faceMap, refused := c.field("faceMap")
	if refused != nil {
		return "", refused
	}
	if !isFaceMap(faceMap) {
		a := errorAnswer(http.StatusBadRequest, "facemap.invalid", "The face map must be base64")
		return "", &a
	}
	return faceMap, nil
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

func (u *users) deleteFaceMap(notSet answer) func(*call) answer {
	return func(c *call) answer {
		switch u.removeSecret(c.user(), c.ids.profile, faceMapOf) {
		case unknownUser:
			return noSuchUser()
		case missing:
			return notSet
		}
		return emptyAnswer(http.StatusNoContent)
	}
}
