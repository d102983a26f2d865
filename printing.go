package usersecurity

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// mask is all that a secret ever prints.
const mask = "****"

const (
	maxPrintedCodes = 3
	maxPrintedText  = 64
)

// What stands in the place of a text that can't be shown.
const (
	tooLong     = "(too long)"
	unprintable = "(unprintable)"
)

// printable keeps what an identifier of Wise's may hold, so that neither a
// line break nor a sentence gets into a log by way of a header or a code.
func printable(s string) string {
	switch {
	case len(s) > maxPrintedText:
		return tooLong
	case !isMadeOf(s, "._-:"):
		return unprintable
	}
	return s
}

// isMadeOf reports whether s has nothing but ASCII letters, digits and marks.
func isMadeOf(s, marks string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte(marks, c) >= 0:
		default:
			return false
		}
	}
	return true
}

func writeText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

func marshalGroup(v slog.Value) ([]byte, error) {
	m := map[string]any{}
	for _, a := range v.Group() {
		m[a.Key] = a.Value.Any()
	}
	return json.Marshal(m)
}

// isVisible reports whether s is visible ASCII and not empty, as a token or a
// header value must be.
func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

// plainError is a failure in words of this package's own, which can be printed.
type plainError string

func (e plainError) Error() string { return "usersecurity: " + string(e) }

func (e plainError) words() string { return string(e) }
