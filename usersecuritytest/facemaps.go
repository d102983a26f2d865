package usersecuritytest

import (
	"encoding/base64"
	"net/http"
	"strings"
)

func (x *exchange) enrolFaceMap() answer {
	faceMap, refused := x.field("faceMap")
	if refused != nil {
		return *refused
	}
	if !isFaceMap(faceMap) {
		return errorAnswer(http.StatusBadRequest, "facemap.invalid", "The face map must be base64")
	}
	switch x.server.users.setSecret(x.token.user, faceMapOf, DigestOf(faceMap)) {
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

func (x *exchange) deleteFaceMap() answer {
	switch x.server.users.removeSecret(x.ids.user, faceMapOf) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case missing:
		return errorAnswer(http.StatusNotFound, codeFaceMapNotSet, "The face map is not set up")
	}
	return emptyAnswer(http.StatusNoContent)
}
