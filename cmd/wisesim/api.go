package main

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// maxJSON is more than a user with a face map takes.
const maxJSON = 8 << 20

// failure is what is answered where something is wrong.
type failure struct {
	Error string `json:"error"`
}

// done is the answer of calls that tell nothing.
type done struct {
	Done bool `json:"done"`
}

// text is an answer of one value, which scripts can have bare.
type text struct{ name, value string }

func (t text) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{t.name: t.value})
}

func replyProblem(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{http.StatusInternalServerError, err.Error()}
	}
	reply(w, r, p.status, failure{p.text})
}

// reply writes JSON; of a text alone its value where the client accepts text/plain.
func reply(w http.ResponseWriter, r *http.Request, status int, answer any) {
	if t, ok := answer.(text); ok && r.Header.Get("Accept") == "text/plain" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, t.value+"\n")
		return
	}
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, "the answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// read takes the JSON of a request; none is as good as {}.
func read(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &problem{http.StatusRequestEntityTooLarge, "the body is larger than 8 MiB, or broken off"}
	}
	if len(body) == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "the Content-Type is application/json"}
	}
	if err := decodeStrictly(body, into); err != nil {
		return invalid(err.Error())
	}
	return nil
}

// whole reads a number of the query that isn't negative; absent, it is otherwise.
func whole(r *http.Request, name string, otherwise int) (int, error) {
	value := r.URL.Query().Get(name)
	if value == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, invalid(name + " is a number")
	}
	return n, nil
}

// userIn is the user in the path, who must be known.
func (c *console) userIn(r *http.Request) (usersecurity.UserID, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(r.PathValue("id")), 10, 64)
	id := usersecurity.UserID(n)
	if err != nil || !c.knows(id) {
		return 0, missing("there is no such user")
	}
	return id, nil
}
