package usersecurity

import (
	"context"
	"errors"
)

// NewCallError ends a call of op as the client does, whose last attempt brought
// last: it is what a test double needs to fail as a call would. lost says that
// an attempt before the last one was lost, and may have been done. For tests in Go,
// usersecuritytest.NewError is shorter.
//
// last is an [*APIError] that [NewAPIError] made for op; or an error that matches
// one of this package's sentinels, such as [ErrTransport] for an attempt that was
// lost, [ErrNoToken] for a call that got no token, or [ErrDecrypt] for a success
// whose reply can't be opened; or the context's error, for one that ended while an
// attempt was under way; or any other error, for what the transport returned. An
// [*APIError] of [OpFetchToken] or [OpFetchWiseKey] is why there was no token or
// no key.
//
// The result is nil where the client returns nil: for a documented success, and
// for a delete that is answered with 404 after a lost attempt.
func NewCallError(op Operation, last error, lost bool) error {
	if last == nil {
		return nil
	}
	row := operations[op]
	if row == nil {
		row = &operation{name: op}
	}
	a := attempts{op: row, sent: 1, last: resultOf(row, last)}
	if lost {
		a.sent++
		a.doubt.add(mayBeUnderWay)
	}
	if a.last.refusal != nil {
		a.last.refusal.Attempts = a.sent
	}
	a.doubt.add(a.last.leaves(row))
	var over error
	if isOver(a.last.err) {
		over = a.last.err
	}
	_, err := a.end(over, false)
	if row.granted != noGrant {
		err = grantFailure(context.Background(), op, err)
	}
	if row.granted == refreshGrant && err != nil {
		err = sourceFailure(context.Background(), op, ErrNoToken, err)
	}
	return err
}

// resultOf is the result of an attempt that ended with err.
func resultOf(op *operation, err error) result {
	var (
		api *APIError
		own *sentinel
	)
	isAPI := errors.As(err, &api)
	switch {
	case isAPI && api.Op == op.name:
		return responseOf(op, *api)
	case isAPI && api.Op == OpFetchToken:
		return unsentFor(sourceFailure(context.Background(), op.name, ErrNoToken, err))
	case isAPI && api.Op == OpFetchWiseKey:
		return unsentFor(sourceFailure(context.Background(), op.name, ErrNoKey, err))
	case errors.Is(err, ErrReauthorise):
		return unsentFor(sourceFailure(context.Background(), op.name, ErrNoToken, err))
	case errors.As(err, &own):
	case isOver(err):
		return result{err: err}
	default:
		return result{
			err:      failure("", ErrTransport, err),
			unsent:   (&progress{}).unsent(context.Background(), err),
			hopeless: certificateWords(err) != "",
		}
	}
	switch o := (result{responded: true, status: op.success}); own.outcome() {
	case OutcomeDone:
		o.useless(op, own, err)
		return o
	case OutcomeNotDone:
		return unsentFor(failure(op.name, own, err))
	}
	return result{err: failure(op.name, own, err)}
}

// responseOf is the result of an attempt that brought a response.
func responseOf(op *operation, refusal APIError) result {
	o := result{responded: true, status: refusal.StatusCode, refusal: &refusal}
	switch {
	case o.status < 200 || o.status > 299:
	case refusal.sentinel() == ErrUnexpectedReply:
		o.read = replyForeign
	case !op.succeeds(o.status), !op.writes() && o.status != op.success:
		o.read = replyStrange
	case op.reply == noReply:
		o.read, o.refusal = replyRead, nil
	default:
		o.refusal = nil
		o.useless(op, ErrMalformedReply)
	}
	return o
}

// unsentFor is the result of an attempt that was never made.
func unsentFor(err error) result { return result{err: err, unsent: true, hopeless: true} }
