package usersecurity_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// ChallengeOf goes by status and headers, and by no body.
func TestChallengeOf(t *testing.T) {
	t.Parallel()
	const rejected, approval = "X-2fa-Approval-Result", "X-2fa-Approval"
	for name, test := range map[string]struct {
		status int
		header http.Header
		token  string
		asked  bool
	}{
		"both headers":             {403, http.Header{approval: {"token-1"}, rejected: {"REJECTED"}}, "token-1", true},
		"the token alone":          {403, http.Header{approval: {"token-1"}}, "token-1", true},
		"token and kind":           {403, http.Header{approval: {"token-1 PIN"}}, "token-1", true},
		"a tab between them":       {403, http.Header{approval: {"token-1\tPIN"}}, "token-1", true},
		"behind an empty one":      {403, http.Header{approval: {"", "token-1"}}, "token-1", true},
		"token and kinds":          {403, http.Header{approval: {"  token-1  PIN SMS "}}, "token-1", true},
		"rejected without a token": {403, http.Header{rejected: {"REJECTED"}}, "", true},
		"in other letters":         {403, http.Header{rejected: {" rejected "}}, "", true},
		"an empty token":           {403, http.Header{approval: {""}, rejected: {"REJECTED"}}, "", true},
		"no token, no result":      {403, http.Header{approval: {" "}}, "", false},
		"approved":                 {403, http.Header{rejected: {"APPROVED"}}, "", false},
		"a plain 403":              {403, http.Header{}, "", false},
		"no header at all":         {403, nil, "", false},
		"200":                      {200, http.Header{approval: {"token-1"}, rejected: {"APPROVED"}}, "", false},
		"401":                      {401, http.Header{approval: {"token-1"}, rejected: {"REJECTED"}}, "", false},
		"beyond ASCII":             {403, http.Header{approval: {"tokén"}}, "", false},
	} {
		for _, body := range []io.ReadCloser{nil, http.NoBody, io.NopCloser(strings.NewReader("<html>"))} {
			token, asked := usersecurity.ChallengeOf(&http.Response{StatusCode: test.status, Header: test.header, Body: body})
			if token.Reveal() != test.token || asked != test.asked || token.IsZero() != (test.token == "") {
				t.Errorf("%s: %q, %t", name, token.Reveal(), asked)
			}
		}
	}
	if token, asked := usersecurity.ChallengeOf(nil); asked || !token.IsZero() {
		t.Error("no response asks for a challenge")
	}
}

// partner is another call of a partner's to Wise, and what is beneath it.
type partner struct {
	mu      sync.Mutex
	sent    []arrival
	answers []step
	closed  atomic.Int32
}

func (p *partner) RoundTrip(r *http.Request) (*http.Response, error) {
	a := arrivalOf(r)
	p.mu.Lock()
	n := len(p.sent)
	p.sent = append(p.sent, a)
	p.mu.Unlock()
	resp, err := p.answers[min(n, len(p.answers)-1)](r, a.body)
	if err == nil {
		resp.Body = &watched{resp.Body, &p.closed}
	}
	return resp, err
}

// watched counts the bodies that were closed.
type watched struct {
	io.ReadCloser
	closed *atomic.Int32
}

func (w *watched) Close() error {
	w.closed.Add(1)
	return w.ReadCloser.Close()
}

// challenged is Wise's 403, whose body nobody may need.
var challenged = answers(403, `{"message":"x"}`, "X-2fa-Approval", oneTimeText, "X-2fa-Approval-Result", "REJECTED")

// funding is a call that is protected.
func funding(ctx context.Context, body io.Reader) *http.Request {
	r := must(http.NewRequestWithContext(ctx, "POST", testHost+"/v3/profiles/2002/transfers/1/payments?a=b%20c", body))
	r.Header.Set("Authorization", "Bearer partner")
	r.Header.Set("Content-Type", "application/json")
	return r
}

func isTheirs(ctx context.Context) context.Context {
	return usersecurity.ContextWithProfile(ctx, someone)
}

