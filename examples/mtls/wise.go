package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const customer usersecurity.UserID = 1001

// wise is a simulator behind a TLS server that wants a client certificate.
type wise struct {
	url       string
	simulator *usersecuritytest.Server
	server    *http.Server
	inward    *http.Transport
	served    chan struct{}

	mu       sync.Mutex
	lastSeen string
	revoked  map[string]bool // by serial number
}

func startWise(ca *authority) (*wise, error) {
	cert, err := ca.issueServer()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wise{
		url:       "https://" + listener.Addr().String(),
		simulator: usersecuritytest.NewServer(),
		inward:    usersecurity.NewTransport(),
		served:    make(chan struct{}),
		revoked:   map[string]bool{},
	}
	w.simulator.AddUser(customer)
	inside, err := url.Parse(w.simulator.URL())
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(inside)
	proxy.Transport = w.inward
	w.server = &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.see(r.TLS.PeerCertificates[0].Subject.CommonName)
			proxy.ServeHTTP(rw, r)
		}),
		TLSConfig: &tls.Config{
			MinVersion:       tls.VersionTLS12,
			Certificates:     []tls.Certificate{*cert},
			ClientAuth:       tls.RequireAndVerifyClientCert,
			ClientCAs:        ca.pool,
			VerifyConnection: w.admit,
		},
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a handshake that is refused is part of the example
	}
	go func() {
		defer close(w.served)
		_ = w.server.ServeTLS(listener, "", "")
	}()
	return w, nil
}

func (w *wise) see(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastSeen = name
}

func (w *wise) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastSeen
}

// admit refuses certificates that are revoked.
func (w *wise) admit(state tls.ConnectionState) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.revoked[state.PeerCertificates[0].SerialNumber.String()] {
		return errors.New("the certificate is revoked")
	}
	return nil
}

func (w *wise) revoke(cert *tls.Certificate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked[cert.Leaf.SerialNumber.String()] = true
}

func (w *wise) close() {
	_ = w.server.Close()
	<-w.served
	w.inward.CloseIdleConnections()
	w.simulator.Close()
}
