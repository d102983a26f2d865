package usersecurity

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/wise-partner/usersecurity/internal/errorbody"
)

// ErrorDetail is one entry of an error body.
type ErrorDetail struct {
	// Code is Wise's word for what is wrong, such as "pin.not.setup". Codes are
	// not unique across operations. A text that can't be a code, such as one with
	// spaces, is "(unprintable)" here: [APIError.Body] has it.
	Code string
	// Path names the field that is wrong, if Wise says so. What can't be the name
	// of one, such as its value, is "(unprintable)".
	Path string

	entry func() errorbody.Entry // behind a function, where no printer finds the message; nil if made by hand
}

const (
	maxCode   = 256
	codeMarks = "._-:"
	pathMarks = "._-:/[]$#"
)

// newErrorDetail keeps in the fields, which everybody prints, only what may be
// printed.
func newErrorDetail(entry errorbody.Entry) ErrorDetail {
	d := ErrorDetail{Code: entry.Code, Path: entry.Path, entry: func() errorbody.Entry { return entry }}
	if len(d.Code) > maxCode || !isMadeOf(d.Code, codeMarks) {
		d.Code = unprintable
	}
	if len(d.Path) > maxCode || !isMadeOf(d.Path, pathMarks) || d.Path != "" && strings.Trim(d.Path, pathMarks+"0123456789") == "" {
		d.Path = unprintable
	}
	return d
}

// Message is Wise's text for people. It may name a person's masked e-mail
// address: treat it as personal data. It is in no log and no error text.
func (d ErrorDetail) Message() string {
	if d.entry == nil {
		return ""
	}
	return d.entry().Message
}

// code is the code as Wise wrote it.
func (d ErrorDetail) code() string {
	if d.entry == nil {
		return d.Code
	}
	return d.entry().Code
}

// Format prints the code alone.
func (d ErrorDetail) Format(f fmt.State, verb rune) { writeText(f, verb, printable(d.code())) }

// LogValue is the code alone.
func (d ErrorDetail) LogValue() slog.Value { return slog.StringValue(printable(d.code())) }

// MarshalText writes the code alone.
func (d ErrorDetail) MarshalText() ([]byte, error) { return []byte(printable(d.code())), nil }
