package usersecuritytest

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// How the key endpoints name the one algorithm and the one use the simulator
// knows; JOSE headers write the algorithm with hyphens.
const (
	keyAlgorithm = "RSA_OAEP_256"
	keyScope     = "PAYLOAD_ENCRYPTION"
)

// validityLayout is in UTC and says no zone.
const validityLayout = "2006-01-02 15:04:05"

func keyRoutes(w *wiseKeys, p *partnerKeys) []route {
	return []route{
		{
			operation: usersecurity.OpFetchWiseKey,
			methods:   []string{http.MethodGet}, path: "/v1/auth/jose/response/public-keys",
			token: kindApplication, query: true, handle: w.fetch,
		},
		{
			operation: usersecurity.OpRegisterReplyKey,
			methods:   []string{http.MethodPost}, path: "/v1/auth/jose/request/public-keys",
			token: kindApplication, body: jsonBody, handle: p.register,
		},
	}
}

// wiseKeyReply is what the key endpoint says of a key.
type wiseKeyReply struct {
	Version     int         `json:"version"`
	KeyID       string      `json:"keyId"`
	KeyMaterial keyMaterial `json:"keyMaterial"`
	Scope       string      `json:"scope"`
}

type keyMaterial struct {
	Algorithm   string `json:"algorithm"`
	KeyMaterial string `json:"keyMaterial"`
}

// fetch publishes Wise's key: the newest, or the version asked for.
func (w *wiseKeys) fetch(c *call) answer {
	query := c.request.URL.Query()
	if query.Get("algorithm") != keyAlgorithm || query.Get("scope") != keyScope {
		return *refusal(http.StatusBadRequest, "query.wrong", "the query must have algorithm="+keyAlgorithm+" and scope="+keyScope)
	}
	key := w.newest()
	if query.Has("version") {
		n, err := strconv.Atoi(query.Get("version"))
		if err != nil {
			return *refusal(http.StatusBadRequest, "query.wrong", "version is a number")
		}
		if key = w.version(n); key == nil {
			return emptyAnswer(http.StatusNotFound).because("Wise's key has no such version")
		}
	}
	der, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: an encryption key can't be encoded: %v", err))
	}
	return jsonAnswer(http.StatusOK, wiseKeyReply{
		Version:     key.version,
		KeyID:       key.id.String(),
		KeyMaterial: keyMaterial{keyAlgorithm, base64.StdEncoding.EncodeToString(der)},
		Scope:       keyScope,
	})
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

// register takes a key of the partner's for replies.
func (p *partnerKeys) register(c *call) answer {
	var r registration
	decoder := json.NewDecoder(bytes.NewReader(c.payload))
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
	if !p.add(&partnerKey{id: id, public: public, from: from, till: till}) {
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
