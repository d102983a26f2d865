package main

import (
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

	problemFaceMap = newProblem(http.StatusUnprocessableEntity, "invalid_face_map",
		"Send what the face SDK made, as base64.")
	problemFaceMapSet = newProblem(http.StatusConflict, "face_map_already_enrolled",
		"The customer has a face map. To change it, DELETE /me/face-map first.")
	problemFaceMapUnconfirmed = newProblem(http.StatusConflict, "face_map_unconfirmed",
		"The customer has a face map: this one, or an older one. DELETE /me/face-map and enrol it again, to be sure.")
	problemFaceMapNotSet = newProblem(http.StatusNotFound, "face_map_not_enrolled", "")

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
		"POST /me/wise-link, and open the url of the answer in the customer's browser.")
	problemLinkExpired = newProblem(http.StatusForbidden, "wise_link_expired",
		"It was begun elsewhere, or too long ago: begin again.")
	problemLinkRefused = newProblem(http.StatusForbidden, "wise_link_refused",
		"The customer has not agreed.")
	problemOtherUser = newProblem(http.StatusForbidden, "wise_link_other_user",
		"Somebody else is logged in at Wise in this browser: let the customer log in there, and begin again.")
	problemProfile = newProblem(http.StatusConflict, "wise_profile_missing",
		"The customer has no personal profile at Wise that is active: it is made there.")
	problemSCA = newProblem(http.StatusForbidden, "wise_verification_required",
		"Wise wants the customer to prove who he is first.")
	problemBusy = newProblem(http.StatusServiceUnavailable, "wise_busy",
		"Try again later.").after(time.Second)
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
	case usersecurity.OpSCACreatePin:
		next = "Send the request again. If the answer is pin_already_set, it means what pin_unconfirmed means."
	case usersecurity.OpSCADeletePin:
		next = "Send the request again. If the answer is pin_not_set, it is done."
	case usersecurity.OpSCAEnrolFaceMap:
		next = "Send the request again. If the answer is face_map_already_enrolled, it means what face_map_unconfirmed means."
	case usersecurity.OpSCADeleteFaceMap:
		next = "Send the request again. If the answer is face_map_not_enrolled, it is done."
	case usersecurity.OpExchangeAuthorizationCode:
		next = "POST /me/wise-link, and begin again."
	case usersecurity.OpSCACreateDeviceFingerprint:
		next = "Send the request again. If the answer is device_already_registered, it is done."
	case usersecurity.OpSCADeleteDeviceFingerprint:
		next = "Send the request again. If the answer is device_not_found, it is done."
	}
	// Until then a request that was lost may still arrive.
	return newProblem(http.StatusGatewayTimeout, "outcome_unknown", next).after(time.Minute)
}
