package usersecuritytest_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestTLS(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithTLS())
	if !strings.HasPrefix(srv.URL(), "https://127.0.0.1:") {
		t.Errorf("URL = %s", srv.URL())
	}
	resp, err := srv.HTTPClient().Get(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("%s, want HTTP/2", resp.Proto)
	}
	if _, err := (&http.Client{Transport: &http.Transport{}}).Get(srv.URL()); err == nil {
		t.Error("the certificate is trusted by everyone")
	}
	pool := srv.HTTPClient().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, c := range []struct {
		host string
		max  uint16
		fine bool
	}{
		{"localhost", tls.VersionTLS13, true},
		{"127.0.0.1", tls.VersionTLS12, true},
		{"127.0.0.1", tls.VersionTLS11, false},
		{"example.com", tls.VersionTLS13, false},
	} {
		config := &tls.Config{RootCAs: pool, ServerName: c.host, MinVersion: tls.VersionTLS10, MaxVersion: c.max}
		conn, err := tls.Dial("tcp", strings.TrimPrefix(srv.URL(), "https://"), config)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != c.fine {
			t.Errorf("handshake for %s up to version %x: %v", c.host, c.max, err)
		}
	}
}
