package usersecuritytest_test

import (
	"net/http"
	"testing"
)

func TestEveryReplyIsTraced(t *testing.T) {
	srv := newServer(t)
	seen := map[string]bool{}
	for _, m := range []message{
		asApplication(srv, "GET", phones(user), ""),
		asApplication(srv, "GET", phones(stranger), ""),
		asApplication(srv, "GET", "/nowhere", ""),
		asApplication(srv, "PATCH", "/v1/user/pin", ""),
		{method: "POST", path: "/oauth/token"},
		createPin(t, srv, "1234"),
	} {
		for correlation, echoed := range map[string]bool{
			"4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05":  true,
			"short":                                 true,
			"4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05x": false, // Wise ignores more than 36 characters
		} {
			if m.header == nil {
				m.header = http.Header{}
			}
			r := send(t, srv, m.with("X-External-Correlation-Id", correlation))
			trace := r.header.Get("x-trace-id")
			if trace == "" || seen[trace] {
				t.Errorf("%s %s: x-trace-id = %q, want a new one", m.method, m.path, trace)
			}
			seen[trace] = true
			want := ""
			if echoed {
				want = correlation
			}
			if got := r.header.Get("X-External-Correlation-Id"); got != want {
				t.Errorf("%s %s: correlation id %q, want %q", m.method, m.path, got, want)
			}
		}
	}
}
