package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wise-partner/usersecurity"
)

// The pool rows run each client in a process of its own, which is told by
// SSL_CERT_FILE to trust the server: so the pools are the clients' own and
// begin empty, and nothing about them is set for the measurement.

// load is what a child process is asked to do.
type load struct {
	Client     string
	URL        string
	Goroutines int
	Requests   int // of each goroutine
}

// failsAlways reports whether the calls for a user are among the one in ten
// that the server answers with 500.
func failsAlways(user int64) bool { return user%10 == 0 }

// result is what a child process says.
type result struct {
	Seconds float64
	Failed  int64
}

const childVariable = "USERSECURITY_BENCHMARKS_CHILD"

func isChild() bool { return os.Getenv(childVariable) != "" }

func childMain() {
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	tunedByHand    = "net/http tuned by hand"
	library        = "usersecurity"
	retryable      = "go-retryablehttp, its own pool"
	retryableTuned = "go-retryablehttp, pool tuned by hand"
	defaultClient  = "http.DefaultTransport"
)

// shortWait is how long the clients that repeat wait before they do.
const shortWait = time.Millisecond

// clients list the phone numbers of a user, each with its own pool.
func clients(name, base string) (func(user int64) error, error) {
	ctx := context.Background()
	switch name {
	case library:
		client, err := usersecurity.New(
			usersecurity.WithBaseURL(base),
			usersecurity.WithApplicationTokens(usersecurity.StaticToken(token)),
			usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 2, MinWait: shortWait, MaxWait: shortWait}))
		return func(user int64) error {
			return checked(client.ListPhoneNumbers(ctx, usersecurity.UserID(user)))
		}, err
	case retryable, retryableTuned:
		client := bareRunner(nil)
		if name == retryableTuned {
			client = bareRunner(tuned())
		}
		client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = 1, shortWait, shortWait
		return func(user int64) error { return checked(listBare(ctx, client, base, user)) }, nil
	case tunedByHand:
		return twice(&http.Client{Transport: tuned()}, base), nil
	case defaultClient:
		return twice(http.DefaultClient, base), nil
	}
	return nil, errors.New("no such client: " + name)
}

func tuned() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 512
	return t
}

// twice is a repeat by hand.
func twice(client *http.Client, base string) func(user int64) error {
	return func(user int64) error {
		err := checked(listByHand(context.Background(), client, base, user))
		if err != nil {
			time.Sleep(shortWait)
			err = checked(listByHand(context.Background(), client, base, user))
		}
		return err
	}
}

func child() error {
	var l load
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &l); err != nil {
		return err
	}
	list, err := clients(l.Client, l.URL)
	if err != nil {
		return err
	}
	var (
		wg     sync.WaitGroup
		failed atomic.Int64
	)
	start := time.Now()
	for g := range l.Goroutines {
		wg.Go(func() {
			for r := range l.Requests {
				if list(int64(1+g*l.Requests+r)) != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(result{time.Since(start).Seconds(), failed.Load()})
}

// poolServer answers after 10 ms. While it is failing, one user in ten gets
// nothing but 500.
type poolServer struct {
	*server
	certificateFile string
	failing         atomic.Bool
}

func newPoolServer(dir string) (*poolServer, error) {
	certificate, file, err := newCertificate(dir)
	if err != nil {
		return nil, err
	}
	p := &poolServer{certificateFile: file}
	p.server, err = serve(certificate, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		segments := strings.Split(r.URL.Path, "/")
		if user, err := strconv.ParseInt(segments[len(segments)-2], 10, 64); err != nil || p.failing.Load() && failsAlways(user) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(phoneNumbers))
	}))
	return p, err
}

// poolSample is what one client did in one round.
type poolSample struct {
	perSecond float64
	dials     float64
}

// measure runs one client in a process of its own.
func (p *poolServer) measure(client string, goroutines, requests int, failing bool) (poolSample, error) {
	p.failing.Store(failing)
	l := load{Client: client, URL: p.url, Goroutines: goroutines, Requests: requests}
	encoded, err := json.Marshal(l)
	if err != nil {
		return poolSample{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return poolSample{}, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(encoded), "SSL_CERT_FILE="+p.certificateFile)
	cmd.Stderr = os.Stderr
	before := p.accepted.Load()
	out, err := cmd.Output()
	if err != nil {
		return poolSample{}, fmt.Errorf("%s: %w", client, err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return poolSample{}, fmt.Errorf("%s: %w", client, err)
	}
	calls := goroutines * requests
	want := 0
	if failing {
		want = calls / 10
	}
	if r.Failed != int64(want) {
		return poolSample{}, fmt.Errorf("%s: %d of %d calls failed instead of %d", client, r.Failed, calls, want)
	}
	return poolSample{float64(calls) / r.Seconds, float64(p.accepted.Load() - before)}, nil
}

// poolTable runs the clients in rounds, in alternating order.
func poolTable(s settings, failing bool) (table, error) {
	names := []string{tunedByHand, library, retryable, defaultClient}
	if failing {
		names = []string{tunedByHand, library, retryableTuned}
	}
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return table{}, err
	}
	defer os.RemoveAll(dir)
	p, err := newPoolServer(dir)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	well, ill := make([][]poolSample, len(names)), make([][]poolSample, len(names))
	for round := range s.rounds {
		for i := range names {
			if round%2 == 1 {
				i = len(names) - 1 - i
			}
			got, err := p.measure(names[i], s.goroutines, s.requests, false)
			if err != nil {
				return table{}, err
			}
			well[i] = append(well[i], got)
			if !failing {
				continue
			}
			if got, err = p.measure(names[i], s.goroutines, s.requests, true); err != nil {
				return table{}, err
			}
			ill[i] = append(ill[i], got)
		}
	}
	shown := well
	t := table{columns: []string{"", "calls/s", "of tuned", "rounds", "dials"}}
	if failing {
		shown = ill
		t.columns = append(t.columns, "dials without failures", "over those")
	}
	for i, name := range names {
		ratios := make([]float64, s.rounds)
		for round := range ratios {
			ratios[round] = shown[i][round].perSecond / shown[0][round].perSecond
		}
		slices.Sort(ratios)
		dials := median(shown[i], func(s poolSample) float64 { return s.dials })
		line := []string{
			name,
			fmt.Sprintf("%.0f", median(shown[i], func(s poolSample) float64 { return s.perSecond })),
			fmt.Sprintf("%.2f", middle(ratios)),
			fmt.Sprintf("%.2f to %.2f", ratios[0], ratios[len(ratios)-1]),
			fmt.Sprintf("%.0f", dials),
		}
		if failing {
			without := median(well[i], func(s poolSample) float64 { return s.dials })
			line = append(line, fmt.Sprintf("%.0f", without), fmt.Sprintf("%.2f", dials/without))
		}
		t.lines = append(t.lines, line)
	}
	return t, nil
}
