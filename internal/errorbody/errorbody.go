// Package errorbody reads the body of any response that is not the documented
// success, and says who speaks in it: Wise, a layer in front of it, or neither.
//
// Nobody promises what such a body holds. It may be a proxy's page, it may be
// broken, it may be cut short: what can be read is read, in one pass over the
// body, and only JSON that is whole (or cut by the reader) counts as JSON.
package errorbody

import (
	"bytes"
	"encoding/json"
)

// Shape says who speaks in a body.
type Shape uint8

// The shapes, from nothing to everything else.
const (
	// Empty: no bytes, or white space and a byte order mark alone.
	Empty Shape = iota
	// NotJSON: foreign. Neither a JSON object, nor an array, nor null, or one
	// that is broken.
	NotJSON
	// JSON in which nothing says error.
	JSON
	// Errors: Wise's own shape. The field "errors" with a list of entries or
	// with one entry, a bare list of entries that have codes, or
	// {"error":{"code":…}}.
	Errors
	// OAuth: {"error","error_description"}, or a lone "error" that is a code.
	OAuth
	// Other: the shape of an error, but not one of Wise's own API: Spring's,
	// application/problem+json, a bare message and so on.
	Other
)

// String is the name of the constant.
func (s Shape) String() string {
	switch s {
	case Empty:
		return "Empty"
	case NotJSON:
		return "NotJSON"
	case JSON:
		return "JSON"
	case Errors:
		return "Errors"
	case OAuth:
		return "OAuth"
	case Other:
		return "Other"
	}
	return "unknown"
}

// maxEntries bounds what is kept of one body.
const maxEntries = 32

// Read reads as much as can be read of body: at most 32 entries, none of which
// is empty. Names of fields are matched exactly.
//
// With cut, body is only the beginning of a longer one: the beginning of a JSON
// text is JSON then, and judged by what can be seen of it; a beginning that
// shows nothing is NotJSON. Without cut, JSON that lacks its end is NotJSON,
// and its entries are returned all the same.
func Read(body []byte, cut bool) (entries []Entry, shape Shape) {
	body = TrimBOM(body)
	switch {
	case beginsAsJSON(body):
	case !cut && len(bytes.Trim(body, whiteSpace)) == 0:
		return nil, Empty
	default:
		return nil, NotJSON
	}
	r := &reader{dec: json.NewDecoder(bytes.NewReader(body))}
	r.dec.UseNumber() // a number that no float64 holds is JSON too
	shape = JSON
	switch first, _ := r.next(); first {
	case json.Delim('{'):
		entries, shape = readObject(r)
	case json.Delim('['):
		if entries = readBareList(r); len(entries) > 0 {
			shape = Errors
		}
	}
	if !r.finished(cut) {
		shape = NotJSON
	}
	return entries, shape
}

// readBareList keeps the elements that have a code: what has none can be a list
// of anything.
func readBareList(r *reader) (entries []Entry) {
	r.list(func(element json.Token) {
		if element != json.Delim('{') || len(entries) == maxEntries {
			return
		}
		if f := readFields(r); f.code != "" {
			entries = append(entries, f.entry())
		}
	})
	return entries
}

// readObject reads the object that is the whole body.
func readObject(r *reader) ([]Entry, Shape) {
	var top fields
	var errs errorsField
	r.object(func(name string, value json.Token) {
		switch name {
		case "errors":
			errs.read(r, value)
		case "error":
			errs.readError(r, value)
		}
		top.read(name, value)
	})
	shape := shapeOf(&top, &errs)
	if len(errs.entries) > 0 {
		return errs.entries, shape
	}
	if e := top.topEntry(shape == OAuth); shape != JSON && e != (Entry{}) {
		return []Entry{e}, shape
	}
	return nil, shape
}

// shapeOf judges an object by what stands beside its "errors": problem+json and
// Spring have such a field too, and neither is Wise's own API.
func shapeOf(top *fields, errs *errorsField) Shape {
	anotherLayer := top.problemType != "" || top.title != "" || top.failed || top.errorText != ""
	switch {
	case errs.coded && !anotherLayer, errs.own && !errs.odd && !anotherLayer && !top.speaks():
		return Errors
	case top.errorText != "" && (top.errorDescription != "" || top.isLoneCode()):
		return OAuth
	case errs.own, errs.odd, top.speaks():
		return Other
	}
	return JSON
}

// errorsField is what the fields "errors" and "error" of a body hold, where
// they are more than a text.
type errorsField struct {
	entries []Entry
	own     bool // there is a list, or an entry, as Wise writes them
	odd     bool // there is something else that says error
	coded   bool // an entry has a code
}

// read reads the value of "errors".
func (e *errorsField) read(r *reader, value json.Token) {
	switch v := value.(type) {
	case json.Delim:
		e.own = true
		if v == '{' {
			e.readEntry(r)
			return
		}
		r.list(func(element json.Token) {
			if element == json.Delim('{') {
				e.readEntry(r)
			} else {
				e.odd = true
			}
		})
	case string:
		e.odd = e.odd || v != ""
	}
}

// readError reads the value of "error" where it is no text: an object with a
// code is an entry of Wise's.
func (e *errorsField) readError(r *reader, value json.Token) {
	switch value {
	case json.Delim('{'):
		e.readEntry(r)
		e.odd = e.odd || !e.coded
	case json.Delim('['), true:
		e.odd = true
	}
}

func (e *errorsField) readEntry(r *reader) {
	f := readFields(r)
	e.odd = e.odd || f.present && !f.likeWise
	e.coded = e.coded || f.code != ""
	if entry := f.entry(); entry != (Entry{}) && len(e.entries) < maxEntries {
		e.entries = append(e.entries, entry)
	}
}
