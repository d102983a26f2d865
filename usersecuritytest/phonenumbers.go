package usersecuritytest

import (
	"net/http"
	"regexp"
)

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

func (x *exchange) listPhoneNumbers() answer {
	list, outcome := x.server.users.listPhones(x.ids.user)
	if outcome != done {
		return emptyAnswer(http.StatusNotFound)
	}
	replies := make([]phoneReply, len(list)) // an empty list is written [], not null
	for i, p := range list {
		replies[i] = p.reply()
	}
	return jsonAnswer(http.StatusOK, replies)
}

func (x *exchange) createPhoneNumber() answer {
	number, refused := x.phoneNumber()
	if refused != nil {
		return *refused
	}
	return phoneAnswer(x.server.users.addPhone(x.ids.user, number))
}

func (x *exchange) updatePhoneNumber() answer {
	number, refused := x.phoneNumber()
	if refused != nil {
		return *refused
	}
	return phoneAnswer(x.server.users.changePhone(x.ids.user, x.ids.phone, number))
}

// deletePhoneNumber answers an unknown number like an unknown user: Wise
// documents no answer, and 404 is what its other deletes give.
func (x *exchange) deletePhoneNumber() answer {
	if x.server.users.removePhone(x.ids.user, x.ids.phone) != done {
		return emptyAnswer(http.StatusNotFound)
	}
	return emptyAnswer(http.StatusNoContent)
}

// phoneNumber is the one that a request brings. Wise documents no answer for an
// invalid one.
func (x *exchange) phoneNumber() (string, *answer) {
	number, refused := x.field("phoneNumber")
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
		return emptyAnswer(http.StatusNotFound)
	case exists:
		// Wise's message names the other account by its masked e-mail address.
		return errorAnswer(http.StatusUnprocessableEntity, codePhoneRepeated,
			"The phone number is already in use by j****e@example.com")
	}
	return jsonAnswer(http.StatusOK, p.reply())
}
