package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// The customer of the demo.
const (
	demoUser       = usersecurity.UserID(1001)
	demoPhone      = "+6588880001"
	demoOtherPhone = "+6588880002"
)

// runDemo is the service as run makes it, at a simulator of Wise, with an app
// that calls it.
func runDemo(ctx context.Context, out io.Writer, logger *slog.Logger) error {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(demoUser)
	partner := partner{baseURL: wise.URL(), clientID: wise.ClientID(), clientSecret: wise.ClientSecret()}

	refreshToken, err := link(ctx, partner, wise.AuthorizationCode(demoUser))
	if err != nil {
		return err
	}
	session := rand.Text()
	customers := newDirectory()
	customers.add(sha256.Sum256([]byte(session)),
		customer{ID: "c-1", WiseUser: demoUser, VerifiedPhones: []string{demoPhone, demoOtherPhone}}, refreshToken)

	client, err := newClient(partner, customers, logger)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	checkWise(ctx, client, logger)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, newAPI(client, customers, logger).handler(), logger) }()

	app := app{url: "http://" + listener.Addr().String(), session: session, out: out}
	err = app.tour(ctx, wise)
	app.http.CloseIdleConnections()
	stop()
	return errors.Join(err, <-served)
}

// link is what happens once per customer, when Wise sends him back with a code.
func link(ctx context.Context, p partner, code string) (refreshToken string, err error) {
	tokens := newUserTokens(p, nil)
	tokens.config.RedirectURL = "https://partner.example/wise/callback"
	token, err := tokens.config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, tokens.http), code,
		oauth2.SetAuthURLParam("client_id", p.clientID))
	if err != nil {
		return "", errors.New("the code was not exchanged") // x/oauth2's text may hold a token
	}
	return token.RefreshToken, nil
}

// app plays the customer's.
type app struct {
	url     string
	session string
	out     io.Writer
	http    http.Client
	failed  []string
}

func (a *app) tour(ctx context.Context, wise *usersecuritytest.Server) error {
	a.say("A PIN is set once; to change it, it is deleted first.")
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "204")
	a.expect(ctx, "PUT /me/pin", `{"pin":"7140"}`, "409 pin_already_set")
	a.expect(ctx, "PUT /me/pin", `{"pin":"12345"}`, "422 invalid_pin")

	a.say("Wise has enough of us: the app is told when to come back.")
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "60", Times: 1})
	a.expect(ctx, "DELETE /me/pin", "", "503 wise_busy")

	a.say("Every answer is lost on its way: nobody can say what became of it, until the app sends it again.")
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter})
	a.expect(ctx, "DELETE /me/pin", "", "504 outcome_unknown")
	wise.ClearFaults()
	a.expect(ctx, "DELETE /me/pin", "", "404 pin_not_set")

	a.say("The first answer is lost: is it this PIN that is set, or an older one?")
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Times: 1})
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "409 pin_unconfirmed")
	a.expect(ctx, "DELETE /me/pin", "", "204")
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "204")

	a.say("Wise changes its key and ends all tokens: nobody notices.")
	wise.RotateKey()
	wise.ExpireTokens()
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"phone"}`, "201")

	a.say("There is room for three devices.")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"phone"}`, "409 device_already_registered")
	tablet := a.expect(ctx, "POST /me/devices", `{"fingerprint":"tablet"}`, "201")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"watch"}`, "201")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"fridge"}`, "409 device_limit_reached")
	a.expect(ctx, "DELETE /me/devices/"+tablet.ID, "", "204")
	a.expect(ctx, "GET /me/devices", "", "200")

	a.say("The number for one-time passwords is one that the partner has verified.")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"+6599999999"}`, "422 phone_number_unverified")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"`+demoPhone+`"}`, "200")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"`+demoOtherPhone+`"}`, "200")
	a.expect(ctx, "DELETE /me/phone", "", "204")
	a.expect(ctx, "GET /me/phone", "", "404 phone_not_set")

	a.say("Without a session nothing is done.")
	a.session = rand.Text()
	a.expect(ctx, "DELETE /me/pin", "", "401 unauthenticated")
	if len(a.failed) > 0 {
		return fmt.Errorf("%d requests did not end as they should: %s", len(a.failed), strings.Join(a.failed, ", "))
	}
	return nil
}

func (a *app) say(text string) { fmt.Fprintln(a.out, "\n"+text) }

// reply is what the demo reads of an answer.
type reply struct{ ID, Code, Next string }

// expect makes a request and prints what came of it, without what was sent.
func (a *app) expect(ctx context.Context, route, body, want string) (answer reply) {
	status, header, answer, err := a.send(ctx, route, body)
	got := fmt.Sprint(status)
	if answer.Code != "" {
		got += " " + answer.Code
	}
	if err != nil {
		got = "no answer"
	}
	if at := strings.LastIndex(route, "/"); strings.Count(route, "/") > 2 {
		route = route[:at] + "/{id}"
	}
	fmt.Fprintf(a.out, "  %-23s %s", route, got)
	if after := header.Get("Retry-After"); after != "" {
		fmt.Fprintf(a.out, ", after %s s", after)
	}
	fmt.Fprintln(a.out)
	if answer.Next != "" {
		fmt.Fprintln(a.out, "    ", answer.Next)
	}
	if got != want {
		a.failed = append(a.failed, route+": "+got+" instead of "+want)
	}
	return answer
}

func (a *app) send(ctx context.Context, route, body string) (int, http.Header, reply, error) {
	method, path, _ := strings.Cut(route, " ")
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+a.session)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, reply{}, err
	}
	defer resp.Body.Close()
	var answer reply
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil && err != io.EOF {
		return 0, nil, reply{}, err
	}
	return resp.StatusCode, resp.Header, answer, nil
}
