package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// problemOf turns any error into what the app is told. The first question is what
// became of the change; only where nothing was done the reason counts.
func problemOf(err error) *problem {
	p := *choose(err) // a copy, as it gets the id of the request
	if p.Status == http.StatusServiceUnavailable {
		p.retryAfter = max(p.retryAfter, usersecurity.RetryAfterOf(err))
	}
	return &p
}

func choose(err error) *problem {
	var own *problem
	if errors.As(err, &own) {
		return own
	}
	switch usersecurity.OutcomeOf(err) {
	case usersecurity.OutcomeUnknown:
		return unknown(err)
	case usersecurity.OutcomeDone:
		return problemUnreadable
	}
	for _, r := range reasons {
		if errors.Is(err, r.is) {
			return r.problem
		}
	}
	// Wrong credentials, a grant that Wise has not given, a wrong base URL, a
	// retired call: it takes a person to look at the log.
	return problemRefused
}

// reasons are why nothing was done; the first that fits counts.
var reasons = []struct {
	is      error
	problem *problem
}{
	{usersecurity.ErrReauthorise, problemLink},
	{usersecurity.ErrRateLimited, problemBusy},
	{usersecurity.ErrNoToken, problemUnavailable},
	{usersecurity.ErrNoKey, problemUnavailable},

	{usersecurity.ErrPinAlreadySet, problemPinSet},
	{usersecurity.ErrPinNotSet, problemPinNotSet},
	{usersecurity.ErrFaceMapAlreadyEnrolled, problemFaceMapSet},
	{usersecurity.ErrFaceMapNotEnrolled, problemFaceMapNotSet},
	{usersecurity.ErrFingerprintExists, problemDeviceExists},
	{usersecurity.ErrFingerprintLimit, problemDeviceLimit},
	{usersecurity.ErrFingerprintNotFound, problemDeviceNotFound},
	{usersecurity.ErrPhoneRepeated, problemPhoneTaken},
	{usersecurity.ErrSCARequired, problemSCA},

	{usersecurity.ErrServer, problemUnavailable},
	{usersecurity.ErrTransport, problemUnavailable},
	{usersecurity.ErrAttemptTimeout, problemUnavailable},
	{context.DeadlineExceeded, problemUnavailable},
	{context.Canceled, problemUnavailable},
	{usersecurity.ErrInvalidArgument, problemInternal},
	{usersecurity.ErrJWERequired, problemInternal},
}

// unknown is for a change that may have been made or not. What is there now may
// say more: a device that is registered is the one that was sent, whoever
// registered it. A PIN may be an older one, which the customer didn't mean to
// keep: that is left to the customer.
func unknown(err error) *problem {
	var (
		lost *usersecurity.OutcomeError
		api  *usersecurity.APIError
		op   usersecurity.Operation
	)
	switch {
	case errors.Is(err, usersecurity.ErrPinAlreadySet):
		return problemPinUnconfirmed
	case errors.Is(err, usersecurity.ErrFaceMapAlreadyEnrolled):
		return problemFaceMapUnconfirmed
	case errors.Is(err, usersecurity.ErrFingerprintExists):
		return problemDeviceExists
	case errors.As(err, &lost):
		op = lost.Op
	case errors.As(err, &api):
		op = api.Op
	}
	return problemUnknown(op)
}

// instead says more of an error than reasons does, for what one route alone
// makes of it. Where the outcome is unknown that comes first.
func instead(err, is error, p *problem) error {
	if errors.Is(err, is) && usersecurity.OutcomeOf(err) == usersecurity.OutcomeNotDone {
		return errors.Join(p, err)
	}
	return err
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
