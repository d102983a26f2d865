package usersecuritytest

import (
	"net/http"
	"sync/atomic"
)

// mounts is the handler that stands beside the simulated API, if there is one.
type mounts struct{ handler atomic.Pointer[http.ServeMux] }

// before answers what is mounted, and leaves the rest to h.
func (m *mounts) before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mux := m.handler.Load(); mux != nil {
			if _, pattern := mux.Handler(r); pattern != "" {
				mux.ServeHTTP(w, r)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// mount takes the place of what was mounted before.
func (m *mounts) mount(path string, h http.Handler) {
	mux := http.NewServeMux()
	mux.Handle(path, h)
	m.handler.Store(mux)
}
