package usersecurity

import (
	"errors"
	"time"
)

// RetryAfterOf tells how long Wise wants to be left alone, of an error that says
// so: a response with a Retry-After ([APIError.RetryAfter]), or a call that the
// client held back because of an earlier one, for which it is what was left of
// that time. The client itself holds calls back for no longer than
// [RetryPolicy.MaxRetryAfter]. It is zero for any other error.
func RetryAfterOf(err error) time.Duration {
	var (
		held     heldBack
		response *APIError
	)
	switch {
	case errors.As(err, &held):
		return time.Duration(held)
	case errors.As(err, &response):
		return response.RetryAfter
	}
	return 0
}

// heldBack is why a request was not sent: for so long Wise wants none.
type heldBack time.Duration

func (h heldBack) words() string {
	return "Wise wants no such call for another " + time.Duration(h).Round(time.Millisecond).String()
}

func (h heldBack) Error() string { return "usersecurity: " + h.words() }
