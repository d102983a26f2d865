package usersecuritytest

import (
	"crypto/rand"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
)

// authorizationLife is how long an authorization code can be used.
const authorizationLife = 10 * time.Minute

// grants are what users' tokens can be obtained for. Codes are kept as digests.
type grants struct {
	clock *clock

	mu            sync.Mutex
	registrations map[registrationCode]usersecurity.UserID
	authorized    map[Digest]authorization
}

// registrationCode is one, with the e-mail address that it was
// chosen for, in small letters; without one for any.
type registrationCode struct {
	code  Digest
	email string
}

// authorization is what an authorization code stands for.
type authorization struct {
	user    usersecurity.UserID
	expires time.Time
}

func newGrants(c *clock) *grants {
	return &grants{
		clock:         c,
		registrations: map[registrationCode]usersecurity.UserID{},
		authorized:    map[Digest]authorization{},
	}
}

// newCode is long enough: Wise wants at least 32 characters.
func newCode() string { return rand.Text() + rand.Text() }

// register lets a code, with the e-mail address if there is one, stand for a
// user.
func (g *grants) register(code, email string, user usersecurity.UserID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.registrations[registrationCode{DigestOf(code), strings.ToLower(email)}] = user
}

// registered returns whom a registration code stands for. It can be used again.
func (g *grants) registered(code, email string) (user usersecurity.UserID, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	digest := DigestOf(code)
	if user, ok = g.registrations[registrationCode{digest, strings.ToLower(email)}]; !ok {
		user, ok = g.registrations[registrationCode{digest, ""}]
	}
	return user, ok
}

// reclaim ends the registration codes of a user.
func (g *grants) reclaim(user usersecurity.UserID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.registrations, func(_ registrationCode, u usersecurity.UserID) bool { return u == user })
}

// authorize makes a code as the authorization page hands it out.
func (g *grants) authorize(user usersecurity.UserID) (code string) {
	code = newCode()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.authorized[DigestOf(code)] = authorization{user, g.clock.now().Add(authorizationLife)}
	return code
}

// redeem returns whom an authorization code stands for. It can be used once.
func (g *grants) redeem(code string) (user usersecurity.UserID, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	digest := DigestOf(code)
	found, ok := g.authorized[digest]
	delete(g.authorized, digest)
	return found.user, ok && !g.clock.now().After(found.expires)
}
