package usersecuritytest_test

import (
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

func TestPlayground(t *testing.T) {
	srv := newServer(t)
	const directPath, keyPath = "/v1/auth/jose/playground/jwe-direct-encryption", "/v1/auth/jose/playground/jwe"
	cek := newCEK()
	request := func(path, payload string) message {
		m := asSealed(asApplication(srv, "POST", path, ""), sealWith(t, srv, goodHeader, cek, payload))
		return m.without("Content-Encoding").with("Accept-Encoding", "gzip") // not required here
	}

	r := mustStatus(t, send(t, srv, request(directPath, `{"message":"hello"}`)), 200)
	plaintext, _ := mustOpen(t, r.body, cek, jose.DIRECT)
	if plaintext != `{"message":"jose-playground-response-hello","method":"POST"}` {
		t.Errorf("reply = %s", plaintext)
	}
	long := strings.Repeat("é", 100)
	mustStatus(t, send(t, srv, request(directPath, `{"message":"`+long+`"}`)), 200)
	mustCode(t, send(t, srv, request(directPath, `{"message":"`+long+`x"}`)), 400, "simulator.message.long")
	mustCode(t, send(t, srv, request(directPath, `{"text":"x"}`)), 400, "simulator.body.malformed")
	mustCode(t, send(t, srv, request(directPath, `{"message":"x"}`).without("X-TW-JOSE-Method")), 400, "simulator.header.missing")
	userToken := "Bearer " + srv.UserToken(user)
	mustCode(t, send(t, srv, request(directPath, `{"message":"x"}`).with("Authorization", userToken)), 403, "simulator.token.kind")

	get := asApplication(srv, "GET", keyPath, "").with("Accept", "application/jose+json").with("X-TW-JOSE-Method", "jwe")
	mustCode(t, send(t, srv, get), 400, "simulator.reply.key.unknown")
	mustCode(t, send(t, srv, request(keyPath, `{"message":"x"}`)), 400, "simulator.reply.key.unknown")
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath,
		registration(t, uuid.NewString(), &partnerKey().PublicKey, validFrom, validTill))), 201)
	for want, m := range map[string]message{
		`{"message":"jose-playground-response-x","method":"POST"}`: request(keyPath, `{"message":"x"}`),
		`{"message":"jose-playground-response-","method":"GET"}`:   get,
	} {
		r := mustStatus(t, send(t, srv, m), 200)
		if plaintext, _ := mustOpen(t, r.body, partnerKey(), jose.RSA_OAEP_256); plaintext != want {
			t.Errorf("reply = %s, want %s", plaintext, want)
		}
	}
	mustCode(t, send(t, srv, get.without("Accept")), 400, "simulator.header.missing")
}
