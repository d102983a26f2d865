package main

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// guard keeps strangers from the page and its JSON: web pages of others in the
// browser of somebody who runs the simulator, and, where other machines are let
// in, everybody without the token.
type guard struct {
	names   []string // hosts besides loopback's own
	token   string   // empty: none is asked for
	session string   // what the browser keeps instead of the token
	secure  bool     // it goes over TLS only
}

const (
	sessionCookie = "wisesim"
	// minToken is long enough not to be guessed.
	minToken = 16
)

func newGuard(c *config) (*guard, error) {
	g := &guard{names: c.names, session: rand.Text(), secure: c.tls}
	switch {
	case len(c.names) == 0:
		return g, nil
	case c.tokenFile == "":
		g.token = rand.Text()
		return g, nil
	}
	text, err := os.ReadFile(c.tokenFile) // #nosec G304 G703 -- the user of the program names it
	if err != nil {
		return nil, fmt.Errorf("-token-file: %w", err)
	}
	if g.token = strings.TrimSpace(string(text)); len(g.token) < minToken {
		return nil, errors.New("-token-file: the token has fewer than 16 characters")
	}
	return g, nil
}

// protect wraps what answers below consolePath.
func (g *guard) protect(h http.Handler) http.Handler {
	// Other sites may send the browser here, but not make it change anything. What
	// they could read, the browser keeps from them.
	own := http.NewCrossOriginProtection().Handler(g.authorized(h))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !g.knows(r.Host) {
			// A name that somebody has made point here, to read with their own page.
			http.Error(w, "this host name is not one of wisesim's: see -expose", http.StatusMisdirectedRequest)
			return
		}
		own.ServeHTTP(w, r)
	})
}

func (g *guard) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return isLoopback(host) || slices.ContainsFunc(g.names, func(name string) bool { return strings.EqualFold(name, host) })
}

func (g *guard) authorized(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.token == "" || g.mayPass(r) || isPublic(r):
			h.ServeHTTP(w, r)
		case r.Method == http.MethodPost && r.URL.Path == loginPath:
			g.logIn(w, r)
		case strings.HasPrefix(r.URL.Path, apiPath):
			w.Header().Set("WWW-Authenticate", "Bearer")
			reply(w, r, http.StatusUnauthorized, failure{"the token that wisesim has printed is needed: Authorization: Bearer ..."})
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusUnauthorized)
			render(w, "login", nil)
		}
	})
}

// isPublic says what can be read without the token: what the log-in needs, and the
// certificate, which whoever connects is shown anyway.
func isPublic(r *http.Request) bool {
	switch strings.TrimPrefix(r.URL.Path, consolePath) {
	case "style.css", "icon.svg", "certificate.pem":
		return true
	}
	return false
}

func (g *guard) mayPass(r *http.Request) bool {
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return equal(token, g.token)
	}
	cookie, err := r.Cookie(sessionCookie)
	return err == nil && equal(cookie.Value, g.session)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// logIn takes the token from a form, so that it is in no address.
func (g *guard) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !equal(strings.TrimSpace(r.PostFormValue("token")), g.token) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		render(w, "login", "This is not the token that wisesim has printed.")
		return
	}
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- over plain HTTP a secure one would not come back
		Name: sessionCookie, Value: g.session, Path: consolePath,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: g.secure,
	})
	http.Redirect(w, r, consolePath, http.StatusSeeOther)
}
