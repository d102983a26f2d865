package usersecuritytest

import (
	"net/http"
	"strings"
)

// pinDigits is how many digits a PIN has.
const pinDigits = 4

func (x *exchange) createPin() answer {
	pin, refused := x.field("pin")
	if refused != nil {
		return *refused
	}
	if len(pin) != pinDigits || strings.Trim(pin, "0123456789") != "" {
		return errorAnswer(http.StatusBadRequest, "pin.invalid", "The PIN must be four digits")
	}
	switch x.server.users.setSecret(x.token.user, pinOf, DigestOf(pin)) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case exists:
		return emptyAnswer(http.StatusConflict)
	}
	return emptyAnswer(http.StatusNoContent)
}

func (x *exchange) deletePin() answer {
	switch x.server.users.removeSecret(x.ids.user, pinOf) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case missing:
		return errorAnswer(http.StatusNotFound, codePinNotSet, "The PIN is not set up")
	}
	return emptyAnswer(http.StatusNoContent)
}
