package usersecurity

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// testKey is the same in every process, as fuzzing needs it.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	text, err := os.ReadFile("testdata/interop/test-only-key-2048.pem")
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key.(*rsa.PrivateKey)
})

func mustKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// hsm decrypts with a key that it doesn't show.
type hsm struct{ key *rsa.PrivateKey }

func (h hsm) Public() crypto.PublicKey { return h.key.Public() }

func (h hsm) Decrypt(r io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return h.key.Decrypt(r, ciphertext, opts)
}

const testKid = "0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11"

// sealReply makes a reply as Wise does, with go-jose.
func sealReply(t testing.TB, alg jose.KeyAlgorithm, key any, plaintext string, options *jose.EncrypterOptions) string {
	t.Helper()
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	var jwe *jose.JSONWebEncryption
	fips140.WithoutEnforcement(func() { jwe, err = encrypter.Encrypt([]byte(plaintext)) }) // go-jose plays Wise, wherever we run
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func kidHeader(kid string) *jose.EncrypterOptions {
	return (&jose.EncrypterOptions{}).WithHeader("kid", kid)
}

func TestSealIsOpenedByGoJose(t *testing.T) {
	seen := map[string]bool{}
	for _, plaintext := range []string{`{"pin":"0417"}`, `{}`, strings.Repeat("x", 5000)} {
		e, err := seal(&testKey().PublicKey, []byte(plaintext))
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := jose.ParseEncryptedCompact(string(e.compact), []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		var opened []byte
		fips140.WithoutEnforcement(func() { opened, err = jwe.Decrypt(testKey()) })
		if err != nil || string(opened) != plaintext {
			t.Fatalf("opened %q, %v", opened, err)
		}
		if len(jwe.Header.ExtraHeaders) != 1 || jwe.Header.ExtraHeaders["enc"] != "A256GCM" || jwe.Header.KeyID != "" {
			t.Errorf("the protected header has more than alg and enc: %v", jwe.Header)
		}
		segments := strings.Split(string(e.compact), ".")
		for _, s := range []string{segments[1], segments[2], string(e.cek[:])} {
			if seen[s] {
				t.Error("a key or an initialization vector came twice")
			}
			seen[s] = true
		}
		if cap(e.compact) != len(e.compact) {
			t.Errorf("the buffer has %d bytes for %d", cap(e.compact), len(e.compact))
		}
		e.wipe()
		if e.cek != [cekSize]byte{} {
			t.Error("the content key is still there")
		}
	}
}

func TestOpenReply(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	old, current := testKey(), mustKey(3072)
	keys := map[string]crypto.Decrypter{testKid: hsm{current}, uuid.Max.String(): old}
	for name, compact := range map[string]string{
		"dir":                    sealReply(t, jose.DIRECT, cek, "hello", nil),
		"dir with other headers": sealReply(t, jose.DIRECT, cek, "hello", (&jose.EncrypterOptions{}).WithHeader("url", "/v1/user/pin")),
		"RSA":                    sealReply(t, jose.RSA_OAEP_256, current.Public(), "hello", kidHeader(testKid)),
		"RSA, kid in capitals":   sealReply(t, jose.RSA_OAEP_256, current.Public(), "hello", kidHeader(strings.ToUpper(testKid))),
		"RSA to the older key":   sealReply(t, jose.RSA_OAEP_256, old.Public(), "hello", kidHeader(uuid.Max.String())),
	} {
		if opened, err := openReply([]byte(compact), cek, keys); err != nil || string(opened) != "hello" {
			t.Errorf("%s: opened %q, %v", name, opened, err)
		}
	}
}

// badReplies are replies that must not open, though each but the last few is
// sealed with the right key.
func badReplies(t testing.TB, cek []byte, key *rsa.PrivateKey) map[string]string {
	dir := sealReply(t, jose.DIRECT, cek, "hello", nil)
	rsaReply := sealReply(t, jose.RSA_OAEP_256, key.Public(), "hello", kidHeader(testKid))
	cut := func(compact string, n int, with string) string {
		s := strings.Split(compact, ".")
		s[n] = with
		return strings.Join(s, ".")
	}
	header := func(json string) string { return cut(dir, 0, base64.RawURLEncoding.EncodeToString([]byte(json))) }
	segment := func(size int) string { return base64.RawURLEncoding.EncodeToString(make([]byte, size)) }
	wrapped := strings.Split(rsaReply, ".")[1]
	return map[string]string{
		"empty":                        "",
		"dots":                         "....",
		"four segments":                dir[:strings.LastIndex(dir, ".")],
		"six segments":                 dir + ".",
		"JSON form":                    `{"protected":"e30","ciphertext":"","iv":"","tag":""}`,
		"zip":                          sealReply(t, jose.DIRECT, cek, "hello", &jose.EncrypterOptions{Compression: jose.DEFLATE}),
		"crit":                         header(`{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}`),
		"crit that is empty":           header(`{"alg":"dir","enc":"A256GCM","crit":[]}`),
		"zip of a wrong type":          header(`{"alg":"dir","enc":"A256GCM","zip":1}`),
		"no alg":                       header(`{"enc":"A256GCM"}`),
		"no enc":                       header(`{"alg":"dir"}`),
		"alg of a wrong type":          header(`{"alg":["dir"],"enc":"A256GCM"}`),
		"header in other words":        header(`{ "alg":"dir","enc":"A256GCM"}`),
		"header is an array":           header(`[]`),
		"header is null":               header(`null`),
		"RSA1_5":                       header(`{"alg":"RSA1_5","enc":"A256GCM"}`),
		"RSA-OAEP":                     sealReply(t, jose.RSA_OAEP, key.Public(), "hello", kidHeader(testKid)),
		"A256KW":                       sealReply(t, jose.A256KW, cek, "hello", nil),
		"A256GCMKW":                    sealReply(t, jose.A256GCMKW, cek, "hello", nil),
		"enc of another kind":          header(`{"alg":"dir","enc":"A128CBC-HS256"}`),
		"dir with a key part":          cut(dir, 1, wrapped),
		"dir under an RSA header":      cut(dir, 0, strings.Split(rsaReply, ".")[0]),
		"RSA without a key part":       cut(rsaReply, 1, ""),
		"RSA with a short key part":    cut(rsaReply, 1, segment(16)),
		"RSA without kid":              sealReply(t, jose.RSA_OAEP_256, key.Public(), "hello", nil),
		"RSA with an unknown kid":      sealReply(t, jose.RSA_OAEP_256, key.Public(), "hello", kidHeader(uuid.NewString())),
		"RSA to a key of the same kid": sealReply(t, jose.RSA_OAEP_256, mustKey(2048).Public(), "hello", kidHeader(testKid)),
		"short initialization vector":  cut(dir, 2, segment(11)),
		"long initialization vector":   cut(dir, 2, segment(16)),
		"short tag":                    cut(dir, 4, segment(15)),
		"long tag":                     cut(dir, 4, segment(17)),
		"surplus digits in the tag":    dir + "AA",
		"padding":                      dir + "=",
		"line break":                   dir + "\n",
		"line break in a segment":      strings.Replace(dir, ".", ".\r\n", 1),
		"space":                        " " + dir,
		"standard base64":              cut(dir, 2, "++++++++++++++++"),
		"another content key":          sealReply(t, jose.DIRECT, bytes.Repeat([]byte{8}, cekSize), "hello", nil),
		"short content key":            sealReply(t, jose.DIRECT, bytes.Repeat([]byte{7}, cekSize), "hello", nil)[1:],
		"too large":                    dir + strings.Repeat("A", maxCompact),
		"long header":                  header(`{"alg":"dir","enc":"A256GCM","x":"` + strings.Repeat("x", maxProtected) + `"}`),
	}
}

func TestOpenReplyRefuses(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: testKey()}
	for name, compact := range badReplies(t, cek, testKey()) {
		//nolint:errorlint // the very error, without anything around it that could tell more
		if opened, err := openReply([]byte(compact), cek, keys); err != ErrDecrypt || opened != nil {
			t.Errorf("%s: opened %q, error %v", name, opened, err)
		}
	}
	dir := sealReply(t, jose.DIRECT, cek, "hello", nil)
	for name, cek := range map[string][]byte{"none": nil, "short": cek[1:], "long": append(cek[:cekSize:cekSize], 7)} {
		if _, err := openReply([]byte(dir), cek, keys); !errors.Is(err, ErrDecrypt) {
			t.Errorf("content key %s: error %v", name, err)
		}
	}
}

func TestOpenReplyRefusesEveryMutation(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: testKey()}
	for name, compact := range map[string]string{
		"dir": sealReply(t, jose.DIRECT, cek, "hello", nil),
		"RSA": sealReply(t, jose.RSA_OAEP_256, testKey().Public(), "hello", kidHeader(testKid)),
	} {
		refuse := func(what string, at int, mutant string) {
			t.Helper()
			if opened, err := openReply([]byte(mutant), cek, keys); !errors.Is(err, ErrDecrypt) || opened != nil {
				t.Errorf("%s %s at %d: opened %q, error %v", name, what, at, opened, err)
			}
		}
		for i := range len(compact) {
			refuse("cut", i, compact[:i])
			refuse("without a byte", i, compact[:i]+compact[i+1:])
			other := byte('A')
			if compact[i] == other {
				other = 'B'
			}
			refuse("changed", i, compact[:i]+string(other)+compact[i+1:])
		}
	}
}

