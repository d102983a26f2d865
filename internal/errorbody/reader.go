package errorbody

import (
	"encoding/json"
	"errors"
	"io"
)

// reader walks a JSON text, token by token: nothing of it is held but the token
// at hand and how deep it stands. It stops for good at the first thing that is
// wrong.
type reader struct {
	dec   *json.Decoder
	depth int
	err   error // why it stopped
}

// maxDepth is what json.Valid allows, so that Read and IsJSON agree.
const maxDepth = 10_000

var errTooDeep = errors.New("errorbody: nested too deeply")

// next returns the next token, and whether there is one: null is a nil token.
func (r *reader) next() (json.Token, bool) {
	if r.err != nil {
		return nil, false
	}
	var t json.Token
	t, r.err = r.dec.Token()
	switch t {
	case json.Delim('{'), json.Delim('['):
		if r.depth++; r.depth > maxDepth {
			r.err = errTooDeep
		}
	case json.Delim('}'), json.Delim(']'):
		r.depth--
	}
	return t, r.err == nil
}

// object hands each field of the object that has just been opened to read, with
// the first token of its value. What read leaves of the value is skipped.
func (r *reader) object(read func(name string, value json.Token)) {
	for depth := r.depth; r.more(); r.skipTo(depth) {
		name, _ := r.next()
		if value, ok := r.next(); ok {
			read(name.(string), value)
		}
	}
	r.next() // the closing brace, or what stands in its place
}

// list hands each element of the list that has just been opened to read, as
// object does.
func (r *reader) list(read func(element json.Token)) {
	for depth := r.depth; r.more(); r.skipTo(depth) {
		if element, ok := r.next(); ok {
			read(element)
		}
	}
	r.next()
}

func (r *reader) more() bool { return r.err == nil && r.dec.More() }

// skipTo reads on until nothing deeper than depth is open.
func (r *reader) skipTo(depth int) {
	for r.err == nil && r.depth > depth {
		r.next()
	}
}

// finished reports whether the body held one whole value and nothing else, or,
// if it was cut, the beginning of one.
func (r *reader) finished(cut bool) bool {
	if r.err == nil {
		r.next()
		return r.err == io.EOF
	}
	return cut && (r.err == io.EOF || r.err == io.ErrUnexpectedEOF)
}
