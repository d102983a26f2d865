package usersecuritytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

type fault = usersecuritytest.Fault

// withoutHTTP2 makes the client of the server speak HTTP/1.1 over TLS.
func withoutHTTP2(srv *usersecuritytest.Server) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	srv.HTTPClient().Transport.(*http.Transport).Protocols = protocols
}

// transports runs a test over everything a client may meet the simulator by.
func transports(t *testing.T, test func(t *testing.T, srv *usersecuritytest.Server, http2 bool)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, newServer(t), false) })
	t.Run("HTTP/1.1 over TLS", func(t *testing.T) {
		srv := newServer(t, usersecuritytest.WithTLS())
		withoutHTTP2(srv)
		test(t, srv, false)
	})
	t.Run("HTTP/2", func(t *testing.T) { test(t, newServer(t, usersecuritytest.WithTLS()), true) })
}

// requests are one whose answer has a body, and one whose answer has none.
func requests(t *testing.T, srv *usersecuritytest.Server) map[string]message {
	return map[string]message{
		"with a body": asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`),
		"empty":       createPin(t, srv, "1234"),
	}
}

func isDone(t *testing.T, srv *usersecuritytest.Server, name string) bool {
	s := state(t, srv, user)
	if name == "empty" {
		return s.PinSet
	}
	return len(s.PhoneNumbers) > 0
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	for _, c := range []struct {
		kind      usersecuritytest.FaultKind
		processed bool
		status    map[string]int // recorded, where one was sent
	}{
		{usersecuritytest.ResetBefore, false, nil},
		{usersecuritytest.ResetAfter, true, nil},
		{usersecuritytest.Garbage, true, nil},
		{usersecuritytest.Cut, true, map[string]int{"with a body": 200}},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			transports(t, func(t *testing.T, srv *usersecuritytest.Server, http2 bool) {
				for name, m := range requests(t, srv) {
					srv.Inject(fault{Kind: c.kind, Times: 1})
					r, err := trySend(t, srv, m)
					if err == nil {
						t.Fatalf("%s: answered %d", name, r.status)
					}
					reset := c.kind == usersecuritytest.ResetBefore || c.kind == usersecuritytest.ResetAfter
					if reset && !http2 && !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("%s: %v, want a reset connection", name, err)
					}
					if c.kind == usersecuritytest.Cut && name == "with a body" && (r.status != 200 || r.body == "") {
						t.Errorf("half an answer: status %d, body %q", r.status, r.body)
					}
					if isDone(t, srv, name) != c.processed {
						t.Errorf("%s: processed is %v, want %v", name, !c.processed, c.processed)
					}
					requests := srv.Requests()
					last := requests[len(requests)-1]
					if last.Fault != c.kind || last.Status != c.status[name] {
						t.Errorf("%s: recorded fault %q and status %d", name, last.Fault, last.Status)
					}
				}
				if got := srv.Faults(); !maps.Equal(got, map[usersecuritytest.FaultKind]int{c.kind: 2}) {
					t.Errorf("faults = %v", got)
				}
				mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
			})
		})
	}
}

func TestStall(t *testing.T) {
	transports(t, func(t *testing.T, srv *usersecuritytest.Server, _ bool) {
		for name, m := range requests(t, srv) {
			srv.Inject(fault{Kind: usersecuritytest.Stall, Times: 1})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			req, err := http.NewRequestWithContext(ctx, m.method, srv.URL()+m.path, strings.NewReader(m.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = m.header
			resp, err := srv.HTTPClient().Do(req)
			if (err == nil) != (name == "with a body") {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if !errors.Is(err, context.DeadlineExceeded) || len(body) == 0 || int64(len(body)) >= resp.ContentLength {
					t.Errorf("%d of %d bytes, %v", len(body), resp.ContentLength, err)
				}
			}
			cancel()
			if !isDone(t, srv, name) {
				t.Errorf("%s: not processed", name)
			}
		}
	})
}

func TestFaultsThatAnswer(t *testing.T) {
	create := func(srv *usersecuritytest.Server) message {
		return asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`)
	}
	for _, c := range []struct {
		fault     fault
		processed bool
		status    int
		body      string
		header    http.Header
	}{
		{fault{Kind: usersecuritytest.HTML502}, false, 502, "<html>", http.Header{"Content-Type": {"text/html; charset=utf-8"}}},
		{fault{Kind: usersecuritytest.HTML502, After: true}, true, 502, "<html>", nil},
		{fault{Kind: usersecuritytest.TooManyRequests}, false, 429, "", http.Header{"Retry-After": nil, "X-Rate-Limited-By": {"wise-public-api"}}},
		{fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "2"}, false, 429, "", http.Header{"Retry-After": {"2"}}},
		{fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "99999999"}, false, 429, "", http.Header{"Retry-After": {"99999999"}}},
		{fault{Kind: usersecuritytest.Unreadable}, false, 500, `{"message":"An unexpected error occurred","request_id":"`, http.Header{"Content-Type": {"application/json"}}},
		{fault{Kind: usersecuritytest.Unauthorized}, false, 401, `{"error":"invalid_token","error_description":"`, http.Header{"Content-Type": {"application/json"}}},
		{fault{Kind: usersecuritytest.Status, Status: 403, Header: http.Header{"x-2fa-approval": {"ott"}}}, false, 403, "", http.Header{"X-2fa-Approval": {"ott"}, "Content-Type": nil}},
		{fault{Kind: usersecuritytest.Status, Status: 503, Body: "later", After: true}, true, 503, "later", nil},
		{fault{Kind: usersecuritytest.Status, Status: 302, Header: http.Header{"Location": {"/elsewhere"}}}, false, 302, "", nil},
	} {
		t.Run(fmt.Sprint(c.fault.Kind, c.fault.Status, c.fault.RetryAfter, c.fault.After), func(t *testing.T) {
			srv := newServer(t)
			srv.HTTPClient().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			c.fault.Times = 1
			srv.Inject(c.fault)
			r := mustStatus(t, send(t, srv, create(srv)), c.status)
			if !strings.HasPrefix(r.body, c.body) || c.body == "" && r.body != "" {
				t.Errorf("body = %q, want %q", r.body, c.body)
			}
			for name, want := range c.header {
				if got := r.header.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if r.header.Get("X-Trace-Id") == "" {
				t.Error("the answer is not traced")
			}
			if got := len(state(t, srv, user).PhoneNumbers) == 1; got != c.processed {
				t.Errorf("processed is %v", got)
			}
			want := 200
			if c.processed {
				want = 422
			}
			mustStatus(t, send(t, srv, create(srv)), want) // the rule is used up
		})
	}
}

func TestDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	for _, after := range []bool{false, true} {
		srv := newServer(t)
		srv.Inject(fault{Kind: usersecuritytest.Delay, Delay: delay, After: after, Times: 1})
		start := time.Now()
		mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
		if took := time.Since(start); took < delay {
			t.Errorf("answered after %v", took)
		}

		srv.Inject(fault{Kind: usersecuritytest.Delay, Delay: time.Hour, After: after})
		ctx, cancel := context.WithTimeout(t.Context(), delay)
		req, err := http.NewRequestWithContext(ctx, "POST", srv.URL()+"/v1/user/facemap/enrol", strings.NewReader(`{"faceMap":"Zm9v"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = asUser(srv, "POST", "", "{}").header
		if resp, err := srv.HTTPClient().Do(req); err == nil {
			_ = resp.Body.Close()
			t.Error("answered an hour early")
		}
		cancel()
		srv.Close() // waits for the request, which must not wait for an hour
		if state(t, srv, user).FaceMapEnrolled != after {
			t.Errorf("with After %v the face map is enrolled: %v", after, !after)
		}
	}
}

func TestRotateKeyFault(t *testing.T) {
	srv := newServer(t)
	m := createPin(t, srv, "1234")
	srv.Inject(fault{Kind: usersecuritytest.RotateKey, Operation: usersecurity.OpCreatePin, Times: 1})
	mustUnreadable(t, send(t, srv, m))
	mustStatus(t, send(t, srv, createPin(t, srv, "1234")), 204)
	if key, _ := fetchKey(t, srv, ""); key.Version != 2 {
		t.Errorf("version %d, want 2", key.Version)
	}
}

func TestRefuse(t *testing.T) {
	transports(t, func(t *testing.T, srv *usersecuritytest.Server, _ bool) {
		srv.Inject(fault{Kind: usersecuritytest.Refuse, Times: 1})
		m := asApplication(srv, "GET", phones(user), "")
		if _, err := trySend(t, srv, m); err == nil {
			t.Error("a refused connection was answered")
		}
		if len(srv.Requests()) != 0 {
			t.Error("a refused connection has brought a request")
		}
		mustStatus(t, send(t, srv, m), 200)
	})
}

func TestSlowTLS(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithTLS())
	withoutHTTP2(srv)
	const delay = 50 * time.Millisecond
	srv.Inject(fault{Kind: usersecuritytest.SlowTLS, Delay: delay, Times: 1})
	m := asApplication(srv, "GET", phones(user), "")
	start := time.Now()
	mustStatus(t, send(t, srv, m), 200)
	if took := time.Since(start); took < delay {
		t.Errorf("the handshake took %v", took)
	}
	srv.Inject(fault{Kind: usersecuritytest.ResetAfter, Times: 1}) // is still possible on a slow connection
	// A POST, because net/http sends a GET again.
	if _, err := trySend(t, srv, createPin(t, srv, "1234")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset connection", err)
	}

	srv.HTTPClient().CloseIdleConnections()
	srv.Inject(fault{Kind: usersecuritytest.SlowTLS, Delay: time.Hour})
	failed := make(chan error)
	go func() {
		_, err := trySend(t, srv, m)
		failed <- err
	}()
	for srv.Faults()[usersecuritytest.SlowTLS] < 2 {
		time.Sleep(time.Millisecond)
	}
	srv.Close()
	if <-failed == nil {
		t.Error("a handshake that lasts an hour has ended")
	}
}

func TestWhomFaultsHit(t *testing.T) {
	srv := newServer(t)
	list := asApplication(srv, "GET", phones(user), "")
	other := asApplication(srv, "GET", phones(otherUser), "")
	pin := asApplication(srv, "DELETE", "/v1/users/42/pin", "")
	enrol := asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)
	token := tokenRequest(srv, "grant_type=client_credentials")
	key := asApplication(srv, "GET", wiseKeyPath, "")
	unknown := asApplication(srv, "GET", "/v1/nowhere", "")
	const hit = 599
	for _, c := range []struct {
		name string
		rule fault
		hits []bool // list, other, pin, enrol, token, key, unknown
	}{
		{"any", fault{}, []bool{true, true, true, true, false, false, false}},
		{"operation", fault{Operation: usersecurity.OpListPhoneNumbers}, []bool{true, true, false, false, false, false, false}},
		{"user", fault{User: user}, []bool{true, false, true, true, false, false, false}},
		{"user and operation", fault{User: otherUser, Operation: usersecurity.OpListPhoneNumbers}, []bool{false, true, false, false, false, false, false}},
		{"token endpoint", fault{Operation: usersecurity.OpFetchToken}, []bool{false, false, false, false, true, false, false}},
		{"key endpoint", fault{Operation: usersecurity.OpFetchWiseKey}, []bool{false, false, false, false, false, true, false}},
		{"once", fault{Times: 1}, []bool{true, false, false, false, false, false, false}},
		{"twice", fault{Times: 2}, []bool{true, true, false, false, false, false, false}},
		{"first attempt", fault{Attempt: 1}, []bool{true, true, true, true, false, false, false}},
		{"second attempt", fault{Attempt: 2}, make([]bool, 7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv.ClearFaults()
			c.rule.Kind, c.rule.Status = usersecuritytest.Status, hit
			srv.Inject(c.rule)
			for i, m := range []message{list, other, pin, enrol, token, key, unknown} {
				if got := send(t, srv, m).status == hit; got != c.hits[i] {
					t.Errorf("%s %s: hit is %v", m.method, m.path, got)
				}
			}
		})
	}

	// Attempts are told by operation and correlation id.
	srv.ClearFaults()
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: hit, Attempt: 2})
	list = list.with("X-External-Correlation-Id", "a call")
	var statuses []int
	for _, m := range []message{list, list.with("X-External-Correlation-Id", "another"), pin.with("X-External-Correlation-Id", "a call"), list, list} {
		statuses = append(statuses, send(t, srv, m).status)
	}
	if want := []int{200, 200, 404, hit, 200}; !slices.Equal(statuses, want) {
		t.Errorf("statuses = %v, want %v", statuses, want)
	}

	// Of rules that fit, the first one is applied, and then the next.
	srv.ClearFaults()
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 501, Times: 1})
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 502})
	for _, want := range []int{501, 502, 502} {
		mustStatus(t, send(t, srv, pin), want)
	}
}

func TestUnauthorizedTokenEndpoint(t *testing.T) {
	srv := newServer(t)
	srv.Inject(fault{Kind: usersecuritytest.Unauthorized, Operation: usersecurity.OpFetchToken})
	r := mustStatus(t, send(t, srv, tokenRequest(srv, "grant_type=client_credentials")), 401)
	if !strings.Contains(r.body, `"invalid_client"`) {
		t.Errorf("body = %s", r.body)
	}
}

func TestRateFollowsTheSeed(t *testing.T) {
	pattern := func(seed uint64) (hits []bool) {
		srv := newServer(t, usersecuritytest.WithSeed(seed))
		srv.Inject(fault{Kind: usersecuritytest.HTML502, Rate: 0.3})
		m := asApplication(srv, "GET", phones(user), "")
		for range 200 {
			hits = append(hits, send(t, srv, m).status == 502)
		}
		return hits
	}
	one, again, two := pattern(1), pattern(1), pattern(2)
	if !slices.Equal(one, again) || slices.Equal(one, two) {
		t.Error("the hits don't follow the seed")
	}
	count := 0
	for _, hit := range one {
		if hit {
			count++
		}
	}
	if count < 40 || count > 80 {
		t.Errorf("%d of 200 were hit, want about 60", count)
	}
}

func TestRulesThatMakeNoSensePanic(t *testing.T) {
	srv := newServer(t)
	for name, f := range map[string]fault{
		"no kind":              {},
		"unknown kind":         {Kind: "nonsense"},
		"slow TLS without TLS": {Kind: usersecuritytest.SlowTLS, Delay: 1},
		"refuse an operation":  {Kind: usersecuritytest.Refuse, Operation: usersecurity.OpCreatePin},
		"after, unread":        {Kind: usersecuritytest.ResetBefore, After: true},
		"rate above 1":         {Kind: usersecuritytest.Stall, Rate: 2},
		"negative times":       {Kind: usersecuritytest.Stall, Times: -1},
		"no delay":             {Kind: usersecuritytest.Delay},
		"no status":            {Kind: usersecuritytest.Status},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "usersecuritytest: Inject: ") {
					t.Errorf("panic = %q", text)
				}
			}()
			srv.Inject(f)
		})
	}
}

// Under load every request is answered or broken, counted once, and belongs to
// its own user.
func TestManyRequestsAtOnce(t *testing.T) {
	const goroutines, each = 32, 25
	srv := newServer(t, usersecuritytest.WithRecordLimit(100))
	srv.Inject(fault{Kind: usersecuritytest.ResetAfter, Rate: 0.05})
	srv.Inject(fault{Kind: usersecuritytest.TooManyRequests, Rate: 0.05})
	srv.Inject(fault{Kind: usersecuritytest.RotateKey, Rate: 0.05, Times: 1, Operation: usersecurity.OpCreatePin})
	var wg sync.WaitGroup
	for g := range goroutines {
		id := usersecurity.UserID(1000 + g)
		srv.AddUser(id)
		wg.Go(func() {
			for i := range each {
				m := asApplication(srv, "POST", phones(int(id)), fmt.Sprintf(`{"phoneNumber":"+1%04d%04d"}`, g, i))
				if i%5 == 0 {
					m = asSealed(message{"POST", "/v1/user/pin", bearer(srv.UserToken(id)), ""}, seal(t, srv, `{"pin":"1234"}`))
				}
				r, err := trySend(t, srv, m)
				if err == nil && !slices.Contains([]int{200, 204, 409, 429, 500}, r.status) {
					t.Errorf("status %d: %s", r.status, r.body)
				}
				srv.User(id)
			}
		})
	}
	wg.Wait()
	if got := len(srv.Requests()); got != 100 {
		t.Errorf("%d requests are recorded, want the last 100", got)
	}
	total := srv.Count(usersecurity.OpCreatePhoneNumber) + srv.Count(usersecurity.OpCreatePin)
	if total != goroutines*each {
		t.Errorf("%d requests counted, want %d", total, goroutines*each)
	}
	for g := range goroutines {
		for _, p := range state(t, srv, usersecurity.UserID(1000+g)).PhoneNumbers {
			if !strings.HasPrefix(p.PhoneNumber, fmt.Sprintf("+1%04d", g)) {
				t.Errorf("user %d has a number of another's", 1000+g)
			}
		}
	}
}
