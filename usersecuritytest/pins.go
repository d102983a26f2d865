package usersecuritytest

import (
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// pinDigits is how many digits a PIN has.
const pinDigits = 4

func pinRoutes(u *users) []route {
	return []route{
		{
			operation: usersecurity.OpCreatePin,
			methods:   []string{http.MethodPost}, path: "/v1/user/pin",
			token: kindUser, body: sealedBody, reply: settledReply, handle: u.createPin,
		},
		{
			operation: usersecurity.OpDeletePin,
			methods:   []string{http.MethodDelete}, path: "/v1/users/{user}/pin",
			token: kindApplication, grant: true, handle: u.deletePin,
		},
	}
}

func (u *users) createPin(c *call) answer {
	pin, refused := c.field("pin")
	if refused != nil {
		return *refused
	}
	if len(pin) != pinDigits || strings.Trim(pin, "0123456789") != "" {
		return errorAnswer(http.StatusBadRequest, "pin.invalid", "The PIN must be four digits")
	}
	switch u.setSecret(c.token.user, pinOf, DigestOf(pin)) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case exists:
		return emptyAnswer(http.StatusConflict)
	}
	return emptyAnswer(http.StatusNoContent)
}

func (u *users) deletePin(c *call) answer {
	switch u.removeSecret(c.ids.user, pinOf) {
	case unknownUser:
		return emptyAnswer(http.StatusNotFound)
	case missing:
		return errorAnswer(http.StatusNotFound, codePinNotSet, "The PIN is not set up")
	}
	return emptyAnswer(http.StatusNoContent)
}
