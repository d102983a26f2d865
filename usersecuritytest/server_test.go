package usersecuritytest_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestCloseLeavesNothingBehind(t *testing.T) {
	for _, opts := range [][]usersecuritytest.ServerOption{nil, {usersecuritytest.WithTLS()}} {
		before := runtime.NumGoroutine()
		srv := usersecuritytest.NewServer(opts...)
		srv.AddUser(user)
		mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)

		// A request that hangs, on a connection that its client keeps.
		srv.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Stall, Operation: usersecurity.OpDeletePin})
		m := asApplication(srv, "DELETE", "/v1/users/42/pin", "")
		failed := make(chan error)
		go func() {
			_, err := trySend(t, srv, m)
			failed <- err
		}()
		for srv.Count(usersecurity.OpDeletePin) == 0 {
			time.Sleep(time.Millisecond)
		}
		srv.Close()
		srv.Close()
		if err := <-failed; err == nil {
			t.Error("the request that hung was answered")
		}
		_, address, _ := strings.Cut(srv.URL(), "://")
		if _, err := net.Dial("tcp", address); err == nil {
			t.Error("a closed server takes connections")
		}
		if got := len(srv.Requests()); got != 2 {
			t.Errorf("%d requests are recorded after Close, want 2", got)
		}
		// The client's own goroutines end when they notice; ours have ended.
		deadline := time.Now().Add(5 * time.Second)
		for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if after := runtime.NumGoroutine(); after > before {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestCloseReleasesConnectionsThatSendNothing(t *testing.T) {
	srv := newServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	closed := make(chan struct{})
	go func() { srv.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("Close hangs")
	}
}

func TestRequestThatBreaksOffIsNotProcessed(t *testing.T) {
	srv := newServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"faceMap":"Zm9v"}`
	_, err = fmt.Fprintf(conn, "POST /v1/user/facemap/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", srv.UserToken(user), len(body)+1, body)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for srv.Count(usersecurity.OpEnrolFaceMap) == 0 {
		time.Sleep(time.Millisecond)
	}
	srv.Close()
	if r := srv.Requests()[0]; r.Status != 0 || state(t, srv, user).FaceMapEnrolled {
		t.Errorf("half a request was answered %d", r.Status)
	}
}

func TestTLS(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithTLS())
	if !strings.HasPrefix(srv.URL(), "https://127.0.0.1:") {
		t.Errorf("URL = %s", srv.URL())
	}
	resp, err := srv.HTTPClient().Get(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("%s, want HTTP/2", resp.Proto)
	}
	if _, err := (&http.Client{Transport: &http.Transport{}}).Get(srv.URL()); err == nil {
		t.Error("the certificate is trusted by everyone")
	}
	pool := srv.HTTPClient().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, c := range []struct {
		host string
		max  uint16
		fine bool
	}{
		{"localhost", tls.VersionTLS13, true},
		{"127.0.0.1", tls.VersionTLS12, true},
		{"127.0.0.1", tls.VersionTLS11, false},
		{"example.com", tls.VersionTLS13, false},
	} {
		config := &tls.Config{RootCAs: pool, ServerName: c.host, MinVersion: tls.VersionTLS10, MaxVersion: c.max}
		conn, err := tls.Dial("tcp", strings.TrimPrefix(srv.URL(), "https://"), config)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != c.fine {
			t.Errorf("handshake for %s up to version %x: %v", c.host, c.max, err)
		}
	}
}

func TestPathPrefix(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithPathPrefix("/gateway/wise"))
	if !strings.HasSuffix(srv.URL(), "/gateway/wise") {
		t.Fatalf("URL = %s", srv.URL())
	}
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	mustStatus(t, send(t, srv, tokenRequest(srv, "grant_type=client_credentials")), 200)
	root := strings.TrimSuffix(srv.URL(), "/gateway/wise")
	for _, path := range []string{phones(user), "/oauth/token", "/gateway" + phones(user)} {
		resp, err := srv.HTTPClient().Get(root + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s outside the prefix: status %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestLatency(t *testing.T) {
	const latency = 50 * time.Millisecond
	srv := newServer(t, usersecuritytest.WithLatency(latency))
	start := time.Now()
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	if took := time.Since(start); took < latency {
		t.Errorf("answered after %v, want at least %v", took, latency)
	}
}

func TestOptionsThatMakeNoSensePanic(t *testing.T) {
	srv := newServer(t)
	for name, call := range map[string]func(){
		"prefix without slash": func() { usersecuritytest.WithPathPrefix("gateway") },
		"prefix with slash":    func() { usersecuritytest.WithPathPrefix("/gateway/") },
		"prefix is root":       func() { usersecuritytest.WithPathPrefix("/") },
		"list by PUT":          func() { usersecuritytest.WithFingerprintListMethod("PUT") },
		"negative limit":       func() { usersecuritytest.WithFingerprintLimit(-1) },
		"negative records":     func() { usersecuritytest.WithRecordLimit(-1) },
		"user 0":               func() { srv.AddUser(0) },
		"token of a stranger":  func() { srv.UserToken(stranger) },
		"code of a stranger":   func() { srv.RegistrationCode(stranger) },
		"code of a stranger 2": func() { srv.AuthorizationCode(stranger) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, ok := recover().(string)
				if !ok || !strings.HasPrefix(text, "usersecuritytest: ") {
					t.Errorf("panic = %q, want a message of the package's", text)
				}
			}()
			call()
		})
	}
}

func TestServerPrintsNoSecret(t *testing.T) {
	srv := newServer(t)
	mustStatus(t, send(t, srv, createPin(t, srv, "8273")), 204)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		text := fmt.Sprintf(verb, srv)
		if want := "usersecuritytest.Server(" + srv.URL() + ")"; text != want {
			t.Errorf("%s prints %q, want %q", verb, text, want)
		}
	}
	if text := fmt.Sprint((*usersecuritytest.Server)(nil)); text != "<nil>" {
		t.Errorf("a nil server prints %q", text)
	}
}

func TestEveryReplyIsTraced(t *testing.T) {
	srv := newServer(t)
	seen := map[string]bool{}
	for _, m := range []message{
		asApplication(srv, "GET", phones(user), ""),
		asApplication(srv, "GET", phones(stranger), ""),
		asApplication(srv, "GET", "/nowhere", ""),
		asApplication(srv, "PATCH", "/v1/user/pin", ""),
		{method: "POST", path: "/oauth/token"},
		createPin(t, srv, "1234"),
	} {
		for correlation, echoed := range map[string]bool{
			"4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05":  true,
			"short":                                 true,
			"4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05x": false, // Wise ignores more than 36 characters
		} {
			if m.header == nil {
				m.header = http.Header{}
			}
			r := send(t, srv, m.with("X-External-Correlation-Id", correlation))
			trace := r.header.Get("x-trace-id")
			if trace == "" || seen[trace] {
				t.Errorf("%s %s: x-trace-id = %q, want a new one", m.method, m.path, trace)
			}
			seen[trace] = true
			want := ""
			if echoed {
				want = correlation
			}
			if got := r.header.Get("X-External-Correlation-Id"); got != want {
				t.Errorf("%s %s: correlation id %q, want %q", m.method, m.path, got, want)
			}
		}
	}
}
