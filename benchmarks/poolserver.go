package main

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// poolServer answers after 10 ms, or as its mood says.
type poolServer struct {
	*server
	dir, certificateFile string
	mood                 atomic.Pointer[mood]
}

// mood is what the server does to the users of one run.
type mood struct {
	fails func(user int64) bool // the answer to this request is 500
	lost  int                   // of hundred calls fail for good
	// The first so many requests are answered when all of them are there, or never.
	first int64
	never bool

	arrived atomic.Int64
	there   chan struct{} // closed when the first ones are
}

func newPoolServer(h2 bool) (*poolServer, error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return nil, err
	}
	certificate, file, err := newCertificate(dir)
	if err != nil {
		return nil, err
	}
	p := &poolServer{dir: dir, certificateFile: file}
	p.server, err = serve(certificate, h2, p)
	return p, err
}

func (p *poolServer) close() {
	p.server.close()
	_ = os.RemoveAll(p.dir)
}

// ServeHTTP answers with a list of phone numbers.
func (p *poolServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := p.mood.Load()
	if n := m.arrived.Add(1); n <= m.first {
		if n == m.first {
			close(m.there)
		}
		<-m.there
		if m.never {
			<-r.Context().Done()
			return
		}
	}
	time.Sleep(10 * time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	segments := strings.Split(r.URL.Path, "/")
	if user, err := strconv.ParseInt(segments[len(segments)-2], 10, 64); err != nil || m.fails(user) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte(phoneNumbers))
}

// answersAll, failsSome and failsFirst are moods. failsSome fails one user in
// ten, always.
func answersAll() *mood {
	return &mood{fails: func(int64) bool { return false }}
}

func failsSome() *mood {
	return &mood{lost: 10, fails: func(user int64) bool { return user%10 == 0 }}
}

// failsFirst fails the first attempt of so many users that the given share of
// all attempts fails, and every call succeeds in the end.
func failsFirst(percent int64) *mood {
	var seen sync.Map
	return &mood{fails: func(user int64) bool {
		if user%(100-percent) >= percent {
			return false
		}
		_, before := seen.LoadOrStore(user, true)
		return !before
	}}
}

// poolSample is what one client did in one run.
type poolSample struct {
	result
	dials  float64
	failed float64 // calls, besides those that the mood fails for good
}

func (s poolSample) rate() float64 { return s.PerSecond }
func (s poolSample) slow() float64 { return s.P99 }

// counts are the last cells of a line: dials and failed calls.
func counts(samples []poolSample) []string {
	return []string{
		whole(median(samples, func(s poolSample) float64 { return s.dials })),
		whole(median(samples, func(s poolSample) float64 { return s.failed })),
	}
}

// measure runs one client in a process of its own.
func (p *poolServer) measure(l load, m *mood) (poolSample, error) {
	m.there = make(chan struct{})
	p.mood.Store(m)
	l.URL = p.url
	before := p.accepted.Load()
	r, err := l.run(p.certificateFile, m.there)
	return poolSample{r, float64(p.accepted.Load() - before), float64(r.Failed - l.calls()*m.lost/100)}, err
}
