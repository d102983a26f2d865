package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Where pools count, each client runs in a process of its own, which is told by
// SSL_CERT_FILE to trust the server: so the pools begin empty, and nothing about
// them is set for the measurement.

// load is what a child process is asked to do: to list phone numbers, of
// another user in each call.
type load struct {
	Client     string
	FloorsPool bool // or the one that the client has by itself
	URL        string
	Goroutines int
	Warm       int // calls of each goroutine before the clock starts
	Requests   int // calls of each goroutine
	Attempts   int
	// Waiting says that the server holds its answers. The child measures its memory
	// when it is told on its standard input that all calls have arrived.
	Waiting bool
}

// result is what a child process says.
type result struct {
	PerSecond float64
	P50, P99  float64 // milliseconds
	Failed    int
	Bytes     float64 // of each waiting call
}

const childVariable = "USERSECURITY_BENCHMARKS_CHILD"

// shortWait is how long the clients that repeat wait before they do.
const shortWait = time.Millisecond

func isChild() bool { return os.Getenv(childVariable) != "" }

func childMain() {
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child() error {
	var l load
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &l); err != nil {
		return err
	}
	w := wanted{base: l.URL, attempts: l.Attempts, wait: shortWait}
	if l.FloorsPool {
		w.transport = tuned()
	}
	c, err := newCaller(l.Client, w)
	if err != nil {
		return err
	}
	run := l.time
	if l.Waiting {
		run = l.wait
	}
	return json.NewEncoder(os.Stdout).Encode(run(c))
}

// tuned is the floor's pool.
func tuned() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 1024
	return t
}

// time makes the calls and looks at the clock.
func (l load) time(c caller) result {
	var (
		warm, done sync.WaitGroup
		failed     atomic.Int64
	)
	took := make([][]time.Duration, l.Goroutines)
	begin := make(chan struct{})
	call := func(g, r int) {
		if _, err := c.list(context.Background(), int64(1+g*(l.Warm+l.Requests)+r)); err != nil {
			failed.Add(1)
		}
	}
	warm.Add(l.Goroutines)
	for g := range l.Goroutines {
		done.Go(func() {
			for r := range l.Warm {
				call(g, r)
			}
			warm.Done()
			<-begin
			for r := range l.Requests {
				start := time.Now()
				call(g, l.Warm+r)
				took[g] = append(took[g], time.Since(start))
			}
		})
	}
	warm.Wait()
	start := time.Now()
	close(begin)
	done.Wait()
	seconds := time.Since(start).Seconds()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	at := func(share float64) float64 {
		return all[int(share*float64(len(all)-1))].Seconds() * 1000
	}
	return result{PerSecond: float64(len(all)) / seconds, P50: at(0.5), P99: at(0.99), Failed: int(failed.Load())}
}

// wait begins the calls and measures what they hold while they wait. The process
// ends before they do.
func (l load) wait(c caller) result {
	before := held()
	for g := range l.Goroutines {
		go func() { _, _ = c.list(context.Background(), int64(1+g)) }()
	}
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	return result{Bytes: (held() - before) / float64(l.Goroutines)}
}

// held is how much memory the heap and the stacks take.
func held() float64 {
	runtime.GC()
	runtime.GC() // what the first one left in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// calls is how many calls the load makes.
func (l load) calls() int { return l.Goroutines * (l.Warm + l.Requests) }

// run starts a child process for the load. A waiting one is told when all its
// calls are there.
func (l load) run(certificateFile string, there <-chan struct{}) (r result, err error) {
	encoded, err := json.Marshal(l)
	if err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	var out bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(encoded), "SSL_CERT_FILE="+certificateFile)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return r, err
	}
	if err := cmd.Start(); err != nil {
		return r, err
	}
	if l.Waiting {
		<-there
		_ = stdin.Close()
	}
	if err := cmd.Wait(); err != nil {
		return r, fmt.Errorf("%s, %d goroutines: %w", l.Client, l.Goroutines, err)
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}
