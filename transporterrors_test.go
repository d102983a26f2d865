package usersecurity_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// fromServer marks what a server has sent. None of it may be printed.
const fromServer = "S3NT-BY-THE-SERVER"

// transportFailures are what happens between a client and a server, and our
// words for it. Each is played on a real connection.
var transportFailures = []struct {
	name string
	says string
	// play starts what fails, and adapts the transport to it.
	play func(t *testing.T, ca *authority, transport *http.Transport) (base string)
}{
	{"no HTTP", "the response is not HTTP", raw(fromServer + "\r\n\r\n")},
	{"no status", "the response is not HTTP", raw("HTTP/1.1 " + fromServer + "\r\n\r\n")},
	{"no version", "the response is not HTTP", raw("HTTP/" + fromServer + " 200 OK\r\n\r\n")},
	{"a header without a colon", "a header of the response is malformed", raw("HTTP/1.1 200 OK\r\n" + fromServer + "\r\n\r\n")},
	{"two lengths", "the response contradicts its Content-Length, or has a malformed one", raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + fromServer)},
	{"a length in words", "the response contradicts its Content-Length, or has a malformed one", raw("HTTP/1.1 200 OK\r\nContent-Length: " + fromServer + "\r\n\r\n")},
	{"a strange transfer encoding", "the response has a transfer encoding that HTTP doesn't know", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + fromServer + "\r\n\r\n")},
	{"a chunk without a length", "the body of the response is malformed (chunked encoding)", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[\"\r\n" + fromServer + "\r\n")},
	{"a chunk too short", "the body of the response is malformed (chunked encoding)", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[\"" + fromServer + "\r\n")},
	{"a strange trailer", "a header of the response is malformed", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n" + fromServer + "\r\n\r\n")},
	{"gzip that is broken", "the body of the response is malformed (gzip)", raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + brokenGzip())},
	{"a large header", "the header of the response is too large", largeHeader(false)},
	{"a large header, HTTP/2", "the header of the response is too large", largeHeader(true)},
	{"closed at once", "the connection was closed before the response was complete", hangsUp("")},
	{"closed in the header", "the connection was closed before the response was complete", hangsUp("HTTP/1.1 200 OK\r\nX: " + fromServer + "\r\n")},
	{"closed in the body", "the connection was closed before the response was complete", hangsUp("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[\"" + fromServer)},
	{"reset", "connection reset by peer", func(t *testing.T, _ *authority, _ *http.Transport) string {
		return "http://" + accepts(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
		})
	}},
	{"nobody listens", "connection refused", func(_ *testing.T, _ *authority, _ *http.Transport) string {
		return "http://" + nobodyAt()
	}},
	{"an unknown host", "the host name is unknown", dials(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "wise.example", IsNotFound: true}})},
	{"no answer from DNS", "the host name could not be looked up", dials(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "wise.example", IsTimeout: true}})},
	{"a dial that takes too long", "dial timed out", func(_ *testing.T, _ *authority, transport *http.Transport) string {
		transport.DialContext = (&net.Dialer{Timeout: time.Nanosecond}).DialContext
		return "http://127.0.0.1:9"
	}},
	{"HTTP where TLS is spoken", "the server does not speak TLS", noTLS("HTTP/1.1 400 Bad Request\r\n\r\n" + fromServer)},
	{"anything where TLS is spoken", "the server does not speak TLS", noTLS(fromServer)},
	{"a record that TLS can't read", "the TLS connection failed", dials(&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")})},
	{"an old TLS", "the TLS handshake failed", func(t *testing.T, ca *authority, _ *http.Transport) string {
		config := serving(ca.signs(nil))
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		return "https://" + accepts(t, func(conn net.Conn) { _ = tls.Server(conn, config).Handshake(); _, _ = io.Copy(io.Discard, conn) })
	}},
	{"a handshake that takes too long", "the TLS handshake timed out", func(t *testing.T, _ *authority, transport *http.Transport) string {
		transport.TLSHandshakeTimeout = time.Millisecond
		return "https://" + accepts(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	}},
	{"a header that takes too long", "the response timed out", func(t *testing.T, _ *authority, transport *http.Transport) string {
		transport.ResponseHeaderTimeout = time.Millisecond
		return "http://" + accepts(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	}},
	{"a proxy that refuses", "the proxy refuses to connect to the host (CONNECT): status 403", proxied("HTTP/1.1 403 " + fromServer + "\r\n\r\n")},
	{"a proxy of no words", "the proxy refuses to connect to the host (CONNECT): status 599", proxied("HTTP/1.1 599\r\n\r\n")},
	{"a proxy that speaks no HTTP", "the response is not HTTP", proxied(fromServer + "\r\n\r\n")},
	{"another's transport, a proxy that refuses", "the proxy refuses to connect to the host (CONNECT)", func(t *testing.T, ca *authority, transport *http.Transport) string {
		transport.OnProxyConnectResponse = nil
		return proxied("HTTP/1.1 403 Forbidden\r\n\r\n")(t, ca, transport)
	}},
	{"a proxy that isn't there", "the proxy can't be reached: connection refused", func(_ *testing.T, _ *authority, transport *http.Transport) string {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: nobodyAt()})
		return "https://wise.example"
	}},
	{"a stream reset", "the HTTP/2 stream was reset", http2(func(f frames, stream uint32) bool {
		f.write(frameReset, 0, stream, 0, 0, 0, internalError)
		return true
	})},
	{"GOAWAY", "the server ended the HTTP/2 connection (GOAWAY)", http2(func(f frames, stream uint32) bool {
		f.write(frameGoAway, 0, 0, append([]byte{0, 0, 0, byte(stream), 0, 0, 0, internalError}, fromServer...)...)
		return false
	})},
	{"no status, HTTP/2", "a header of the response is malformed", http2(func(f frames, stream uint32) bool {
		f.write(frameHeaders, flagEndStream|flagEndHeaders, stream, append([]byte{0, 1, 'x', byte(len(fromServer))}, fromServer...)...)
		return true
	})},
	{"data of no stream", "the HTTP/2 connection failed: the server breaks its rules", http2(func(f frames, _ uint32) bool {
		f.write(frameData, 0, 0, []byte(fromServer)...)
		return true
	})},
	{"HTTP/1.1 where HTTP/2 is spoken", "the server does not speak HTTP/2", http2(func(f frames, _ uint32) bool {
		_, _ = io.WriteString(f, "HTTP/1.1 400 Bad Request\r\n\r\n"+fromServer)
		return true
	})},
	{"closed, HTTP/2", "the connection was closed before the response was complete", http2(func(frames, uint32) bool { return false })},
	{"silence, HTTP/2", "the HTTP/2 connection was lost", func(t *testing.T, ca *authority, transport *http.Transport) string {
		transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Millisecond, PingTimeout: 10 * time.Millisecond}
		return http2(func(frames, uint32) bool { return true })(t, ca, transport)
	}},
}

