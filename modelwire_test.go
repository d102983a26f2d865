package usersecurity_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// faultyWire is a way to the simulator on which requests and responses are lost,
// delayed, and answered by somebody else. It knows what has become of every call.
type faultyWire struct {
	wise  http.RoundTripper
	share float64 // of the requests

	mu     sync.Mutex
	random *rand.Rand
	truths map[string]*truth // by correlation id
}

// truth is what has become of the requests of a call at the simulator.
type truth struct {
	wanted string // what a list holds if the write of a number is done

	mu    sync.Mutex
	done  bool     // the write was carried out
	met   bool     // Wise has told that things are as asked
	left  []effect // what the client must believe of its attempts
	heard int      // the status of the last attempt, if it came through

	late sync.WaitGroup // requests that are still to arrive
}

// harm is what happens to a request on its way.
type harm struct {
	name     string
	arrives  bool
	late     bool
	response step
	cut      bool
	leaves   effect // what the client must believe of it
}

var (
	// before are those that never arrive.
	before = []harm{
		{name: "dial fails", response: refused, leaves: nothing},
		{name: "reset", response: lost, leaves: anything},
		{name: "429", response: answers(429, ""), leaves: nothing},
		{name: "502 html", response: html(502), leaves: anything},
		{name: "503", response: answers(503, ""), leaves: anything},
		{name: "500 own", response: ownWord(500, "internal"), leaves: over},
		{name: "200 html", response: html(200), leaves: anything},
		{name: "403 html", response: html(403), leaves: nothing},
		{name: "404 html", response: html(404), leaves: nothing},
		{name: "404 text", response: answers(404, "default backend - 404"), leaves: nothing},
		{name: "409 text", response: answers(409, "error code: 1001"), leaves: nothing},
		{name: "401 html", response: html(401), leaves: nothing},
		{name: "400 html", response: html(400), leaves: nothing},
	}
	// after are those that do, and whose response doesn't come through.
	after = []harm{
		{name: "reset", response: lost, leaves: anything},
		{name: "502 html", response: html(502), leaves: anything},
		{name: "504 html", response: html(504), leaves: anything},
		{name: "200 html", response: html(200), leaves: anything},
		{name: "200 error", response: ownWord(200, "not.allowed"), leaves: anything},
		{name: "202 JSON", response: answers(202, `{"other":"thing"}`), leaves: anything},
		{name: "500 own", response: ownWord(500, "internal"), leaves: over},
		{name: "408", response: answers(408, ""), leaves: anything},
		{name: "499", response: html(499), leaves: anything},
		{name: "cut", cut: true, leaves: carriedOut},
	}
	// later are those that arrive when nobody waits for them any more.
	later = []harm{
		{name: "reset", response: lost, leaves: anything},
		{name: "504 html", response: html(504), leaves: anything},
		{name: "499", response: html(499), leaves: anything},
	}
)

func init() {
	for i := range after {
		after[i].arrives = true
	}
	for i := range later {
		later[i].late = true
	}
}

// draw draws what happens to a request; nothing does to that of a token.
func (w *faultyWire) draw(r *http.Request) *harm {
	w.mu.Lock()
	defer w.mu.Unlock()
	kinds := [][]harm{before, after, after, later}[w.random.IntN(4)]
	at := w.random.IntN(len(kinds))
	if w.random.Float64() >= w.share || strings.HasSuffix(r.URL.Path, "/oauth/token") {
		return nil
	}
	return &kinds[at]
}

// of is the truth of the call with that correlation id; that of a token's or a
// key's request nobody asks for.
func (w *faultyWire) of(id string) *truth {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.truths[id] == nil {
		w.truths[id] = &truth{}
	}
	return w.truths[id]
}

// RoundTrip sends the request, or doesn't, and answers it.
func (w *faultyWire) RoundTrip(r *http.Request) (*http.Response, error) {
	x, h := w.of(r.Header.Get("X-External-Correlation-Id")), w.draw(r)
	if h == nil {
		return w.send(r, x, true)
	}
	if r.Method != http.MethodGet && !h.cut {
		x.mu.Lock()
		x.left, x.heard = append(x.left, h.leaves), 0
		x.mu.Unlock()
	}
	switch {
	case h.late:
		x.late.Add(1)
		pause := time.Duration(rand.IntN(4)) * time.Millisecond
		go func() {
			defer x.late.Done()
			time.Sleep(pause)
			w.drop(r, x)
		}()
	case h.cut:
		resp, err := w.send(r, x, true) // what there is of it tells
		if err == nil {
			resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, resp.ContentLength/2), brokenReader{}))
		}
		return resp, err
	case h.arrives:
		w.drop(r, x)
	}
	return h.response(r, "")
}

func (w *faultyWire) drop(r *http.Request, x *truth) {
	if resp, err := w.send(r, x, false); err == nil {
		_ = resp.Body.Close()
	}
}

// send lets the simulator answer, whatever the client waits for, and takes down
// what became of it.
func (w *faultyWire) send(r *http.Request, x *truth, through bool) (*http.Response, error) {
	whole := r.Clone(context.WithoutCancel(r.Context()))
	if r.GetBody != nil {
		whole.Body, _ = r.GetBody()
	}
	resp, err := w.wise.RoundTrip(whole)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	x.mu.Lock()
	defer x.mu.Unlock()
	if r.Method == http.MethodGet {
		x.met = x.met || x.wanted != "" && strings.Contains(string(body), x.wanted)
		return resp, nil
	}
	x.done = x.done || resp.StatusCode/100 == 2
	x.met = x.met || r.Method == http.MethodDelete && resp.StatusCode == http.StatusNotFound
	if through {
		x.heard = resp.StatusCode
	}
	return resp, nil
}
