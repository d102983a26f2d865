package usersecuritytest

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"
)

// field returns the one field that a payload must have. Another field, another
// type and a name in other letters are refused.
func (c *call) field(name string) (string, *answer) {
	var fields map[string]*string
	if !utf8.Valid(c.payload) || json.Unmarshal(c.payload, &fields) != nil || len(fields) != 1 || fields[name] == nil {
		return "", refusal(http.StatusBadRequest, "body.malformed", "the body must be a JSON object with the text "+name+" and nothing else")
	}
	return *fields[name], nil
}