// raw answers each request with the bytes.
func raw(bytes string) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, _ *authority, _ *http.Transport) string { return speaks(t, bytes) }
}

// hangsUp answers with the bytes, and leaves.
func hangsUp(bytes string) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, _ *authority, _ *http.Transport) string {
		return "http://" + accepts(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4<<10)) // the request, all of it, or the end would be a reset
			_, _ = io.WriteString(conn, bytes)
		})
	}
}

// brokenGzip unpacks to the begin of a list, and then to nothing.
func brokenGzip() string {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `["`+fromServer)
	_ = z.Flush()
	return b.String() + "\xff\xff\xff\xff"
}

// noTLS answers a handshake with the bytes.
func noTLS(bytes string) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, _ *authority, _ *http.Transport) string {
		return "https://" + accepts(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, bytes)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
}

func largeHeader(http2 bool) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, ca *authority, _ *http.Transport) string {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for n := range 70 { // KiB; HTTP/2 takes far more than its limit for another mistake
				w.Header().Set(fmt.Sprint("X-Large-", n), strings.Repeat(fromServer, 1<<10/len(fromServer)))
			}
		}))
		server.TLS, server.EnableHTTP2 = serving(ca.signs(nil)), http2
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL
	}
}

func dials(err error) func(*testing.T, *authority, *http.Transport) string {
	return func(_ *testing.T, _ *authority, transport *http.Transport) string {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		return testHost
	}
}

