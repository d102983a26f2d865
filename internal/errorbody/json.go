package errorbody

import (
	"bytes"
	"encoding/json"
	"strings"
)

// whiteSpace is JSON's.
const whiteSpace = " \t\r\n"

var byteOrderMark = []byte("\ufeff")

// TrimBOM returns body without its UTF-8 byte order mark (and the white space
// before the mark), which encoding/json doesn't skip.
func TrimBOM(body []byte) []byte {
	if rest, found := bytes.CutPrefix(bytes.TrimLeft(body, whiteSpace), byteOrderMark); found {
		return rest
	}
	return body
}

// IsJSON reports whether body is a JSON object, array or null. A byte order
// mark before it and white space around it are nothing.
func IsJSON(body []byte) bool {
	body = TrimBOM(body)
	return beginsAsJSON(body) && json.Valid(body)
}

// beginsAsJSON reports whether body can be an object, an array or null.
func beginsAsJSON(body []byte) bool {
	body = bytes.TrimLeft(body, whiteSpace)
	return len(body) > 0 && strings.IndexByte("{[n", body[0]) >= 0
}
