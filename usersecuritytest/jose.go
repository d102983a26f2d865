package usersecuritytest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The algorithms that JOSE with Wise is about.
const (
	algRSA    = "RSA-OAEP-256"
	algDirect = "dir"
	encGCM    = "A256GCM"

	cekSize = 32
	ivSize  = 12
	tagSize = 16
)

const (
	headerJOSEMethod = "X-Tw-Jose-Method"
	headerReplyKey   = "X-Tw-Jose-Encryption-Kid"
)

// requiredHeader is one that a sealed request must have, with its value.
type requiredHeader struct{ name, value string }

// The headers of sealed requests. The playground and calls without a body need
// fewer than the operations.
var (
	bodilessHeaders   = []requiredHeader{{"Accept", typeJOSE}, {headerJOSEMethod, "jwe"}}
	playgroundHeaders = bodilessHeaders
	operationHeaders  = []requiredHeader{
		{"Accept", typeJOSE},
		{headerJOSEMethod, "jwe"},
		{"Accept-Encoding", "identity"},
		{"Content-Encoding", "identity"},
	}
)

var base64url = base64.RawURLEncoding.Strict()

// open checks a sealed request and opens its body.
func (x *exchange) open(headers []requiredHeader) *answer {
	switch {
	case x.contentType() == typeJOSE && isCompact(x.body):
	case isCompact(x.body):
		return refusal(http.StatusUnsupportedMediaType, "content.type", "the Content-Type of a sealed body is "+typeJOSE)
	default:
		return refusal(http.StatusBadRequest, "body.not.sealed", "the body of this call must be a JWE in compact form, sealed to Wise's key")
	}
	if refused := x.checkHeaders(headers); refused != nil {
		return refused
	}
	parts := strings.Split(string(x.body), ".")
	if refused := checkProtected(parts[0]); refused != nil {
		return refused
	}
	payload, cek, ok := openCompact(x.server.wiseKeys.newest().private, parts)
	if !ok {
		a := unreadable()
		return &a
	}
	x.payload, x.cek = payload, cek
	return nil
}

func (x *exchange) checkHeaders(headers []requiredHeader) *answer {
	for _, h := range headers {
		switch values := x.request.Header.Values(h.name); {
		case len(values) == 0:
			return refusal(http.StatusBadRequest, "header.missing", "a sealed call must have the header "+h.name+": "+h.value)
		case len(values) > 1 || values[0] != h.value:
			return refusal(http.StatusBadRequest, "header.wrong", "a sealed call must have the header "+h.name+" once, with the value "+h.value)
		}
	}
	return nil
}

