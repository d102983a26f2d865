package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// app plays the customer's app and browser, and prints what became of each
// request.
type app struct {
	replicas  []string // their addresses
	replica   int      // the one that is called
	session   string
	wise      *usersecuritytest.Server
	http      http.Client
	refreshes refreshCount

	mu     sync.Mutex
	out    io.Writer
	failed []string
}

func newApp(wise *usersecuritytest.Server, out io.Writer) *app {
	return &app{session: rand.Text(), wise: wise, out: out, http: http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refreshCount is an observer that counts the refreshes of all replicas.
type refreshCount struct{ n atomic.Int32 }

// CallDone does nothing: attempts are counted.
func (*refreshCount) CallDone(context.Context, usersecurity.CallEvent) {}

// AttemptDone counts a refresh.
func (c *refreshCount) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) {
	if e.Operation == usersecurity.OpRefreshUserToken {
		c.n.Add(1)
	}
}

// call is a request to one replica.
type call struct {
	*app
	replica int
}

func (a *app) at(replica int) call { return call{a, replica} }

// expect makes a request to the replica whose turn it is.
func (a *app) expect(ctx context.Context, route, body, want string) reply {
	return a.at(a.replica).expect(ctx, route, body, want)
}

// say says what comes next, which the other replica gets.
func (a *app) say(text string) {
	a.replica = (a.replica + 1) % len(a.replicas)
	a.print("\n" + text + "\n")
}

func (a *app) print(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = io.WriteString(a.out, text)
}

// check prints what has come and notes it if it isn't what should.
func (a *app) check(what, got, want string) {
	a.print(fmt.Sprintf("  %-35s %s\n", what, got))
	a.mu.Lock()
	defer a.mu.Unlock()
	if got != want {
		a.failed = append(a.failed, what+": "+got+" instead of "+want)
	}
}

func (a *app) failures() error {
	if len(a.failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d requests did not end as they should: %s", len(a.failed), strings.Join(a.failed, ", "))
}

// reply is what the demo reads of an answer.
type reply struct{ ID, Code, Next, URL string }

func (c call) named(route string) string { return fmt.Sprintf("replica %d: %s", c.replica+1, route) }

// expect makes a request and prints what came of it, without what was sent.
func (c call) expect(ctx context.Context, route, body, want string) reply {
	resp, answer, err := c.send(ctx, route, body)
	got := "no answer"
	if err == nil {
		got = strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", answer.Code))
	}
	if at := strings.LastIndex(route, "/"); strings.Count(route, "/") > 2 {
		route = route[:at] + "/{id}"
	}
	c.check(c.named(route), got, want)
	if err != nil {
		return answer
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		c.print(fmt.Sprintf("     after %s s\n", after))
	}
	if answer.Next != "" {
		c.print("     " + answer.Next + "\n")
	}
	return answer
}

func (c call) send(ctx context.Context, route, body string, cookies ...*http.Cookie) (*http.Response, reply, error) {
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(ctx, method, c.replicas[c.replica]+path, strings.NewReader(body))
	if err != nil {
		return nil, reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.session)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, reply{}, err
	}
	defer resp.Body.Close()
	var answer reply
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil && err != io.EOF {
		return nil, reply{}, err
	}
	return resp, answer, nil
}

// link is what the customer does in the browser: the one replica begins, user
// logs in at Wise and agrees, and the other replica gets the browser back.
func (a *app) link(ctx context.Context, user usersecurity.UserID, want string) {
	one, other := a.at(a.replica), a.at((a.replica+1)%len(a.replicas))
	resp, begun, err := one.send(ctx, "POST "+linkPath, "")
	if err != nil || resp.StatusCode != http.StatusOK {
		one.check(one.named("POST "+linkPath), "no page", "200")
		return
	}
	one.check(one.named("POST "+linkPath), fmt.Sprint(resp.StatusCode), "200")
	page, err := url.Parse(begun.URL)
	if err != nil {
		a.check("Wise's page", "no URL", begun.URL)
		return
	}
	back := url.Values{"code": {a.wise.AuthorizationCode(user)}, "state": {page.Query().Get("state")}}
	resp, _, err = other.send(ctx, "GET "+callbackPath+"?"+back.Encode(), "", resp.Cookies()...)
	got := "no answer"
	if err == nil {
		got = fmt.Sprint(resp.StatusCode, " ", strings.TrimPrefix(resp.Header.Get("Location"), "https://app.partner.example"))
	}
	other.check(other.named("GET "+callbackPath), got, want)
}
