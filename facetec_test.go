package usersecurity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func pemOf(kind string, public any) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: must(x509.MarshalPKIXPublicKey(public))}))
}

func TestFaceTecPublicKey(t *testing.T) {
	t.Parallel()
	curve := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, text := range map[string]string{
		"RSA": faceTecPEM, "EC": pemOf("PUBLIC KEY", &curve.PublicKey),
		"white space around it": "\r\n " + faceTecPEM + "\n\n", "Windows": strings.ReplaceAll(faceTecPEM, "\n", "\r\n"),
	} {
		for _, contentType := range []string{"text/plain", "text/plain;charset=UTF-8", "application/json", ""} {
			got, err := newClient(t, play(t, answers(200, text, "Content-Type", contentType))).FaceTecPublicKey(t.Context(), 1001)
			if err != nil || string(got.PEM) != text {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if name == "EC" && !curve.PublicKey.Equal(got.PublicKey) || name != "EC" && !publicKey().Equal(got.PublicKey) {
				t.Errorf("%s: the key is another, a %T", name, got.PublicKey)
			}
		}
	}
}

// What is no key is none, however it is dressed; a page is somebody else's.
func TestFaceTecKeysThatAreNone(t *testing.T) {
	t.Parallel()
	foreign, malformed := usersecurity.ErrUnexpectedReply, usersecurity.ErrMalformedReply
	edwards, _, _ := ed25519.GenerateKey(rand.Reader)
	for text, want := range map[string]error{
		"<html>\n" + faceTecPEM:        foreign,
		"sorry\n" + faceTecPEM:         foreign,
		"<html>":                       foreign,
		`{"errors":[{"code":"x"}]}`:    foreign,
		`{"key":"x"}`:                  malformed,
		"":                             malformed,
		faceTecPEM + faceTecPEM:        malformed,
		faceTecPEM + "<html>":          malformed,
		faceTecPEM[:len(faceTecPEM)/2]: malformed,
		strings.ReplaceAll(faceTecPEM, "PUBLIC KEY", "CERTIFICATE"):  malformed,
		pemOf("PUBLIC KEY", edwards):                                 malformed,
		pemOf("PUBLIC KEY", &shortKey.PublicKey):                     malformed,
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----": malformed,
	} {
		scripted(t, text[:min(len(text), 40)], func(t *testing.T) {
			got, err := newClient(t, play(t, answers(200, text))).FaceTecPublicKey(t.Context(), 1001)
			checkMatches(t, "the error", err, want)
			if got != nil {
				t.Error("a key next to an error")
			}
		})
	}
}

// The client keeps no key of FaceTec's: a new one is seen at once.
func TestFaceTecKeyIsNotKept(t *testing.T) {
	t.Parallel()
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithFaceTecKey(publicKey())})
	for range 2 {
		got, err := client.FaceTecPublicKey(t.Context(), 1001)
		if err != nil || !publicKey().Equal(got.PublicKey) || !bytes.HasPrefix(got.PEM, []byte("-----BEGIN PUBLIC KEY-----")) {
			t.Fatalf("%v", err)
		}
	}
	if n := wise.Count(usersecurity.OpFaceTecPublicKey); n != 2 {
		t.Errorf("it was asked for %d times", n)
	}
}
