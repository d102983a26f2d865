package usersecurity_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// The frames of HTTP/2 that the tests need.
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameReset    = 0x3
	frameSettings = 0x4
	frameGoAway   = 0x7

	flagEndStream  = 0x1
	flagEndHeaders = 0x4

	// Error codes.
	internalError = 0x2
	refusedStream = 0x7
)

// frames is a server's side of one connection.
type frames struct{ net.Conn }

func (f frames) write(kind, flags byte, stream uint32, payload ...byte) {
	frame := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	frame = binary.BigEndian.AppendUint32(frame, stream)
	_, _ = f.Write(append(frame, payload...))
}

// answer sends a status without a body.
func (f frames) answer(stream uint32, status string) {
	header := append([]byte{0x08, byte(len(status))}, status...) // :status, not indexed
	f.write(frameHeaders, flagEndStream|flagEndHeaders, stream, header...)
}

// requests calls serve with the stream of each request that arrives, until it
// returns false or the connection ends.
func (f frames) requests(serve func(stream uint32) bool) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	if _, err := io.ReadFull(f, make([]byte, len(preface))); err != nil {
		return
	}
	f.write(frameSettings, 0, 0)
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(f, head); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, f, length); err != nil {
			return
		}
		if head[3] == frameHeaders && !serve(binary.BigEndian.Uint32(head[5:])&0x7fffffff) {
			return
		}
	}
}

// servesHTTP2 is a server that speaks HTTP/2, as far as serve does.
func servesHTTP2(t *testing.T, ca *authority, serve func(f frames, stream uint32) (goOn bool)) (base string) {
	t.Helper()
	config := serving(ca.signs(nil))
	config.NextProtos = []string{"h2"}
	return "https://" + acceptsAt(t, must(tls.Listen("tcp", "127.0.0.1:0", config)), func(conn net.Conn) {
		f := frames{conn}
		f.requests(func(stream uint32) bool { return serve(f, stream) })
	})
}

// refusingHTTP2 refuses the first request, in the way that is asked for, and
// answers those that follow with 409, each once the client has told that it is
// written.
func refusingHTTP2(t *testing.T, ca *authority, wrote <-chan struct{}, refuse func(f frames, stream uint32) (goOn bool)) (base string, arrived *atomic.Int64) {
	t.Helper()
	arrived = &atomic.Int64{}
	return servesHTTP2(t, ca, func(f frames, stream uint32) bool {
		<-wrote
		if arrived.Add(1) == 1 {
			return refuse(f, stream)
		}
		f.answer(stream, "409")
		return true
	}), arrived
}

// What an HTTP/2 server refuses before it looks at it, and net/http's own
// transport repeats, is no lost attempt: a 409 is certain. Of another transport
// nobody knows why it wrote twice.
func TestHTTP2RefusalsAreNotLost(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(f frames, stream uint32) bool{
		"REFUSED_STREAM": func(f frames, stream uint32) bool {
			f.write(frameReset, 0, stream, 0, 0, 0, refusedStream)
			return true
		},
		"GOAWAY": func(f frames, _ uint32) bool {
			f.write(frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // it has processed no stream
			_, _ = io.Copy(io.Discard, f)                      // until the client has left
			return false
		},
	} {
		for _, wrapped := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ca := newAuthority("known")
				wrote := make(chan struct{}, 2)
				base, arrived := refusingHTTP2(t, ca, wrote, refuse)
				transport := usersecurity.NewTransport()
				transport.TLSClientConfig.RootCAs = ca.pool()
				var through http.RoundTripper = transport
				if wrapped {
					through = roundTripper(transport.RoundTrip)
				}
				client := clientOf(t, append(complete(), usersecurity.WithBaseURL(base), usersecurity.WithHTTPClient(&http.Client{Transport: through}))...)
				t.Cleanup(transport.CloseIdleConnections)
				var meta usersecurity.Meta
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaders: func() { wrote <- struct{}{} }})
				err := client.EnrolFaceMap(ctx, 1001, usual.faceMap, usersecurity.WithMeta(&meta))
				checkMatches(t, "the error", err, usersecurity.ErrFaceMapAlreadyEnrolled)
				checkUncertain(t, "the error", err, wrapped)
				if arrived.Load() != 2 || meta.Attempts != 1 {
					t.Errorf("%d requests arrived in %d attempts", arrived.Load(), meta.Attempts)
				}
			})
		}
	}
}

// A response is read to the end of its stream: what is reset looks to the other
// side like a client that has left.
func TestStreamsAreNotReset(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(numberReply)+2))
		_, _ = io.WriteString(w, "["+numberReply+"]")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
		ended <- r.Context().Err()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := usersecurity.NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	t.Cleanup(transport.CloseIdleConnections)
	client := newClient(t, transport, usersecurity.WithBaseURL(server.URL))
	if _, err := client.ListPhoneNumbers(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server sees %v", err)
	}
}
