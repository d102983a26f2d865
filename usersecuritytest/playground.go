package usersecuritytest

import (
	"net/http"
	"unicode/utf8"

	"github.com/wise-partner/usersecurity"
)

// maxMessage is the longest message the playground takes, in characters.
const maxMessage = 100

func playgroundRoutes() []route {
	return []route{
		{
			operation: usersecurity.OpVerifyJWE,
			methods:   []string{http.MethodPost}, path: "/v1/auth/jose/playground/jwe-direct-encryption",
			token: kindApplication, body: joseBody, reply: directReply, handle: echo,
		},
		{
			methods: []string{http.MethodPost}, path: "/v1/auth/jose/playground/jwe",
			token: kindApplication, body: joseBody, reply: keyReply, handle: echo,
		},
		{
			methods: []string{http.MethodGet}, path: "/v1/auth/jose/playground/jwe",
			token: kindApplication, reply: keyReply, handle: greet,
		},
	}
}

// echo answers a message with itself, to try sealing out.
func echo(c *call) answer {
	message, refused := c.field("message")
	if refused != nil {
		return *refused
	}
	if utf8.RuneCountInString(message) > maxMessage {
		return *refusal(http.StatusBadRequest, "message.long", "the message is longer than 100 characters")
	}
	return playgroundAnswer(c.request.Method, message)
}

// greet answers without a message. The calendar versions want the key for the
// reply to be named.
func greet(c *call) answer {
	if c.inCalendar && c.request.Header.Get(headerReplyKey) == "" {
		return *refusal(http.StatusBadRequest, "header.missing", "this call must have the header "+headerReplyKey)
	}
	return playgroundAnswer(c.request.Method, "")
}

func playgroundAnswer(method, message string) answer {
	return jsonAnswer(http.StatusOK, struct {
		Message string `json:"message"`
		Method  string `json:"method"`
	}{"jose-playground-response-" + message, method})
}
