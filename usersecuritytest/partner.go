package usersecuritytest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
)

// clientID is the partner's client id, on every server.
const clientID = "simulated-partner"

// partner is the one whose program is tested. Each server gives it another
// secret.
type partner struct{ secret string }

func newPartner() *partner { return &partner{secret: rand.Text()} }

// authenticates checks the client id and secret of a request.
func (p *partner) authenticates(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	return ok && id == clientID && subtle.ConstantTimeCompare([]byte(secret), []byte(p.secret)) == 1
}
