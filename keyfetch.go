package usersecurity

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// How Wise names algorithm and use on its key endpoints.
const (
	keyAlgorithm = "RSA_OAEP_256"
	keyScope     = "PAYLOAD_ENCRYPTION"
)

var keyQuery = url.Values{"algorithm": {keyAlgorithm}, "scope": {keyScope}}.Encode()

// wiseKeys fetches Wise's key, keeps it for the life of the client, and
// replaces it when it is rejected. It doesn't ask again at once for a key that
// has just been found unchanged, or that could not be fetched.
type wiseKeys struct {
	engine  *engine
	flights flight.Group[struct{}, *WiseKey]

	mu        sync.Mutex
	key       *WiseKey
	restraint restraint
	failure   error // of the last fetch, while the restraint holds
}

func (w *wiseKeys) EncryptionKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error) {
	if key, err := w.kept(rejected); key != nil || err != nil {
		return key, err
	}
	key, _, err := w.flights.Do(ctx, struct{}{}, w.engine.total, func(ctx context.Context) (*WiseKey, error) {
		// The flight before this one may have brought it.
		if key, err := w.kept(rejected); key != nil || err != nil {
			return key, err
		}
		key, err := w.engine.fetchWiseKey(ctx)
		if !isOver(err) { // or it was given up here, and Wise has refused nothing
			w.keep(key, err, rejected)
		}
		return key, err
	})
	return key, err
}

// isCold reports whether the key would have to be fetched.
func (w *wiseKeys) isCold() bool {
	key, err := w.kept(nil)
	return key == nil && err == nil
}

// kept returns what is known without a fetch: a key that is not the rejected
// one, or what the last fetch brought, where that was a moment ago.
func (w *wiseKeys) kept(rejected *WiseKey) (*WiseKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.key != nil && !w.key.same(rejected):
		return w.key, nil
	case w.restraint.holds(time.Now()) && w.failure != nil:
		return nil, w.failure
	case w.restraint.holds(time.Now()):
		return w.key, nil
	}
	return nil, nil
}

// serves takes in that Wise has opened what was sealed to the key: requests that
// failed under it failed for another reason, and the next one may do so because
// of a rotation. What a failed fetch asks for stands.
func (w *wiseKeys) serves(key *WiseKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil && w.key.same(key) {
		w.restraint.relax(time.Now())
	}
}

func (w *wiseKeys) keep(key *WiseKey, err error, rejected *WiseKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.failure = err
	switch {
	case errors.Is(err, ErrMalformedReply):
		// What came is no key; the next call may find one.
	case err != nil:
		w.restraint.refused(now, askedToWait(err))
	case key.same(rejected):
		w.restraint.refused(now, 0)
	default:
		w.restraint = restraint{}
	}
	if err == nil {
		w.key = key
	}
}

// askedToWait is what Wise asked for in the response that err is, if it is one.
func askedToWait(err error) time.Duration {
	var api *APIError
	if errors.As(err, &api) {
		return api.RetryAfter
	}
	return 0
}

var keyFields = []string{"version", "keyId", "scope", "keyMaterial", "algorithm"}

// fetchWiseKey gets the newest key from Wise.
func (e *engine) fetchWiseKey(ctx context.Context) (key *WiseKey, err error) {
	_, err = e.do(ctx, request{op: OpFetchWiseKey, query: keyQuery, decode: func(r reply) error {
		var body struct {
			Version     looseNumber `json:"version"`
			KeyID       looseText   `json:"keyId"`
			Scope       looseText   `json:"scope"`
			KeyMaterial struct {
				Algorithm   string `json:"algorithm"`
				KeyMaterial string `json:"keyMaterial"`
			} `json:"keyMaterial"`
		}
		err := r.decode(&body, keyFields, func() bool {
			return body.KeyMaterial.Algorithm == keyAlgorithm && (body.Scope == "" || body.Scope == keyScope)
		})
		if err != nil {
			return err
		}
		pub := parsePublicKey(body.KeyMaterial.KeyMaterial)
		if pub == nil {
			return r.malformed()
		}
		key = &WiseKey{ID: string(body.KeyID), Version: int(body.Version), PublicKey: pub}
		if flaw := key.flaw(); flaw != "" {
			return replyError(r.op, r.status, ErrMalformedReply, plainError(flaw))
		}
		return nil
	}}, nil)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// parsePublicKey reads key material: a SubjectPublicKeyInfo in base64, of either
// alphabet, or as PEM. It returns nil for anything but an RSA key.
func parsePublicKey(material string) *rsa.PublicKey {
	var der []byte
	if block, _ := pem.Decode([]byte(material)); block != nil {
		der = block.Bytes
	} else {
		text := strings.NewReplacer("-", "+", "_", "/", "=", "", "\r", "", "\n", "").Replace(strings.TrimSpace(material))
		var err error
		if der, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return nil
		}
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	pub, _ := parsed.(*rsa.PublicKey)
	return pub
}
