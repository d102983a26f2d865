package usersecuritytest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestFaultsThatAnswer(t *testing.T) {
	create := func(srv *usersecuritytest.Server) message {
		return asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`)
	}
	for _, c := range []struct {
		fault     fault
		processed bool
		status    int
		body      string
		header    http.Header
	}{
		{fault{Kind: usersecuritytest.HTML502}, false, 502, "<html>", http.Header{"Content-Type": {"text/html; charset=utf-8"}}},
		{fault{Kind: usersecuritytest.HTML502, After: true}, true, 502, "<html>", nil},
		{fault{Kind: usersecuritytest.HTMLPage}, false, 200, "<!DOCTYPE html>", http.Header{"Content-Type": {"text/html; charset=utf-8"}}},
		{fault{Kind: usersecuritytest.HTMLPage, Status: 403}, false, 403, "<!DOCTYPE html>", nil},
		{fault{Kind: usersecuritytest.HTMLPage, Status: 404, After: true}, true, 404, "<!DOCTYPE html>", nil},
		{fault{Kind: usersecuritytest.HTMLPage, Status: 409}, false, 409, "<!DOCTYPE html>", nil},
		{fault{Kind: usersecuritytest.ForeignJSON}, false, 200, `{"status":"ok"}`, http.Header{"Content-Type": {"application/json"}}},
		{fault{Kind: usersecuritytest.ForeignJSON, Status: 404, After: true}, true, 404, `{"status":"ok"}`, nil},
		{fault{Kind: usersecuritytest.EmptyReply}, false, 200, "", http.Header{"Content-Type": nil}},
		{fault{Kind: usersecuritytest.EmptyReply, After: true}, true, 200, "", nil},
		{fault{Kind: usersecuritytest.TooManyRequests}, false, 429, "", http.Header{"Retry-After": nil, "X-Rate-Limited-By": {"wise-public-api"}}},
		{fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "2"}, false, 429, "", http.Header{"Retry-After": {"2"}}},
		{fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "99999999"}, false, 429, "", http.Header{"Retry-After": {"99999999"}}},
		{fault{Kind: usersecuritytest.Unreadable}, false, 500, `{"message":"An unexpected error occurred","request_id":"`, http.Header{"Content-Type": {"application/json"}}},
		{fault{Kind: usersecuritytest.Unauthorized}, false, 401, `{"error":"invalid_token","error_description":"`, http.Header{"Content-Type": {"application/json"}}},
		{fault{Kind: usersecuritytest.Status, Status: 403, Header: http.Header{"x-2fa-approval": {"ott"}}}, false, 403, "", http.Header{"X-2fa-Approval": {"ott"}, "Content-Type": nil}},
		{fault{Kind: usersecuritytest.Status, Status: 503, Body: "later", After: true}, true, 503, "later", nil},
		{fault{Kind: usersecuritytest.Status, Status: 302, Header: http.Header{"Location": {"/elsewhere"}}}, false, 302, "", nil},
	} {
		t.Run(fmt.Sprint(c.fault.Kind, c.fault.Status, c.fault.RetryAfter, c.fault.After), func(t *testing.T) {
			srv := newServer(t)
			srv.HTTPClient().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			c.fault.Times = 1
			srv.Inject(c.fault)
			r := mustStatus(t, send(t, srv, create(srv)), c.status)
			if !strings.HasPrefix(r.body, c.body) || c.body == "" && r.body != "" {
				t.Errorf("body = %q, want %q", r.body, c.body)
			}
			for name, want := range c.header {
				if got := r.header.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if r.header.Get("X-Trace-Id") == "" {
				t.Error("the answer is not traced")
			}
			if got := len(state(t, srv, user).PhoneNumbers) == 1; got != c.processed {
				t.Errorf("processed is %v", got)
			}
			want := 200
			if c.processed {
				want = 422
			}
			mustStatus(t, send(t, srv, create(srv)), want) // the rule is used up
		})
	}
}

func TestUnauthorizedTokenEndpoint(t *testing.T) {
	srv := newServer(t)
	srv.Inject(fault{Kind: usersecuritytest.Unauthorized, Operation: usersecurity.OpFetchToken})
	r := mustStatus(t, send(t, srv, tokenRequest(srv, "grant_type=client_credentials")), 401)
	if !strings.Contains(r.body, `"invalid_client"`) {
		t.Errorf("body = %s", r.body)
	}
}
