package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wise-partner/usersecurity"
)

var (
	// ErrClaimLost says that the claim of this Update ended while change ran,
	// without having been extended, and that another Update took the user. What
	// change returned was not stored. What counts is what Load returns.
	ErrClaimLost = errors.New("pgstore: another Update took the user over while this one stalled: what change returned was not stored")

	// ErrUnreadable says that the user's row is there, but doesn't open with the
	// keys that the store has. The text says which key it wants and what to do.
	ErrUnreadable = errors.New("pgstore: the tokens can't be read")
)

// failure is an error in words of this package. It has no Unwrap: nobody who
// walks through the chain finds the texts of pgx, which repeat rows and
// settings. Is and As find its errors nevertheless.
type failure struct {
	text  string
	cause func() error // a function, as printers that walk through fields would find the password of the connection
}

func (e *failure) Error() string { return e.text }

// SafeText has the client's errors repeat the text.
func (e *failure) SafeText() string { return e.text }

func (e *failure) Is(target error) bool { return errors.Is(e.cause(), target) }

func (e *failure) As(target any) bool { return errors.As(e.cause(), target) }

// failed says what the database didn't do, and why. Where ctx has ended, that is
// the reason, whatever pgx made of it.
func failed(ctx context.Context, doing string, err error) error {
	text := reason(err)
	if ended := ctx.Err(); ended != nil {
		text = ended.Error()
		err = errors.Join(ended, err)
	}
	return &failure{text: "pgstore: " + doing + ": " + text, cause: func() error { return err }}
}

// unreadable is a failure of a row instead of the database.
func unreadable(text string) error {
	return &failure{text: "pgstore: " + text, cause: func() error { return ErrUnreadable }}
}

// invalid is a failure of whoever calls.
func invalid(text string) error {
	return &failure{text: "pgstore: " + text, cause: func() error { return usersecurity.ErrInvalidArgument }}
}

func reason(err error) string {
	var refused *pgconn.PgError
	var unreached *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		return "PostgreSQL answered with SQLSTATE " + refused.Code + hint(refused.Code)
	case errors.As(err, &unreached):
		return "PostgreSQL can't be reached"
	default:
		return "the connection to PostgreSQL failed"
	}
}

func hint(code string) string {
	switch code {
	case "42P01":
		return " (there is no table usersecurity_tokens: call Migrate, or check the search_path)"
	case "42501":
		return " (the database user lacks a right; pgstore's README lists those that are needed)"
	}
	return ""
}
