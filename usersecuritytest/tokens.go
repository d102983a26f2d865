package usersecuritytest

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// Kinds of tokens, as they appear in [RecordedRequest].TokenKind.
const (
	kindUser        = "user"
	kindApplication = "application"
)

// Grant types of the token endpoint.
const (
	grantClientCredentials = "client_credentials"
	grantRegistrationCode  = "registration_code"
	grantAuthorizationCode = "authorization_code"
	grantRefreshToken      = "refresh_token"
)

const (
	tokenType = "bearer"
	// accessLife and refreshLife are Wise's: 12 hours and 20 years, less a second.
	accessLife  = 43_199 * time.Second
	refreshLife = 628_639_555 * time.Second
)

// tokens are the access tokens that are valid, and what they can be obtained
// for.
type tokens struct {
	mu       sync.Mutex
	live     map[string]token
	latest   map[usersecurity.UserID]string // the one handed out last; 0 is the application
	codes    map[string]code
	refreshs map[string]refresh
}

// token is what an access token stands for.
type token struct {
	kind    string
	user    usersecurity.UserID // 0 for the application
	expires time.Time
}

type code struct {
	user  usersecurity.UserID
	grant string
}

// refresh is what a refresh token stands for.
type refresh struct {
	user   usersecurity.UserID
	access string // ends when the next one is obtained for it
}

func newTokens() *tokens {
	return &tokens{
		live:     map[string]token{},
		latest:   map[usersecurity.UserID]string{},
		codes:    map[string]code{},
		refreshs: map[string]refresh{},
	}
}

// lookup returns what an access token stands for; the zero token if it is not
// valid.
func (t *tokens) lookup(value string) token {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.live[value]
	if time.Now().After(found.expires) {
		return token{}
	}
	return found
}

// current returns the latest token, or a new one where there is none or it is
// the rejected one.
func (t *tokens) current(id usersecurity.UserID, rejected string) (string, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if value := t.latest[id]; value == rejected {
		delete(t.live, value)
	} else if found, ok := t.live[value]; ok && time.Now().Before(found.expires) {
		return value, found.expires
	}
	return t.mint(id)
}

// mint makes an access token. The partner's are long, as Wise's are: nobody
// should rely on their length.
func (t *tokens) mint(id usersecurity.UserID) (string, time.Time) {
	made := token{kind: kindUser, user: id, expires: time.Now().Add(accessLife)}
	value := uuid.NewString()
	if id == 0 {
		made.kind = kindApplication
		parts := make([]string, 5)
		for i := range parts {
			parts[i] = rand.Text() + rand.Text() + rand.Text() + rand.Text()
		}
		value = strings.Join(parts, ".")
	}
	t.live[value] = made
	t.latest[id] = value
	return value, made.expires
}

func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.live)
}

func (t *tokens) addCode(c code) string {
	value := rand.Text() + rand.Text() // 52 characters; Wise wants at least 32
	t.mu.Lock()
	defer t.mu.Unlock()
	t.codes[value] = c
	return value
}

// forApplication makes a token of the partner's.
func (t *tokens) forApplication() (access string, expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mint(0)
}

// redeem exchanges a code for a user's tokens.
func (t *tokens) redeem(value, grant string) (access, refreshToken string, expires time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, found := t.codes[value]
	if !found || c.grant != grant {
		return "", "", time.Time{}, false
	}
	if grant == grantAuthorizationCode {
		delete(t.codes, value)
	}
	access, expires = t.mint(c.user)
	refreshToken = uuid.NewString()
	t.refreshs[refreshToken] = refresh{user: c.user, access: access}
	return access, refreshToken, expires, true
}

// renew exchanges a refresh token for an access token, and ends the one before.
func (t *tokens) renew(refreshToken string) (access string, expires time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, found := t.refreshs[refreshToken]
	if !found {
		return "", time.Time{}, false
	}
	delete(t.live, r.access)
	access, expires = t.mint(r.user)
	t.refreshs[refreshToken] = refresh{user: r.user, access: access}
	return access, expires, true
}
