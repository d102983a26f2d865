package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		os.Exit(childMain(text))
	}
	goleak.VerifyTestMain(m)
}

// world is a simulator, with a file of its customers and their PINs.
type world struct {
	wise     *usersecuritytest.Server
	settings settings
	pins     map[usersecurity.UserID]usersecuritytest.Digest
	options  []usersecurity.Option
}

func newWorld(t *testing.T, customers int, opts ...usersecuritytest.ServerOption) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{wise: usersecuritytest.NewServer(opts...), pins: map[usersecurity.UserID]usersecuritytest.Digest{}}
	t.Cleanup(w.wise.Close)
	w.options = w.wise.Options()
	w.settings = settings{
		csv: filepath.Join(dir, "pins.csv"), journal: filepath.Join(dir, "pins.journal"),
		perSecond: 2000, perMinute: 20_000, concurrency: 32,
	}
	if err := makeUp(w.wise, w.settings.csv, customers); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(w.text(t, w.settings.csv))[1:] {
		var user usersecurity.UserID
		var profile usersecurity.ProfileID
		pin := line[len(line)-4:]
		if _, err := fmt.Sscanf(line, "%d,%d,", &user, &profile); err != nil {
			t.Fatal(err)
		}
		w.pins[user] = usersecuritytest.DigestOf(pin)
	}
	return w
}

func (w *world) text(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// enrol is a run in this process.
func (w *world) enrol(ctx context.Context) (code int, out string, err error) {
	var b bytes.Buffer
	code, err = enrol(ctx, w.settings, &b, &b, w.options...)
	return code, b.String(), err
}

// checkPins looks whether each customer has the PIN of the file, set once.
func (w *world) checkPins(t *testing.T) {
	t.Helper()
	set := map[usersecurity.UserID]int{}
	for _, r := range w.wise.Requests() {
		if r.Operation == usersecurity.OpSCACreatePin && r.Status == 200 {
			set[r.User]++
		}
	}
	for user, pin := range w.pins {
		if state, _ := w.wise.User(user); !state.PinSet || state.PinDigest != pin {
			t.Errorf("user %d has not the PIN of the file", user)
		}
		if set[user] > 1 {
			t.Errorf("the PIN of user %d was set %d times", user, set[user])
		}
	}
}

// statuses counts how requests to set a PIN were answered.
func (w *world) statuses() map[int]int {
	counts := map[int]int{}
	for _, r := range w.wise.Requests() {
		if r.Operation == usersecurity.OpSCACreatePin {
			counts[r.Status]++
		}
	}
	return counts
}

func (w *world) requestsByUser() map[usersecurity.UserID]int {
	counts := map[usersecurity.UserID]int{}
	for _, r := range w.wise.Requests() {
		if r.Operation == usersecurity.OpSCACreatePin {
			counts[r.User]++
		}
	}
	return counts
}

// pipes are a network in memory, over which a test's clock has power: a listener, and
// what dials it.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newPipes() *pipes {
	return &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialled:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) client() *http.Client {
	transport := usersecurity.NewTransport()
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case p.dialled <- server:
			return client, nil
		case <-p.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &http.Client{Transport: transport}
}
