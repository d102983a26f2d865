package usersecuritytest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"

	"github.com/wise-partner/usersecurity"
)

// faceTec publishes the key that face maps are exported to.
type faceTec struct{ public crypto.PublicKey } // nil: one of the process's own

func (f *faceTec) routes() []route {
	return []route{{
		operation: usersecurity.OpFaceTecPublicKey,
		methods:   []string{http.MethodGet}, path: "/v1/facetec/public-key",
		token: kindUser, handle: f.publish,
	}}
}

// faceTecKey is made when it is first needed. The simulator opens nothing that is
// encrypted to it.
var faceTecKey = sync.OnceValue(func() *rsa.PublicKey {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: a FaceTec key can't be made: %v", err))
	}
	return &key.PublicKey
})

func (f *faceTec) publish(*call) answer {
	public := f.public
	if public == nil {
		public = faceTecKey()
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: a FaceTec key can't be encoded: %v", err))
	}
	return answer{
		status:      http.StatusOK,
		contentType: typeText,
		body:        pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	}
}
