package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends what hangs.
const patience = 30 * time.Second

// running is a wisesim that runs for one test.
type running struct {
	t      *testing.T
	hints  string
	url    string // without the prefix
	token  string
	client *http.Client
	stop   func() error
}

// firstWrite tells what is written first, which is all that wisesim writes.
type firstWrite struct {
	bytes.Buffer
	complete chan struct{}
}

func (w *firstWrite) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if bytes.Contains(w.Bytes(), []byte("/v3/pay\n")) || bytes.Contains(w.Bytes(), []byte("no users")) {
		select {
		case <-w.complete:
		default:
			close(w.complete)
		}
	}
	return n, err
}

// begin starts one on a free port.
func begin(t *testing.T, flags ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstWrite{complete: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, flags...), out) }()
	select {
	case <-out.complete:
	case err := <-ended:
		cancel()
		t.Fatalf("wisesim ended: %v", err)
	}
	r := &running{t: t, client: &http.Client{Timeout: patience, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	var stopped bool
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		r.client.CloseIdleConnections()
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("wisesim ended with %v", err)
		}
	})
	r.hints = out.String()
	r.url = strings.TrimSuffix(strings.TrimSpace(between(r.hints, "  page  ", "\n")), "/_sim/")
	if strings.Contains(r.hints, "  token  ") {
		r.token = strings.TrimSpace(between(r.hints, "  token  ", "\n"))
	}
	return r
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// answered is a response that was read to its end.
type answered struct {
	status int
	header http.Header
	body   string
}

// send sends a request to a path below the root. header has names and values in
// turns.
func (r *running) send(method, path, body string, header ...string) answered {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(text)}
}

// api calls the JSON for scripts.
func (r *running) api(method, path, body string) answered {
	r.t.Helper()
	return r.send(method, "/_sim/api/"+path, body, "Content-Type", "application/json", "Authorization", "Bearer "+r.token)
}

// ask is an api call that must succeed.
func (r *running) ask(method, path, body string) map[string]any {
	r.t.Helper()
	a := r.api(method, path, body)
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || a.status != http.StatusOK {
		r.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return m
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
