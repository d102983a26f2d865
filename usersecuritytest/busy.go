package usersecuritytest

import (
	"net"
	"net/http"
	"sync"
)

// busy counts what Close has to wait for.
type busy struct {
	mu       sync.Mutex
	idle     sync.Cond
	handlers int
	conns    map[net.Conn]struct{}
}

func newBusy() *busy {
	b := &busy{conns: map[net.Conn]struct{}{}}
	b.idle.L = &b.mu
	return b
}

// counting counts the requests that a handler answers.
func (b *busy) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.enter()
		defer b.leave()
		h.ServeHTTP(w, r)
	})
}

func (b *busy) enter() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers++
}

func (b *busy) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handlers--
	b.idle.Broadcast()
}

// connState follows the connections. A hijacked one belongs to its handler,
// which is counted by itself.
func (b *busy) connState(c net.Conn, state http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch state {
	case http.StateNew:
		b.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(b.conns, c)
		b.idle.Broadcast()
	}
}

func (b *busy) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.handlers > 0 || len(b.conns) > 0 {
		b.idle.Wait()
	}
}
