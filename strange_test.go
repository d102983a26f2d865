package usersecurity_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// A status that no API has is an end, and not a wait: what follows it is no body.
func TestStatusOutsideTheAPIOnSockets(t *testing.T) {
	t.Parallel()
	for raw, status := range map[string]int{
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n": 101,
		"HTTP/1.1 000 Backend Down\r\nContent-Length: 1048576\r\n\r\n":                  0,
		"HTTP/1.1 999 Denied\r\nContent-Length: 1048576\r\n\r\n":                        999,
		"HTTP/1.1 600 Denied\r\nTransfer-Encoding: chunked\r\n\r\n":                     600,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			client := clientOf(t, append(complete(), usersecurity.WithBaseURL(speaks(t, raw)), usersecurity.WithTimeouts(time.Hour, time.Hour))...)
			for _, r := range contract {
				var meta usersecurity.Meta
				_, err := r.call(t.Context(), client, usersecurity.WithMeta(&meta))
				want := []error{usersecurity.ErrUnexpectedStatus}
				if r.writes() {
					want = append(want, usersecurity.ErrOutcomeUnknown)
				}
				checkMatches(t, string(r.op), err, want...)
				if meta.Attempts != 1 || meta.StatusCode != status {
					t.Errorf("%s: %+v", r.op, meta)
				}
			}
			// At the token endpoint it holds up nobody either.
			tokens := clientOf(t, usersecurity.WithBaseURL(speaks(t, raw)), usersecurity.WithClientCredentials("acme-client", "acme-secret"),
				usersecurity.WithTimeouts(time.Hour, time.Hour))
			for range 3 {
				checkMatches(t, "a token", tokens.DeletePin(t.Context(), 1001), usersecurity.ErrNoToken)
			}
		})
	}
}

// closing tells whether it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

// A RoundTripper that returns a response next to an error breaks its contract;
// the response is not used, and its body is closed.
func TestResponseNextToAnError(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		body := &closing{Reader: strings.NewReader(r.reply)}
		var meta usersecurity.Meta
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet && r.class == aNumber {
				return answers(200, "[]")(req, "")
			}
			return &http.Response{StatusCode: r.success, Body: body, ContentLength: -1}, io.ErrUnexpectedEOF
		})
		_, err := r.call(t.Context(), newClient(t, transport), usersecurity.WithMaxAttempts(1), usersecurity.WithMeta(&meta))
		want := []error{usersecurity.ErrTransport}
		if r.writes() {
			want = append(want, usersecurity.ErrOutcomeUnknown)
		}
		checkMatches(t, string(r.op), err, want...)
		if !body.closed.Load() || meta.StatusCode != 0 {
			t.Errorf("%s: closed: %t, %+v", r.op, body.closed.Load(), meta)
		}
	}
}

// A RoundTripper that returns neither is a failed connection.
func TestNeitherResponseNorError(t *testing.T) {
	t.Parallel()
	transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })
	_, err := newClient(t, transport).ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
	checkMatches(t, "the error", err, usersecurity.ErrTransport)
}

// What a header announces costs nothing; what arrives does.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	const calls = 256
	var waiting sync.WaitGroup
	waiting.Add(calls)
	release := make(chan struct{})
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		first := true
		return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: 1 << 20, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			if first {
				first = false
				waiting.Done()
				return copy(p, "[ "), nil
			}
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return 0, io.ErrUnexpectedEOF
		}))}, nil
	})
	client := newClient(t, transport)
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var done sync.WaitGroup
	for range calls {
		done.Go(func() {
			_, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			if !errors.Is(err, usersecurity.ErrMalformedReply) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	waiting.Wait()
	runtime.GC()
	runtime.ReadMemStats(&during)
	close(release)
	done.Wait()
	if took := int64(during.HeapAlloc) - int64(before.HeapAlloc); took > calls*32<<10 {
		t.Errorf("%d calls that wait take %d KiB", calls, took>>10)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Where no body is expected, the beginning of one is enough.
func TestUnexpectedBodiesAreNotReadToTheEnd(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, status := range []int{200, 404} {
			if status == 200 && r.reply != "" {
				continue
			}
			read := 0
			transport := roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
					if read == 0 {
						read += 2
						return copy(p, "[ "), nil
					}
					for i := range p {
						p[i] = ' '
					}
					read += len(p)
					return len(p), nil
				}))}, nil
			})
			if _, err := r.call(t.Context(), newClient(t, transport)); (err == nil) != (status == 200) {
				t.Errorf("%s %d: %v", r.op, status, err)
			}
			// 64 KiB are kept, and 256 KiB more read to use the connection again.
			if read > 384<<10 {
				t.Errorf("%s %d: %d bytes were read", r.op, status, read)
			}
		}
	}
}

// A proxy that refuses to connect is named, and nothing was sent.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 407, 502, 503} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				t.Errorf("%s arrived at the proxy", r.Method)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(proxy.Close)
		checkProxy(t, proxy.URL, "the proxy refuses to connect to the host (CONNECT)")
	}
	checkProxy(t, "http://"+nobodyAt(), "the proxy can't be reached")
}

func checkProxy(t *testing.T, address, says string) {
	t.Helper()
	transport := usersecurity.NewTransport()
	transport.Proxy = http.ProxyURL(must(url.Parse(address)))
	client := clientOf(t, append(complete(), base, briefWaits, usersecurity.WithHTTPClient(&http.Client{Transport: transport}))...)
	for _, r := range contract {
		_, err := r.call(t.Context(), client)
		checkMatches(t, string(r.op), err, usersecurity.ErrTransport)
		if !strings.Contains(err.Error(), says) || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
			t.Errorf("%s: %v doesn't say %q", r.op, err, says)
		}
	}
}

