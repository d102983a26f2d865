package usersecuritytest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"sync"
)

// clientID is the partner's client id, on every server.
const clientID = "simulated-partner"

// partner is the one whose program is tested.
type partner struct {
	mu     sync.Mutex
	secret string
}

// newPartner makes a secret where it is given none: each server gets another one.
func newPartner(secret string) *partner {
	if secret == "" {
		secret = rand.Text()
	}
	return &partner{secret: secret}
}

func (p *partner) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.secret
}

func (p *partner) replace(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secret = secret
}

// authenticates checks the client id and secret of a request.
func (p *partner) authenticates(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	return ok && id == clientID && subtle.ConstantTimeCompare([]byte(secret), []byte(p.current())) == 1
}
