package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for want, args := range map[string][]string{
		"other machines reach":    {"-addr", "0.0.0.0:0"},
		"other machines reach \"": {"-addr", ":0"},
		"not written like 127":    {"-addr", "8080"},
		"not written like /gate":  {"-prefix", "gateway"},
		"negative":                {"-latency", "-1s"},
		"the factor is":           {"-limits", "-1"},
		`there is no "other"`:     {"-readings", "clear-bodies,other"},
		`"serve" is no flag`:      {"serve"},
		"in use":                  {"-addr", taken.Addr().String()},
		"-seed: open":             {"-seed", "/none"},
		"isn't known":             {"-seed", file(t, "seed", `{"user":[]}`)},
		"another type":            {"-seed", file(t, "seed", `{"users":[{"id":"x0417"}]}`)},
		"follows":                 {"-seed", file(t, "seed", `{} {}`)},
		"four digits":             {"-seed", file(t, "seed", `{"users":[{"id":1,"pin":"0417x"}]}`)},
		"there already":           {"-seed", file(t, "seed", `{"users":[{"id":1},{"id":1}]}`)},
		"positive":                {"-seed", file(t, "seed", `{"users":[{}]}`)},
		"from 0 to 100":           {"-seed", file(t, "seed", `{"users":[{"id":1,"businessProfiles":101}]}`)},
		"not the JSON":            {"-state", file(t, "state", "0417")},
		"-token-file: open":       {"-expose", "localhost", "-token-file", "/none"},
		"fewer than 16":           {"-expose", "localhost", "-token-file", file(t, "token", "short\n")},
	} {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), &out)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", args, err, want)
			continue
		}
		if strings.Contains(err.Error()+out.String(), "0417") {
			t.Errorf("%q: the error shows a PIN: %v", args, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v", err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^  (-[a-z-]+)`).FindAllStringSubmatch(out.String(), -1)
	if len(flags) < 10 {
		t.Errorf("flags: %q", flags)
	}
	for _, f := range flags {
		if !strings.Contains(string(readme), "| `"+f[1]+"` |") {
			t.Errorf("README.md doesn't tell of %s", f[1])
		}
	}
}

func TestSeedAndReset(t *testing.T) {
	r := begin(t, "-seed", file(t, "seed", `{"clientSecret":"known-beforehand","users":[
		{"id":7,"pin":"0417","faceMap":"Zm9v","deviceFingerprints":["a","b"],"phoneNumbers":["+6588888888"],"businessProfiles":2}]}`))
	if got := r.ask("GET", "client", "")["clientSecret"]; got != "known-beforehand" {
		t.Errorf("client secret %v", got)
	}
	before := r.api("GET", "users/7", "").body
	for _, want := range []string{`"pinSet": true`, `"faceMapEnrolled": true`, `"phoneNumber": "+6588888888"`, "BUSINESS", `"createdAt"`} {
		if !strings.Contains(before, want) {
			t.Errorf("without %s: %s", want, before)
		}
	}
	r.ask("POST", "users", `{"id":8}`)
	r.ask("POST", "faults", `{"kind":"html-502"}`)
	r.ask("POST", "reset", "")
	if a := r.api("GET", "users/8", ""); a.status != 404 {
		t.Errorf("after the reset: %d %s", a.status, a.body)
	}
	times := regexp.MustCompile(`"createdAt": "[^"]*"`)
	if after := r.api("GET", "users/7", "").body; times.ReplaceAllString(after, "") != times.ReplaceAllString(before, "") {
		t.Errorf("after the reset:\n%s\nwant\n%s", after, before)
	}
	if got := r.ask("GET", "faults", "")["inForce"].([]any); len(got) != 0 {
		t.Errorf("faults %v", got)
	}
}

func TestStateGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	r := begin(t, "-state", path)
	r.ask("POST", "users", `{"id":7,"pin":"0417"}`)
	secret, token := r.ask("GET", "client", "")["clientSecret"], r.ask("POST", "users/7/access-token", "")["accessToken"]
	r.ask("POST", "save", "")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside the state: %v, %v", left, err)
	}
	again := begin(t, "-state", path)
	if again.ask("GET", "client", "")["clientSecret"] != secret || again.ask("POST", "users/7/access-token", "")["accessToken"] != token {
		t.Error("the client secret or the token is another one")
	}
	if a := begin(t).api("POST", "save", ""); a.status != 409 {
		t.Errorf("saved without -state: %d %s", a.status, a.body)
	}
}

func TestStateThatCannotBeWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	r := begin(t, "-state", filepath.Join(folder, "state"))
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if a := r.api("POST", "save", ""); a.status != 500 {
		t.Errorf("saved: %d %s", a.status, a.body)
	}
	if err := r.stop(); err == nil || !strings.Contains(err.Error(), "-state") {
		t.Errorf("ended with %v", err)
	}
}

// The certificate that is handed out is the one to trust, under each name.
func TestTLSAndPrefix(t *testing.T) {
	r := begin(t, "-tls", "-prefix", "/gateway", "-expose", "localhost,sim.example")
	r.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	pem := r.send("GET", "/_sim/certificate.pem", "").body
	r.client.CloseIdleConnections()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		t.Fatalf("certificate: %s", pem)
	}
	r.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "sim.example"}
	token := r.ask("POST", "users/1001/access-token", "")["accessToken"].(string)
	if a := r.send("GET", "/gateway/2026Q4/profiles", "", "Authorization", "Bearer "+token); a.status != 200 {
		t.Errorf("below the prefix: %d %s", a.status, a.body)
	}
	if a := r.send("GET", "/gateway/v2/profiles", "", "Authorization", "Bearer "+token); a.status != 200 {
		t.Errorf("the legacy path: %d %s", a.status, a.body)
	}
	if !strings.Contains(r.hints, "/gateway/v1/user/pin") || !strings.Contains(r.hints, "https://sim.example:") {
		t.Errorf("printed:\n%s", r.hints)
	}
	if a := begin(t).send("GET", "/_sim/certificate.pem", ""); a.status != 404 {
		t.Errorf("without -tls: %d", a.status)
	}
}

func TestReadingsLatencyAndLimits(t *testing.T) {
	r := begin(t, "-readings", "without-grant,clear-bodies", "-limits", "0.01", "-latency", "1ms")
	token := r.ask("POST", "access-token", "")["accessToken"].(string)
	if a := r.send("DELETE", "/v1/users/1001/pin", "", "Authorization", "Bearer "+token); a.status != 403 {
		t.Errorf("without the grant: %d %s", a.status, a.body)
	}
	limited := false
	for range 3 { // one a second is let through
		limited = limited || r.send("GET", "/v2/profiles", "").status == 429
	}
	if !limited {
		t.Error("the limits are not enforced")
	}
}
