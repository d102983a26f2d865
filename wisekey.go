package usersecurity

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// WiseKey returns the key of Wise's that sealed requests are sealed to,
// fetching it if this client has not needed it yet. A backend that relays what
// devices seal hands this key to them. It is a copy.
//
// Errors: [ErrJWERequired] for a client without [WithJWE]; [ErrNoKey] where the key
// can't be obtained, with the reason: errors.As finds the [*APIError] of
// [OpFetchWiseKey], or of [OpFetchToken].
func (c *Client) WiseKey(ctx context.Context) (*WiseKey, error) {
	e := c.engine()
	switch {
	case e.sealing.keys == nil:
		return nil, failure(OpFetchWiseKey, ErrJWERequired)
	case ctx == nil:
		return nil, in(OpFetchWiseKey, invalid("the context is nil"))
	}
	key, err := e.wiseKey(ctx)
	if err != nil {
		return nil, err
	}
	return key.clone(), nil
}

// Warm gets the application's token and Wise's key, and opens a connection, so
// that the first customer doesn't wait for them: call it when the program starts.
// Wise is asked for its key even where the client has another source of it. A
// client without a source of application tokens has nothing to get.
//
// Errors: those of [Client.WiseKey].
func (c *Client) Warm(ctx context.Context) error {
	e := c.engine()
	if ctx == nil {
		return in(OpFetchWiseKey, invalid("the context is nil"))
	}
	_, fetches := e.sealing.keys.(*wiseKeys)
	switch {
	case e.appTokens == nil:
		return nil
	case fetches:
		_, err := e.wiseKey(ctx)
		return err
	}
	_, err := e.fetchWiseKey(ctx)
	return err
}

// wiseKey asks the source of Wise's key, for whoever asks for the key itself.
func (e *engine) wiseKey(ctx context.Context) (*WiseKey, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.total)
		defer cancel()
	}
	key, err := e.sealing.keys.EncryptionKey(ctx, nil)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, failure(OpFetchWiseKey, ErrNoKey, ended(ctx), err)
	case err != nil:
		return nil, failure(OpFetchWiseKey, ErrNoKey, err)
	case key.flaw() != "":
		return nil, failure(OpFetchWiseKey, ErrNoKey, plainError(key.flaw()))
	}
	return key, nil
}

// ReplyKey is a public key of the partner's that Wise may seal replies to.
type ReplyKey struct {
	// ID is chosen by the partner; Wise names it as kid in what it seals.
	ID uuid.UUID
	// PublicKey is RSA of 2048 to 8192 bits.
	PublicKey *rsa.PublicKey
	// ValidFrom and ValidTill bound the use of the key, to the second. The zero
	// time sets no bound.
	ValidFrom, ValidTill time.Time
}

func (k ReplyKey) check() error {
	switch {
	case k.ID == uuid.Nil:
		return invalid("the id of the reply key is the zero UUID")
	case keyFlaw(k.PublicKey) != "":
		return invalid("the reply key must be RSA of 2048 to 8192 bits")
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
	_, err = c.do(ctx, request{op: OpRegisterReplyKey, problem: wrong, body: body}, opts)
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
	var problem error
	if c.engine().sealing.keys == nil {
		problem = failure(OpVerifyJWE, ErrJWERequired)
	}
	message := uuid.NewString()
	_, err := c.do(ctx, request{
		op:      OpVerifyJWE,
		problem: problem,
		body:    []byte(`{"message":"` + message + `"}`),
		direct:  true,
		decode: func(r reply) error {
			var echo struct {
				Message string `json:"message"`
			}
			return r.decode(&echo, []string{"message"}, func() bool { return echo.Message == playgroundEcho+message })
		},
	}, opts)
	return err
}
