package usersecurity

import "errors"

// Outcome is what is known of a write.
type Outcome int

const (
	// OutcomeUnknown says that it may have been done, or may yet be.
	OutcomeUnknown Outcome = iota
	// OutcomeDone says that Wise has done it.
	OutcomeDone
	// OutcomeNotDone says that Wise hasn't done it, and won't.
	OutcomeNotDone
)

// String returns "unknown", "done" or "not done".
func (o Outcome) String() string {
	switch o {
	case OutcomeDone:
		return "done"
	case OutcomeNotDone:
		return "not done"
	}
	return "unknown"
}

// outcomer is an error that knows what became of its call.
type outcomer interface{ outcome() Outcome }

// OutcomeOf tells what is known of a write that returned err: the one question
// to ask before telling a customer anything.
//
// It is [OutcomeDone] for nil, and for a success whose reply can't be read;
// [OutcomeNotDone] for whatever ended a call before anything of it was sent, for
// a refusal without [APIError.Uncertain], [ErrPinNotSet] included, and for the
// error of a read; [OutcomeUnknown] for everything else, and for an error that
// this package hasn't made.
func OutcomeOf(err error) Outcome {
	var known outcomer
	switch {
	case err == nil:
		return OutcomeDone
	case errors.Is(err, ErrOutcomeUnknown):
		return OutcomeUnknown
	case errors.As(err, &known):
		return known.outcome()
	}
	return OutcomeUnknown
}

// outcome of a bare sentinel, as test doubles return it.
func (s *sentinel) outcome() Outcome {
	switch error(s) {
	case ErrDecrypt, ErrPlaintextReply, ErrReplyTooLarge, ErrMalformedReply:
		return OutcomeDone
	case ErrServer, ErrUnexpectedStatus, ErrUnexpectedReply, ErrTransport, ErrAttemptTimeout, ErrOutcomeUnknown:
		return OutcomeUnknown
	}
	return OutcomeNotDone
}
