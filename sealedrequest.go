package usersecurity

import (
	"context"
	"strings"
)

// SealedRequest is a request that a device has sealed to Wise's key. Make one
// with [ParseSealedRequest].
type SealedRequest struct{ secret }

// Equal reports whether two requests are the same to the byte. The zero
// SealedRequest equals none.
func (r SealedRequest) Equal(other SealedRequest) bool { return r.equal(other.secret) }

// ParseSealedRequest takes the compact JWE that a device has made. It checks
// shape, algorithms and size, and opens nothing: the backend has no key for it.
// Anything but a compact JWE with RSA-OAEP-256 and A256GCM, of at most 1 MiB, is
// refused with an error that matches [ErrInvalidArgument].
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

// relay sends what a device has sealed, and passes the reply on.
func (e *engine) relay(ctx context.Context, r request, opts []CallOption) (SealedReply, error) {
	var passed SealedReply
	r.relayed, r.decode = true, func(rep reply) error {
		if _, speaks := hear(rep.op, rep.status, rep.body, false); speaks == foreigner || speaks.accuses() {
			return rep.malformed()
		}
		passed = NewSealedReply(rep.contentType, rep.body)
		return nil
	}
	if _, err := e.do(ctx, r, opts); err != nil {
		return SealedReply{}, err
	}
	return passed, nil
}