// The challenge is cleared, and the same request sent once more with the token.
func TestChallengeTransport(t *testing.T) {
	t.Parallel()
	const body = `{"type":"BALANCE"}`
	for name, reader := range map[string]io.Reader{"a body": strings.NewReader(body), "no body": nil, "an empty body": http.NoBody} {
		base := &partner{answers: []step{challenged, answers(201, "paid")}}
		wise := play(t, says(open(aPin)), verified, says())
		c := &customer{}
		req := funding(isTheirs(t.Context()), reader)
		resp, err := newClient(t, wise).ChallengeTransport(base, c.all()).RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := must(io.ReadAll(resp.Body)); resp.StatusCode != 201 || string(text) != "paid" || base.closed.Load() != 1 {
			t.Errorf("%s: %d, %q; %d bodies are closed", name, resp.StatusCode, text, base.closed.Load())
		}
		checkClearing(t, wise, c, "status pin status", "PIN")
		if len(base.sent) != 2 {
			t.Errorf("%s: %d requests", name, len(base.sent))
			continue
		}
		first, second := base.sent[0], base.sent[1]
		if got := second.header.Get("X-2fa-Approval"); got != oneTimeText {
			t.Errorf("%s: repeated with %q", name, got)
		}
		second.header.Del("X-2fa-Approval")
		if first.method != second.method || first.uri != second.uri || first.host != second.host || first.body != second.body || first.length != second.length ||
			fmt.Sprint(first.header) != fmt.Sprint(second.header) {
			t.Errorf("%s: the second request is another: %+v, after %+v", name, second, first)
		}
		if name == "a body" && second.body != body {
			t.Errorf("the body was %q", second.body)
		}
		if req.Header.Get("X-2fa-Approval") != "" {
			t.Errorf("%s: the caller's request was changed", name)
		}
	}
}

// What passes untouched, without the customer being asked.
func TestChallengeTransportLeavesAlone(t *testing.T) {
	t.Parallel()
	onceOnly := func(ctx context.Context) *http.Request {
		r := funding(ctx, strings.NewReader("body"))
		r.GetBody = nil
		return r
	}
	at := func(url string) func(context.Context) *http.Request {
		return func(ctx context.Context) *http.Request { return must(http.NewRequestWithContext(ctx, "GET", url, nil)) }
	}
	here := func(ctx context.Context) *http.Request { return funding(ctx, nil) }
	for name, test := range map[string]struct {
		answer step
		whose  func(context.Context) context.Context
		req    func(context.Context) *http.Request
	}{
		"a success":                   {answers(200, "paid"), isTheirs, here},
		"a plain 403":                 {answers(403, ""), isTheirs, here},
		"another status":              {answers(401, "", "X-2fa-Approval", oneTimeText), isTheirs, here},
		"rejected without a token":    {answers(403, "", "X-2fa-Approval-Result", "REJECTED"), isTheirs, here},
		"nobody's":                    {challenged, func(ctx context.Context) context.Context { return ctx }, here},
		"a body that can't be resent": {challenged, isTheirs, onceOnly},
		"another host":                {challenged, isTheirs, at("https://wise.example.evil.example/v3")},
		"another port":                {challenged, isTheirs, at("https://wise.example:8443/v3")},
		"another scheme":              {challenged, isTheirs, at("http://wise.example/v3")},
		"another scheme's port":       {challenged, isTheirs, at("http://wise.example:443/v3")},
	} {
		base := &partner{answers: []step{test.answer}}
		resp, err := newClient(t, nothingSent{t}).ChallengeTransport(base, (&customer{}).all()).RoundTrip(test.req(test.whose(t.Context())))
		if err != nil || len(base.sent) != 1 || base.closed.Load() != 0 {
			t.Errorf("%s: %d requests, %d bodies closed, %v", name, len(base.sent), base.closed.Load(), err)
			continue
		}
		want, _ := test.answer(&http.Request{}, "")
		if got := must(io.ReadAll(resp.Body)); resp.StatusCode != want.StatusCode || !bytes.Equal(got, must(io.ReadAll(want.Body))) {
			t.Errorf("%s: %d, %q", name, resp.StatusCode, got)
		}
	}
}

// The same host is the same, however it is written.
func TestChallengeTransportKnowsItsHost(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://wise.example/v3", "https://wise.example:443/v3", "https://WISE.example/v3", "https://wise.example/gateway/other"} {
		for _, own := range []string{testHost, testHost + ":443", testHost + "/gateway"} {
			base := &partner{answers: []step{challenged, answers(200, "")}}
			client := newClient(t, play(t, says()), usersecurity.WithBaseURL(own))
			resp, err := client.ChallengeTransport(base, usersecurity.Challenger{}).RoundTrip(must(http.NewRequestWithContext(isTheirs(t.Context()), "GET", url, nil)))
			if err != nil || resp.StatusCode != 200 || len(base.sent) != 2 {
				t.Errorf("%s, of %s: %d requests, %v", url, own, len(base.sent), err)
			}
		}
	}
}

