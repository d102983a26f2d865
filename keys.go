package usersecurity

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// WiseKey is a key of Wise's that requests are sealed to.
type WiseKey struct {
	// ID is Wise's id of the key; empty where Wise gives none.
	ID string
	// Version counts Wise's keys; 0 where it is unknown.
	Version int
	// PublicKey is the key: RSA of at least 2048 bits.
	PublicKey *rsa.PublicKey
}

// KeySource gives the key of Wise's that requests are sealed to. It is asked
// before every sealed call and must be quick and safe for concurrent use.
//
// rejected is nil, or the key of a request that Wise has just failed to read.
// If Wise has a new key the source returns that one, and the request is sealed
// again; if it returns the same key, the failure is taken for any other.
type KeySource interface {
	EncryptionKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error)
}

// StaticKey always gives the same key. When Wise rotates its key, sealed calls
// fail with [ErrServer] until the program is given the new one.
func StaticKey(pub *rsa.PublicKey) KeySource {
	return staticKey{&WiseKey{PublicKey: pub}}
}

type staticKey struct{ key *WiseKey }

func (s staticKey) EncryptionKey(context.Context, *WiseKey) (*WiseKey, error) { return s.key, nil }

// check refuses a key that nothing should be sealed to.
func (k *WiseKey) check() error {
	switch {
	case k == nil || k.PublicKey == nil || k.PublicKey.N == nil:
		return failure("", ErrNoKey)
	case k.PublicKey.N.BitLen() < minKeyBits || k.PublicKey.E < 3 || k.PublicKey.E%2 == 0:
		return &callError{text: "the key is too short: RSA of at least 2048 bits is needed", causes: []error{ErrNoKey}}
	}
	return nil
}

// same reports whether two keys have the same public key.
func (k *WiseKey) same(other *WiseKey) bool {
	return k != nil && other != nil && k.PublicKey.Equal(other.PublicKey)
}

// wiseKeys fetches Wise's key, keeps it for the life of the client, and
// replaces it when it is rejected.
type wiseKeys struct {
	client  *Client
	flights singleflight.Group

	mu  sync.Mutex
	key *WiseKey
}

func (w *wiseKeys) EncryptionKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error) {
	if key := w.kept(rejected); key != nil {
		return key, nil
	}
	return share(ctx, &w.flights, "", func(ctx context.Context) (*WiseKey, error) {
		// The flight before this one may have brought it.
		if key := w.kept(rejected); key != nil {
			return key, nil
		}
		key, err := w.client.fetchWiseKey(ctx)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.key = key
		return key, nil
	})
}

// kept returns the key in use, unless it is the rejected one.
func (w *wiseKeys) kept(rejected *WiseKey) *WiseKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key == nil || w.key.same(rejected) {
		return nil
	}
	return w.key
}

// WiseKey returns the key of Wise's that sealed requests are sealed to,
// fetching it if this client has not needed it yet. A backend that relays what
// devices seal hands this key to them.
func (c *Client) WiseKey(ctx context.Context) (*WiseKey, error) {
	if c.keys == nil {
		return nil, failure(OpFetchWiseKey, ErrJWERequired)
	}
	if ctx == nil {
		return nil, in(OpFetchWiseKey, invalid("the context is nil"))
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.total)
		defer cancel()
	}
	key, err := c.encryptionKey(ctx, OpFetchWiseKey, nil)
	if err != nil {
		return nil, err
	}
	own := *key
	return &own, nil
}

// encryptionKey asks the source for a key and checks what it gives.
func (c *Client) encryptionKey(ctx context.Context, op Operation, rejected *WiseKey) (*WiseKey, error) {
	key, err := c.keys.EncryptionKey(ctx, rejected)
	if err != nil {
		return nil, sourceFailure(ctx, op, ErrNoKey, err)
	}
	if err := key.check(); err != nil {
		return nil, in(op, err)
	}
	return key, nil
}

// How Wise names algorithm and use on its key endpoints.
const (
	keyAlgorithm = "RSA_OAEP_256"
	keyScope     = "PAYLOAD_ENCRYPTION"
)

var keyQuery = url.Values{"algorithm": {keyAlgorithm}, "scope": {keyScope}}.Encode()

