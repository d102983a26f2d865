package main

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

//go:embed static
var staticFiles embed.FS

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("").Funcs(template.FuncMap{
	"clock":  func(t time.Time) string { return t.UTC().Format("15:04:05.000") },
	"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"button": func(action string, user usersecurity.UserID, label string) userButton {
		return userButton{action, user, label}
	},
	"join": func(list []string) string { return strings.Join(list, ", ") },
}).Parse(pageText))

// render writes one of the templates. Those who read it are gone if it can't be
// written.
func render(w io.Writer, name string, data any) { _ = pageTemplate.ExecuteTemplate(w, name, data) }

// static serves the files that the page is made of.
func static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/static/" + r.PathValue("file")
		files.ServeHTTP(w, r)
	})
}

// pageView is what the page shows.
type pageView struct {
	description
	Query      pageQuery
	Page       []requestView
	Older      string // the address of the next page; empty where there is none
	List       userPage
	MoreUsers  string
	Protected  []protectedCall
	Faults     []fault
	Notice     notice
	Kinds      []usersecurity.ChallengeKind
	FaultKinds []usersecuritytest.FaultKind
	Operations []usersecurity.Operation
}

// userButton does something to one user.
type userButton struct {
	Action string
	User   usersecurity.UserID
	Label  string
}

// pageQuery is which part is shown.
type pageQuery struct {
	Before   int
	User     usersecurity.UserID
	Problems bool
	From     usersecurity.UserID // of the users
}

func pageQueryIn(values url.Values) pageQuery {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(values.Get(name), 10, 64)
		if err != nil {
			return 0
		}
		return max(n, 0)
	}
	return pageQuery{
		Before: int(number("before")), User: usersecurity.UserID(number("user")),
		Problems: values.Get("only") == "problems", From: usersecurity.UserID(number("from")),
	}
}

// Address is that of the page that shows the same but for one thing.
func (q pageQuery) Address(name string, value int64) string {
	values := url.Values{}
	set := func(name string, n int64) {
		if values.Del(name); n > 0 {
			values.Set(name, strconv.FormatInt(n, 10))
		}
	}
	set("before", int64(q.Before))
	set("user", int64(q.User))
	set("from", int64(q.From))
	if q.Problems {
		values.Set("only", "problems")
	}
	set(name, value)
	return consolePath + "?" + values.Encode()
}

func (c *console) page(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, http.StatusOK, notice{Text: said[r.URL.Query().Get("done")]})
}

// show writes the page; of a request for what changes only that.
func (c *console) show(w http.ResponseWriter, r *http.Request, status int, n notice) {
	q := pageQueryIn(r.URL.Query())
	v := pageView{
		description: c.description(),
		Query:       q,
		List:        c.pageOfUsers(q.From, usersPerPage),
		Protected:   protectedCalls(c),
		Faults:      faultsInForce(c.srv),
		Notice:      n,
		Kinds:       challengeKinds,
		FaultKinds:  faultKinds,
		Operations:  c.srv.Operations(),
	}
	var next int
	v.Page, next = requestQuery{before: q.Before, limit: requestsPerPage, user: q.User, problems: q.Problems}.find(c.srv)
	if next > 0 {
		v.Older = q.Address("before", int64(next))
	}
	if v.List.Next > 0 {
		v.MoreUsers = q.Address("from", int64(v.List.Next))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	render(w, "page", v)
}

// Tone is how a request went, for those who see colours.
func (v requestView) Tone() string {
	switch {
	case v.Fault != "":
		return "fault"
	case v.Status >= http.StatusInternalServerError:
		return "bad"
	case v.Status >= http.StatusBadRequest:
		return "refused"
	}
	return "good"
}

// Outcome is the status in one word or number.
func (v requestView) Outcome() string {
	if v.Status == 0 {
		return "none"
	}
	return strconv.Itoa(v.Status)
}

// Why says in one line why a request is no success.
func (v requestView) Why() string {
	if v.Fault != "" {
		return fmt.Sprintf("fault: %s", v.Fault)
	}
	return v.Reason
}

// Headers are the header's fields in an order that doesn't change.
func (v requestView) Headers() string {
	var text strings.Builder
	_ = v.Header.Write(&text) // sorted
	return strings.ReplaceAll(text.String(), "\r\n", "\n")
}