// A second 403 is the caller's: the customer is asked once.
func TestChallengeTransportRepeatsOnce(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]step{"challenged again": challenged, "lost": lost, "forbidden": answers(403, "")} {
		base, c := &partner{answers: []step{challenged, second}}, &customer{}
		resp, err := newClient(t, play(t, says(open(aPin)), verified, says())).ChallengeTransport(base, c.all()).RoundTrip(funding(isTheirs(t.Context()), strings.NewReader("b")))
		if len(base.sent) != 2 || c.asked() != "PIN" {
			t.Errorf("%s: %d requests, the customer was asked for %q", name, len(base.sent), c.asked())
		}
		if (name == "lost") != (err != nil) || err == nil && (resp.StatusCode != 403 || base.closed.Load() != 1) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where clearing fails its error is the request's, the 403 is closed, and nothing
// is sent again.
func TestChallengeTransportWhereClearingFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wise []step
		c    customer
		want error
	}{
		"wrong":       {[]step{says(open(aPin)), wrong}, customer{}, usersecurity.ErrChallengeFailed},
		"unsupported": {[]step{says(open("SIGNATURE"))}, customer{}, usersecurity.ErrChallengeUnsupported},
		"the app":     {[]step{says(open(aPin))}, customer{fails: io.ErrClosedPipe}, io.ErrClosedPipe},
	} {
		base := &partner{answers: []step{challenged}}
		resp, err := newClient(t, play(t, test.wise...)).ChallengeTransport(base, test.c.all()).RoundTrip(funding(isTheirs(t.Context()), nil))
		if !errors.Is(err, test.want) || resp != nil || len(base.sent) != 1 || base.closed.Load() != 1 {
			t.Errorf("%s: %v; %d requests, %d bodies closed", name, err, len(base.sent), base.closed.Load())
		}
	}
	// A body that can't be had again.
	base := &partner{answers: []step{challenged}}
	req := funding(isTheirs(t.Context()), strings.NewReader("b"))
	req.GetBody = func() (io.ReadCloser, error) { return nil, io.ErrNoProgress }
	_, err := newClient(t, play(t, says())).ChallengeTransport(base, usersecurity.Challenger{}).RoundTrip(req)
	if !errors.Is(err, io.ErrNoProgress) || len(base.sent) != 1 {
		t.Errorf("no second body: %v, %d requests", err, len(base.sent))
	}
}

// A long body of the 403 is not read to its end.
func TestChallengeTransportReadsLittle(t *testing.T) {
	t.Parallel()
	read := 0
	endless := func(r *http.Request, _ string) (*http.Response, error) {
		resp, err := challenged(r, "")
		resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil }))
		return resp, err
	}
	base := &partner{answers: []step{endless, answers(200, "")}}
	if _, err := newClient(t, play(t, says())).ChallengeTransport(base, usersecurity.Challenger{}).RoundTrip(funding(isTheirs(t.Context()), nil)); err != nil {
		t.Fatal(err)
	}
	if read > 1<<20 || base.closed.Load() != 1 {
		t.Errorf("%d bytes were read, %d bodies closed", read, base.closed.Load())
	}
}

