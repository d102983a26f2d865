package main

import (
	"net/url"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	r := begin(t)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:99": 200, "127.0.0.1": 200, "127.9.9.9:1": 200, "[::1]:80": 200, "LOCALHOST": 200,
		"evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "127.0.0.1.evil.example:80": 421, "[::2]": 421,
	} {
		if a := r.send("GET", "/_sim/api/client", "", "Host", host); a.status != want || want != 200 && strings.Contains(a.body, "Secret") {
			t.Errorf("%s: %d %s, want %d", host, a.status, a.body, want)
		}
	}
}

func TestOtherSitesAreKeptOut(t *testing.T) {
	r := begin(t)
	for _, path := range []string{"/_sim/api/reset", "/_sim/api/users", "/_sim/do/add-user", "/_sim/do/reveal-secret"} {
		for _, header := range [][]string{
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
			{"Origin", "http://localhost:1"},
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site", "Origin", r.url},
		} {
			if a := r.send("POST", path, "", header...); a.status != 403 || strings.Contains(a.body, "ecret") {
				t.Errorf("%s with %q: %d", path, header, a.status)
			}
		}
	}
	if a := r.send("POST", "/_sim/api/users", "", "Origin", r.url, "Sec-Fetch-Site", "same-origin"); a.status != 200 {
		t.Errorf("from the page itself: %d %s", a.status, a.body)
	}
	a := r.send("GET", "/_sim/", "")
	policy := a.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy is %q", policy)
		}
	}
	if strings.Contains(policy, "unsafe") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("header %v", a.header)
	}
}

func TestTokenIsWanted(t *testing.T) {
	r := begin(t, "-expose", "localhost,sim.example", "-token-file", file(t, "token", "0123456789abcdef\n"))
	if r.token != "0123456789abcdef" {
		t.Fatalf("token %q", r.token)
	}
	for _, path := range []string{"", "api/", "api/client", "api/requests/stream", "events", "script.js", "api/none"} {
		for _, header := range [][]string{
			nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Bearer "}, {"Authorization", "Basic " + r.token},
			{"Cookie", "wisesim=wrong"}, {"Cookie", "wisesim=" + r.token},
		} {
			if a := r.send("GET", "/_sim/"+path, "", header...); a.status != 401 || strings.Contains(a.body, "ecret") {
				t.Errorf("%q with %q: %d", path, header, a.status)
			}
		}
	}
	if a := r.send("POST", "/_sim/do/rotate-key", ""); a.status != 401 {
		t.Errorf("a form without the token: %d", a.status)
	}
	if got := r.ask("GET", "", "")["keyVersion"]; got != 1.0 {
		t.Errorf("key version %v", got)
	}
	if a := r.send("GET", "/_sim/api/", "", "Host", "sim.example", "Authorization", "Bearer "+r.token); a.status != 200 {
		t.Errorf("under its name: %d", a.status)
	}
	if a := r.send("GET", "/_sim/api/", "", "Host", "evil.example", "Authorization", "Bearer "+r.token); a.status != 421 {
		t.Errorf("under another name: %d", a.status)
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if a := r.send("POST", "/_sim/login", url.Values{"token": {"wrong"}}.Encode(), form...); a.status != 401 || len(a.header["Set-Cookie"]) > 0 {
		t.Errorf("logged in with a wrong token: %d", a.status)
	}
	a := r.send("POST", "/_sim/login", url.Values{"token": {r.token}}.Encode(), form...)
	cookie := a.header.Get("Set-Cookie")
	if a.status != 303 || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, r.token) {
		t.Errorf("logged in: %d %s", a.status, cookie)
	}
	if a := r.send("GET", "/_sim/api/client", "", "Cookie", between(cookie, "", ";")); a.status != 200 {
		t.Errorf("with the session: %d", a.status)
	}
}
