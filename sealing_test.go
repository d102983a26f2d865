package usersecurity_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// The keys of these tests, and Wise's side of JOSE, played by go-jose.

// recordedKey is one of the keys in testdata, by its size in bits.
func recordedKey(size string) *rsa.PrivateKey {
	block, _ := pem.Decode(must(os.ReadFile(filepath.Join(interopDir, "test-only-key-"+size+".pem"))))
	return must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
}

// sealingKey is the key that requests are sealed to. It is the same in every
// process, as fuzzing needs it.
var sealingKey = sync.OnceValue(func() *rsa.PrivateKey { return recordedKey("2048") })

// publicKey is what the clients have of it.
func publicKey() *rsa.PublicKey { return &sealingKey().PublicKey }

// newKey makes a key of so many bits.
func newKey(bits int) (key *rsa.PrivateKey) {
	fips140.WithoutEnforcement(func() { key = must(rsa.GenerateKey(rand.Reader, bits)) }) // small ones are made to be refused
	return key
}

type keyFunc func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error)

func (f keyFunc) EncryptionKey(ctx context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	return f(ctx, rejected)
}

// unseal opens a request as Wise does, with the sealing key unless another is
// given, and checks its form.
func unseal(t testing.TB, compact string, keys ...*rsa.PrivateKey) string {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Errorf("the body is no compact JWE: %v", err)
		return ""
	}
	var plaintext []byte
	fips140.WithoutEnforcement(func() { plaintext, err = jwe.Decrypt(append(keys, sealingKey())[0]) }) // Wise may use what we must not
	if err != nil {
		t.Errorf("the body can't be opened: %v", err)
	}
	protected, _, _ := strings.Cut(compact, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(protected)
	var header map[string]any
	if json.Unmarshal(raw, &header) != nil || !reflect.DeepEqual(header, map[string]any{"alg": "RSA-OAEP-256", "enc": "A256GCM"}) {
		t.Errorf("the protected header is %s", raw)
	}
	return string(plaintext)
}

// cekOf is the content key of a sealed request.
func cekOf(request string, keys ...*rsa.PrivateKey) []byte {
	segments := strings.Split(request, ".")
	if len(segments) != 5 {
		panic("the request is not sealed")
	}
	encryptedKey := must(base64.RawURLEncoding.DecodeString(segments[1]))
	return must(rsa.DecryptOAEP(sha256.New(), nil, append(keys, sealingKey())[0], encryptedKey, nil))
}

// sealReply makes a reply as Wise does.
func sealReply(alg jose.KeyAlgorithm, key any, plaintext string, options *jose.EncrypterOptions) string {
	encrypter := must(jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: alg, Key: key}, options))
	var jwe *jose.JSONWebEncryption
	fips140.WithoutEnforcement(func() { jwe = must(encrypter.Encrypt([]byte(plaintext))) }) // go-jose plays Wise, wherever we run
	return must(jwe.CompactSerialize())
}

// sealDirect seals a reply with the content key of the request it answers.
func sealDirect(request, plaintext string) string {
	return sealReply(jose.DIRECT, cekOf(request), plaintext, nil)
}

// sealedBy is a secret as a device seals it, and what it hands to the backend.
func sealedBy(key *usersecurity.WiseKey, secret usersecurity.Sealable) (*usersecurity.Sealed, usersecurity.SealedRequest) {
	sealed := must(usersecurity.Seal(key, secret))
	return sealed, must(usersecurity.ParseSealedRequest(sealed.Compact()))
}

// foreignReply is sealed with a key that nobody has.
const foreignReply = "eyJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiZGlyIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"

// sealsDirect is a sealed answer.
func sealsDirect(status int, plaintext string) step {
	return func(r *http.Request, body string) (*http.Response, error) {
		return answers(status, sealDirect(body, plaintext), "Content-Type", "application/jose+json")(r, body)
	}
}

// keyAnswer is what the key endpoint says.
func keyAnswer(algorithm, scope string, pub any) []byte {
	der := must(x509.MarshalPKIXPublicKey(pub))
	return []byte(`{"version":3,"keyId":"key-3","keyMaterial":{"algorithm":"` + algorithm + `","keyMaterial":"` +
		base64.StdEncoding.EncodeToString(der) + `"},"scope":"` + scope + `"}`)
}

