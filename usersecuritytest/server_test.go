package usersecuritytest_test

import (
	"fmt"
	"net"
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
