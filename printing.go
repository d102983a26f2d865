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

// printable keeps what an identifier of Wise's may hold, so that neither a
// line break nor a sentence gets into a log by way of a header or a code.
func printable(s string) string {
	if len(s) > maxPrintedText {
		return "(too long)"
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("._-:", c) >= 0:
		default:
			return "(unprintable)"
		}
	}
	return s
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
