package usersecurity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
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

// newTransport reads no proxy from the environment: where the requests of a
// backend go is the caller's to say, with WithHTTPClient.
func newTransport() *http.Transport {
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

// readReply reads the body of an answer, at most as much as its kind may have,
// and drains what is left of it so that the connection can serve again. It
// returns what it got even where it fails.
func readReply(resp *http.Response, limit int64) (body []byte, tooLarge bool, err error) {
	if resp.Body == nil || resp.Body == http.NoBody { // nil is what hand-made responses of test doubles have
		return nil, false, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if n := resp.ContentLength; n > 0 && n <= limit {
		body = make([]byte, n)
		read, err := io.ReadFull(resp.Body, body)
		if err != nil {
			return body[:read], false, err
		}
		return body, false, nil
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		return body[:limit], true, nil
	}
	return body, false, err
}

// transportWords describes an error of the transport's in words of our own, or
// returns nothing for one it doesn't know.
func transportWords(err error) string {
	var (
		dns   *net.DNSError
		op    *net.OpError
		errno syscall.Errno
		cert  *tls.CertificateVerificationError
		alert tls.AlertError
		name  x509.HostnameError
		ca    x509.UnknownAuthorityError
		plain tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is unknown"
	case errors.As(err, &dns):
		return "the host name could not be looked up"
	case errors.As(err, &cert), errors.As(err, &name), errors.As(err, &ca):
		return "the server's certificate is not trusted"
	case errors.As(err, &alert):
		return "the TLS handshake failed"
	case errors.As(err, &plain):
		return "the server does not speak TLS"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was closed before the answer was complete"
	case errors.As(err, &op) && op.Timeout():
		return op.Op + " timed out"
	case errors.As(err, &op):
		return op.Op + " failed"
	}
	return ""
}