func TestParseSealedRequest(t *testing.T) {
	sealed, err := Seal(&WiseKey{PublicKey: &testKey().PublicKey}, mustPin(t, "0417"))
	if err != nil {
		t.Fatal(err)
	}
	compact := sealed.Compact()
	request, err := ParseSealedRequest(compact)
	if err != nil || request.Compact() != compact {
		t.Fatalf("parsed %q, %v", request.Compact(), err)
	}
	cek := bytes.Repeat([]byte{7}, cekSize)
	bad := badReplies(t, cek, testKey())
	delete(bad, "RSA with an unknown kid") // these are fit to be requests
	delete(bad, "RSA without kid")
	delete(bad, "RSA to a key of the same kid")
	bad["dir"] = sealReply(t, jose.DIRECT, cek, "hello", nil)
	bad["another enc"] = strings.Replace(compact, protected, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RSA-OAEP-256","enc":"A128GCM"}`)), 1)
	for name, text := range bad {
		got, err := ParseSealedRequest(text)
		if !errors.Is(err, ErrInvalidArgument) || got != (SealedRequest{}) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func mustPin(t testing.TB, digits string) Pin {
	t.Helper()
	pin, err := NewPin(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

func FuzzOpenReply(f *testing.F) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: testKey()}
	f.Add([]byte(sealReply(f, jose.DIRECT, cek, "hello", nil)))
	f.Add([]byte(sealReply(f, jose.RSA_OAEP_256, testKey().Public(), "hello", kidHeader(testKid))))
	for _, compact := range badReplies(f, cek, testKey()) {
		if len(compact) < maxProtected {
			f.Add([]byte(compact))
		}
	}
	f.Fuzz(func(t *testing.T, compact []byte) {
		opened, err := openReply(compact, cek, keys)
		if err == nil && string(opened) == "hello" {
			return // one of the two good seeds: nothing else says hello
		}
		if !errors.Is(err, ErrDecrypt) || opened != nil {
			t.Fatalf("opened %q, error %v", opened, err)
		}
	})
}

func FuzzParseSealedRequest(f *testing.F) {
	e, err := seal(&testKey().PublicKey, []byte(`{"pin":"0417"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(e.compact))
	for _, compact := range badReplies(f, bytes.Repeat([]byte{7}, cekSize), testKey()) {
		if len(compact) < maxProtected {
			f.Add(compact)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		request, err := ParseSealedRequest(text)
		if err != nil {
			if !errors.Is(err, ErrInvalidArgument) || request != (SealedRequest{}) {
				t.Fatalf("error %v", err)
			}
			return
		}
		// What is accepted is what go-jose reads too, and is passed on unchanged.
		jwe, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("go-jose refuses it: %v", err)
		}
		again, err := jwe.CompactSerialize()
		if err != nil || strings.Count(again, ".") != 4 || request.Compact() != text {
			t.Fatal("it changed on the way")
		}
	})
}

func FuzzDecodeErrorBody(f *testing.F) {
	for _, body := range []string{
		`{"errors":[{"code":"pin.not.setup","message":"m","path":"p","arguments":null}],"timestamp":"t"}`,
		`{"error":"invalid_token","error_description":"d"}`,
		`{"timestamp":1,"status":404,"error":"Not Found","message":"m","path":null}`,
		`{"message":"An unexpected error occurred","request_id":"r"}`,
		`{"type":"t","title":"t","status":422,"detail":"d","errors":[{"code":"c","ref":"r","detail":"d"}]}`,
		`{"errors":[{"code":"phone.number.repeated","mess`, `{"errors":{"code":1}}`, `[]`, `<html>`, ``,
	} {
		f.Add(422, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := NewAPIError(OpCreatePhoneNumber, status, nil, body)
		if len(e.Details) > maxDetails || e.StatusCode != status || len(e.Error()) > 600 {
			t.Fatalf("%d details, status %d, text of %d bytes", len(e.Details), e.StatusCode, len(e.Error()))
		}
		if strings.ContainsAny(e.Error(), "\r\n") {
			t.Fatal("a line break got into the text")
		}
	})
}
