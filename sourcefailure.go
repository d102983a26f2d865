package usersecurity

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// sourceError is the failure of a source of tokens or keys, behind which there
// may be a call of its own to Wise. What Wise answered to that call must not be
// taken for an answer to the operation: of this package's errors only ErrNoToken
// or ErrNoKey match, and ErrReauthorise. The caller's own errors match,
// and [*APIError] can be had with errors.As; its Op tells.
type sourceError struct{ *callError }

// sourceFailure makes the error of a source that was asked under ctx.
func sourceFailure(ctx context.Context, op Operation, what, err error) error {
	e := &callError{op: op, known: OutcomeNotDone, own: []error{what}}
	words := safeText(err)
	switch {
	case isWorded(err) || ctx.Err() != nil:
	case errors.Is(err, flight.ErrExited):
		words = "a callback ended its goroutine (runtime.Goexit) instead of returning"
	case isOver(err):
		words = "the source gave up: " + words
	default:
		words = "the source failed with " + words + ", which errors.As finds"
	}
	e.text = wordsIn(op, what) + ": " + words
	if over := ended(ctx); over != nil {
		e.text = safeText(over) + ", " + safeText(what)
		e.own = []error{over, what}
	}
	e.foreign = func() []error { return []error{err} }
	return &sourceError{e}
}

// Is reports whether the source's own error matches target.
func (e *sourceError) Is(target error) bool {
	switch _, ours := target.(*sentinel); {
	case target == ErrNoToken: // as far as ErrReauthorise says so, a request may have been sent
		return e.callError.Is(ErrReauthorise)
	case ours && target != ErrReauthorise:
		return false
	}
	return e.callError.Is(target)
}

// afterSending takes back that nothing was sent: the request with the rejected
// token was.
func (e *sourceError) afterSending() error {
	sent := *e.callError
	sent.own = slices.DeleteFunc(slices.Clone(sent.own), func(c error) bool { return c == ErrNoToken })
	return &sourceError{&sent}
}

// grantFailure is the error of a grant whose call has ended with err: it says whose
// fault it is that the token endpoint refuses.
func grantFailure(ctx context.Context, op Operation, err error) error {
	switch {
	case refusesWith(err, "invalid_grant"):
		return sourceFailure(ctx, op, ErrNoToken, failure("", ErrReauthorise, err))
	case refusesWith(err, "invalid_client"), errors.Is(err, ErrUnauthorized):
		// It is the client's id or secret that Wise refuses, and nothing of the customer's.
		return sourceFailure(ctx, op, ErrNoToken, err)
	}
	return err
}

// refusesWith reports whether the token endpoint refuses a grant with the code:
// Wise's documents show the same ones under 400 and under 401.
func refusesWith(err error, code string) bool {
	var api *APIError
	return errors.As(err, &api) && !api.Foreign && (api.StatusCode == http.StatusBadRequest || api.StatusCode == http.StatusUnauthorized) && api.heard().hasCode(code)
}
