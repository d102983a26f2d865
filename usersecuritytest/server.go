package usersecuritytest

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a simulator of Wise's User Security API, listening on loopback unless
// [WithListener] says otherwise. Make one with [NewServer], and Close it when done. All its methods are safe for
// concurrent use.
type Server struct {
	settings settings

	baseURL string
	http    http.Server
	client  *http.Client

	certificate *x509.Certificate // nil without TLS

	clock         *clock
	partner       *partner
	users         *users
	tokens        *tokens
	grants        *grants
	wiseKeys      *wiseKeys
	partnerKeys   *partnerKeys
	oneTimeTokens *oneTimeTokens
	guards        *guards
	router        *router
	faults        *faults
	log           *requestLog
	mounts        *mounts

	closing   chan struct{} // closed by Close, to release requests that wait
	closeOnce sync.Once
	served    chan struct{} // closed when no connection is accepted any more
	busy      *busy
}

// headerTimeout bounds how long a connection may take to send a header, so that
// one that sends none does not stay for ever.
const headerTimeout = time.Minute

// NewServer starts a simulator on a free port of 127.0.0.1. It knows no user
// yet: see [Server.AddUser]. It panics if it can't listen, and on options that
// make no sense: a test can't go on then.
func NewServer(opts ...ServerOption) *Server {
	set := defaults()
	for _, o := range opts {
		o(&set)
	}
	now := &clock{}
	s := &Server{
		settings:      set,
		clock:         now,
		partner:       newPartner(set.clientSecret),
		users:         newUsers(now, set.seed, set.fingerprintLimit, set.factorsByProfile),
		tokens:        newTokens(now, set.rotateRefresh),
		grants:        newGrants(now),
		wiseKeys:      &wiseKeys{},
		partnerKeys:   &partnerKeys{},
		oneTimeTokens: newOneTimeTokens(now, set.challenges),
		guards:        &guards{},
		faults:        newFaults(set.seed),
		log:           newRequestLog(set.recordLimit),
		mounts:        &mounts{},
		closing:       make(chan struct{}),
		served:        make(chan struct{}),
		busy:          newBusy(),
	}
	s.router = s.newRouter()
	listener := set.listener
	if listener == nil {
		listener = listen()
	}
	s.start(listener, s.mounts.before(s.service()))
	return s
}

// newRouter puts the calls together.
func (s *Server) newRouter() *router {
	set := &s.settings
	verifier := &verifier{s.users, s.oneTimeTokens, set.oneTimeTokens}
	sessions := &sessions{s.clock, s.users, s.oneTimeTokens, set.sessionKinds, set.challengeForm, set.oneTimeTokens}
	return newRouter(set.prefix,
		pinRoutes(s.users, set.pinCreated),
		faceMapRoutes(s.users),
		fingerprintRoutes(s.users, set.listMethods, set.tooManyDevices),
		phoneNumberRoutes(s.users),
		verifier.routes(),
		verifier.phoneRoutes(),
		sessions.routes(),
		profileRoutes(s.users),
		(&faceTec{set.faceTecKey}).routes(),
		(&signUp{s.users, s.grants}).routes(),
		(&tokenEndpoint{s.clock, s.partner, s.tokens, s.grants}).routes(),
		keyRoutes(s.wiseKeys, s.partnerKeys),
		playgroundRoutes(),
	)
}

// service puts the parts together that every request goes through.
func (s *Server) service() *service {
	set := &s.settings
	return &service{
		clock:  s.clock,
		router: s.router,
		tokens: s.tokens,
		limits: newLimits(s.clock, set.limits),
		contract: &contract{
			clock: s.clock,
			users: s.users,
			sealing: &sealing{
				clock:           s.clock,
				wiseKeys:        s.wiseKeys,
				partnerKeys:     s.partnerKeys,
				clearReplies:    set.clearReplies,
				sealedErrors:    set.sealedErrors,
				replyKeyReplies: set.replyKeyReplies,
				replyKeyNamed:   set.replyKeyNamed,
			},
			clearBodies:  set.clearBodies,
			withoutGrant: set.withoutGrant,
		},
		guards: s.guards,
		gate: &gate{
			clock:   s.clock,
			users:   s.users,
			tokens:  s.oneTimeTokens,
			lowRisk: set.lowRisk,
			form:    set.challengeForm,
		},
		faults:  s.faults,
		log:     s.log,
		rotate:  s.wiseKeys.rotate,
		latency: set.latency,
		closing: s.closing,
	}
}

func (s *Server) start(listener net.Listener, h http.Handler) {
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	s.client = &http.Client{Transport: transport}
	s.http = http.Server{
		Handler:           s.busy.counting(h),
		ReadHeaderTimeout: headerTimeout,
		ConnState:         s.busy.connState,
		// Handshakes and requests that break off are what a simulator is for.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.baseURL = "http://" + hostOf(listener) + s.settings.prefix
	serve := s.http.Serve
	if s.settings.tls {
		s.baseURL = "https://" + hostOf(listener) + s.settings.prefix
		s.http.TLSConfig, transport.TLSClientConfig = tlsConfigs(s.settings.tlsNames)
		s.certificate = s.http.TLSConfig.Certificates[0].Leaf
		transport.ForceAttemptHTTP2 = true
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	go func() {
		defer close(s.served)
		_ = serve(&faultyListener{Listener: listener, faults: s.faults})
	}()
}

// URL is the base URL, with the path prefix if there is one, and without a
// slash at its end.
func (s *Server) URL() string { return s.baseURL }

// Mount has h answer all requests below a path, such as /_sim/, beside the
// simulated API: neither faults nor limits nor latency are for them, and they
// aren't recorded. The prefix of [WithPathPrefix] is not before the path. Mounted
// again, the handler of before is gone. [Refuse] and [SlowTLS] strike connections,
// and so these requests too.
func (s *Server) Mount(path string, h http.Handler) { s.mounts.mount(path, h) }

// Certificate is the server's own, which clients have to trust; nil without
// [WithTLS].
func (s *Server) Certificate() *x509.Certificate { return s.certificate }

// HTTPClient returns an HTTP client that reaches the server and trusts its
// certificate. It is one and the same for all callers.
func (s *Server) HTTPClient() *http.Client { return s.client }

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
