package usersecurity_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// accepts is a server that does this with each connection, and closes it.
func accepts(t *testing.T, serve func(conn net.Conn)) (address string) {
	t.Helper()
	return acceptsAt(t, must(net.Listen("tcp", "127.0.0.1:0")), serve)
}

// acceptsAt is accepts for connections that listener makes of others. They end
// with the test: net/http doesn't take every HTTP/2 connection for idle by then.
func acceptsAt(t *testing.T, listener net.Listener, serve func(conn net.Conn)) (address string) {
	t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				defer context.AfterFunc(t.Context(), func() { _ = conn.Close() })()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// speaks is a server that answers each request with these bytes, and then waits
// for the client to leave.
func speaks(t *testing.T, raw string) (base string) {
	t.Helper()
	return "http://" + accepts(t, func(conn net.Conn) {
		from := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(from)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if _, err := io.WriteString(conn, raw); err != nil {
				return
			}
		}
	})
}

// nobodyAt is an address where nobody listens.
func nobodyAt() string {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	_ = listener.Close()
	return listener.Addr().String()
}
