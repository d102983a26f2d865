package usersecuritytest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// brokenWriteTimeout bounds writes to a connection that net/http no longer looks
// after.
const brokenWriteTimeout = 5 * time.Second

// hijack takes the connection out of net/http's hands. On HTTP/2 that is not
// possible, and the stream is broken instead.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(brokenWriteTimeout))
	return conn
}

// reset ends the connection of a request with a TCP reset.
func reset(w http.ResponseWriter) { resetConn(hijack(w)) }

// resetConn closes without lingering, which is what makes TCP send a reset, and
// without a word of TLS before.
func resetConn(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// garbage answers with something that isn't HTTP.
func garbage(w http.ResponseWriter) { sendRaw(w, "\x00\x01\x02 this is not HTTP\r\n\r\n") }

// status000 answers with a status that HTTP doesn't have.
func status000(w http.ResponseWriter) {
	sendRaw(w, "HTTP/1.1 000 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// switchingProtocols answers 101 to a request that asked for no other protocol.
func switchingProtocols(w http.ResponseWriter) {
	sendRaw(w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
}

// sendRaw sends text as it is, and closes the connection.
func sendRaw(w http.ResponseWriter, text string) {
	conn := hijack(w)
	_, _ = conn.Write([]byte(text))
	_ = conn.Close()
}

// stall leaves the client waiting for the rest of the answer, until it leaves or
// the server closes.
func (r *response) stall(ctx context.Context, closing <-chan struct{}) {
	if len(r.body) > 0 {
		r.half()
	}
	select {
	case <-ctx.Done():
	case <-closing:
	}
	panic(http.ErrAbortHandler)
}

// cut breaks the answer off in the middle.
func (r *response) cut() {
	if len(r.body) > 0 {
		r.half()
		panic(http.ErrAbortHandler)
	}
	sendRaw(r.w, "HTTP/1.1 20")
}

// faultyListener applies the faults that strike a connection when it is
// accepted.
type faultyListener struct {
	net.Listener
	faults *faults
}

func (l *faultyListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch f := l.faults.pickOnAccept(); f.Kind {
		case Refuse:
			resetConn(conn)
		case SlowTLS:
			return &slowConn{Conn: conn, delay: f.Delay, closed: make(chan struct{})}, nil
		default:
			return conn, nil
		}
	}
}

// slowConn reads nothing before a delay has passed.
type slowConn struct {
	net.Conn
	delay  time.Duration
	once   sync.Once
	end    sync.Once
	closed chan struct{}
}

func (c *slowConn) Read(p []byte) (int, error) {
	c.once.Do(func() {
		timer := time.NewTimer(c.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.closed:
		}
	})
	return c.Conn.Read(p)
}

func (c *slowConn) Close() error {
	c.end.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// SetLinger lets a reset reach the connection beneath.
func (c *slowConn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}
