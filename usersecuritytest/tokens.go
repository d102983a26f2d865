package usersecuritytest

import (
	"crypto/rand"
	"maps"
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

const (
	tokenType = "bearer"
	// accessLife and refreshLife are Wise's: 12 hours and 20 years, less a second.
	accessLife  = 43_199 * time.Second
	refreshLife = 628_639_555 * time.Second
)

// tokens are the access and refresh tokens that are valid.
type tokens struct {
	clock  *clock
	rotate bool // a refresh token serves once

	mu        sync.Mutex
	live      map[string]token
	latest    map[usersecurity.UserID]string // the one handed out last; 0 is the application
	refreshes map[string]refresh
}

// token is what an access token stands for.
type token struct {
	kind    string
	user    usersecurity.UserID // 0 for the application
	expires time.Time
}

// refresh is what a refresh token stands for.
type refresh struct {
	user    usersecurity.UserID
	created time.Time
	expires time.Time
}

// pair is what a grant for a user brings.
type pair struct {
	access        string
	expires       time.Time
	refresh       string
	created       time.Time // of the refresh token
	refreshExpiry time.Time
}

func newTokens(c *clock, rotate bool) *tokens {
	return &tokens{
		clock:     c,
		rotate:    rotate,
		live:      map[string]token{},
		latest:    map[usersecurity.UserID]string{},
		refreshes: map[string]refresh{},
	}
}

// lookup returns what an access token stands for; the zero token if it is not
// valid.
func (t *tokens) lookup(value string) token {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.live[value]
	if t.clock.now().After(found.expires) {
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
	} else if found, ok := t.live[value]; ok && t.clock.now().Before(found.expires) {
		return value, found.expires
	}
	return t.mint(id)
}

// mint makes an access token. The partner's are long, as Wise's are: nobody
// should rely on their length.
func (t *tokens) mint(id usersecurity.UserID) (string, time.Time) {
	made := token{kind: kindUser, user: id, expires: t.clock.now().Add(accessLife)}
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

// expire ends all access tokens.
func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.live)
}

// withdraw ends the access and the refresh tokens of a user.
func (t *tokens) withdraw(id usersecurity.UserID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endAccess(id)
	t.endRefresh(id)
}

func (t *tokens) endAccess(id usersecurity.UserID) {
	maps.DeleteFunc(t.live, func(_ string, live token) bool { return live.user == id && id != 0 })
}

func (t *tokens) endRefresh(id usersecurity.UserID) {
	maps.DeleteFunc(t.refreshes, func(_ string, r refresh) bool { return r.user == id })
}

// forApplication makes a token of the partner's.
func (t *tokens) forApplication() (access string, expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mint(0)
}

// forUser makes the tokens of a user who has granted them anew: the refresh
// token of before ends, the access token of before does not.
func (t *tokens) forUser(id usersecurity.UserID) pair {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endRefresh(id)
	return t.pair(id, t.newRefresh(id))
}

// renew exchanges a refresh token for an access token, and ends those before.
func (t *tokens) renew(refreshToken string) (p pair, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, found := t.refreshes[refreshToken]
	if !found || t.clock.now().After(r.expires) {
		return pair{}, false
	}
	t.endAccess(r.user)
	if t.rotate {
		t.endRefresh(r.user)
		refreshToken = t.newRefresh(r.user)
	}
	return t.pair(r.user, refreshToken), true
}

func (t *tokens) newRefresh(id usersecurity.UserID) string {
	value, now := uuid.NewString(), t.clock.now()
	t.refreshes[value] = refresh{user: id, created: now, expires: now.Add(refreshLife)}
	return value
}

// pair goes with a refresh token that is valid.
func (t *tokens) pair(id usersecurity.UserID, refreshToken string) pair {
	r := t.refreshes[refreshToken]
	access, expires := t.mint(id)
	return pair{access: access, expires: expires, refresh: refreshToken, created: r.created, refreshExpiry: r.expires}
}
