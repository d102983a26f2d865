package usersecuritytest

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// partnerKeys are the keys that the partner has registered for replies. Wise
// has no call that lists or removes them.
type partnerKeys struct {
	mu   sync.Mutex
	keys []*partnerKey // the one registered last at the end
}

type partnerKey struct {
	id         uuid.UUID
	public     *rsa.PublicKey
	from, till time.Time // zero for no bound
}

// validityLayout is in UTC and says no zone.
const validityLayout = "2006-01-02 15:04:05"

// find returns the key of that id, or the one registered last where id is
// empty, if it is valid at that time.
func (p *partnerKeys) find(id string, now time.Time) *partnerKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.keys) - 1; i >= 0; i-- {
		k := p.keys[i]
		if (id == "" || strings.EqualFold(id, k.id.String())) &&
			!now.Before(k.from) && (k.till.IsZero() || now.Before(k.till)) {
			return k
		}
	}
	return nil
}

// add registers a key. It reports false where the id stands for another one.
func (p *partnerKeys) add(key *partnerKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range p.keys {
		if k.id == key.id {
			if !k.public.Equal(key.public) {
				return false
			}
			p.keys[i] = key
			return true
		}
	}
	p.keys = append(p.keys, key)
	return true
}

// registration is what the partner sends, and, with two fields more, what Wise
// answers.
type registration struct {
	KeyID             string      `json:"keyId"`
	Scope             string      `json:"scope"`
	ValidFrom         *string     `json:"validFrom"`
	ValidTill         *string     `json:"validTill"`
	PublicKeyMaterial keyMaterial `json:"publicKeyMaterial"`
}

// registerKey takes a key of the partner's for replies.
func (x *exchange) registerKey() answer {
	var r registration
	decoder := json.NewDecoder(bytes.NewReader(x.payload))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&r) != nil || decoder.More() {
		return *refusal(http.StatusBadRequest, "body.malformed", "the body must be a JSON object with keyId, scope, validFrom, validTill and publicKeyMaterial")
	}
	if r.Scope != keyScope || r.PublicKeyMaterial.Algorithm != keyAlgorithm {
		return *refusal(http.StatusBadRequest, "key.use", "the simulator takes keys of scope "+keyScope+" and algorithm "+keyAlgorithm+" only")
	}
	id, err := uuid.Parse(r.KeyID)
	if err != nil || id == uuid.Nil {
		return *refusal(http.StatusBadRequest, "key.id", "keyId must be a UUID")
	}
	public := parsePublicKey(r.PublicKeyMaterial.KeyMaterial)
	if public == nil {
		return *refusal(http.StatusBadRequest, "key.material", "keyMaterial must be standard base64 of the DER of an RSA key of at least 2048 bits")
	}
	from, fromOK := parseValidity(r.ValidFrom)
	till, tillOK := parseValidity(r.ValidTill)
	if !fromOK || !tillOK {
		return *refusal(http.StatusBadRequest, "key.validity", "validFrom and validTill are written like "+validityLayout)
	}
	if !x.server.partner.add(&partnerKey{id: id, public: public, from: from, till: till}) {
		return *refusal(http.StatusConflict, "key.id.taken", "another key is registered under this keyId")
	}
	return jsonAnswer(http.StatusCreated, struct {
		registration
		ClientID              *string `json:"clientId"`
		DeactivationTimestamp *string `json:"deactivationTimestamp"`
	}{registration: r})
}

func parsePublicKey(material string) *rsa.PublicKey {
	der, err := base64.StdEncoding.Strict().DecodeString(material)
	if err != nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < keyBits {
		return nil
	}
	return key
}

func parseValidity(s *string) (time.Time, bool) {
	if s == nil {
		return time.Time{}, true
	}
	t, err := time.Parse(validityLayout, *s)
	return t, err == nil
}
