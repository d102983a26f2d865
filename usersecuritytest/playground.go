package usersecuritytest

import (
	"net/http"
	"unicode/utf8"
)

// maxMessage is the longest message the playground takes, in characters.
const maxMessage = 100

// playground answers a message with itself, to try sealing out.
func (x *exchange) playground() answer {
	var message string
	if x.route.body != noBody {
		var refused *answer
		if message, refused = x.field("message"); refused != nil {
			return *refused
		}
		if utf8.RuneCountInString(message) > maxMessage {
			return *refusal(http.StatusBadRequest, "message.long", "the message is longer than 100 characters")
		}
	}
	return jsonAnswer(http.StatusOK, struct {
		Message string `json:"message"`
		Method  string `json:"method"`
	}{"jose-playground-response-" + message, x.request.Method})
}
