package usersecurity

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wise-partner/usersecurity/internal/errorbody"
)

// A reply whose id can be read is not given up because of a side field: for
// these types a field may hold something else than is documented.
type (
	// looseText is a text, or a number in its own digits; anything else is empty.
	looseText string
	// looseBool is true or false, also as a text; anything else is false.
	looseBool bool
	// looseTime is a time in any form that Wise is known to write.
	looseTime struct{ time.Time }
	// looseNumber is a number, or a text that holds one; anything else is 0.
	looseNumber float64
)

// UnmarshalJSON never fails.
func (t *looseText) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"' && isPlain(raw[1:len(raw)-1]):
		*t = looseText(raw[1 : len(raw)-1])
	case raw[0] == '"':
		*t = unquoted(raw)
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		*t = looseText(raw)
	default:
		*t = ""
	}
	return nil
}

func unquoted(raw []byte) (t looseText) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		t = looseText(s)
	}
	return t
}

// isPlain reports whether the text of a JSON string stands for itself.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// UnmarshalJSON never fails.
func (b *looseBool) UnmarshalJSON(raw []byte) error {
	*b = looseBool(strings.EqualFold(strings.Trim(string(raw), `"`), "true"))
	return nil
}

// UnmarshalJSON never fails.
func (n *looseNumber) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(raw), `"`)), 64)
	if err != nil || math.IsNaN(f) {
		f = 0
	}
	*n = looseNumber(f)
	return nil
}

// timeForms are RFC 3339 and what Wise is known to write in its place: an
// offset without a colon, a space for the T, no zone (UTC).
var timeForms = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"}

// UnmarshalJSON leaves the zero time where it can't read one.
func (t *looseTime) UnmarshalJSON(raw []byte) error {
	var s string
	t.Time = time.Time{}
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	s = strings.ToUpper(strings.TrimSpace(s)) // t and z are allowed
	if len(s) > len("2006-01-02") && s[len("2006-01-02")] == ' ' {
		s = s[:len("2006-01-02")] + "T" + s[len("2006-01-02")+1:]
	}
	s = strings.Replace(s, " ", "", 1) // before the zone
	for _, form := range timeForms {
		if at, err := time.Parse(form, s); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return nil
}

// decodeExactly reads a JSON object into v. encoding/json takes "ID" for "id",
// which Wise doesn't: names that differ in their letters are left out.
func decodeExactly(body []byte, v any, names ...string) error {
	body = errorbody.TrimBOM(body)
	if !misspelt(body, names) || !json.Valid(body) {
		return json.Unmarshal(body, v)
	}
	var loose any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // an id has more digits than a float64 keeps
	if err := dec.Decode(&loose); err != nil {
		return err
	}
	exact, err := json.Marshal(onlyExact(loose, names))
	if err != nil {
		return err
	}
	return json.Unmarshal(exact, v)
}

// misspelt reports whether one of the names stands before a colon in other
// letters than its own. Behind an escape any name may hide.
func misspelt(body []byte, names []string) bool {
	if bytes.IndexByte(body, '\\') >= 0 {
		return true
	}
	for {
		end := bytes.IndexByte(body, ':')
		if end < 0 {
			return false
		}
		key, quoted := bytes.CutSuffix(bytes.TrimSpace(body[:end]), quote)
		body = body[end+1:]
		if !quoted {
			continue
		}
		key = key[bytes.LastIndexByte(key, '"')+1:]
		for _, name := range names {
			if string(key) != name && strings.EqualFold(string(key), name) {
				return true
			}
		}
	}
}

var quote = []byte{'"'}

// onlyExact removes the members whose names are one of names but for the case
// of their letters.
func onlyExact(v any, names []string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = onlyExact(v[i], names)
		}
	case map[string]any:
		for key, member := range v {
			v[key] = onlyExact(member, names)
			for _, name := range names {
				if key != name && strings.EqualFold(key, name) {
					delete(v, key)
				}
			}
		}
	}
	return v
}
