package usersecurity_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
)

// arrival is a request as it came.
type arrival struct {
	method, uri string // the URI is path and query
	header      http.Header
	length      int64
	chunked     bool
	host        string
	body        string
	at          time.Time
}

func arrivalOf(r *http.Request) arrival {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	return arrival{
		method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone(),
		length: r.ContentLength, chunked: len(r.TransferEncoding) > 0, host: r.Host, body: string(body), at: time.Now(),
	}
}

// step answers one request, whose body has been read, or loses it.
type step func(r *http.Request, body string) (*http.Response, error)

// answers is an answer with headers given as name, value, name, value.
func answers(status int, body string, header ...string) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		resp := &http.Response{
			StatusCode: status, Header: http.Header{}, Request: r,
			ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		}
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Add(header[i], header[i+1])
		}
		return resp, nil
	}
}

// fails is a transport's error.
func fails(err error) step {
	return func(*http.Request, string) (*http.Response, error) { return nil, err }
}

var (
	// refused never reaches Wise; lost may have.
	refused = fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})
	lost    = fails(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET})
)

// hangs answers when the request's time is up.
func hangs(r *http.Request, _ string) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// breaksOff is a success whose body ends early.
func breaksOff(body string) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: int64(len(body)),
			Body: io.NopCloser(io.MultiReader(strings.NewReader(body[:len(body)/2]), brokenReader{})),
		}, nil
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// script is a transport that plays the steps, one for each request; the last
// one again and again. The reads of a write that looks whether it is done are
// answered by readBack, in the same way.
type script struct {
	t        testing.TB
	steps    []step
	readBack []step

	mu       sync.Mutex
	requests []arrival
	lists    []arrival
	order    []string // the methods of both
}

func play(t testing.TB, steps ...step) *script { return &script{t: t, steps: steps} }

// script plays the steps for calls of the operation; those that look find nothing.
func (r *row) script(t testing.TB, steps ...step) *script {
	s := play(t, steps...)
	if r.class == aNumber {
		s.readBack = []step{listing()}
	}
	return s
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	a := arrivalOf(r)
	s.mu.Lock()
	steps, done := s.steps, &s.requests
	if s.readBack != nil && r.Method == http.MethodGet {
		steps, done = s.readBack, &s.lists
	}
	n := len(*done)
	*done = append(*done, a)
	s.order = append(s.order, a.method)
	s.mu.Unlock()
	if len(steps) == 0 {
		s.t.Errorf("an unexpected request: %s %s", r.Method, r.URL.Path)
		return nil, errors.New("an unexpected request")
	}
	return steps[min(n, len(steps)-1)](r, a.body)
}

// count is how many requests came, without those that read back.
func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// methods are those of all requests, with those that read back, as they came.
func (s *script) methods() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.order, " ")
}

// tokens are those that came.
func (s *script) tokens() (tokens []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.requests {
		tokens = append(tokens, strings.TrimPrefix(a.header.Get("Authorization"), "Bearer "))
	}
	return tokens
}

// waits are the times between the requests.
func (s *script) waits() (waits []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.requests); i++ {
		waits = append(waits, s.requests[i].at.Sub(s.requests[i-1].at))
	}
	return waits
}

// nothingSent is a transport that must not be reached.
type nothingSent struct{ t testing.TB }

func (n nothingSent) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was sent: %s %s", r.Method, r.URL.Path)
	return nil, errors.New("nothing should be sent")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The stages of a request that a transport tells of.
func asksForConnection(trace *httptrace.ClientTrace) {
	if trace.GetConn != nil {
		trace.GetConn("wise.example:443")
	}
}

func getsConnection(trace *httptrace.ClientTrace) {
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

func writes(trace *httptrace.ClientTrace) {
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

// reaches tells that a request got through the stages.
func reaches(r *http.Request, stages ...func(*httptrace.ClientTrace)) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		for _, reach := range stages {
			reach(trace)
		}
	}
}

// traced is a failure after the stages.
func traced(err error, stages ...func(*httptrace.ClientTrace)) step {
	return func(r *http.Request, _ string) (*http.Response, error) {
		reaches(r, stages...)
		return nil, err
	}
}

// mocked answers the operation's requests, and none other, with s; a list that a
// write reads back is empty.
func mocked(t *testing.T, r *row, s step) *httpmock.MockTransport {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		t.Errorf("an unexpected request: %s %s", req.Method, req.URL)
		return nil, errors.New("an unexpected request")
	})
	if r.class == aNumber {
		mock.RegisterRegexpResponder("GET", regexp.MustCompile("^"+testHost+"/"), httpmock.NewStringResponder(200, "[]"))
	}
	mock.RegisterResponder(r.method, testHost+r.path, func(req *http.Request) (*http.Response, error) {
		var body []byte
		if req.Body != nil {
			body, _ = io.ReadAll(req.Body)
		}
		return s(req, string(body))
	})
	return mock
}

// scripted runs a test of a call whose attempts go by the script, in a bubble
// where time passes at will.
func scripted(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}
