package usersecuritytest

import (
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// NewError returns the error that the client's method op returns when Wise
// answers every attempt with status and an error body of that code; with an
// empty body if code is empty. It matches the same sentinels of package
// usersecurity and unwraps to the same *usersecurity.APIError. After a status
// that leaves open whether a write was done, such as 503, it is a
// *usersecurity.OutcomeError around that.
func NewError(op usersecurity.Operation, status int, code string) error {
	var (
		header http.Header
		body   []byte
	)
	if code != "" {
		a := errorAnswer(status, code, "")
		header, body = http.Header{"Content-Type": {a.contentType}}, a.body
	}
	e := usersecurity.NewAPIError(op, status, header, body)
	if leavesOpen(status) && isWrite(op) {
		return &usersecurity.OutcomeError{Op: op, Attempts: e.Attempts, Err: e}
	}
	return e
}

// leavesOpen reports whether a status says nothing of what became of the
// request.
func leavesOpen(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func isWrite(op usersecurity.Operation) bool {
	switch op {
	case usersecurity.OpListDeviceFingerprints, usersecurity.OpListPhoneNumbers:
		return false
	case usersecurity.OpRegisterReplyKey:
		return true
	}
	return userSecurity[op]
}
