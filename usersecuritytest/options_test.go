package usersecuritytest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestPathPrefix(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithPathPrefix("/gateway/wise"))
	if !strings.HasSuffix(srv.URL(), "/gateway/wise") {
		t.Fatalf("URL = %s", srv.URL())
	}
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	mustStatus(t, send(t, srv, tokenRequest(srv, "grant_type=client_credentials")), 200)
	root := strings.TrimSuffix(srv.URL(), "/gateway/wise")
	for _, path := range []string{phones(user), "/oauth/token", "/gateway" + phones(user), "/other/wise/oauth/token", "/gateway/wisely/oauth/token"} {
		resp, err := srv.HTTPClient().Get(root + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s outside the prefix: status %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestLatency(t *testing.T) {
	const latency = 50 * time.Millisecond
	srv := newServer(t, usersecuritytest.WithLatency(latency))
	start := time.Now()
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
	if took := time.Since(start); took < latency {
		t.Errorf("answered after %v, want at least %v", took, latency)
	}
}

func TestOptionsThatMakeNoSensePanic(t *testing.T) {
	srv := newServer(t)
	for name, call := range map[string]func(){
		"prefix without slash": func() { usersecuritytest.WithPathPrefix("gateway") },
		"prefix with slash":    func() { usersecuritytest.WithPathPrefix("/gateway/") },
		"prefix is root":       func() { usersecuritytest.WithPathPrefix("/") },
		"list by PUT":          func() { usersecuritytest.WithFingerprintListMethod("PUT") },
		"negative limit":       func() { usersecuritytest.WithFingerprintLimit(-1) },
		"negative records":     func() { usersecuritytest.WithRecordLimit(-1) },
		"no requests at all":   func() { usersecuritytest.WithRateLimits(0.001) },
		"status of a PIN":      func() { usersecuritytest.WithPinCreatedReply(409, "") },
		"204 with a body":      func() { usersecuritytest.WithPinCreatedReply(204, "{}") },
		"body that is no JSON": func() { usersecuritytest.WithPinCreatedReply(200, "x") },
		"status of a token":    func() { usersecuritytest.WithUnknownTokenStatus(500) },
		"key that is none":     func() { usersecuritytest.WithFaceTecKey("x") },
		"status of retirement": func() { srv.Retire(500) },
		"back in time":         func() { srv.Advance(-1) },
		"path with a query":    func() { srv.Protect("GET", "/v1/x?y=z", kindPin) },
		"path without slash":   func() { srv.Protect("GET", "v1/x", kindPin) },
		"no method":            func() { srv.Protect("", "/v1/x", kindPin) },
		"stranger's business":  func() { srv.AddBusinessProfile(stranger) },
		"stranger's token":     func() { srv.NewOneTimeToken(stranger, kindPin) },
		"user 0":               func() { srv.AddUser(0) },
		"token of a stranger":  func() { srv.UserToken(stranger) },
		"code of a stranger":   func() { srv.RegistrationCode(stranger) },
		"code of a stranger 2": func() { srv.AuthorizationCode(stranger) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, ok := recover().(string)
				if !ok || !strings.HasPrefix(text, "usersecuritytest: ") {
					t.Errorf("panic = %q, want a message of the package's", text)
				}
			}()
			call()
		})
	}
}
