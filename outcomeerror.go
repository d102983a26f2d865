package usersecurity

import (
	"fmt"
	"log/slog"

	"github.com/google/uuid"
)

// OutcomeError says that a write was sent and that nobody knows whether it was
// done: no response came, or none that tells. It matches [ErrOutcomeUnknown] and
// unwraps to the last thing that went wrong: an [*APIError], [ErrTransport],
// [ErrAttemptTimeout] or the context's error.
//
// The package text says what to do, operation by operation.
type OutcomeError struct {
	// Op is the operation whose outcome is unknown.
	Op Operation
	// Attempts is how many requests the call sent.
	Attempts int
	// CorrelationID is the id the client sent with every attempt of the call.
	CorrelationID uuid.UUID
	// Err is the last thing that went wrong.
	Err error
}

func (e *OutcomeError) words() string {
	return fmt.Sprintf("%s: it is unknown whether Wise did it (attempts %d, correlation %s): %s",
		printable(string(e.Op)), e.Attempts, e.CorrelationID, wordsIn(e.Op, e.Err))
}

// Error names the operation, the attempts and the cause.
func (e *OutcomeError) Error() string { return "usersecurity: " + e.words() }

func (e *OutcomeError) errorClass() ErrorClass { return classOf(ErrOutcomeUnknown) }

func (e *OutcomeError) outcome() Outcome { return OutcomeUnknown }

// Is reports whether target is [ErrOutcomeUnknown].
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Err }

// Format prints what Error does, whatever the verb.
func (e OutcomeError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is a group with the operation, the class and the ids.
func (e OutcomeError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("operation", printable(string(e.Op))),
		slog.String("class", string(e.errorClass())),
		slog.Int("attempts", e.Attempts),
		slog.String("correlation_id", e.CorrelationID.String()),
		slog.String("cause", safeText(e.Err)),
	)
}

// MarshalJSON writes what LogValue holds.
func (e OutcomeError) MarshalJSON() ([]byte, error) { return marshalGroup(e.LogValue()) }

// MarshalText writes what Error returns.
func (e OutcomeError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }
