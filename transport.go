package usersecurity

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The default transport serves a backend: many calls at once to one host.
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	keepAlive        = 30 * time.Second
	// Below the 60 seconds after which the usual load balancer drops an idle
	// connection: a request on a connection that the other side is just closing
	// fails as if it had been sent.
	idleTimeout  = 50 * time.Second
	idlePerHost  = 1024
	pingAfter    = 15 * time.Second
	pingTimeout  = 10 * time.Second
	maxHeader    = 64 << 10
	maxReply     = 1 << 20
	maxErrorBody = 64 << 10
	maxDrain     = 256 << 10
)

// NewTransport returns a fresh copy of the transport that a client has by
// itself: many connections kept to one host, HTTP/2, TLS 1.2 and up, bounded
// headers and dials, no proxy. Add to it what a network wants, and give it to
// [WithHTTPClient]:
//
//	t := usersecurity.NewTransport()
//	t.TLSClientConfig.Certificates = []tls.Certificate{cert} // mutual TLS
//	t.Proxy = http.ProxyFromEnvironment
//	client, err := usersecurity.New(usersecurity.WithHTTPClient(&http.Client{Transport: t}), …)
//
// It reads no proxy from the environment by itself: where the requests of a
// backend go is the caller's to say.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// firstRead is how much memory a body gets before any of it has arrived: what a
// header announces costs its sender nothing.
const firstRead = 4 << 10

// readBody reads the body of a response, at most as much as its kind may have,
// and drains what is left of it so that the connection can serve again. It
// returns what it read even where it fails.
func readBody(resp *http.Response, limit int64) (body []byte, tooLarge bool, err error) {
	if resp.Body == nil || resp.Body == http.NoBody { // nil is what hand-made responses of test doubles have
		return nil, false, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var from io.Reader = resp.Body
	switch encoding := resp.Header.Get("Content-Encoding"); {
	case strings.EqualFold(encoding, "gzip"), strings.EqualFold(encoding, "x-gzip"):
		// Sent although identity was asked for, by somebody on the way.
		from, err = gzip.NewReader(resp.Body)
		if errors.Is(err, io.EOF) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
	case resp.ContentLength > 0 && resp.ContentLength <= firstRead:
		// Read to its end, or HTTP/2 resets a stream whose end comes on its own.
		body = make([]byte, resp.ContentLength+1)
		read, err := io.ReadFull(from, body)
		if int64(read) >= resp.ContentLength {
			return body[:resp.ContentLength:resp.ContentLength], false, nil
		}
		return body[:read], false, err
	}
	body, err = io.ReadAll(io.LimitReader(from, limit+1))
	if err == nil && int64(len(body)) > limit {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		return bytes.Clone(body[:limit]), true, nil
	}
	return body, false, err
}

// certificateAlerts are the TLS alerts with which a server refuses the client's
// certificate, or its absence. They end the handshake, if only after the client
// has taken it for done.
var certificateAlerts = map[tls.AlertError]string{
	40:  "the server refuses the TLS handshake, perhaps for want of a client certificate",
	42:  "the server refuses the client's certificate as bad",
	43:  "the server refuses the client's kind of certificate",
	44:  "the server says that the client's certificate is revoked",
	45:  "the server says that the client's certificate has expired",
	46:  "the server refuses the client's certificate",
	48:  "the server doesn't know the authority of the client's certificate",
	49:  "the server denies access to the client's certificate",
	116: "the server wants a client certificate",
}

// certificateWords describes the failures of certificates, which nothing but a
// person can mend, and returns nothing for any other error. None of them lets a
// request through.
func certificateWords(err error) string {
	var (
		cert    *tls.CertificateVerificationError
		name    x509.HostnameError
		ca      x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &name):
		return "the server's certificate is for another host"
	case errors.As(err, &ca):
		return "the server's certificate is signed by an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not yet valid"
	case errors.As(err, &invalid), errors.As(err, &cert):
		return "the server's certificate is not trusted"
	}
	alert, _ := remoteAlert(err)
	return certificateAlerts[alert]
}

// remoteAlert returns the TLS alert that the server sent. Its type in
// crypto/tls is not exported, but for QUIC.
func remoteAlert(err error) (tls.AlertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return tls.AlertError(v.Uint()), true
}

// isProxyRefusal reports whether a proxy has answered CONNECT with something
// else than 200, of which net/http returns the status line's text alone.
func isProxyRefusal(err error) bool {
	text := err.Error()
	for status := http.StatusMultipleChoices; status < 600; status++ {
		if known := http.StatusText(status); known != "" && strings.EqualFold(known, text) {
			return true
		}
	}
	return false
}

// transportWords describes an error of the transport's in words of our own, or
// returns nothing for one it doesn't know.
func transportWords(err error) string {
	var (
		dns   *net.DNSError
		op    *net.OpError
		errno syscall.Errno
		plain tls.RecordHeaderError
	)
	if words := certificateWords(err); words != "" {
		return words
	}
	_, alerted := remoteAlert(err)
	switch {
	case isProxyRefusal(err):
		return "the proxy refuses to connect to the host (CONNECT)"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy can't be reached"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is unknown"
	case errors.As(err, &dns):
		return "the host name could not be looked up"
	case alerted:
		return "the TLS handshake failed"
	case errors.As(err, &plain):
		return "the server does not speak TLS"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was closed before the response was complete"
	case !errors.As(err, &op) || !slices.Contains(netSteps, op.Op):
		return ""
	case op.Timeout():
		return op.Op + " timed out"
	}
	return op.Op + " failed"
}

// netSteps are the steps of package net that may fail; another transport may put
// any text in their place.
var netSteps = []string{"dial", "read", "write", "close", "set", "local error", "remote error", "socks connect"}

// mayHideAlert reports whether an error may be the end of a connection that a
// server closed because it wanted a client certificate: the reset can overtake
// the alert.
func mayHideAlert(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}
