package usersecuritytest

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
)

// Server is a simulator of Wise's User Security API, listening on loopback. Make
// one with [NewServer], and Close it when done. All its methods are safe for
// concurrent use.
type Server struct {
	settings settings
	routes   []route
	literals map[string]bool // the segments of the paths it knows

	baseURL string
	http    http.Server
	client  *http.Client

	users    users
	tokens   tokens
	wiseKeys wiseKeys
	partner  partnerKeys
	faults   faults
	log      requestLog

	closing   chan struct{} // closed by Close, to release requests that wait
	closeOnce sync.Once
	served    chan struct{} // closed when no connection is accepted any more
	busy      busy
}

// headerTimeout bounds how long a connection may take to send a header, so that
// one that sends none does not stay for ever.
const headerTimeout = time.Minute

// NewServer starts a simulator on a free port of 127.0.0.1. It knows no user
// yet: see [Server.AddUser]. It panics if it can't listen, and on options that
// make no sense: a test can't go on then.
func NewServer(opts ...ServerOption) *Server {
	s := &Server{
		settings: defaults(),
		closing:  make(chan struct{}),
		served:   make(chan struct{}),
	}
	for _, o := range opts {
		o(&s.settings)
	}
	s.routes = newRoutes(&s.settings)
	s.literals = literals(s.settings.prefix, s.routes)
	s.users.init(s.settings.seed, s.settings.fingerprintLimit)
	s.tokens.init()
	s.faults.init(s.settings.seed)
	s.log.init(s.settings.recordLimit)
	s.busy.init()

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: NewServer can't listen on 127.0.0.1: %v", err))
	}
	s.start(listener)
	return s
}

func (s *Server) start(listener net.Listener) {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	s.client = &http.Client{Transport: transport}
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: headerTimeout,
		ConnState:         s.busy.connState,
		// Handshakes and requests that break off are what a simulator is for.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.baseURL = "http://" + listener.Addr().String() + s.settings.prefix
	serve := s.http.Serve
	if s.settings.tls {
		s.baseURL = "https://" + listener.Addr().String() + s.settings.prefix
		var forServer, forClient = tlsConfigs()
		s.http.TLSConfig, transport.TLSClientConfig = forServer, forClient
		transport.ForceAttemptHTTP2 = true
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	go func() {
		defer close(s.served)
		_ = serve(&faultyListener{Listener: listener, server: s})
	}()
}

// URL is the base URL, with the path prefix if there is one, and without a
// slash at its end.
func (s *Server) URL() string { return s.baseURL }

// HTTPClient returns an HTTP client that reaches the server and trusts its
// certificate. It is one and the same for all callers.
func (s *Server) HTTPClient() *http.Client { return s.client }

// Options returns what makes a client of this server: usersecurity.New with
// them works for every user that was added. They set the base URL, the client
// credentials, a source of user tokens, sealing with the key that the server
// publishes, and, with [WithTLS], an HTTP client. Further options may follow
// them.
func (s *Server) Options() []usersecurity.Option {
	opts := []usersecurity.Option{
		usersecurity.WithBaseURL(s.URL()),
		usersecurity.WithClientCredentials(s.ClientID(), s.ClientSecret()),
		usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.TokenFunc(s.userToken))),
		usersecurity.WithJWE(),
	}
	if s.settings.tls {
		opts = append(opts, usersecurity.WithHTTPClient(s.client))
	}
	return opts
}

// Close stops the server: its connections are closed, requests that hang are
// released, and every goroutine of its own has ended when it returns. What the
// server has recorded can still be read. A client that calls afterwards finds
// its connection refused. Close may be called more than once.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		close(s.closing)
		_ = s.http.Close()
		<-s.served
		s.client.CloseIdleConnections()
	})
	s.busy.wait()
}

// Format prints the base URL and nothing that the server holds.
func (s *Server) Format(f fmt.State, _ rune) {
	if s == nil {
		_, _ = io.WriteString(f, "<nil>")
		return
	}
	_, _ = io.WriteString(f, "usersecuritytest.Server("+s.baseURL+")")
}

// pause waits, unless the client leaves or the server closes before; then it
// reports false.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// busy counts what Close has to wait for.
type busy struct {
	mu       sync.Mutex
	idle     sync.Cond
	handlers int
	conns    map[net.Conn]struct{}
}

func (b *busy) init() {
	b.idle.L = &b.mu
	b.conns = map[net.Conn]struct{}{}
}

func (b *busy) enter() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers++
}

func (b *busy) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers--
	b.idle.Broadcast()
}

// connState follows the connections. A hijacked one belongs to its handler,
// which is counted by itself.
func (b *busy) connState(c net.Conn, state http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch state {
	case http.StateNew:
		b.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(b.conns, c)
		b.idle.Broadcast()
	}
}

func (b *busy) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.handlers > 0 || len(b.conns) > 0 {
		b.idle.Wait()
	}
}
