package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// faults are the promises that a faultyStore breaks.
type faults struct {
	noneIsError, noneIsEmpty, unreadableIsNone                     bool
	drop                                                           string
	epochForZero, oneForAll, changeSeesNone, returnsOld            bool
	cutAt                                                          int
	nilKeeps, storesOnError, swallowsError, errorKeepsUser         bool
	sharesStored, sharesLoaded                                     bool
	excludesNobody, excludesKnownOnly, oneLock                     bool
	waitsOn, changesAnyway, ignoresEndedContext                    bool
	storesWithContext, panicKeepsUser, panicDeletes, swallowsPanic bool
}

// faultyStore is a store that is right but for its faults.
type faultyStore struct {
	faults
	gaveUp chan struct{} // ends every wait, so that a store which hangs leaves nothing behind

	mu     sync.Mutex
	tokens map[usersecurity.UserID]*oauth2.Token
	locks  map[usersecurity.UserID]chan struct{}
}

func newFaultyStore(f faults) *faultyStore {
	return &faultyStore{
		faults: f,
		gaveUp: make(chan struct{}),
		tokens: map[usersecurity.UserID]*oauth2.Token{},
		locks:  map[usersecurity.UserID]chan struct{}{},
	}
}

func (s *faultyStore) giveUp() { close(s.gaveUp) }

func (s *faultyStore) Load(ctx context.Context, user usersecurity.UserID) (*oauth2.Token, error) {
	if err := ctx.Err(); err != nil {
		if s.unreadableIsNone {
			return nil, nil
		}
		return nil, err
	}
	token := s.get(user)
	switch {
	case token == nil && s.noneIsError:
		return nil, errors.New("no rows")
	case token == nil && s.noneIsEmpty:
		return &oauth2.Token{}, nil
	}
	return token, nil
}

func (s *faultyStore) Update(ctx context.Context, user usersecurity.UserID, change changeFunc) (*oauth2.Token, error) {
	if ctx.Err() != nil && !s.ignoresEndedContext {
		return nil, ctx.Err()
	}
	release, err := s.lock(ctx, user)
	if err != nil && !s.changesAnyway {
		return nil, err
	}
	token, panicked, err := s.caught(ctx, user, change)
	if panicked != nil && s.panicDeletes {
		s.set(user, nil)
	}
	kept := panicked != nil && s.panicKeepsUser || err != nil && s.errorKeepsUser
	if !kept {
		release()
	}
	if panicked != nil && !s.swallowsPanic {
		panic(panicked)
	}
	return token, err
}

func (s *faultyStore) caught(ctx context.Context, user usersecurity.UserID, change changeFunc) (token *oauth2.Token, panicked any, err error) {
	defer func() { panicked = recover() }()
	token, err = s.changed(ctx, user, change)
	return token, nil, err
}

func (s *faultyStore) changed(ctx context.Context, user usersecurity.UserID, change changeFunc) (*oauth2.Token, error) {
	now := s.get(user)
	seen := now
	if s.changeSeesNone {
		seen = nil
	}
	next, err := change(ctx, seen)
	if err != nil && s.storesOnError {
		s.set(user, next)
	}
	if err != nil && s.swallowsError {
		return now, nil
	}
	if err != nil {
		return nil, err
	}
	if s.storesWithContext && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if next != nil || !s.nilKeeps {
		s.set(user, next)
	}
	if s.returnsOld {
		return now, nil
	}
	return s.get(user), nil
}

func (s *faultyStore) lock(ctx context.Context, user usersecurity.UserID) (release func(), err error) {
	if s.excludesNobody || s.excludesKnownOnly && s.get(user) == nil {
		return func() {}, nil
	}
	if s.oneLock {
		user = 0
	}
	if s.waitsOn || s.ignoresEndedContext {
		ctx = context.Background()
	}
	s.mu.Lock()
	lock := s.locks[user]
	if lock == nil {
		lock = make(chan struct{}, 1)
		s.locks[user] = lock
	}
	s.mu.Unlock()
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return func() {}, ctx.Err()
	case <-s.gaveUp:
		return func() {}, errors.New("given up")
	}
}

func (s *faultyStore) get(user usersecurity.UserID) *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.oneForAll {
		user = 0
	}
	if s.sharesLoaded || s.tokens[user] == nil {
		return s.tokens[user]
	}
	token := *s.tokens[user]
	return &token
}

func (s *faultyStore) set(user usersecurity.UserID, token *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.oneForAll {
		user = 0
	}
	if token == nil {
		delete(s.tokens, user)
		return
	}
	stored := token
	if !s.sharesStored {
		copied := *token
		stored = &copied
	}
	switch s.drop {
	case "TokenType":
		stored.TokenType = ""
	case "RefreshToken":
		stored.RefreshToken = ""
	case "Expiry":
		stored.Expiry = time.Time{}
	case "ExpiresIn":
		stored.ExpiresIn = 0
	}
	if s.epochForZero && stored.Expiry.IsZero() {
		stored.Expiry = time.Unix(0, 0)
	}
	if s.cutAt > 0 {
		stored.AccessToken = stored.AccessToken[:min(s.cutAt, len(stored.AccessToken))]
	}
	s.tokens[user] = stored
}