// fetchWiseKey gets the newest key from Wise.
func (c *Client) fetchWiseKey(ctx context.Context) (*WiseKey, error) {
	reply, err := c.call(ctx, request{op: &fetchWiseKey, path: fetchWiseKey.path, query: keyQuery}, nil)
	if err != nil {
		return nil, err
	}
	var body struct {
		Version     int    `json:"version"`
		KeyID       string `json:"keyId"`
		Scope       string `json:"scope"`
		KeyMaterial struct {
			Algorithm   string `json:"algorithm"`
			KeyMaterial string `json:"keyMaterial"`
		} `json:"keyMaterial"`
	}
	if json.Unmarshal(reply.body, &body) != nil {
		return nil, reply.malformed()
	}
	if body.KeyMaterial.Algorithm != keyAlgorithm || body.Scope != "" && body.Scope != keyScope {
		return nil, reply.malformed()
	}
	der, err := base64.StdEncoding.DecodeString(body.KeyMaterial.KeyMaterial)
	if err != nil {
		return nil, reply.malformed()
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, reply.malformed()
	}
	pub, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, reply.malformed()
	}
	key := &WiseKey{ID: body.KeyID, Version: body.Version, PublicKey: pub}
	if err := key.check(); err != nil {
		return nil, in(OpFetchWiseKey, err)
	}
	return key, nil
}

// ReplyKey is a public key of the partner's that Wise may seal replies to.
type ReplyKey struct {
	// ID is chosen by the partner; Wise names it as kid in what it seals.
	ID uuid.UUID
	// PublicKey is RSA of at least 2048 bits.
	PublicKey *rsa.PublicKey
	// ValidFrom and ValidTill bound the use of the key, to the second. The zero
	// time sets no bound.
	ValidFrom, ValidTill time.Time
}

func (k ReplyKey) check() error {
	switch {
	case k.ID == uuid.Nil:
		return invalid("the id of the reply key is the zero UUID")
	case k.PublicKey == nil || k.PublicKey.N == nil || k.PublicKey.N.BitLen() < minKeyBits:
		return invalid("the reply key must be RSA of at least 2048 bits")
	case !k.ValidTill.IsZero() && !k.ValidTill.After(k.ValidFrom):
		return invalid("the reply key is valid till a time that is not after the time it is valid from")
	}
	return nil
}

// keyTime is how Wise writes the bounds of a key, in UTC.
const keyTime = "2006-01-02 15:04:05"

// RegisterReplyKey gives Wise a public key to seal replies to; open them with
// [JWEReplyKey]. Wise has no call to list, get or remove keys: it removes them
// on request. Replies to PINs and fingerprints need no such key.
//
// It needs the application's token. It is never repeated once it may have been
// done: it then ends with [ErrOutcomeUnknown].
//
// POST /v1/auth/jose/request/public-keys.
func (c *Client) RegisterReplyKey(ctx context.Context, key ReplyKey, opts ...CallOption) error {
	var der []byte
	wrong := key.check()
	if wrong == nil {
		var err error
		if der, err = x509.MarshalPKIXPublicKey(key.PublicKey); err != nil {
			wrong = invalid("the reply key can't be encoded")
		}
	}
	type keyMaterial struct {
		Algorithm   string `json:"algorithm"`
		KeyMaterial string `json:"keyMaterial"`
	}
	body, err := json.Marshal(struct {
		KeyID             string      `json:"keyId"`
		Scope             string      `json:"scope"`
		ValidFrom         string      `json:"validFrom,omitempty"`
		ValidTill         string      `json:"validTill,omitempty"`
		PublicKeyMaterial keyMaterial `json:"publicKeyMaterial"`
	}{
		key.ID.String(), keyScope, formatKeyTime(key.ValidFrom), formatKeyTime(key.ValidTill),
		keyMaterial{keyAlgorithm, base64.StdEncoding.EncodeToString(der)},
	})
	if err != nil {
		return in(OpRegisterReplyKey, invalid("the reply key can't be encoded"))
	}
	_, err = c.call(ctx, request{op: &registerReplyKey, invalid: wrong, path: registerReplyKey.path, body: body}, opts)
	return err
}

func formatKeyTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(keyTime)
}

// playgroundEcho is what Wise's playground puts before the message.
const playgroundEcho = "jose-playground-response-"

// VerifyJWE seals a random message to Wise's direct playground and checks that
// the echo opens and says the same: it proves keys, tokens, clocks and proxies
// without touching any customer. It needs the application's token and
// [WithJWE]; run it when the program starts, or in a health check.
//
// Errors: those of any call, [ErrDecrypt], [ErrPlaintextReply], and
// [ErrMalformedReply] for an echo of something else.
//
// POST /v1/auth/jose/playground/jwe-direct-encryption.
func (c *Client) VerifyJWE(ctx context.Context, opts ...CallOption) error {
	var wrong error
	if c.keys == nil {
		wrong = failure(OpVerifyJWE, ErrJWERequired)
	}
	message := uuid.NewString()
	var echo struct {
		Message string `json:"message"`
	}
	_, err := c.call(ctx, request{
		op:          &verifyJWE,
		invalid:     wrong,
		path:        verifyJWE.path,
		body:        []byte(`{"message":"` + message + `"}`),
		sealedReply: true,
		decode: func(r reply) error {
			return r.decode(&echo, func() bool { return echo.Message == playgroundEcho+message })
		},
	}, opts)
	return err
}
