package usersecuritytest_test

import (
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func numbers(requests []usersecuritytest.RecordedRequest) (list []int) {
	for _, r := range requests {
		list = append(list, r.Number)
	}
	return list
}

func TestRequestsBefore(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithRecordLimit(5))
	list := asApplication(srv, "GET", phones(user), "")
	page := func(number int) []int { return numbers(slices.Collect(srv.RequestsBefore(number))) }
	if got := page(0); got != nil {
		t.Errorf("without requests: %v", got)
	}
	for range 8 {
		send(t, srv, list)
	}
	for number, want := range map[int][]int{
		0: {8, 7, 6, 5, 4}, 8: {7, 6, 5, 4}, 5: {4}, 4: nil, 1: nil, 99: {8, 7, 6, 5, 4}, -1: {8, 7, 6, 5, 4},
	} {
		if got := page(number); !slices.Equal(got, want) {
			t.Errorf("before %d: %v, want %v", number, got, want)
		}
	}
	if got := numbers(srv.Requests()); !slices.Equal(got, []int{4, 5, 6, 7, 8}) {
		t.Errorf("all: %v", got)
	}
	srv.ClearRequests()
	if got := page(0); got != nil {
		t.Errorf("cleared: %v", got)
	}
	for range 7 {
		send(t, srv, list)
	}
	if got := page(0); !slices.Equal(got, []int{15, 14, 13, 12, 11}) {
		t.Errorf("after they were cleared: %v", got)
	}
}

func TestChangedRequests(t *testing.T) {
	srv := newServer(t)
	list := asApplication(srv, "GET", phones(user), "")
	send(t, srv, list)
	send(t, srv, list)
	changed, moment := srv.ChangedRequests(0)
	if got := numbers(changed); !slices.Equal(got, []int{1, 2}) || changed[1].Status != 200 {
		t.Errorf("from the start: %+v", changed)
	}
	if changed, now := srv.ChangedRequests(moment); changed != nil || now != moment {
		t.Errorf("nothing has changed: %v", numbers(changed))
	}
	send(t, srv, list)
	if changed, _ := srv.ChangedRequests(moment); !slices.Equal(numbers(changed), []int{3}) {
		t.Errorf("changed: %v", numbers(changed))
	}
}

// What is refused, and why, is for those who look for their mistake.
func TestReasons(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithRateLimits(10))
	twice := createPin(t, srv, "8273")
	send(t, srv, twice)
	srv.Protect("POST", "/v3/pay", kindPin)
	for _, c := range []struct {
		m      message
		checks string
		reason string
	}{
		{twice, "limits path token body", "the user has a PIN already"},
		{twice.with("Authorization", "Bearer none"), "limits path", "invalid_token"},
		{twice.without("X-TW-JOSE-Method"), "limits path token", "header"},
		{asApplication(srv, "POST", "/v1/user/pin", "{}"), "limits path", "token.kind"},
		{asUser(srv, "GET", "/v1/none", ""), "limits", "path.unknown"},
		{asUser(srv, "POST", "/v3/pay", ""), "limits token", "one-time token"},
		{asUser(srv, "GET", "/v1/one-time-token/status", "").withOneTimeToken("none"), "limits path token body", "unknown, expired"},
		{tokenRequest(srv, "grant_type=none"), "limits path body", "unsupported_grant_type"},
		{asUser(srv, "GET", "/v2/profiles", ""), "limits path token body", ""},
	} {
		send(t, srv, c.m)
		all := srv.Requests()
		r := all[len(all)-1]
		if strings.Join(r.Checks, " ") != c.checks || !strings.Contains(r.Reason, c.reason) || (r.Reason == "") != (c.reason == "") {
			t.Errorf("%s %s: checks %q, reason %q; want %q, %q", r.Method, r.Path, r.Checks, r.Reason, c.checks, c.reason)
		}
	}
	srv.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Unreadable})
	send(t, srv, twice)
	all := srv.Requests()
	if r := all[len(all)-1]; !strings.Contains(r.Reason, "injected") || len(r.Checks) != 0 {
		t.Errorf("of a fault: %q, %q", r.Checks, r.Reason)
	}
}

func TestMount(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithPathPrefix("/gw"))
	srv.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502})
	srv.Mount("/_sim/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("mounted " + r.URL.Path)) }))
	root := strings.TrimSuffix(srv.URL(), "/gw")
	get := func(url string) (status int, header http.Header) {
		resp, err := srv.HTTPClient().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, resp.Header
	}
	if status, header := get(root + "/_sim/x"); status != 200 || header.Get("X-Trace-Id") != "" {
		t.Errorf("what is mounted answers %d", status)
	}
	if status, header := get(root + "/gw/_sim/x"); status != 404 || header.Get("X-Trace-Id") == "" {
		t.Errorf("below the prefix: %d, want the simulator's 404", status)
	}
	if got := len(srv.Requests()); got != 1 {
		t.Errorf("%d requests are recorded, want the one that wasn't for what is mounted", got)
	}
}

func TestListenerSecretAndNames(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	srv := newServer(t, usersecuritytest.WithListener(l), usersecuritytest.WithClientSecret("s3cret"),
		usersecuritytest.WithTLS("sim.example", "192.0.2.7"))
	if want := "https://127.0.0.1:" + port; srv.URL() != want || srv.ClientSecret() != "s3cret" {
		t.Errorf("URL = %s, want %s; secret %q", srv.URL(), want, srv.ClientSecret())
	}
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for _, name := range []string{"sim.example", "192.0.2.7", "localhost", "127.0.0.1"} {
		if _, err := srv.Certificate().Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := newServer(t)
	mustStatus(t, send(t, plain, asApplication(plain, "GET", phones(user), "")), 200)
	if plain.Certificate() != nil {
		t.Error("a server without TLS has a certificate")
	}
}
