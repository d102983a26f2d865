package usersecurity

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/oauth2"
)

// MemoryTokenStore is a [TokenStore] for one process, which forgets everything
// when it ends: for tests, and for programs that can ask their customers again.
// Make one with [NewMemoryTokenStore]; the zero MemoryTokenStore panics.
//
// It can't be printed: what it holds is found by no fmt verb, encoder or
// printer that walks through fields.
type MemoryTokenStore struct {
	// Reflection sees of a function only its address.
	contents func() *tokensInMemory
}

type tokensInMemory struct {
	mu     sync.Mutex
	tokens map[UserID]*oauth2.Token
	busy   map[UserID]chan struct{} // closed when the Update that has the user ends
}

// NewMemoryTokenStore returns an empty store.
func NewMemoryTokenStore() *MemoryTokenStore {
	m := &tokensInMemory{tokens: map[UserID]*oauth2.Token{}, busy: map[UserID]chan struct{}{}}
	return &MemoryTokenStore{contents: func() *tokensInMemory { return m }}
}

// Format prints the name of the type, whatever the verb.
func (MemoryTokenStore) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "usersecurity.MemoryTokenStore")
}

// Load returns a copy of the user's tokens, or nil if there are none. It fails
// only where ctx has ended, with ctx's error.
func (s *MemoryTokenStore) Load(ctx context.Context, user UserID) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.contents().load(user), nil
}

// Update does what [TokenStore] says. Its own errors are ctx's; an error of
// change is returned as it is.
func (s *MemoryTokenStore) Update(ctx context.Context, user UserID, change func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	m := s.contents()
	if err := m.acquire(ctx, user); err != nil {
		return nil, err
	}
	defer m.release(user) // after a panic as well

	next, err := change(ctx, m.load(user))
	if err != nil {
		return nil, err
	}
	m.store(user, next)
	return copyOfToken(next), nil
}

// acquire waits until no other Update has the user.
func (m *tokensInMemory) acquire(ctx context.Context, user UserID) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		m.mu.Lock()
		other, taken := m.busy[user]
		if !taken {
			m.busy[user] = make(chan struct{})
		}
		m.mu.Unlock()
		if !taken {
			return nil
		}
		select {
		case <-other:
		case <-ctx.Done():
		}
	}
}

func (m *tokensInMemory) release(user UserID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.busy[user])
	delete(m.busy, user)
}

func (m *tokensInMemory) load(user UserID) *oauth2.Token {
	m.mu.Lock()
	defer m.mu.Unlock()
	return copyOfToken(m.tokens[user])
}

func (m *tokensInMemory) store(user UserID, token *oauth2.Token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token == nil {
		delete(m.tokens, user)
		return
	}
	m.tokens[user] = copyOfToken(token)
}

// copyOfToken leaves out what WithExtra added: it may be a map, which two
// copies of the struct would share.
func copyOfToken(t *oauth2.Token) *oauth2.Token {
	if t == nil {
		return nil
	}
	return &oauth2.Token{
		AccessToken:  t.AccessToken,
		TokenType:    t.TokenType,
		RefreshToken: t.RefreshToken,
		Expiry:       t.Expiry,
		ExpiresIn:    t.ExpiresIn,
	}
}
