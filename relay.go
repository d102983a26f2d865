package usersecurity

import (
	"context"
	"encoding/json"
	"strings"
)

// Sealable is what may be sealed on a device: a [Pin] or a [Fingerprint].
type Sealable interface {
	IsZero() bool
	sealable() []byte
}

func (p Pin) sealable() []byte { return p.bytes() }

func (f Fingerprint) sealable() []byte { return f.bytes() }

// Sealed is the device's half of a relayed call: a sealed request, and the
// content key that opens the reply to it. It stays on the device.
type Sealed struct {
	secret
	envelope func() *envelope // nil once it is wiped
}

// Seal encrypts a PIN or a device fingerprint to Wise's key, as
// [Client.CreatePin] and [Client.CreateDeviceFingerprint] do: a compact JWE
// with RSA-OAEP-256 and A256GCM. It is for Go code on a customer's device,
// whose backend relays the request and must not see what is in it. The backend
// has the key from [Client.WiseKey].
func Seal(key *WiseKey, secret Sealable) (*Sealed, error) {
	if flaw := key.flaw(); flaw != "" {
		return nil, failure("", ErrNoKey, plainError(flaw))
	}
	if secret == nil || secret.IsZero() {
		return nil, invalid("there is nothing to seal: make a PIN with NewPin, or a fingerprint with NewFingerprint")
	}
	e, err := seal(key.PublicKey, secret.sealable())
	if err != nil {
		return nil, failure("", ErrNoKey, err)
	}
	return &Sealed{keep(e.compact), func() *envelope { return e }}, nil
}

// Compact is the request to send to the backend: a compact JWE.
func (s *Sealed) Compact() string { return string(s.bytes()) }

// OpenReply opens the reply that the backend passed back, and returns its JSON:
// for a device fingerprint, what decodes into a [DeviceFingerprint]. There is
// no reply to a PIN. Any failure is [ErrDecrypt].
func (s *Sealed) OpenReply(compact []byte) ([]byte, error) {
	if s.envelope == nil {
		return nil, ErrDecrypt
	}
	opened, ok := openReply(compact, s.envelope().cek[:], nil)
	if !ok {
		return nil, ErrDecrypt
	}
	return opened, nil
}

// Wipe forgets the content key and the request, when the reply is opened or
// given up.
func (s *Sealed) Wipe() {
	if s.envelope != nil {
		s.envelope().wipe()
	}
	*s = Sealed{} // or anybody could seal a reply with a key of zeros
}

// SealedRequest is a request that a device has sealed to Wise's key. Make one
// with [ParseSealedRequest].
type SealedRequest struct{ secret }

// Equal reports whether two requests are the same to the byte. The zero
// SealedRequest equals none.
func (r SealedRequest) Equal(other SealedRequest) bool { return r.equal(other.secret) }

// ParseSealedRequest takes the compact JWE that a device has made. It checks
// shape, algorithms and size, and opens nothing: the backend has no key for it.
// Anything but a compact JWE with RSA-OAEP-256 and A256GCM is refused with an
// error that matches [ErrInvalidArgument].
func ParseSealedRequest(compact string) (SealedRequest, error) {
	m, ok := parseCompact([]byte(compact))
	switch {
	case !ok:
		return SealedRequest{}, invalid("a sealed request is a compact JWE of five segments, without zip and crit")
	case m.alg != string(algRSA) || m.enc != string(encGCM):
		return SealedRequest{}, invalid("a sealed request has alg RSA-OAEP-256 and enc A256GCM")
	case len(m.encryptedKey) < minKeyBits/8:
		return SealedRequest{}, invalid("a sealed request is sealed to an RSA key of at least 2048 bits")
	}
	return SealedRequest{keep([]byte(strings.TrimSpace(compact)))}, nil
}

// Compact is the JWE as it was parsed, without white space around it.
func (r SealedRequest) Compact() string { return string(r.bytes()) }

// SealedReply is Wise's reply to a relayed request, for the device that sealed
// it: only the device can open it.
type SealedReply struct {
	secret
	contentType func() string // a header of somebody else's; nil in the zero value
}

// NewSealedReply makes a reply as a relaying method returns it: for test doubles.
func NewSealedReply(contentType string, body []byte) SealedReply {
	return SealedReply{keep(body), func() string { return contentType }}
}

// Body is the reply as it came; empty where Wise answers without one, as it
// does for a PIN.
func (r SealedReply) Body() []byte { return r.bytes() }

// ContentType is the reply's: application/jose+json for a sealed one.
func (r SealedReply) ContentType() string {
	if r.contentType == nil {
		return ""
	}
	return r.contentType()
}

// CreatePinSealed is [Client.CreatePin] for a PIN that the user's device has
// sealed. The request goes to Wise as it is and the reply comes back as it is;
// the errors are the same. The client needs no [WithJWE].
//
// When Wise can't open the request, because its key has changed, the response is
// a 500, and the call ends with an error that matches [ErrServer] and
// [ErrOutcomeUnknown]: let the device seal again. A client with [WithJWE] has
// fetched the new key by then, and [Client.WiseKey] gives it.
func (c *Client) CreatePinSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error) {
	return c.relay(ctx, request{op: OpCreatePin, user: user, body: req.bytes()}, opts)
}

// CreateDeviceFingerprintSealed is [Client.CreateDeviceFingerprint] for a
// fingerprint that the user's device has sealed, as [Client.CreatePinSealed] is
// for a PIN.
func (c *Client) CreateDeviceFingerprintSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error) {
	return c.relay(ctx, request{op: OpCreateDeviceFingerprint, user: user, body: req.bytes()}, opts)
}

func (c *Client) relay(ctx context.Context, r request, opts []CallOption) (SealedReply, error) {
	var passed SealedReply
	r.relayed, r.decode = true, func(rep reply) error {
		if len(rep.body) > 0 && !isCompact(rep.body, false) && !json.Valid(rep.body) {
			return rep.malformed()
		}
		passed = NewSealedReply(rep.contentType, rep.body)
		return nil
	}
	if _, err := c.do(ctx, r, opts); err != nil {
		return SealedReply{}, err
	}
	return passed, nil
}