// proxied puts a proxy in between that answers with the bytes.
func proxied(bytes string) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, _ *authority, transport *http.Transport) string {
		transport.Proxy = http.ProxyURL(must(url.Parse(speaks(t, bytes))))
		return testHost
	}
}

func http2(serve func(f frames, stream uint32) bool) func(*testing.T, *authority, *http.Transport) string {
	return func(t *testing.T, ca *authority, _ *http.Transport) string { return servesHTTP2(t, ca, serve) }
}

// What fails between here and Wise is told in words, and nothing of what the
// server has sent is among them.
func TestTransportFailuresInWords(t *testing.T) {
	t.Parallel()
	for _, test := range transportFailures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority("known")
			transport := usersecurity.NewTransport()
			base := test.play(t, ca, transport)
			transport.TLSClientConfig.RootCAs = ca.pool()
			client := clientOf(t, append(complete(), usersecurity.WithBaseURL(base), usersecurity.WithHTTPClient(&http.Client{Transport: transport}))...)
			t.Cleanup(transport.CloseIdleConnections)
			_, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			checkWords(t, err, test.says)
		})
	}
}

// Some depend on chance: only their texts are played.
func TestTransportTextsInWords(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"http: server closed idle connection":                                                    "the idle connection was closed when the request was to be sent",
		"http: CloseIdleConnections called":                                                      "the idle connection was closed when the request was to be sent",
		"http: idle connection timeout":                                                          "the idle connection was closed when the request was to be sent",
		"http2: Transport received Server's graceful shutdown GOAWAY":                            "the server ended the HTTP/2 connection (GOAWAY)",
		"http2: client conn could not be established":                                            "the server ended the HTTP/2 connection before the request, perhaps for want of a client certificate",
		"http2: client conn not usable":                                                          "the HTTP/2 connection was lost",
		"http2: client connection force closed via ClientConn.Close":                             "the HTTP/2 connection was lost",
		`http2: unexpected ALPN protocol "` + fromServer + `"; want "h2"`:                        "the server does not speak HTTP/2",
		"net/http: server replied with more than declared Content-Length; truncated":             "the response contradicts its Content-Length, or has a malformed one",
		"http: unexpected EOF reading trailer":                                                   "the trailer of the response is malformed",
		"http chunk length too large":                                                            "the body of the response is malformed (chunked encoding)",
		"header line too long":                                                                   "the body of the response is malformed (chunked encoding)",
		"flate: corrupt input before offset 5":                                                   "the body of the response is malformed (gzip)",
		"tls: server selected unsupported protocol version 301":                                  "the TLS handshake failed",
		`net/http: HTTP/1.x transport connection broken: malformed HTTP response "` + fromServer: "the response is not HTTP",
		fromServer: "",
	} {
		for _, cause := range []error{errors.New(text), fmt.Errorf("wrapped: %w", errors.New(text))} {
			says := says
			if says == "" {
				says = fmt.Sprintf("an error of type %T", cause)
			}
			client := newClient(t, play(t, fails(cause)))
			_, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			checkWords(t, err, says)
		}
	}
}

func checkWords(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || !strings.HasSuffix(err.Error(), ": "+says) {
		t.Fatalf("the error is %v, want %q", err, says)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, fromServer) {
			t.Errorf("%s prints what the server has sent: %s", verb, text)
		}
	}
}