// A reply compressed although identity was asked for is read; one that is broken,
// or too large once it is unpacked, is none.
func TestGzipDespiteIdentity(t *testing.T) {
	t.Parallel()
	for _, r := range sealedRows() {
		for name, reply := range map[string]string{"a reply": r.reply, "nothing": ""} {
			wise := listen(t, func(w http.ResponseWriter, a arrival) {
				if got := a.header.Get("Accept-Encoding"); got != "identity" {
					t.Errorf("%s asked for %q", r.op, got)
				}
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, reply)
				_ = z.Close()
			})
			got, err := r.call(t.Context(), wise.client(t, complete()...))
			if reply == "" && r.reply != "" {
				checkMatches(t, string(r.op)+", "+name, err, usersecurity.ErrMalformedReply)
				continue
			}
			if err != nil {
				t.Errorf("%s, %s: %v", r.op, name, err)
			}
			r.checkResult(t, got)
		}
	}
	bomb := listen(t, func(w http.ResponseWriter, _ arrival) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "["+strings.Repeat(" ", 64<<20)+"]")
		_ = z.Close()
	})
	own := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	_, err := bomb.client(t, append(complete(), usersecurity.WithHTTPClient(own))...).ListPhoneNumbers(t.Context(), 1001)
	checkMatches(t, "64 MiB of nothing", err, usersecurity.ErrReplyTooLarge)
	own.CloseIdleConnections()
}

// A raw line of a response, which net/http's errors repeat, is reachable in no
// way.
func TestRawLinesAreOutOfReach(t *testing.T) {
	t.Parallel()
	const secret = "5a1f0c3e-SECRET"
	for _, raw := range []string{
		"HTTP/1.1 403 Forbidden\r\nx-2fa-approval " + secret + "\r\n\r\n",
		"HTTP/1.1 2OO " + secret + "\r\n\r\n",
		secret + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + secret,
	} {
		client := clientOf(t, append(complete(), usersecurity.WithBaseURL(speaks(t, raw)), briefWaits)...)
		for _, r := range contract {
			_, err := r.call(t.Context(), client, usersecurity.WithMaxAttempts(1))
			if err == nil {
				t.Errorf("%s took %q for a success", r.op, raw)
				continue
			}
			for _, e := range chain(err) {
				for form, text := range printed(t, e) {
					if strings.Contains(text, "SECRET") {
						t.Errorf("%s: %s of %T shows %s", r.op, form, e, text)
					}
				}
			}
		}
	}
}

// chain is an error and all that Unwrap leads to.
func chain(err error) (all []error) {
	if err == nil {
		return nil
	}
	all = append(all, err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, chain(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, chain(inner)...)
		}
	}
	return all
}

// Why a caller ended a call can be matched, and isn't printed.
func TestCauseOfTheContext(t *testing.T) {
	t.Parallel()
	leaves := errors.New("secret: the customer has closed the page")
	for _, r := range contract {
		for name, steps := range map[string][]step{
			"in the attempt":          {hangs},
			"in the wait":             {answers(503, "", "Retry-After", "20")},
			"in the wait after a 429": {answers(429, "", "Retry-After", "20")},
		} {
			if r.class == aOnce && name == "in the wait" {
				continue // there is none
			}
			scripted(t, string(r.op)+"/"+name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(leaves) })
				script := r.script(t, steps...)
				_, err := r.call(ctx, newClient(t, script))
				checkCause(t, err, leaves)
			})
		}
		scripted(t, string(r.op)+"/before", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(leaves)
			_, err := r.call(ctx, newClient(t, nothingSent{t}))
			checkCause(t, err, leaves)
		})
	}
}

func checkCause(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("the error %v doesn't match the context's error and its cause", err)
	}
	for _, e := range chain(err) {
		if strings.Contains(fmt.Sprintf("%v %+v", e, e), "secret") {
			t.Errorf("the cause is printed: %v", e)
		}
	}
}

// Nothing of a reply that turns out to be somebody else's gets into the list that
// a later attempt brings.
func TestListsBeginAnew(t *testing.T) {
	t.Parallel()
	for _, op := range []usersecurity.Operation{usersecurity.OpListPhoneNumbers, usersecurity.OpListDeviceFingerprints, usersecurity.OpListProfiles} {
		r := rowOf(op)
		wise := play(t, answers(200, `[{"code":"unavailable","message":"m"}]`), r.answersWell())
		got, err := r.call(t.Context(), newClient(t, wise, briefWaits))
		if err != nil || wise.count() != 2 {
			t.Errorf("%s: %v after %d requests", op, err, wise.count())
		}
		r.checkResult(t, got)
	}
}

// A reply that hasn't begun when the time is up is not somebody else's: the error
// says that the time was up.
func TestRepliesThatStall(t *testing.T) {
	t.Parallel()
	stalls := func(r *http.Request, _ string) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(readerFunc(func([]byte) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		}))}, nil
	}
	for _, r := range rowsOf(aRead) {
		for what, test := range map[string]struct {
			timeouts usersecurity.Option
			want     error
		}{
			"the call's":    {usersecurity.WithTimeouts(time.Minute, time.Second), context.DeadlineExceeded},
			"the attempt's": {usersecurity.WithTimeouts(time.Second, time.Minute), usersecurity.ErrAttemptTimeout},
		} {
			scripted(t, string(r.op)+", "+what, func(t *testing.T) {
				_, err := r.call(t.Context(), newClient(t, play(t, stalls), test.timeouts))
				if !errors.Is(err, test.want) || errors.Is(err, usersecurity.ErrUnexpectedReply) {
					t.Error(err)
				}
			})
		}
	}
}
