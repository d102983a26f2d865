package usersecurity

import (
	"fmt"
	"log/slog"
)

// ErrorDetail is one entry of an error body.
type ErrorDetail struct {
	// Code is Wise's word for what is wrong, such as "pin.not.setup". Codes are
	// not unique across operations.
	Code string
	// Path names the field that is wrong, if Wise says so.
	Path string

	message func() string // behind a function, where no printer finds it
}

// Message is Wise's text for people. It may name a person's masked e-mail
// address: treat it as personal data. It is in no log and no error text.
func (d ErrorDetail) Message() string {
	if d.message == nil {
		return ""
	}
	return d.message()
}

// Format prints the code alone.
func (d ErrorDetail) Format(f fmt.State, verb rune) { writeText(f, verb, printable(d.Code)) }

// LogValue is the code alone.
func (d ErrorDetail) LogValue() slog.Value { return slog.StringValue(printable(d.Code)) }

// MarshalText writes the code alone.
func (d ErrorDetail) MarshalText() ([]byte, error) { return []byte(printable(d.Code)), nil }
