package errorbody

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
)

// Entry is one error of a body. A field that the body doesn't have, or has as
// anything but a text, is empty.
type Entry struct {
	// Code is the word for what is wrong.
	Code string
	// Message is a text for people, and may hold personal data.
	Message string
	// Path names the field of the request that is wrong.
	Path string
}

// fields are the fields of an object that any known shape of error uses. The
// texts are those of the fields of the same name.
type fields struct {
	code, errorCode, message, errorMessage string
	errorText, errorDescription            string // "error" and "error_description"
	description, detail, title             string
	problemType                            string // "type"
	path, ref, field                       string

	present  bool // the object has a field
	likeWise bool // it has "code" or "message", whatever they hold
	springs  bool // it has a field that Spring adds to "error"
	failed   bool // its "status" is the number of a client's or server's error
}

// readFields reads the object that has just been opened.
func readFields(r *reader) fields {
	var f fields
	r.object(f.read)
	return f
}

// read takes a field whose value begins with that token.
func (f *fields) read(name string, value json.Token) {
	f.present = true
	switch name {
	case "code":
		f.likeWise = true
	case "message":
		f.likeWise, f.springs = true, true
	case "timestamp", "path", "exception":
		f.springs = true
	case "status":
		f.springs = true
		if n, ok := value.(json.Number); ok {
			status, err := strconv.Atoi(n.String())
			f.failed = f.failed || err == nil && status >= 400 && status <= 599
		}
	}
	if text, ok := value.(string); ok {
		if place := f.place(name); place != nil {
			*place = text
		}
	}
}

func (f *fields) place(name string) *string {
	switch name {
	case "code":
		return &f.code
	case "errorCode":
		return &f.errorCode
	case "message":
		return &f.message
	case "errorMessage":
		return &f.errorMessage
	case "error":
		return &f.errorText
	case "error_description":
		return &f.errorDescription
	case "description":
		return &f.description
	case "detail":
		return &f.detail
	case "title":
		return &f.title
	case "type":
		return &f.problemType
	case "path":
		return &f.path
	case "ref":
		return &f.ref
	case "field":
		return &f.field
	}
	return nil
}

func (f *fields) entry() Entry {
	return Entry{
		Code:    cmp.Or(f.code, f.errorCode),
		Message: cmp.Or(f.message, f.errorMessage, f.errorDescription, f.description, f.detail, f.title),
		Path:    cmp.Or(f.path, f.ref, f.field),
	}
}

// topEntry is the entry of a body that is an entry itself.
func (f *fields) topEntry(oauth bool) Entry {
	e := f.entry()
	switch {
	case oauth:
		e.Code = cmp.Or(e.Code, f.errorText)
	case e.Message == "":
		e.Message = f.errorText // Spring's is the reason phrase
	}
	if e.Code == "" {
		e.Path = "" // Spring's is the path of the URL
	}
	return e
}

// speaks reports whether a field says error, whatever else the object holds. A
// description, a type or a title may be anybody's.
func (f *fields) speaks() bool {
	said := cmp.Or(f.code, f.errorCode, f.message, f.errorMessage, f.errorText, f.errorDescription, f.detail)
	return said != "" || f.failed || f.title != "" && f.problemType != ""
}

// isLoneCode reports whether "error" is OAuth's code rather than Spring's
// reason phrase.
func (f *fields) isLoneCode() bool {
	return !f.springs && !strings.ContainsAny(f.errorText, whiteSpace)
}
