package usersecurity

import "context"

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
//
// Errors: [ErrNoKey] for a key that can't be used; [ErrInvalidArgument] for a zero
// secret.
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

// CreatePinSealed is [Client.CreatePin] for a PIN that the user's device has
// sealed. The request goes to Wise as it is and the reply comes back as it is;
// the errors are the same. The client needs no [WithJWE].
//
// When Wise can't open the request, because its key has changed, the response is
// a 500, and the call ends with an error that matches [ErrServer] and
// [ErrOutcomeUnknown]: let the device seal again. A client with [WithJWE] has
// fetched the new key by then, and [Client.WiseKey] gives it.
func (c *Client) CreatePinSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error) {
	return c.engine().relay(ctx, request{op: OpCreatePin, user: user, body: req.bytes()}, opts)
}

// CreateDeviceFingerprintSealed is [Client.CreateDeviceFingerprint] for a
// fingerprint that the user's device has sealed, as [Client.CreatePinSealed] is
// for a PIN.
func (c *Client) CreateDeviceFingerprintSealed(ctx context.Context, user UserID, req SealedRequest, opts ...CallOption) (SealedReply, error) {
	return c.engine().relay(ctx, request{op: OpCreateDeviceFingerprint, user: user, body: req.bytes()}, opts)
}
