package usersecurity

import (
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
)

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

const refusesConnect = "the proxy refuses to connect to the host (CONNECT)"

// isProxyRefusal reports whether a proxy has answered CONNECT with something
// else than 200, of which net/http returns the status line's text alone, if the
// transport isn't one of [NewTransport].
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
		dns     *net.DNSError
		op      *net.OpError
		errno   syscall.Errno
		timeout net.Error
	)
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return strings.TrimSuffix("the proxy can't be reached: "+transportWords(op.Err), ": ")
	}
	if words := certificateWords(err); words != "" {
		return words
	}
	_, alerted := remoteAlert(err)
	switch {
	case isProxyRefusal(err):
		return refusesConnect
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is unknown"
	case errors.As(err, &dns):
		return "the host name could not be looked up"
	case alerted:
		return "the TLS handshake failed"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was closed before the response was complete"
	case errors.As(err, &op) && op.Op == "local error":
		return "the TLS connection failed"
	case errors.As(err, &op) && slices.Contains(netSteps, op.Op) && op.Timeout():
		return op.Op + " timed out"
	case errors.As(err, &op) && slices.Contains(netSteps, op.Op):
		return op.Op + " failed"
	}
	text := err.Error()
	for _, known := range phrases {
		if strings.Contains(text, known.phrase) {
			return known.words
		}
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "the transport timed out"
	}
	return ""
}

// netSteps are the steps of package net that may fail; another transport may put
// any text in their place.
var netSteps = []string{"dial", "read", "write", "close", "set", "remote error", "socks connect"}

// phrases are those by which net/http and crypto/tls name errors that have no
// type of their own, and our words for them: the texts around the phrases repeat
// what the server has sent. The first one that fits holds.
var phrases = []struct{ phrase, words string }{
	{"malformed HTTP", "the response is not HTTP"},
	{"malformed MIME header", "a header of the response is malformed"},
	{"malformed response from server", "a header of the response is malformed"},
	{"response headers exceeded", "the header of the response is too large"},
	{"header list", "the header of the response is too large"},
	{"Content-Length", "the response contradicts its Content-Length, or has a malformed one"},
	{"transfer encoding", "the response has a transfer encoding that HTTP doesn't know"},
	{"chunked", "the body of the response is malformed (chunked encoding)"},
	{"chunk length", "the body of the response is malformed (chunked encoding)"},
	{"header line too long", "the body of the response is malformed (chunked encoding)"},
	{"trailer", "the trailer of the response is malformed"},
	{"gzip: ", "the body of the response is malformed (gzip)"},
	{"flate: ", "the body of the response is malformed (gzip)"},
	{"server gave HTTP response to HTTPS client", doesNotSpeakTLS},
	{"first record does not look like a TLS handshake", doesNotSpeakTLS},
	{"TLS handshake timeout", "the TLS handshake timed out"},
	{"tls: ", "the TLS handshake failed"},
	{"timeout awaiting response headers", "the response timed out"},
	{"idle connection", "the idle connection was closed when the request was to be sent"},
	{"CloseIdleConnections", "the idle connection was closed when the request was to be sent"},
	{"frame header looked like an HTTP/1.1 header", "the server does not speak HTTP/2"},
	{"ALPN", "the server does not speak HTTP/2"},
	{"GOAWAY", "the server ended the HTTP/2 connection (GOAWAY)"},
	{"stream error: ", "the HTTP/2 stream was reset"},
	{"connection error: ", "the HTTP/2 connection failed: the server breaks its rules"},
	{"http2: client conn could not be established", "the server ended the HTTP/2 connection before the request, perhaps for want of a client certificate"},
	{"http2: client conn", "the HTTP/2 connection was lost"},
}

const doesNotSpeakTLS = "the server does not speak TLS"

// mayHideAlert reports whether an error may be the end of a connection that a
// server closed because it wanted a client certificate: the reset can overtake
// the alert.
func mayHideAlert(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}
