package usersecurity

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity/internal/flight"
)

// storedTokens gives users' tokens out of a store that a fleet shares, and renews
// them: each once, by whoever needs it first.
type storedTokens struct {
	granting
	store    TokenStore
	kept     *keptTokens
	page     string // where customers authorise the partner; empty if unknown
	slots    chan struct{}
	renewals flight.Group[renewal, *oauth2.Token]

	mu     sync.Mutex
	refuse map[UserID]*refusals
}

// renewal is what calls of this process share: of one token of one user.
type renewal struct {
	user  UserID
	stale string // the access token
}

// refusals are what is remembered of a user whose renewal failed.
type refusals struct {
	restraint restraint
	failure   error
	stale     string        // the access token that failure is about
	unsaved   *oauth2.Token // what came in its place, and could not be stored yet
}

// saveTime bounds how long what Wise has given is tried to be saved.
const saveTime = 15 * time.Second

// maxRenewals bounds the refreshes in flight of one client.
const maxRenewals = 32

func newStoredTokens(e *engine, store TokenStore, clientID, clientSecret, page string) *storedTokens {
	s := &storedTokens{
		granting: granting{e, clientID, basicAuthorization(clientID, clientSecret)},
		store:    store, page: page,
		slots: make(chan struct{}, maxRenewals), refuse: map[UserID]*refusals{},
	}
	s.kept = newKeptTokens(s.token, e.total)
	s.kept.renewal, s.kept.behind = renewAtHalf, true
	return s
}

// renewAtHalf renews at about half of a token's life: a refresh voids the token at
// once, for everybody, so the sooner a failure shows the better. The point is
// spread by user, so that tokens of one night don't fall due together.
func renewAtHalf(user UserID, token *oauth2.Token) time.Time {
	if token.Expiry.IsZero() {
		return time.Time{}
	}
	life := time.Until(token.Expiry)
	if token.ExpiresIn > 0 {
		life = time.Duration(token.ExpiresIn) * time.Second
	}
	const from, spread = 450, 101 // thousandths: from 45 to 55 percent
	left := from + time.Duration(uint64(user)%spread)
	return token.Expiry.Add(-left * (life / 1000))
}

const errNoTokens = plainError("the store has no tokens of the user: the customer has not authorised the partner yet")

// token reads the store, and renews what it finds there if that is what is held
// already, or has expired.
func (s *storedTokens) token(ctx context.Context, req TokenRequest, held *oauth2.Token) (*oauth2.Token, error) {
	now, err := s.store.Load(ctx, req.User)
	switch {
	case err != nil:
		return nil, (&callError{text: "the token store failed: " + safeText(err)}).because(err)
	case now == nil:
		return nil, errNoTokens
	}
	stale := now.AccessToken == req.Rejected || held != nil && now.AccessToken == held.AccessToken ||
		!now.Expiry.IsZero() && !time.Now().Before(now.Expiry)
	if !stale {
		return now, nil
	}
	return s.renewed(ctx, req.User, now.AccessToken)
}

// renewed waits for the renewal of one token, of which this process makes one at
// a time, and none where one has just failed.
func (s *storedTokens) renewed(ctx context.Context, user UserID, stale string) (*oauth2.Token, error) {
	if err := s.refused(user, stale); err != nil {
		return nil, err
	}
	token, _, err := s.renewals.Do(ctx, renewal{user, stale}, s.engine.total+saveTime, func(ctx context.Context) (*oauth2.Token, error) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return s.renew(ctx, user, stale)
	})
	return token, err
}

// renew gets new tokens and saves them before anybody uses them. It runs inside
// the store's Update, so that the whole fleet sends one refresh.
func (s *storedTokens) renew(ctx context.Context, user UserID, stale string) (*oauth2.Token, error) {
	fresh := s.unsaved(user, stale)
	var asked error // what Wise said, if it refused
	change := func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		switch {
		case now == nil:
			asked = errNoTokens
			return nil, asked
		case now.AccessToken != stale:
			return now, nil // another process was here
		case fresh == nil:
			fresh, asked = s.refresh(ctx, user, now)
		}
		return fresh, asked
	}
	saved, err := s.store.Update(ctx, user, change)
	if err != nil && asked == nil && fresh != nil {
		saved, err = s.saveAgain(ctx, user, change)
	}
	switch {
	case err == nil:
		s.forgive(user)
		return saved, nil
	case asked != nil:
		s.remember(user, stale, asked, nil)
		return nil, asked
	}
	failed := (&callError{text: "the token store failed: " + safeText(err)}).because(err)
	if fresh != nil {
		failed.text = "new tokens could not be saved, and are kept until they can be: " + failed.text
		s.remember(user, stale, failed, fresh)
	}
	return nil, failed
}

// saveAgain tries for some seconds to save what Wise has given, on a context of
// its own: the old access token is void by then.
func (s *storedTokens) saveAgain(ctx context.Context, user UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (saved *oauth2.Token, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
		if saved, err = s.store.Update(ctx, user, change); err == nil {
			return saved, nil
		}
	}
}

// refresh asks Wise for new tokens. A lost response is repeated once with the
// same refresh token: the old access token may be void already, and waiting helps
// nobody.
func (s *storedTokens) refresh(ctx context.Context, user UserID, now *oauth2.Token) (*oauth2.Token, error) {
	if now.RefreshToken == "" {
		return nil, failure("", ErrReauthorise, plainError("there is no refresh token"))
	}
	fresh, err := s.grant(ctx, OpRefreshUserToken, nil, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {now.RefreshToken},
	}, []CallOption{WithMaxAttempts(2)})
	if errors.Is(err, ErrReauthorise) {
		// Where this process lost its claim on the user, another one may have been
		// here in the meantime.
		if stored, loadErr := s.store.Load(ctx, user); loadErr == nil && stored != nil && stored.RefreshToken != now.RefreshToken {
			return stored, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = now.RefreshToken
	}
	return fresh, nil
}

// refused returns the failure of a renewal that failed a moment ago.
func (s *storedTokens) refused(user UserID, stale string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refuse[user]
	if r == nil || r.stale != stale || !r.restraint.holds(time.Now()) {
		return nil
	}
	return r.failure
}

// unsaved returns what came in the place of a token and could not be stored.
func (s *storedTokens) unsaved(user UserID, stale string) *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.refuse[user]; r != nil && r.stale == stale {
		return r.unsaved
	}
	return nil
}

// remember keeps a failure for as long as Wise, or a second that doubles, asks.
func (s *storedTokens) remember(user UserID, stale string, failed error, unsaved *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refuse[user]
	if r == nil {
		s.trim()
		r = &refusals{}
		s.refuse[user] = r
	}
	r.failure, r.stale, r.unsaved = failed, stale, unsaved
	switch {
	case unsaved != nil: // the next call tries to save it
	case errors.Is(failed, ErrReauthorise):
		r.restraint.refused(time.Now(), maxAskedRestraint)
	default:
		r.restraint.refused(time.Now(), askedToWait(failed))
	}
}

// trim bounds what is remembered; tokens that are not stored yet stay. The lock
// is held.
func (s *storedTokens) trim() {
	if len(s.refuse) < maxHeld {
		return
	}
	for user, r := range s.refuse {
		if r.unsaved == nil {
			delete(s.refuse, user)
		}
	}
}

func (s *storedTokens) forgive(user UserID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refuse, user)
}
