package usersecurity

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
)

// FaceTecKey is the key of Wise's that FaceTec's server export encrypts face
// maps to.
type FaceTecKey struct {
	// PEM is the key as Wise gives it: what the FaceTec server is set up with.
	PEM []byte
	// PublicKey is the same key parsed: an *rsa.PublicKey or an *ecdsa.PublicKey.
	PublicKey crypto.PublicKey
}

// FaceTecPublicKey fetches the key of Wise's that FaceTec's server export encrypts
// face maps to. It needs the user's token. The client doesn't keep the key: it
// changes seldom, so keep it yourself, and fetch it anew where Wise can't read a
// face map.
//
// Errors: [ErrMalformedReply] for PEM that holds no RSA or ECDSA key.
//
// GET /v1/facetec/public-key; in calendar versions without /v1.
func (c *Client) FaceTecPublicKey(ctx context.Context, user UserID, opts ...CallOption) (*FaceTecKey, error) {
	var key *FaceTecKey
	_, err := c.do(ctx, request{op: OpFaceTecPublicKey, user: user, decode: func(r reply) error {
		if key = parseFaceTecKey(r.body); key == nil {
			return r.malformed()
		}
		return nil
	}}, opts)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// parseFaceTecKey takes a PEM block with nothing before or after it: nil where it
// is another text. A page in which a key is printed is none.
func parseFaceTecKey(text []byte) *FaceTecKey {
	block, rest := pem.Decode(bytes.TrimSpace(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 || !isPEM(text) {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil
	}
	switch pub := parsed.(type) {
	case *rsa.PublicKey:
		if keyFlaw(pub) != "" {
			return nil
		}
	case *ecdsa.PublicKey:
	default:
		return nil
	}
	return &FaceTecKey{PEM: bytes.Clone(text), PublicKey: parsed}
}
