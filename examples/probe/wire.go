package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/wise-partner/usersecurity"
)

// exchange is what a request and its response looked like, without what was in
// them.
type exchange struct {
	call   string // the method, and the path with its ids left out
	sealed bool   // the request's body was
	status int
	body   string // the shape of the response's
}

// String is such as "409 with no body".
func (e exchange) String() string {
	if e.status == 0 {
		return "no response"
	}
	return fmt.Sprintf("%d with %s", e.status, e.body)
}

// wire passes requests on, and remembers what they looked like.
type wire struct {
	next   http.RoundTripper
	prefix string // the base URL's path

	mu        sync.Mutex
	exchanges []exchange
}

const maxBody = 1 << 20

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{
		call:   req.Method + " " + withoutIDs(strings.TrimPrefix(req.URL.Path, w.prefix)),
		sealed: strings.HasPrefix(req.Header.Get("Content-Type"), "application/jose"),
	}
	resp, err := w.next.RoundTrip(req)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
		rest := resp.Body
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), after(err, rest)), rest}
		e.status, e.body, err = resp.StatusCode, shapeOf(resp, body), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, e)
	return resp, err
}

// after is what follows the part of a body that was read: the error it broke off
// with, or the rest.
func after(err error, rest io.Reader) io.Reader {
	if err != nil {
		return failing{err}
	}
	return rest
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// mark is for since: what has been exchanged from now on.
func (w *wire) mark() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.exchanges)
}

func (w *wire) since(mark int) []exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.exchanges[mark:])
}

var anID = regexp.MustCompile(`^([0-9]+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$`)

func withoutIDs(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if anID.MatchString(s) {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}

// shapeOf says what kind of body it is. Of what is in it, it names the fields of an
// object and the codes of an error, where they are words.
func shapeOf(resp *http.Response, body []byte) string {
	body = bytes.TrimSpace(body)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if alg, ok := algOf(body); ok {
		return "a JWE (" + alg + ")"
	}
	switch {
	case len(body) == 0:
		return "no body"
	case json.Valid(body):
		return "JSON" + contents(resp.StatusCode, body)
	case bytes.HasPrefix(body, []byte("-----BEGIN ")):
		return "PEM"
	case kind == "" || !aWord(kind):
		return "a body that is neither JSON nor a JWE"
	}
	return "a body that is neither JSON nor a JWE (" + kind + ")"
}

// algOf reads the protected header of a compact JWE.
func algOf(body []byte) (string, bool) {
	parts := strings.Split(string(body), ".")
	if len(parts) != 5 {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	var header struct{ Alg, Kid string }
	if err != nil || json.Unmarshal(raw, &header) != nil || !aWord(header.Alg) {
		return "", false
	}
	if header.Kid != "" {
		return "alg " + header.Alg + ", with a kid", true
	}
	return "alg " + header.Alg, true
}

func contents(status int, body []byte) string {
	if status >= http.StatusBadRequest {
		var codes []string
		for _, d := range usersecurity.NewAPIError("", status, nil, body).Details {
			if aWord(d.Code) {
				codes = append(codes, d.Code)
			}
		}
		if len(codes) > 0 {
			return " (code " + strings.Join(codes, ", ") + ")"
		}
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil || len(object) == 0 || len(object) > 12 {
		return ""
	}
	names := slices.Sorted(maps.Keys(object))
	if slices.ContainsFunc(names, func(name string) bool { return !aWord(name) }) {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./+-]{0,63}$`)

// aWord reports whether a text can be shown: a name or a code, and no value. UUIDs
// that begin with a letter are values.
func aWord(s string) bool { return word.MatchString(s) && !anID.MatchString(s) }

// sentinelOf names what the client takes an error for.
func sentinelOf(err error) string {
	for name, sentinel := range map[string]error{
		"ErrChallengeFailed": usersecurity.ErrChallengeFailed, "ErrFingerprintLimit": usersecurity.ErrFingerprintLimit,
		"ErrInvalidRequest": usersecurity.ErrInvalidRequest, "ErrUnauthorized": usersecurity.ErrUnauthorized,
		"ErrForbidden": usersecurity.ErrForbidden, "ErrSCARequired": usersecurity.ErrSCARequired,
		"ErrOneTimeTokenUnknown": usersecurity.ErrOneTimeTokenUnknown, "ErrNotFound": usersecurity.ErrNotFound,
		"ErrPinNotSet": usersecurity.ErrPinNotSet, "ErrFingerprintNotFound": usersecurity.ErrFingerprintNotFound,
		"ErrPhoneRepeated": usersecurity.ErrPhoneRepeated, "ErrServer": usersecurity.ErrServer,
	} {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return "another error"
}
