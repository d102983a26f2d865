package usersecuritytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// answer is what a request is answered with, before it meets the network.
type answer struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	refusal     string // the rule that the request breaks, and how; empty if none
	reason      string // why it is no success, for those who test; empty if it is one
}

const (
	typeJSON = "application/json"
	typeJOSE = "application/jose+json"
	typeForm = "application/x-www-form-urlencoded"
	typeHTML = "text/html; charset=utf-8"
	typeText = "text/plain"
)

// Codes that Wise documents.
const (
	codePinNotSet     = "pin.not.setup"
	codeFaceMapNotSet = "facemap.not.setup"
	codePhoneRepeated = "phone.number.repeated"
	simulatorCode     = "simulator."
)

func emptyAnswer(status int) answer { return answer{status: status} }

// noSuchUser is the answer to calls about a user that the simulator doesn't know.
func noSuchUser() answer {
	return emptyAnswer(http.StatusNotFound).because("the simulator doesn't know this user")
}

// because adds why an answer is no success: of much of it Wise says nothing. It
// holds nothing of what was sent.
func (a answer) because(reason string) answer {
	a.reason = reason
	return a
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: an answer can't be encoded: %v", err))
	}
	return answer{status: status, contentType: typeJSON, body: body}
}

// errorAnswer has the shape of the errors of User Security.
func errorAnswer(status int, code, message string) answer {
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	return jsonAnswer(status, struct {
		Errors []entry `json:"errors"`
	}{[]entry{{code, message}}}).because(code + ": " + message)
}

// refusal answers a request that breaks the contract. It tells which rule, and
// never repeats what was sent. It has the shape of the layers before the
// operation, so that a 400 for a missing header isn't taken for the one that a
// fourth fingerprint gets.
func refusal(status int, rule, message string) *answer {
	a := oauthError(status, simulatorCode+rule, message)
	a.refusal = rule + ": " + message
	a.reason = a.refusal
	return &a
}

// oauthError has the shape of the errors of the token layer.
func oauthError(status int, code, description string) answer {
	return jsonAnswer(status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description}).because(code + ": " + description)
}

func invalidToken() answer {
	return oauthError(http.StatusUnauthorized, "invalid_token", "the access token is missing, unknown or expired")
}

// springError has the shape of the errors of Spring, which stands before Wise's
// own code.
func springError(now time.Time, status int, message, path string) answer {
	return jsonAnswer(status, struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Message   string `json:"message"`
		Path      string `json:"path"`
	}{
		now.UTC().Format("2006-01-02T15:04:05.000+0000"),
		status,
		http.StatusText(status),
		message,
		path,
	}).because(message)
}

// unreadable is all that Wise says of a body it can't decrypt.
func unreadable() answer {
	return jsonAnswer(http.StatusInternalServerError, struct {
		Message   string `json:"message"`
		RequestID string `json:"request_id"`
	}{"An unexpected error occurred", uuid.NewString()}).
		because("the body can't be opened: it isn't sealed to Wise's newest key, or it was changed")
}

// rateLimited is Wise's 429, which has no body.
func rateLimited(retryAfter string) answer {
	a := emptyAnswer(http.StatusTooManyRequests).because("too many requests")
	a.header = http.Header{"X-Rate-Limited-By": {"wise-public-api"}}
	if retryAfter != "" {
		a.header.Set("Retry-After", retryAfter)
	}
	return a
}
