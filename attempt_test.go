package usersecurity_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// Whether a write may have been done is a matter of how far it got, not of the
// error's name.
func TestWhatWasWritten(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range []struct {
			name string
			got  []func(*httptrace.ClientTrace)
			open bool
		}{
			{"no connection", []func(*httptrace.ClientTrace){asksForConnection}, false},
			{"a connection, nothing written", []func(*httptrace.ClientTrace){asksForConnection, getsConnection}, false},
			{"written", []func(*httptrace.ClientTrace){asksForConnection, getsConnection, writes}, true},
			// A transport that repeats by itself may fail to connect after it has written.
			{"written, then no connection", []func(*httptrace.ClientTrace){asksForConnection, getsConnection, writes, asksForConnection}, true},
		} {
			for name, failure := range map[string]error{"closed": io.EOF, "no dial": &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}} {
				scripted(t, string(r.op)+"/"+test.name+"/"+name, func(t *testing.T) {
					wise := play(t, traced(failure, test.got...))
					if r.class == aNumber && test.open {
						wise.readBack = []step{answers(200, "[]")}
					}
					_, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithMaxAttempts(2))
					want := []error{usersecurity.ErrTransport}
					if test.open && r.writes() {
						want = append(want, usersecurity.ErrOutcomeUnknown)
					}
					checkMatches(t, "the error", err, want...)
					if n := wise.count(); n != 2 && (n != 1 || !test.open || r.class != aOnce) {
						t.Errorf("%d attempts", n)
					}
				})
			}
		}
	}
}

// On real sockets: a port that nobody listens on, and a certificate that
// nobody trusts.
func TestNothingWrittenOnRealSockets(t *testing.T) {
	t.Parallel()
	closed, secure := "http://"+nobodyAt(), untrusted(t)
	// A certificate is no better the second time.
	for base, attempts := range map[string]int{closed: 4, secure: 1} {
		client := clientOf(t, append(complete(), usersecurity.WithBaseURL(base), briefWaits)...)
		for _, r := range contract {
			var meta usersecurity.Meta
			_, err := r.call(t.Context(), client, usersecurity.WithMeta(&meta))
			checkMatches(t, string(r.op), err, usersecurity.ErrTransport)
			if meta.Attempts != attempts || meta.StatusCode != 0 {
				t.Errorf("%s: meta %+v", r.op, meta)
			}
		}
	}
}

// Attempts of one call send the same bytes under the same correlation id; each
// call has bytes and an id of its own.
func TestWireAttemptsAreAlike(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint, usersecurity.OpEnrolFaceMap} {
		r := rowOf(op)
		attempts := 0
		wise := listen(t, func(w http.ResponseWriter, _ arrival) {
			if attempts++; attempts%3 != 0 {
				reply(w, 503, "")
				return
			}
			reply(w, r.success, r.reply)
		})
		client := wise.client(t, append(complete(), briefWaits)...)
		for range 2 {
			if _, err := r.call(t.Context(), client); err != nil {
				t.Fatalf("%s: %v", op, err)
			}
		}
		all := wise.all()
		if len(all) != 6 {
			t.Fatalf("%s: %d requests", op, len(all))
		}
		for i, a := range all {
			first := all[i/3*3]
			if a.body != first.body || !reflect.DeepEqual(a.header, first.header) {
				t.Errorf("%s: attempt %d differs from the first", op, i%3+1)
			}
		}
		const id = "X-External-Correlation-Id"
		if all[0].header.Get(id) == all[3].header.Get(id) {
			t.Errorf("%s: two calls have the same correlation id", op)
		}
		if !r.sealed {
			continue
		}
		one, other := strings.Split(all[0].body, "."), strings.Split(all[3].body, ".")
		for segment := 1; segment < 5; segment++ {
			if one[segment] == other[segment] {
				t.Errorf("%s: segment %d is the same in two calls", op, segment)
			}
		}
		if bytes.Equal(cekOf(all[0].body), cekOf(all[3].body)) {
			t.Errorf("%s: two calls have the same content key", op)
		}
	}
}

// What a transport wrote twice in one attempt may have been done the first time.
func TestWrittenTwiceIsUncertain(t *testing.T) {
	t.Parallel()
	for _, r := range rowsOf(aSetOnce) {
		t.Run(string(r.op), func(t *testing.T) {
			t.Parallel()
			_, err := r.call(t.Context(), newClient(t, play(t, func(req *http.Request, _ string) (*http.Response, error) {
				reaches(req, asksForConnection, writes, asksForConnection, writes)
				return &http.Response{StatusCode: http.StatusConflict, Request: req}, nil
			})))
			checkMatches(t, "the error", err, r.means(http.StatusConflict, noBody))
			checkUncertain(t, "the error", err, true)
		})
	}
}