// isCompact reports whether a body looks like a JWE: five parts of base64url.
func isCompact(body []byte) bool {
	if bytes.Count(body, []byte{'.'}) != 4 {
		return false
	}
	for _, c := range body {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// checkProtected looks at the protected header of a request. Members that it
// doesn't know are tolerated.
func checkProtected(encoded string) *answer {
	raw, err := base64url.DecodeString(encoded)
	var header map[string]any // names are compared letter by letter, unlike a struct's
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return refusal(http.StatusBadRequest, "jose.header", "the protected header must be a JSON object in base64url without padding")
	}
	for _, name := range []string{"zip", "crit"} {
		if _, present := header[name]; present {
			return refusal(http.StatusBadRequest, "jose."+name, "the protected header must not have "+name)
		}
	}
	switch {
	case header["alg"] != algRSA:
		return refusal(http.StatusBadRequest, "jose.alg", "alg must be "+algRSA)
	case header["enc"] != encGCM:
		return refusal(http.StatusBadRequest, "jose.enc", "enc must be "+encGCM)
	}
	return nil
}

// openCompact opens a request, and returns the content key that its reply is
// sealed with. JOSE libraries keep that key to themselves.
func openCompact(key *rsa.PrivateKey, parts []string) (payload, cek []byte, ok bool) {
	var decoded [5][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64url.DecodeString(part); err != nil {
			return nil, nil, false
		}
	}
	encryptedKey, iv, ciphertext, tag := decoded[1], decoded[2], decoded[3], decoded[4]
	cek, err := rsa.DecryptOAEP(sha256.New(), nil, key, encryptedKey, nil)
	if err != nil || len(cek) != cekSize || len(iv) != ivSize || len(tag) != tagSize {
		return nil, nil, false
	}
	payload, err = newGCM(cek).Open(nil, iv, append(ciphertext, tag...), []byte(parts[0]))
	return payload, cek, err == nil
}

// checkReplyKey finds the partner's key for the reply before anything is done:
// a request whose reply can't be sealed must change nothing.
func (x *exchange) checkReplyKey() *answer {
	wanted := x.route.reply == keyReply ||
		x.route.reply == settledReply && x.server.settings.replyKeyReplies && x.cek != nil
	if !wanted {
		return nil
	}
	x.replyKey = x.server.partner.find(x.request.Header.Get(headerReplyKey), time.Now())
	if x.replyKey == nil {
		return refusal(http.StatusBadRequest, "reply.key.unknown", "no key that is valid now is registered for replies, or not under this id")
	}
	return nil
}

// sealed is the answer to a sealed request: as it is where the body is empty,
// or the server was told to answer in clear.
func (x *exchange) sealed(a answer) answer {
	set := &x.server.settings
	direct := x.route.reply == directReply
	switch {
	case x.route.reply == clearReply, x.route.reply == settledReply && x.cek == nil:
		return a
	case a.status >= http.StatusBadRequest && !set.sealedErrors:
		return a
	case a.status >= http.StatusBadRequest && len(a.body) == 0:
		a = errorAnswer(a.status, simulatorCode+"status."+strconv.Itoa(a.status), "Wise documents no body for this error")
	case len(a.body) == 0:
		return a
	}
	switch {
	case x.replyKey != nil:
		a.body = sealToKey(x.replyKey, a.body)
	case direct || !set.clearReplies:
		a.body = sealDirect(x.cek, a.body)
	default:
		return a
	}
	a.contentType = typeJOSE
	return a
}

// sealDirect seals with the content key of the request. The order of the header
// is Wise's: nobody should compare headers as text.
func sealDirect(cek, plaintext []byte) []byte {
	return sealCompact(`{"enc":"`+encGCM+`","alg":"`+algDirect+`"}`, nil, cek, plaintext)
}

// sealToKey seals with a content key of its own, wrapped to a key of the
// partner's.
func sealToKey(key *partnerKey, plaintext []byte) []byte {
	cek := make([]byte, cekSize)
	_, _ = rand.Read(cek) // never fails
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key.public, cek, nil)
	if err != nil {
		panic("usersecuritytest: a reply can't be sealed to the partner's key: " + err.Error())
	}
	header, err := json.Marshal(struct {
		KeyID uuid.UUID `json:"kid"`
		Enc   string    `json:"enc"`
		Alg   string    `json:"alg"`
	}{key.id, encGCM, algRSA})
	if err != nil {
		panic("usersecuritytest: a protected header can't be encoded: " + err.Error())
	}
	return sealCompact(string(header), wrapped, cek, plaintext)
}

func sealCompact(header string, wrapped, cek, plaintext []byte) []byte {
	iv := make([]byte, ivSize)
	_, _ = rand.Read(iv) // never fails
	protected := base64url.EncodeToString([]byte(header))
	box := newGCM(cek).Seal(nil, iv, plaintext, []byte(protected))
	ciphertext, tag := box[:len(box)-tagSize], box[len(box)-tagSize:]
	return []byte(strings.Join([]string{
		protected,
		base64url.EncodeToString(wrapped),
		base64url.EncodeToString(iv),
		base64url.EncodeToString(ciphertext),
		base64url.EncodeToString(tag),
	}, "."))
}

// newGCM takes a key of 32 bytes, which never fails.
func newGCM(cek []byte) cipher.AEAD {
	block, err := aes.NewCipher(cek)
	if err != nil {
		panic("usersecuritytest: " + err.Error())
	}
	var gcm cipher.AEAD
	// A program in FIPS 140-only mode may be tested against the simulator.
	fips140.WithoutEnforcement(func() { gcm, err = cipher.NewGCM(block) })
	if err != nil {
		panic("usersecuritytest: " + err.Error())
	}
	return gcm
}
