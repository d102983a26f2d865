package usersecuritytest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestFaceTecKey(t *testing.T) {
	fetch := func(opts ...usersecuritytest.ServerOption) any {
		srv := newServer(t, opts...)
		m := asUser(srv, "GET", "/v1/facetec/public-key", "")
		mustStatus(t, send(t, srv, m.with("Authorization", "Bearer "+srv.ApplicationToken())), 403)
		r := mustStatus(t, send(t, srv, m), 200)
		block, rest := pem.Decode([]byte(r.body))
		if got := r.header.Get("Content-Type"); got != "text/plain" || block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
			t.Fatalf("%s of type %s", r.body, got)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	if key, ok := fetch().(*rsa.PublicKey); !ok || key.N.BitLen() != 2048 {
		t.Errorf("the key is %v", key)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !own.PublicKey.Equal(fetch(usersecuritytest.WithFaceTecKey(&own.PublicKey))) {
		t.Error("another key is published than the one that was given")
	}
}