// What a callback itself asks Wise for, through the same transport and with the
// context it was given, isn't challenged in its turn.
func TestChallengeTransportDoesntNest(t *testing.T) {
	t.Parallel()
	base := &partner{answers: []step{challenged, challenged, answers(200, "")}}
	asked := 0
	var through http.RoundTripper
	by := usersecurity.Challenger{Pin: func(ctx context.Context, _ usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
		asked++
		resp, err := through.RoundTrip(funding(ctx, nil))
		if err != nil || resp.StatusCode != 403 {
			t.Errorf("the callback's own call: %v", err)
		}
		return usual.pin, nil
	}}
	through = newClient(t, play(t, says(open(aPin)), verified, says())).ChallengeTransport(base, by)
	if resp, err := through.RoundTrip(funding(isTheirs(t.Context()), nil)); err != nil || resp.StatusCode != 200 || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// The customer answers inside RoundTrip, which the caller's time bounds.
func TestChallengeTransportUnderADeadline(t *testing.T) {
	t.Parallel()
	scripted(t, "an http.Client's", func(t *testing.T) {
		base := &partner{answers: []step{challenged}}
		by := usersecurity.Challenger{Pin: func(ctx context.Context, _ usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			<-ctx.Done()
			return usersecurity.Pin{}, ctx.Err()
		}}
		client := &http.Client{Timeout: time.Minute, Transport: newClient(t, play(t, says(open(aPin)))).ChallengeTransport(base, by)}
		start := time.Now()
		resp, err := client.Do(funding(isTheirs(t.Context()), nil))
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute || base.closed.Load() != 1 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// A redirect leads elsewhere without the token.
func TestTheTokenStaysWithItsHost(t *testing.T) {
	t.Parallel()
	elsewhere := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, 200, "") })
	var paid atomic.Int32
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		switch {
		case strings.HasSuffix(a.uri, "/status"):
			reply(w, 200, `{"oneTimeToken":"t","challenges":[]}`)
		case a.header.Get("X-2fa-Approval") == "":
			w.Header().Set("X-2fa-Approval", oneTimeText)
			reply(w, 403, "")
		default:
			paid.Add(1)
			w.Header().Set("Location", elsewhere.URL+"/elsewhere")
			reply(w, 307, "")
		}
	})
	client := wise.client(t, complete()...)
	through := &http.Client{Transport: client.ChallengeTransport(nil, usersecurity.Challenger{})}
	defer through.CloseIdleConnections()
	req := must(http.NewRequestWithContext(isTheirs(t.Context()), "POST", wise.URL+"/v3/payments", strings.NewReader("b")))
	resp := must(through.Do(req))
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || paid.Load() != 1 || elsewhere.count("") != 1 {
		t.Fatalf("%d; %d requests with the token, %d elsewhere", resp.StatusCode, paid.Load(), elsewhere.count(""))
	}
	if got := elsewhere.all()[0].header; got.Get("X-2fa-Approval") != "" || got.Get("One-Time-Token") != "" {
		t.Errorf("elsewhere arrived %v", got)
	}
}

// One transport serves many customers at once, each with their own answers.
func TestChallengeTransportForMany(t *testing.T) {
	t.Parallel()
	wise, client := newPair(t, nil)
	wise.Protect("POST", "/v3/profiles/{profileId}/transfers/{transferId}/payments", aPin)
	pinOf := func(user usersecurity.UserID) usersecurity.Pin {
		return must(usersecurity.NewPin(fmt.Sprintf("%04d", int64(user)%10000)))
	}
	by := usersecurity.Challenger{Pin: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
		return pinOf(r.Profile.User), nil
	}}
	through := &http.Client{Transport: client.ChallengeTransport(nil, by)}
	defer through.CloseIdleConnections()
	var all sync.WaitGroup
	for n := range 20 {
		user := usersecurity.UserID(3000 + n)
		wise.AddUser(user)
		p := usersecurity.Profile{User: user, ID: wise.Profile(user)}
		all.Go(func() {
			if err := client.SCA.CreatePin(t.Context(), p, pinOf(user)); err != nil {
				t.Error(err)
			}
			url := fmt.Sprintf("%s/v3/profiles/%d/transfers/1/payments", wise.URL(), int64(p.ID))
			req := must(http.NewRequestWithContext(usersecurity.ContextWithProfile(t.Context(), p), "POST", url, strings.NewReader("{}")))
			req.Header.Set("Authorization", "Bearer "+wise.UserToken(user))
			req.Header.Set("Content-Type", "application/json")
			resp, err := through.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if tokens := wise.OneTimeTokens(user); resp.StatusCode != 200 || len(tokens) != 1 || !tokens[0].Used || tokens[0].Attempts != 1 || tokens[0].Failures != 0 {
				t.Errorf("user %d: %d, %+v", int64(user), resp.StatusCode, tokens)
			}
		})
	}
	all.Wait()
	for _, r := range wise.Requests() {
		if r.Refusal != "" {
			t.Errorf("%s: %s", r.Operation, r.Refusal)
		}
	}
}
