package usersecurity

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
// Certificates expire. One that is to be replaced while the program runs is given
// by tls.Config.GetClientCertificate, which is asked at every handshake:
// examples/mtls shows how.
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
		OnProxyConnectResponse: proxyRefusal,
	}
}

// proxyRefusal is the error for a proxy's answer to CONNECT. Without it net/http
// makes one of whatever text follows the status.
func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return plainError(refusesConnect + ": status " + strconv.Itoa(resp.StatusCode))
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

// memoryBody is a body that has been read already.
type memoryBody struct{ bytes.Reader }

// Close has nothing to do.
func (*memoryBody) Close() error { return nil }
