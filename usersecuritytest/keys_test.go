package usersecuritytest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestWiseKey(t *testing.T) {
	srv := newServer(t)
	first, public := fetchKey(t, srv, "")
	if first.Version != 1 || !public.Equal(srv.EncryptionKey()) {
		t.Errorf("version %d is published", first.Version)
	}
	sealedToFirst := createPin(t, srv, "1234")
	srv.RotateKey()
	second, newPublic := fetchKey(t, srv, "")
	if second.Version != 2 || second.KeyID == first.KeyID || newPublic.Equal(public) || !newPublic.Equal(srv.EncryptionKey()) {
		t.Errorf("version %d is published after a rotation", second.Version)
	}
	again, oldPublic := fetchKey(t, srv, "&version=1")
	if again.Version != 1 || again.KeyID != first.KeyID || !oldPublic.Equal(public) {
		t.Errorf("version 1 is not what it was")
	}
	mustUnreadable(t, send(t, srv, sealedToFirst))
	mustStatus(t, send(t, srv, createPin(t, srv, "1234")), 204)

	mustEmpty(t, send(t, srv, asApplication(srv, "GET", wiseKeyPath+"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION&version=3", "")), 404)
	for _, query := range []string{
		"", "?algorithm=RSA_OAEP_256", "?scope=PAYLOAD_ENCRYPTION",
		"?algorithm=RSA-OAEP-256&scope=PAYLOAD_ENCRYPTION", "?algorithm=RSA_OAEP_256&scope=PAYLOAD_SIGNING",
		"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION&version=x",
	} {
		mustCode(t, send(t, srv, asApplication(srv, "GET", wiseKeyPath+query, "")), 400, "simulator.query.wrong")
	}
}

func TestRegisterKey(t *testing.T) {
	srv := newServer(t)
	const id = "11111111-1111-4111-8111-111111111111"
	good := registration(t, id, &partnerKey().PublicKey, validFrom, validTill)
	var body, want map[string]any
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, good)), 201).json(t, &body)
	if err := json.Unmarshal([]byte(good), &want); err != nil {
		t.Fatal(err)
	}
	want["clientId"], want["deactivationTimestamp"] = nil, nil
	if fmt.Sprint(body) != fmt.Sprint(want) {
		t.Errorf("reply = %v, want %v", body, want)
	}
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, good)), 201)
	mustCode(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, srv.EncryptionKey(), validFrom, validTill))), 409, "simulator.key.id.taken")
	mustCode(t, send(t, srv, asUser(srv, "POST", registerPath, good)), 403, "simulator.token.kind")

	smallKey, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, code string }{
		{strings.Replace(good, `"keyId"`, `"id"`, 1), "body.malformed"},
		{good + "{}", "body.malformed"},
		{strings.Replace(good, "PAYLOAD_ENCRYPTION", "PAYLOAD_SIGNING", 1), "key.use"},
		{strings.Replace(good, "RSA_OAEP_256", "RSA-OAEP-256", 1), "key.use"},
		{registration(t, "x", &partnerKey().PublicKey, validFrom, validTill), "key.id"},
		{registration(t, uuid.Nil.String(), &partnerKey().PublicKey, validFrom, validTill), "key.id"},
		{registration(t, id, &smallKey.PublicKey, validFrom, validTill), "key.material"},
		{strings.Replace(good, `"keyMaterial":"`, `"keyMaterial":"-----BEGIN`, 1), "key.material"},
		{strings.Replace(good, `"keyMaterial":"`, `"keyMaterial":"AAAA`, 1), "key.material"},
		{registration(t, id, &partnerKey().PublicKey, "2020-01-01T00:00:00Z", validTill), "key.validity"},
		{registration(t, id, &partnerKey().PublicKey, validFrom, ""), "key.validity"},
	} {
		mustCode(t, send(t, srv, asApplication(srv, "POST", registerPath, c.body)), 400, "simulator."+c.code)
	}
}
