package usersecurity

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity/internal/errorbody"
)

// speaker is who speaks in a response.
type speaker uint8

const (
	nobody    speaker = iota // there is no body
	wise                     // a body of the errors shape
	unread                   // a sealed body that can't be opened
	emptyJSON                // {}
	plainJSON                // JSON that says nothing of an error
	otherJSON                // an error's JSON of a layer before Wise
	foreigner                // no JSON, or no status of an API
)

// hear finds out who speaks in a response to op, and what it says. cut says
// that body is only the beginning.
func hear(op Operation, status int, body []byte, cut bool) ([]errorbody.Entry, speaker) {
	if !isFinal(status) {
		return nil, foreigner
	}
	row := operations[op]
	if row != nil {
		switch {
		case row.sealed && isCompact(body, cut):
			return nil, unread
		case row.reply == pemReply && isPEM(body):
			return nil, plainJSON
		}
	}
	entries, shape := errorbody.Read(body, cut)
	switch shape {
	case errorbody.Empty:
		return entries, nobody
	case errorbody.Errors:
		return entries, wise
	case errorbody.JSON:
		if bytes.Equal(bytes.Join(bytes.Fields(errorbody.TrimBOM(body)), nil), []byte("{}")) {
			return entries, emptyJSON
		}
		return entries, plainJSON
	case errorbody.NotJSON:
		return entries, foreigner
	}
	return entries, otherJSON
}

// isPEM reports whether a body is one of PEM, and not a text with some in it.
func isPEM(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("-----BEGIN ")) }

// heard is a response as far as it counts for what it means.
type heard struct {
	op       Operation
	status   int
	speaks   speaker
	details  []ErrorDetail
	approval bool // it asks for strong customer authentication
}

// means gives the sentinel of a response: by operation and status where Wise
// itself speaks, and otherwise by the status alone.
func (h heard) means() error {
	if a := h.documented(); a != nil {
		return a.sentinel
	}
	switch s := h.status; {
	case !isFinal(s):
		return ErrUnexpectedStatus
	case s <= 299 && (h.speaks == foreigner || h.speaks.accuses()):
		return ErrUnexpectedReply
	case s <= 299:
		return ErrUnexpectedStatus
	case s <= 399:
		return ErrRedirect
	case s >= firstServerErrorStatus:
		return ErrServer
	}
	return h.refuses()
}

func (h heard) refuses() error {
	switch h.status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return ErrInvalidRequest
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		if h.approval {
			return ErrSCARequired
		}
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusGone:
		return ErrNotInVersion
	case http.StatusTooManyRequests, http.StatusTooEarly:
		return ErrRateLimited
	}
	return ErrUnexpectedStatus
}

// accuses reports whether a body has an error's shape.
func (s speaker) accuses() bool { return s == wise || s == otherJSON }

// isWises reports whether a body is Wise's own word on an operation.
func (s speaker) isWises() bool { return s == nobody || s == wise || s == unread }

// documented returns which of the operation's documented answers the response
// is; nil if it is none of them.
func (h heard) documented() *answer {
	row := operations[h.op]
	if row == nil {
		return nil
	}
	for i := range row.answers {
		if a := &row.answers[i]; a.status == h.status && h.says(a) {
			return a
		}
	}
	return nil
}

func (h heard) says(a *answer) bool {
	switch {
	case a.code != "":
		return h.speaks == wise && h.hasCode(a.code)
	case h.speaks == foreigner:
		return false
	case a.speech == anyJSON:
		return true
	case a.speech == aLimit:
		return h.speaks == nobody || h.speaks == emptyJSON || h.speaks == wise && slices.ContainsFunc(h.details, speaksOfLimit)
	case a.speech == aVerdict:
		return !slices.ContainsFunc(h.details, func(d ErrorDetail) bool { return d.Path != "" })
	}
	return h.speaks.isWises()
}

func (h heard) hasCode(code string) bool {
	return slices.ContainsFunc(h.details, func(d ErrorDetail) bool { return d.code() == code })
}

// speaksOfLimit reports whether an entry is about how many things there may be,
// and not about a field or how long one may be. Wise documents no code for it.
func speaksOfLimit(d ErrorDetail) bool {
	code := strings.ToLower(d.code())
	speaks := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(code, w) })
	}
	return d.Path == "" && speaks("max", "limit", "exceed", "many") && !speaks("length", "size", "long", "large", "char", "byte")
}
