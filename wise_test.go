package usersecurity_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// loopback is a server on a real socket that records what arrives.
type loopback struct {
	*httptest.Server
	mu       sync.Mutex
	arrivals []arrival
}

func listen(t testing.TB, answer func(w http.ResponseWriter, a arrival)) *loopback {
	t.Helper()
	l := &loopback{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := arrivalOf(r)
		l.mu.Lock()
		l.arrivals = append(l.arrivals, a)
		l.mu.Unlock()
		answer(w, a)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *loopback) all() []arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.arrivals)
}

// count is how many requests have come for the URI, or for any if it is empty.
func (l *loopback) count(uri string) (n int) {
	for _, a := range l.all() {
		if uri == "" || a.uri == uri {
			n++
		}
	}
	return n
}

// client is one of the server's, with the library's own transport.
func (l *loopback) client(t testing.TB, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	return clientOf(t, append([]usersecurity.Option{usersecurity.WithBaseURL(l.URL)}, options...)...)
}

// reply writes an answer; one with a body is JSON unless a content type is given.
func reply(w http.ResponseWriter, status int, body string, contentType ...string) {
	if body != "" {
		w.Header().Set("Content-Type", strings.Join(append(contentType, "application/json")[:1], ""))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// untrusted is the URL of a TLS server with a certificate that nobody trusts.
func untrusted(t testing.TB) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

const (
	keyURI   = "/v1/auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION"
	tokenURI = "/oauth/token"
)

// newPair starts a simulator with one user and makes a client of it.
func newPair(t testing.TB, serverOptions []usersecuritytest.ServerOption, options ...usersecurity.Option) (*usersecuritytest.Server, *usersecurity.Client) {
	t.Helper()
	wise := usersecuritytest.NewServer(serverOptions...)
	t.Cleanup(wise.Close)
	wise.AddUser(1001)
	return wise, clientOf(t, append(wise.Options(), options...)...)
}
