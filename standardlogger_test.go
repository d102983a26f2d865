package usersecurity_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// logged are the lines that the standard logger gets during a test.
type logged struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// standardLogger gives its lines to the test, which must not be a parallel one.
func standardLogger(t *testing.T) *logged {
	t.Helper()
	l, before := &logged{}, log.Writer()
	log.SetOutput(l)
	t.Cleanup(func() { log.SetOutput(before) })
	return l
}

// The package text says what net/http prints: over HTTP/1.1, what follows a
// response.
func TestStandardLoggerHearsSurplusOfHTTP1(t *testing.T) {
	l := standardLogger(t)
	done := make(chan struct{})
	base := "http://" + accepts(t, func(conn net.Conn) {
		defer close(done)
		_, _ = conn.Read(make([]byte, 4<<10))
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"+fromServer)
		_, _ = io.Copy(io.Discard, conn) // until the client has read it, and leaves
	})
	if err := clientThrough(t, base, trustingTransport(newAuthority("none"), nil)).DeletePin(t.Context(), 1001); err != nil {
		t.Fatal(err)
	}
	<-done
	if text := l.String(); !strings.Contains(text, "Unsolicited response received on idle HTTP channel starting with") || !strings.Contains(text, fromServer) {
		t.Errorf("the package text is out of date: the standard logger got %q", text)
	}
}

// Over HTTP/2 nothing that a server sends gets to the standard logger, wherever
// it comes.
func TestStandardLoggerHearsNoSurplusOfHTTP2(t *testing.T) {
	mark := []byte(fromServer)
	header := append([]byte{0, 1, 'x', byte(len(mark))}, mark...) // x, not indexed
	const framePing, framePushPromise, ack = 0x6, 0x5, 0x1
	for name, surplus := range map[string]func(f frames, stream uint32){
		"data after the end":     func(f frames, stream uint32) { f.write(frameData, 0, stream, mark...) },
		"headers after the end":  func(f frames, stream uint32) { f.write(frameHeaders, flagEndHeaders, stream, header...) },
		"data of another stream": func(f frames, stream uint32) { f.write(frameData, 0, stream+2, mark...) },
		"a header of its own":    func(f frames, stream uint32) { f.write(frameHeaders, flagEndHeaders, stream+2, header...) },
		"data of no stream":      func(f frames, _ uint32) { f.write(frameData, 0, 0, mark...) },
		"a push": func(f frames, stream uint32) {
			f.write(framePushPromise, flagEndHeaders, stream, append([]byte{0, 0, 0, 2}, header...)...)
		},
		"a frame nobody knows":  func(f frames, stream uint32) { f.write(0x7f, 0, stream, mark...) },
		"a reset with too much": func(f frames, stream uint32) { f.write(frameReset, 0, stream, mark...) },
		"GOAWAY with a last word": func(f frames, stream uint32) {
			f.write(frameGoAway, 0, 0, append([]byte{0, 0, 0, byte(stream), 0, 0, 0, internalError}, mark...)...)
		},
		"no frames":                func(f frames, _ uint32) { _, _ = f.Write(mark) },
		"an HTTP/1.1 response":     func(f frames, _ uint32) { _, _ = io.WriteString(f, "HTTP/1.1 200 OK\r\nX: "+fromServer+"\r\n\r\n") },
		"more than the length":     nil,
		"the body of a 204":        nil,
		"a body before its header": nil,
	} {
		t.Run(name, func(t *testing.T) {
			l := standardLogger(t)
			ca := newAuthority("known")
			done := make(chan struct{})
			base := servesHTTP2(t, ca, func(f frames, stream uint32) bool {
				defer close(done)
				ok := []byte{0x08, 3, '2', '0', '0'} // :status, not indexed
				switch name {
				case "more than the length":
					f.write(frameHeaders, flagEndHeaders, stream, append(ok, append([]byte{0, 14}, "content-length\x012"...)...)...)
					f.write(frameData, flagEndStream, stream, append([]byte("[]"), mark...)...)
				case "the body of a 204":
					f.write(frameHeaders, flagEndHeaders, stream, 0x08, 3, '2', '0', '4')
					f.write(frameData, flagEndStream, stream, mark...)
				case "a body before its header":
					f.write(frameData, 0, stream, mark...)
				default:
					f.write(frameHeaders, flagEndHeaders, stream, ok...)
					f.write(frameData, flagEndStream, stream, '[', ']')
					surplus(f, stream)
				}
				// The client has seen all this when it answers a ping, or leaves.
				f.write(framePing, 0, 0, make([]byte, 8)...)
				head := make([]byte, 9)
				for {
					if _, err := io.ReadFull(f, head); err != nil {
						return false
					}
					_, _ = io.CopyN(io.Discard, f, int64(binary.BigEndian.Uint32(head)>>8))
					if head[3] == framePing && head[4] == ack {
						return false
					}
				}
			})
			// Some of it makes the call fail; here it only matters what is printed.
			_, _ = clientThrough(t, base, trustingTransport(ca, nil)).ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			<-done
			if text := l.String(); strings.Contains(text, fromServer) {
				t.Errorf("the standard logger got %q", text)
			}
		})
	}
}
