package usersecurity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// worded is an error that can say in words of this package's own what is wrong.
// The text of any other error may hold a URL, a token or a body.
type worded interface {
	error
	words() string
}

// classed is an error that has a class of its own.
type classed interface{ errorClass() ErrorClass }

// callError is every failure that is no response: a text of our own, and what
// it matches. Errors of other packages stand behind a function, where neither
// Unwrap nor a printer finds their texts; Is and As do.
type callError struct {
	op      Operation
	text    string
	own     []error // the first one gives the class
	foreign func() []error
	known   Outcome // of the call, where op writes
}

func (e *callError) words() string {
	if e.op == "" {
		return e.text
	}
	return string(e.op) + ": " + e.text
}

func (e *callError) Error() string { return "usersecurity: " + e.words() }

func (e *callError) errorClass() ErrorClass {
	switch {
	case len(e.own) == 0:
		return "other"
	case errors.Is(e, ErrReauthorise):
		// Whatever ends the call because of it: it is the customer's turn.
		return classOf(ErrReauthorise)
	}
	return classOf(e.own[0])
}

func (e *callError) outcome() Outcome {
	if !e.op.Writes() {
		return OutcomeNotDone
	}
	return e.known
}

// Unwrap returns the causes that are this package's or context's.
func (e *callError) Unwrap() []error { return e.own }

// Is reports whether a cause from another package matches target.
func (e *callError) Is(target error) bool {
	return e.foreign != nil && slices.ContainsFunc(e.foreign(), func(c error) bool { return errors.Is(c, target) })
}

// As finds target among the causes from other packages.
func (e *callError) As(target any) bool {
	return e.foreign != nil && slices.ContainsFunc(e.foreign(), func(c error) bool { return errors.As(c, target) })
}

// Format prints what Error does, whatever the verb.
func (e *callError) Format(f fmt.State, verb rune) { writeText(f, verb, e.Error()) }

// LogValue is the text.
func (e *callError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalText writes the text.
func (e *callError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// because adds what the error matches.
func (e *callError) because(causes ...error) *callError {
	var foreign []error
	for _, c := range causes {
		switch {
		case c == nil:
		case isOwn(c):
			e.own = append(e.own, c)
		default:
			foreign = append(foreign, c)
		}
	}
	if foreign != nil {
		e.foreign = func() []error { return foreign }
	}
	return e
}

// isOwn reports whether an error is this package's or context's, with all that
// it wraps. A caller's type that embeds one of ours has its methods, and texts
// of its own; and an OutcomeError can be made with any cause.
func isOwn(err error) bool {
	if err == nil || err == context.Canceled || err == context.DeadlineExceeded {
		return err != nil
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !isWorded(err) || t.PkgPath() != reflect.TypeFor[APIError]().PkgPath() {
		return false
	}
	wrapping, ok := err.(interface{ Unwrap() error })
	return !ok || isOwn(wrapping.Unwrap())
}

// invalid makes an error that matches ErrInvalidArgument. The arguments must
// hold nothing of what the caller passed but lengths and numbers.
func invalid(format string, args ...any) error {
	return &callError{text: fmt.Sprintf(format, args...), own: []error{ErrInvalidArgument}, known: OutcomeNotDone}
}

// in names the operation on an error that was made outside a call.
func in(op Operation, err error) error {
	if e, ok := err.(*callError); ok && e.op == "" {
		named := *e
		named.op = op
		return &named
	}
	return err
}

// failure joins a sentinel with causes, of which only safe words are printed:
// that of a call of which nothing was done.
func failure(op Operation, what error, causes ...error) error {
	text := wordsIn(op, what)
	for _, c := range causes {
		if c == nil {
			continue
		}
		if words := wordsIn(op, c); !strings.Contains(text, words) {
			text += ": " + words
		}
	}
	return (&callError{op: op, text: text, known: OutcomeNotDone}).because(append([]error{what}, causes...)...)
}

// unclear is a failure after which nobody knows what became of the call.
func unclear(op Operation, what error, causes ...error) error {
	e := failure(op, what, causes...).(*callError)
	e.known = OutcomeUnknown
	return e
}

// replyError is for a reply of a success that can't be used.
func replyError(op Operation, status int, causes ...error) error {
	text := "status " + strconv.Itoa(status) + ", but "
	if op.Writes() {
		text = "done (status " + strconv.Itoa(status) + "), but "
	}
	for i, c := range causes {
		if i > 0 {
			text += ": "
		}
		text += safeText(c)
	}
	return (&callError{op: op, text: text, known: OutcomeDone}).because(causes...)
}

// ended is why a context is over; nil while it isn't. A cause that its owner
// gave is matched too.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return (&callError{text: safeText(err), known: OutcomeNotDone}).because(err, cause)
}

// isOver reports whether an error is that of a context which has ended. A timeout
// of the network's, which is made to match context.DeadlineExceeded, is not.
func isOver(err error) bool {
	if err == context.Canceled || err == context.DeadlineExceeded {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return isOver(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), isOver)
	}
	return false
}

func isWorded(err error) bool {
	_, ok := err.(worded)
	return ok
}

// safeText describes an error in words of our own.
func safeText(err error) string {
	switch e := err.(type) {
	case nil:
		return "no cause"
	case worded:
		return e.words()
	}
	var (
		own  worded
		safe interface{ SafeText() string }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "context canceled"
	case isOver(err):
		return "context deadline exceeded"
	case errors.As(err, &own):
		return own.words()
	case errors.As(err, &safe):
		return safe.SafeText()
	}
	if words := transportWords(err); words != "" {
		return words
	}
	return fmt.Sprintf("an error of type %T", err)
}

// wordsIn is safeText where the operation has been named already.
func wordsIn(op Operation, err error) string {
	if op == "" {
		return safeText(err)
	}
	return strings.TrimPrefix(safeText(err), string(op)+": ")
}

// classOf gives the word for an error: the innermost thing known of it.
func classOf(err error) ErrorClass {
	switch e := err.(type) {
	case nil:
		return ""
	case classed:
		return e.errorClass()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline_exceeded"
	}
	return "other"
}
