package usersecuritytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

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

// What no server of Wise's sends: read from the wire, as net/http makes an error
// of the one and waits behind the other.
func TestStatusLinesThatAreNotWises(t *testing.T) {
	for kind, line := range map[usersecuritytest.FaultKind]string{
		usersecuritytest.Status000:          "HTTP/1.1 000 \r\n",
		usersecuritytest.SwitchingProtocols: "HTTP/1.1 101 Switching Protocols\r\n",
	} {
		for _, after := range []bool{false, true} {
			srv := newServer(t)
			srv.Inject(fault{Kind: kind, After: after, Times: 1})
			conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			body := `{"faceMap":"Zm9v"}`
			_, err = fmt.Fprintf(conn, "POST /v1/user/facemap/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", srv.UserToken(user), len(body), body)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			_ = conn.Close()
			if err != nil || !strings.HasPrefix(string(answer), line) || !strings.HasSuffix(string(answer), "\r\n\r\n") {
				t.Errorf("%s: %q, %v", kind, answer, err)
			}
			if state(t, srv, user).FaceMapEnrolled != after {
				t.Errorf("%s: with After %v it was processed: %v", kind, after, !after)
			}
			if r := srv.Requests()[0]; r.Fault != kind || r.Status != 0 {
				t.Errorf("%s: recorded fault %s, status %d", kind, r.Fault, r.Status)
			}
		}
		srv := newServer(t, usersecuritytest.WithTLS())
		srv.Inject(fault{Kind: kind, Times: 1})
		if r, err := trySend(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)); err == nil {
			t.Errorf("%s over HTTP/2: status %d, want a broken stream", kind, r.status)
		}
	}
}
