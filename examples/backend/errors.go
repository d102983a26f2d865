package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/wise-partner/usersecurity"
)

// problem is an error as the app gets it (RFC 9457). The app branches on Code,
// which stays what it is; Next tells its developers what to do about it.
type problem struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Next      string `json:"next,omitempty"`
	RequestID string `json:"requestId"`

	retryAfter time.Duration
}

func (p *problem) Error() string { return p.Code }

func (p *problem) setHeaders(h http.Header) {
	h.Set("Content-Type", "application/problem+json")
	if p.retryAfter > 0 {
		h.Set("Retry-After", seconds(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

func newProblem(status int, code, next string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Code: code, Next: next}
}

func (p *problem) after(d time.Duration) *problem {
	p.retryAfter = d
	return p
}

// What is wrong with a request, or the state of what it asks for.
var (
	problemSession = newProblem(http.StatusUnauthorized, "unauthenticated",
		"Log the customer in, and send the session as a bearer token.")
	problemMediaType = newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type",
		"Send application/json.")
	problemTooLarge = newProblem(http.StatusRequestEntityTooLarge, "body_too_large", "")
	problemBody     = newProblem(http.StatusBadRequest, "invalid_body", "")
	problemChanging = newProblem(http.StatusConflict, "change_in_progress",
		"Another change of this customer's is being made: wait for it, and look before sending this one again.").after(time.Second)

	problemPin = newProblem(http.StatusUnprocessableEntity, "invalid_pin",
		"A PIN is four digits.")
	problemPinSet = newProblem(http.StatusConflict, "pin_already_set",
		"The customer has a PIN. To change it, DELETE /me/pin first.")
	problemPinUnconfirmed = newProblem(http.StatusConflict, "pin_unconfirmed",
		"The customer has a PIN: this one, or an older one. Let him use it, or DELETE /me/pin and set it again.")
	problemPinNotSet = newProblem(http.StatusNotFound, "pin_not_set", "")

	problemFingerprint = newProblem(http.StatusUnprocessableEntity, "invalid_fingerprint",
		"A fingerprint is a text of 1 to 4096 bytes.")
	problemDeviceExists = newProblem(http.StatusConflict, "device_already_registered",
		"Nothing is to be done. GET /me/devices lists it.")
	problemDeviceLimit = newProblem(http.StatusConflict, "device_limit_reached",
		"Let the customer choose a device from GET /me/devices, and DELETE it.")
	problemDeviceNotFound = newProblem(http.StatusNotFound, "device_not_found", "")

	problemPhone = newProblem(http.StatusUnprocessableEntity, "invalid_phone_number",
		"Send the number with + and country code, and no spaces.")
	problemPhoneUnverified = newProblem(http.StatusUnprocessableEntity, "phone_number_unverified",
		"Let the customer verify the number first.")
	// It may be another customer's: this is not the place to say so.
	problemPhoneTaken = newProblem(http.StatusUnprocessableEntity, "phone_number_unavailable",
		"Ask the customer for another number.")
	problemPhoneNotSet  = newProblem(http.StatusNotFound, "phone_not_set", "")
	problemPhoneChanged = newProblem(http.StatusConflict, "phone_changed",
		"The number was changed elsewhere. GET /me/phone, and try again.")
)

// What stands between the customer and Wise. Where the library knows that a call
// had no effect, the code is one of these. They don't promise the app that
// nothing has changed: PUT /me/phone is more than one call.
var (
	problemLink = newProblem(http.StatusForbidden, "wise_link_required",
		"Let the customer link the account to Wise again.")
	problemSCA = newProblem(http.StatusForbidden, "wise_verification_required",
		"Wise wants the customer to prove who he is first.")
	problemBusy        = newProblem(http.StatusServiceUnavailable, "wise_busy", "Try again later.")
	problemUnavailable = newProblem(http.StatusServiceUnavailable, "wise_unavailable",
		"Try again later.").after(10 * time.Second)
	problemRefused  = newProblem(http.StatusBadGateway, "wise_refused", "Trying again won't help.")
	problemInternal = newProblem(http.StatusInternalServerError, "internal_error", "")

	// It is done, but its result is lost.
	problemUnreadable = newProblem(http.StatusBadGateway, "done_but_unreadable",
		"It is done. GET the resource to see it.")
)

// problemUnknown says that the change may have been made or not. It is an error
// and not a 202: nothing here goes on working at it, and an app that took it for
// a success would tell the customer what nobody knows. Sending the same request
// again does no harm, whichever it is: nothing can be done twice.
func problemUnknown(op usersecurity.Operation) *problem {
	next := "GET /me/phone to look, or send the request again."
	switch op {
	case usersecurity.OpCreatePin:
		next = "Send the request again. If the answer is pin_already_set, it means what pin_unconfirmed means."
	case usersecurity.OpDeletePin:
		next = "Send the request again. If the answer is pin_not_set, it is done."
	case usersecurity.OpCreateDeviceFingerprint:
		next = "Send the request again. If the answer is device_already_registered, it is done."
	case usersecurity.OpDeleteDeviceFingerprint:
		next = "Send the request again. If the answer is device_not_found, it is done."
	}
	return newProblem(http.StatusGatewayTimeout, "outcome_unknown", next)
}

// sentinels are the library's errors that say all there is to say.
var sentinels = []struct {
	is      error
	problem *problem
}{
	{usersecurity.ErrPinAlreadySet, problemPinSet},
	{usersecurity.ErrPinNotSet, problemPinNotSet},
	{usersecurity.ErrFingerprintExists, problemDeviceExists},
	{usersecurity.ErrFingerprintLimit, problemDeviceLimit},
	{usersecurity.ErrFingerprintNotFound, problemDeviceNotFound},
	{usersecurity.ErrPhoneRepeated, problemPhoneTaken},
	{usersecurity.ErrSCARequired, problemSCA},
	{usersecurity.ErrServer, problemUnavailable},
	{usersecurity.ErrTransport, problemUnavailable},
	{usersecurity.ErrAttemptTimeout, problemUnavailable},
	// Credentials that are wrong, a grant that Wise has not given, a wrong base URL, a user that Wise doesn't
	// know: it takes a person to look at the log.
	{usersecurity.ErrUnauthorized, problemRefused},
	{usersecurity.ErrForbidden, problemRefused},
	{usersecurity.ErrUserNotFound, problemRefused},
	{usersecurity.ErrInvalidRequest, problemRefused},
	{usersecurity.ErrNotFound, problemRefused},
	{usersecurity.ErrRedirect, problemRefused},
	{usersecurity.ErrUnexpectedStatus, problemRefused},
}

// problemOf turns any error into what the app is told. The order matters: an
// error may match several sentinels, as it unwraps to its causes.
func problemOf(err error) *problem {
	p := *choose(err) // a copy, as it gets the id of the request
	var api *usersecurity.APIError
	if p.Code == problemBusy.Code && errors.As(err, &api) {
		p.retryAfter = max(api.RetryAfter, time.Second)
	}
	return &p
}

func choose(err error) *problem {
	var own *problem
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, errNoSession) {
		return problemSession
	}

	// First of all: is it known what became of the change?
	var (
		lost *usersecurity.OutcomeError
		api  *usersecurity.APIError
	)
	answered := errors.As(err, &api)
	switch {
	case errors.As(err, &lost):
		return problemUnknown(lost.Op)
	case errors.Is(err, usersecurity.ErrOutcomeUnknown):
		return problemUnknown("") // from a double that returns the bare error
	case answered && api.Uncertain:
		return chooseUncertain(api)
	case isDone(err):
		return problemUnreadable
	}

	switch {
	case errors.Is(err, errNotLinked):
		return problemLink
	case errors.Is(err, usersecurity.ErrRateLimited):
		return problemBusy
	case errors.Is(err, usersecurity.ErrNoToken), errors.Is(err, usersecurity.ErrNoKey):
		// The cause is an answer to something else than the customer asked for.
		return problemUnavailable
	case answered && isCustomers(api.Op) && errors.Is(err, usersecurity.ErrUnauthorized):
		return problemLink
	case answered && api.Op == usersecurity.OpUpdatePhoneNumber && errors.Is(err, usersecurity.ErrNotFound):
		return problemPhoneChanged
	case answered && isPhoneWrite(api.Op) && errors.Is(err, usersecurity.ErrInvalidRequest):
		return problemPhone
	}
	for _, s := range sentinels {
		if errors.Is(err, s.is) {
			return s.problem
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return problemUnavailable // before anything was sent, or while something was read
	}
	return problemInternal
}

// chooseUncertain is for a refusal after an attempt of the same call that may
// have been carried out unheard.
//
// A PIN that is there may be the one just sent, or an older one that the
// customer didn't mean to keep. Deleting it and setting the new one would settle
// that, and is left to the customer: it would replace an older PIN without the
// question that a DELETE is worth, because of a broken connection.
func chooseUncertain(err *usersecurity.APIError) *problem {
	switch {
	case errors.Is(err, usersecurity.ErrPinAlreadySet):
		return problemPinUnconfirmed
	case errors.Is(err, usersecurity.ErrFingerprintExists):
		return problemDeviceExists // whoever registered it: it is the one that was sent
	}
	return problemUnknown(err.Op)
}

// isDone reports whether Wise did what was asked, and only its reply can't be
// read. The same may be true of the reply with a token or a key, without which
// nothing was asked.
func isDone(err error) bool {
	return !errors.Is(err, usersecurity.ErrNoToken) && !errors.Is(err, usersecurity.ErrNoKey) &&
		(errors.Is(err, usersecurity.ErrDecrypt) || errors.Is(err, usersecurity.ErrPlaintextReply) ||
			errors.Is(err, usersecurity.ErrReplyTooLarge) || errors.Is(err, usersecurity.ErrMalformedReply))
}

// readFailure is for the lists: a list that can't be read is not done.
func readFailure(err error) error {
	if isDone(err) {
		return errors.Join(problemRefused, err)
	}
	return err
}

// isCustomers reports whether an operation is made with the customer's token;
// the others are made with the partner's own.
func isCustomers(op usersecurity.Operation) bool {
	return op == usersecurity.OpCreatePin || op == usersecurity.OpCreateDeviceFingerprint
}

func isPhoneWrite(op usersecurity.Operation) bool {
	return op == usersecurity.OpCreatePhoneNumber || op == usersecurity.OpUpdatePhoneNumber
}

// levelOf wakes nobody for what a customer did.
func levelOf(status int) slog.Level {
	switch {
	case status == http.StatusServiceUnavailable:
		return slog.LevelWarn // it passes
	case status >= 500:
		return slog.LevelError
	}
	return slog.LevelInfo
}
