package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Each call with what it takes and answers, and with what it refuses.
func TestEndpoints(t *testing.T) {
	r := begin(t)
	tested := map[string]bool{}
	for _, c := range []struct {
		method, path, pattern, body string
		status                      int
		want                        string
	}{
		{"GET", "", "", "", 200, `"keyVersion": 1`},
		{"GET", "client", "", "", 200, `"clientSecret"`},
		{"POST", "access-token", "", "", 200, `"accessToken"`},
		{"POST", "users", "", `{"pin":"0417","phoneNumbers":["+6588888888"]}`, 200, `"id": 1002`},
		{"POST", "users", "", `{"id":1002}`, 409, "there already"},
		{"POST", "users", "", `{"id":-1}`, 400, "positive"},
		{"POST", "users", "", `{"id":9,"pin":"x"}`, 400, "four digits"},
		{"POST", "users", "", `{"name":"x"}`, 400, "isn't known"},
		{"GET", "users?from=1002&limit=1", "users", "", 200, `"id": 1002`},
		{"GET", "users?limit=1", "users", "", 200, `"next": 1001`},
		{"GET", "users?from=x", "users", "", 400, "from is a number"},
		{"GET", "users?limit=-1", "users", "", 400, "limit is a number"},
		{"GET", "users/1002", "users/{id}", "", 200, `"pinSet": true`},
		{"GET", "users/99", "users/{id}", "", 404, "no such user"},
		{"GET", "users/x", "users/{id}", "", 404, "no such user"},
		{"POST", "users/1002/factors", "users/{id}/factors", `{"deviceFingerprints":["phone"],"businessProfiles":1}`, 200, "BUSINESS"},
		{"POST", "users/1002/factors", "users/{id}/factors", `{"pin":"0417"}`, 400, "a PIN already"},
		{"POST", "users/99/factors", "users/{id}/factors", `{}`, 404, "no such user"},
		{"POST", "users/1002/access-token", "users/{id}/access-token", "", 200, `"accessToken"`},
		{"POST", "users/1002/registration-code", "users/{id}/registration-code", "", 200, `"registrationCode"`},
		{"POST", "users/1002/authorization-code", "users/{id}/authorization-code", "", 200, `"authorizationCode"`},
		{"POST", "users/1002/one-time-token", "users/{id}/one-time-token", `{"kinds":["PIN"]}`, 200, `"oneTimeToken"`},
		{"POST", "users/1002/one-time-token", "users/{id}/one-time-token", `{"kinds":["OTHER"]}`, 400, "the kinds are"},
		{"POST", "users/1002/withdraw-tokens", "users/{id}/withdraw-tokens", "", 200, `"done": true`},
		{"POST", "users/1002/reclaim-account", "users/{id}/reclaim-account", "", 200, `"done": true`},
		{"POST", "users/99/reclaim-account", "users/{id}/reclaim-account", "", 404, "no such user"},
		{"POST", "protected-calls", "", `{"method":"POST","path":"/v3/pay","kinds":["PIN"]}`, 200, "done"},
		{"POST", "protected-calls", "", `{"method":"POST","path":"v3"}`, 400, "such as POST"},
		{"POST", "protected-calls", "", `{"method":"POST","path":"/v3","kinds":["X"]}`, 400, "the kinds are"},
		{"GET", "protected-calls", "", "", 200, `"path": "/v3/pay"`},
		{"DELETE", "protected-calls", "", "", 200, "done"},
		{"GET", "protected-calls", "", "", 200, "[]"},
		{"POST", "faults", "", `{"kind":"delay","delay":"2s","operation":"CreatePin","times":3}`, 200, "done"},
		{"POST", "faults", "", `{"kind":"delay","delay":"2"}`, 400, "written like"},
		{"POST", "faults", "", `{"kind":"none"}`, 400, "unknown"},
		{"POST", "faults", "", `{"kind":"html-502","operation":"None"}`, 400, "no such operation"},
		{"POST", "faults", "", `{"kind":"refuse"}`, 400, "times is from 1"},
		{"POST", "faults", "", `{"kind":"slow-tls","delay":"1s","times":1}`, 400, "WithTLS"},
		{"GET", "faults", "", "", 200, `"times": 3`},
		{"DELETE", "faults", "", "", 200, "done"},
		{"POST", "expire-tokens", "", "", 200, "done"},
		{"POST", "rotate-key", "", "", 200, `"keyVersion": 2`},
		{"POST", "advance", "", `{"by":"12h"}`, 200, "done"},
		{"POST", "advance", "", `{"by":"-1h"}`, 400, "written like"},
		{"POST", "retire", "", `{"status":410}`, 200, "done"},
		{"GET", "", "", "", 200, `"retired": 410`},
		{"POST", "retire", "", `{"status":500}`, 400, "404, 410"},
		{"GET", "requests", "", "", 200, `"requests": []`},
		{"GET", "requests?user=-1", "requests", "", 400, "user is a number"},
		{"DELETE", "requests", "", "", 200, "done"},
		{"POST", "reset", "", "", 200, "done"},
		{"POST", "save", "", "", 409, "without -state"},
		{"GET", "none", "-", "", 404, "README"},
		{"PUT", "users", "-", "", 404, "README"},
	} {
		a := r.api(c.method, c.path, c.body)
		if a.status != c.status || !strings.Contains(a.body, c.want) {
			t.Errorf("%s %s %s: %d %s; want %d, %s", c.method, c.path, c.body, a.status, a.body, c.status, c.want)
		}
		if strings.Contains(a.body, "0417") {
			t.Errorf("%s %s shows a PIN", c.method, c.path)
		}
		if c.pattern == "" {
			c.pattern = c.path
		}
		tested[c.method+" "+c.pattern] = true
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(endpoints, endpoint{method: "GET", path: "requests/stream"}) {
		if name := e.method + " " + e.path; !tested[name] && e.path != "requests/stream" {
			t.Errorf("%s is not tested", name)
		}
		if !strings.Contains(string(readme), "| `"+e.method+" /"+e.path+"` |") {
			t.Errorf("README.md doesn't tell of %s %s", e.method, e.path)
		}
	}
}

func TestBodies(t *testing.T) {
	r := begin(t)
	if a := r.send("POST", "/_sim/api/users", `{"id":7}`, "Content-Type", "text/plain"); a.status != 415 {
		t.Errorf("a body of another type: %d", a.status)
	}
	if a := r.api("POST", "users", `{"faceMap":"`+strings.Repeat("A", maxJSON)+`"}`); a.status != 413 {
		t.Errorf("a body that is too large: %d", a.status)
	}
	a := r.send("POST", "/_sim/api/users/1001/access-token", "", "Accept", "text/plain")
	if strings.ContainsAny(a.body, "{\" ") || len(strings.TrimSpace(a.body)) != 36 {
		t.Errorf("a bare token: %q", a.body)
	}
	if got := r.send("GET", "/v1/me", "", "Authorization", "Bearer "+strings.TrimSpace(a.body)); got.status != 200 {
		t.Errorf("the bare token: %d", got.status)
	}
}

func TestRequestsInPages(t *testing.T) {
	r := begin(t)
	token := r.ask("POST", "users/1001/access-token", "")["accessToken"].(string)
	for i := range 7 {
		header := []string{"Authorization", "Bearer " + token}
		if i%2 == 1 {
			header[1] = "Bearer none"
		}
		r.send("GET", "/v1/me", "", header...)
	}
	r.ask("POST", "faults", `{"kind":"delay","delay":"1ms","operation":"ListProfiles"}`)
	r.send("GET", "/v2/profiles", "", "Authorization", "Bearer "+token)
	page := func(query string) (numbers string, next float64) {
		m := r.ask("GET", "requests?"+query, "")
		for _, request := range m["requests"].([]any) {
			numbers += strconv.Itoa(int(request.(map[string]any)["number"].(float64))) + " "
		}
		return numbers, m["next"].(float64)
	}
	for query, want := range map[string]struct {
		numbers string
		next    float64
	}{
		"":                            {"8 7 6 5 4 3 2 1 ", 0},
		"limit=3":                     {"8 7 6 ", 6},
		"limit=3&before=5":            {"4 3 2 ", 2},
		"limit=3&before=2":            {"1 ", 0},
		"only=problems&limit=2":       {"8 6 ", 6},
		"only=problems&before=4":      {"2 ", 0},
		"user=1001":                   {"8 7 5 3 1 ", 0},
		"user=1001&only=problems":     {"8 ", 0},
		"user=1001&limit=5":           {"8 7 5 3 1 ", 0},
		"only=problems&user=0&limit=": {"8 6 4 2 ", 0},
	} {
		if numbers, next := page(query); numbers != want.numbers || next != want.next {
			t.Errorf("%q: %q, %v; want %q, %v", query, numbers, next, want.numbers, want.next)
		}
	}
}

// events reads from a stream until want has come.
func (r *running) events(query, lastID, want string) (text string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", r.url+"/_sim/"+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		text += lines.Text() + "\n"
		if strings.Contains(text, want) {
			return text
		}
		if lines.Text() == ": hello" {
			r.send("GET", "/v2/profiles", "", "Authorization", "Bearer none")
		}
	}
	r.t.Fatalf("the stream ended: %s", text)
	return ""
}

func TestStream(t *testing.T) {
	r := begin(t)
	r.send("GET", "/v1/me", "", "Authorization", "Bearer s3cret")
	text := r.events("api/requests/stream", "", `"status":401`)
	if strings.Contains(text, "/v1/me") || !strings.Contains(text, "event: request\nid: ") || !strings.Contains(text, `"reason":"invalid_token`) {
		t.Errorf("from now on: %s", text)
	}
	id := between(text, "id: ", "\n")
	if text = r.events("api/requests/stream", id, "/v2/profiles"); strings.Contains(text, `"number":2,`) {
		t.Errorf("from %s on: %s", id, text)
	}
	if text = r.events("api/requests/stream?from=start", "", "/v1/me"); strings.Contains(text, "s3cret") {
		t.Errorf("from the start: %s", text)
	}
	if text = r.events("events", "", "data: changed\n\ndata: changed"); strings.Contains(text, "v2") {
		t.Errorf("to the page: %s", text)
	}
}
