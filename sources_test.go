package usersecurity_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// What the token endpoint says of itself is no answer to the operation.
func TestTokenEndpointAnswersForItself(t *testing.T) {
	for status, matches := range map[int]error{
		http.StatusNotFound:            nil,
		http.StatusBadRequest:          nil,
		http.StatusUnauthorized:        usersecurity.ErrUnauthorized,
		http.StatusServiceUnavailable:  usersecurity.ErrServer,
		http.StatusTooManyRequests:     usersecurity.ErrRateLimited,
		http.StatusOK:                  nil, // with a body that holds no token
		http.StatusInternalServerError: usersecurity.ErrServer,
	} {
		wise, client := newPair(t, nil, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
		wise.Inject(usersecuritytest.Fault{
			Kind: usersecuritytest.Status, Operation: usersecurity.OpFetchToken, Status: status, Body: `{"error":"x","error_description":"y"}`,
		})
		err := client.DeletePhoneNumber(t.Context(), 1001, 1)
		if !errors.Is(err, usersecurity.ErrNoToken) {
			t.Errorf("%d: %v", status, err)
		}
		for _, sentinel := range []error{
			usersecurity.ErrNotFound, usersecurity.ErrInvalidRequest, usersecurity.ErrMalformedReply, usersecurity.ErrUnexpectedStatus,
			usersecurity.ErrUnauthorized, usersecurity.ErrServer, usersecurity.ErrRateLimited, usersecurity.ErrOutcomeUnknown,
		} {
			if got := errors.Is(err, sentinel); got != (sentinel == matches) {
				t.Errorf("%d: matches %q: %v", status, sentinel, got)
			}
		}
		var answer *usersecurity.APIError
		if as := errors.As(err, &answer); status != http.StatusOK && (!as || answer.Op != usersecurity.OpFetchToken || answer.StatusCode != status) {
			t.Errorf("%d: the answer: %v", status, answer)
		}
		if n := wise.Count(usersecurity.OpDeletePhoneNumber); n != 0 {
			t.Errorf("%d: %d requests without a token", status, n)
		}
	}
}
