package usersecuritytest

import (
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// pinDigits is how many digits a PIN has.
const pinDigits = 4

// pinRoutes take what the successor answers when a PIN was made.
func pinRoutes(u *users, created answer) []route {
	return []route{
		{
			operation: usersecurity.OpCreatePin,
			methods:   []string{http.MethodPost}, path: "/v1/user/pin", ended: true,
			token: kindUser, body: sealedBody, reply: settledReply,
			handle: u.createPin(emptyAnswer(http.StatusNoContent)),
		},
		{
			operation: usersecurity.OpDeletePin,
			methods:   []string{http.MethodDelete}, path: "/v1/users/{user}/pin", ended: true,
			token: kindApplication, grant: true,
			handle: u.deletePin(errorAnswer(http.StatusNotFound, codePinNotSet, "The PIN is not set up")),
		},
		{
			operation: usersecurity.OpSCACreatePin,
			methods:   []string{http.MethodPost}, path: "/v2/profiles/{profile}/pin",
			token: kindUser, body: sealedBody, reply: settledReply, handle: u.createPin(created),
		},
		{
			operation: usersecurity.OpSCADeletePin,
			methods:   []string{http.MethodDelete}, path: "/v2/profiles/{profile}/pin",
			token: kindUser, handle: u.deletePin(emptyAnswer(http.StatusNotFound).because("no PIN is set")),
		},
	}
}

func (u *users) createPin(created answer) func(*call) answer {
	return func(c *call) answer {
		pin, refused := pinIn(c)
		if refused != nil {
			return *refused
		}
		switch u.setSecret(c.user(), c.ids.profile, pinOf, DigestOf(pin)) {
		case unknownUser:
			return noSuchUser()
		case exists:
			return emptyAnswer(http.StatusConflict).because("the user has a PIN already")
		}
		return created
	}
}

// pinIn is the one that a call brings.
func pinIn(c *call) (string, *answer) {
	pin, refused := c.field("pin")
	if refused != nil {
		return "", refused
	}
	if !isPin(pin) {
		a := errorAnswer(http.StatusBadRequest, "pin.invalid", "The PIN must be four digits")
		return "", &a
	}
	return pin, nil
}

func isPin(text string) bool {
	return len(text) == pinDigits && strings.Trim(text, "0123456789") == ""
}

func (u *users) deletePin(notSet answer) func(*call) answer {
	return func(c *call) answer {
		switch u.removeSecret(c.user(), c.ids.profile, pinOf) {
		case unknownUser:
			return noSuchUser()
		case missing:
			return notSet
		}
		return emptyAnswer(http.StatusNoContent)
	}
}