// hsm decrypts with a key that it doesn't show.
type hsm struct{ key *rsa.PrivateKey }

func (h hsm) Public() crypto.PublicKey { return h.key.Public() }

func (h hsm) Decrypt(r io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return h.key.Decrypt(r, ciphertext, opts)
}

// What the format bounds, in bytes.
const (
	cekSize      = 32
	maxProtected = 4 << 10
	maxCompact   = 1 << 20
)

// testKid is the id of a reply key.
const testKid = "0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11"

func kidHeader(kid string) *jose.EncrypterOptions {
	return (&jose.EncrypterOptions{}).WithHeader("kid", kid)
}

// badReplies are replies that must not open, though each but the last few is
// sealed with the right key.
func badReplies(cek []byte, key *rsa.PrivateKey) map[string]string {
	dir := sealReply(jose.DIRECT, cek, "hello", nil)
	rsaReply := sealReply(jose.RSA_OAEP_256, key.Public(), "hello", kidHeader(testKid))
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
		"zip":                          sealReply(jose.DIRECT, cek, "hello", &jose.EncrypterOptions{Compression: jose.DEFLATE}),
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
		"RSA-OAEP":                     sealReply(jose.RSA_OAEP, key.Public(), "hello", kidHeader(testKid)),
		"A256KW":                       sealReply(jose.A256KW, cek, "hello", nil),
		"A256GCMKW":                    sealReply(jose.A256GCMKW, cek, "hello", nil),
		"enc of another kind":          header(`{"alg":"dir","enc":"A128CBC-HS256"}`),
		"dir with a key part":          cut(dir, 1, wrapped),
		"dir under an RSA header":      cut(dir, 0, strings.Split(rsaReply, ".")[0]),
		"RSA without a key part":       cut(rsaReply, 1, ""),
		"RSA with a short key part":    cut(rsaReply, 1, segment(16)),
		"RSA without kid":              sealReply(jose.RSA_OAEP_256, key.Public(), "hello", nil),
		"RSA with an unknown kid":      sealReply(jose.RSA_OAEP_256, key.Public(), "hello", kidHeader(uuid.NewString())),
		"RSA to a key of the same kid": sealReply(jose.RSA_OAEP_256, newKey(2048).Public(), "hello", kidHeader(testKid)),
		"short initialization vector":  cut(dir, 2, segment(11)),
		"long initialization vector":   cut(dir, 2, segment(16)),
		"short tag":                    cut(dir, 4, segment(15)),
		"long tag":                     cut(dir, 4, segment(17)),
		"surplus digits in the tag":    dir + "AA",
		"padding":                      dir + "=",
		"line break in a segment":      strings.Replace(dir, ".", ".\r\n", 1),
		"space within":                 strings.Replace(dir, ".", ". ", 1),
		"standard base64":              cut(dir, 2, "++++++++++++++++"),
		"another content key":          sealReply(jose.DIRECT, bytes.Repeat([]byte{8}, cekSize), "hello", nil),
		"short content key":            sealReply(jose.DIRECT, bytes.Repeat([]byte{7}, cekSize), "hello", nil)[1:],
		"too large":                    dir + strings.Repeat("A", maxCompact),
		"long header":                  header(`{"alg":"dir","enc":"A256GCM","x":"` + strings.Repeat("x", maxProtected) + `"}`),
	}
}

// A success that carries an error is none, sealed or not.
func TestSealedErrorsUnderSuccess(t *testing.T) {
	t.Parallel()
	for _, r := range sealedRows() {
		for _, text := range []string{`{"errors":[{"code":"x"}]}`, `{"message":"m"}`, `{"error":{"code":"x"}}`} {
			for form, answer := range map[string]step{"sealed": sealsDirect(200, text), "unsealed": answers(200, text)} {
				_, err := r.call(t.Context(), newClient(t, r.script(t, answer), briefWaits))
				checkMatches(t, string(r.op)+" "+text+" "+form, err, usersecurity.ErrOutcomeUnknown, usersecurity.ErrUnexpectedReply)
			}
		}
	}
}
