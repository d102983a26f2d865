package usersecuritytest

import (
	"net/http"
	"regexp"

	"github.com/wise-partner/usersecurity"
)

func phoneNumberRoutes(u *users) []route {
	const all, one = "/v1/application/users/{user}/phone-numbers", "/v1/application/users/{user}/phone-numbers/{phone}"
	return []route{
		{
			operation: usersecurity.OpListPhoneNumbers,
			methods:   []string{http.MethodGet}, path: all, ended: true,
			token: kindApplication, grant: true, handle: u.listPhoneNumbers,
		},
		{
			operation: usersecurity.OpCreatePhoneNumber,
			methods:   []string{http.MethodPost}, path: all,
			token: kindApplication, grant: true, body: jsonBody, handle: u.createPhoneNumber,
		},
		{
			operation: usersecurity.OpUpdatePhoneNumber,
			methods:   []string{http.MethodPut}, path: one, ended: true,
			token: kindApplication, grant: true, body: jsonBody, handle: u.updatePhoneNumber,
		},
		{
			operation: usersecurity.OpDeletePhoneNumber,
			methods:   []string{http.MethodDelete}, path: one,
			token: kindApplication, grant: true, handle: u.deletePhoneNumber,
		},
	}
}

type phoneReply struct {
	ID          int64  `json:"id"`
	PhoneNumber string `json:"phoneNumber"`
	Type        string `json:"type"`
	Verified    bool   `json:"verified"`
	ClientID    string `json:"clientId"`
}

func (p phone) reply() phoneReply {
	return phoneReply{int64(p.id), p.number, phoneType, true, clientID}
}

// Wise asks for a valid number in international form; this is that of E.164.
var validPhoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

func (u *users) listPhoneNumbers(c *call) answer {
	list, outcome := u.listPhones(c.ids.user)
	if outcome != done {
		return noSuchUser()
	}
	replies := make([]phoneReply, len(list)) // an empty list is written [], not null
	for i, p := range list {
		replies[i] = p.reply()
	}
	return jsonAnswer(http.StatusOK, replies)
}

func (u *users) createPhoneNumber(c *call) answer {
	number, refused := phoneNumberOf(c)
	if refused != nil {
		return *refused
	}
	return phoneAnswer(u.addPhone(c.ids.user, number))
}

func (u *users) updatePhoneNumber(c *call) answer {
	number, refused := phoneNumberOf(c)
	if refused != nil {
		return *refused
	}
	return phoneAnswer(u.changePhone(c.ids.user, c.ids.phone, number))
}

// deletePhoneNumber answers an unknown number like an unknown user: Wise
// documents no answer, and 404 is what its other deletes give.
func (u *users) deletePhoneNumber(c *call) answer {
	if u.removePhone(c.ids.user, c.ids.phone) != done {
		return emptyAnswer(http.StatusNotFound).because("the user or the phone number is unknown")
	}
	return emptyAnswer(http.StatusNoContent)
}

// phoneNumberOf is the one that a request brings. Wise documents no answer for an
// invalid one.
func phoneNumberOf(c *call) (string, *answer) {
	number, refused := c.field("phoneNumber")
	if refused != nil {
		return "", refused
	}
	if !validPhoneNumber.MatchString(number) {
		a := errorAnswer(http.StatusUnprocessableEntity, "phone.number.invalid", "The phone number is not valid")
		return "", &a
	}
	return number, nil
}

func phoneAnswer(p phone, o outcome) answer {
	switch o {
	case unknownUser, missing:
		return emptyAnswer(http.StatusNotFound).because("the user or the phone number is unknown")
	case exists:
		// Wise's message names the other account by its masked e-mail address.
		return errorAnswer(http.StatusUnprocessableEntity, codePhoneRepeated,
			"The phone number is already in use by j****e@example.com")
	}
	return jsonAnswer(http.StatusOK, p.reply())
}
