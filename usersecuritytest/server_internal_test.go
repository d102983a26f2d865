package usersecuritytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (s *Server) handlers() int {
	s.busy.mu.Lock()
	defer s.busy.mu.Unlock()
	return s.busy.handlers
}

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came", what)
		}
	}
}

// enrol sends a request whose answer is empty, on a connection of its own.
func enrol(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := `{"faceMap":"Zm9v"}`
	_, err = fmt.Fprintf(conn, "POST /v1/user/facemap/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.UserToken(1), len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A request that hangs ends when its client leaves, not only when the server
// closes.
func TestHangingRequestsEndWithTheirClient(t *testing.T) {
	for name, fault := range map[string]Fault{
		"stall":       {Kind: Stall},
		"delay":       {Kind: Delay, Delay: time.Hour},
		"delay after": {Kind: Delay, Delay: time.Hour, After: true},
	} {
		for _, opts := range [][]ServerOption{nil, {WithTLS()}} {
			t.Run(fmt.Sprint(name, len(opts)), func(t *testing.T) {
				s := NewServer(opts...)
				defer s.Close()
				s.AddUser(1)
				s.Inject(fault)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				req, err := http.NewRequestWithContext(ctx, "POST", s.URL()+"/v1/user/facemap/enrol", strings.NewReader(`{"faceMap":"Zm9v"}`))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+s.UserToken(1))
				req.Header.Set("Content-Type", typeJSON)
				left := make(chan struct{})
				go func() {
					defer close(left)
					if resp, err := s.HTTPClient().Do(req); err == nil {
						_ = resp.Body.Close()
						t.Error("a request that hangs was answered")
					}
				}()
				waitUntil(t, "the request", func() bool { return s.handlers() == 1 })
				leave()
				<-left
				waitUntil(t, "the end of the request", func() bool { return s.handlers() == 0 })
			})
		}
	}
}

// Close has to release requests itself: net/http doesn't see a connection end
// on which more has arrived than was read.
func TestCloseReleasesHangingRequests(t *testing.T) {
	for _, fault := range []Fault{{Kind: Stall}, {Kind: Delay, Delay: time.Hour}} {
		s := NewServer()
		s.AddUser(1)
		s.Inject(fault)
		const requests = 20
		var conns []net.Conn
		for range requests {
			conns = append(conns, enrol(t, s))
		}
		waitUntil(t, "the requests", func() bool { return s.handlers() == requests })
		time.Sleep(10 * time.Millisecond) // until net/http watches the connections
		for _, conn := range conns {
			if _, err := conn.Write([]byte("G")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Millisecond) // until it has seen what arrived
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			s.Close()
			if n := s.handlers(); n > 0 || len(s.busy.conns) > 0 {
				t.Errorf("%d requests and %d connections are left", n, len(s.busy.conns))
			}
			select {
			case <-s.served:
			default:
				t.Error("connections are still accepted")
			}
		}()
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			t.Fatal("Close hangs")
		}
	}
}
