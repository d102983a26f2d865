package usersecurity

import (
	"context"
	"errors"
	"net/url"
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
	failed   renewalFailures
}

// renewal is what calls of this process share: of one token of one user.
type renewal struct {
	user  UserID
	stale string // the access token
}

// saveTime bounds how long what Wise has given is tried to be saved.
const saveTime = 15 * time.Second

// maxRenewals bounds the refreshes in flight of one client.
const maxRenewals = 32

func newStoredTokens(e *engine, store TokenStore, clientID, clientSecret, page string) *storedTokens {
	s := &storedTokens{
		granting: granting{e, clientID, basicAuthorization(clientID, clientSecret)},
		store:    store, page: page,
		slots: make(chan struct{}, maxRenewals), failed: renewalFailures{byUser: map[UserID]*renewalFailure{}},
	}
	s.kept = newKeptTokens(s.token, e.total)
	s.kept.renewal, s.kept.behind = renewAtHalf, make(chan struct{}, maxRenewals)
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

func storeFailure(err error) *callError {
	return (&callError{text: "the token store failed: " + safeText(err)}).because(err)
}

// token reads the store, and renews what it finds there if that is what is held
// already, or has expired.
func (s *storedTokens) token(ctx context.Context, req TokenRequest, held *oauth2.Token) (token *oauth2.Token, found bool, err error) {
	now, err := s.store.Load(ctx, req.User)
	switch {
	case err != nil:
		return nil, false, storeFailure(err)
	case now == nil:
		return nil, false, errNoTokens
	}
	stale := now.AccessToken == req.Rejected || held != nil && now.AccessToken == held.AccessToken ||
		!now.Expiry.IsZero() && !time.Now().Before(now.Expiry)
	if !stale {
		return now, true, nil
	}
	token, err = s.renewed(ctx, req.User, now.AccessToken)
	return token, false, err
}

// mayBeReplaced reports whether another token may be asked for in the place of one
// that came in the place of another: where it was only looked up, Wise may have
// voided it, too, or be about to give its successor to another process.
func (c *keptTokens) mayBeReplaced(user UserID, rejected string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byUser[user]
	if e == nil {
		return false
	}
	t := e.Value.(*cachedToken)
	return t.found || t.token.AccessToken != rejected
}

// renewed waits for the renewal of one token, of which this process makes one at
// a time, and none where one has just failed.
func (s *storedTokens) renewed(ctx context.Context, user UserID, stale string) (*oauth2.Token, error) {
	if err := s.failed.holdBack(user, stale); err != nil {
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
	var asked error          // what Wise said, if it refused
	var theirs *oauth2.Token // what another process has stored
	left := s.failed.unsaved(user, stale) != nil
	unsaved := func() bool { return asked == nil && s.failed.unsaved(user, stale) != nil }
	change := func(ctx context.Context, now *oauth2.Token) (fresh *oauth2.Token, _ error) {
		switch {
		case now == nil:
			asked = errNoTokens
		case now.AccessToken != stale:
			theirs = now
		default:
			fresh, asked = s.refreshed(ctx, user, now)
		}
		if errors.Is(asked, ErrReauthorise) {
			theirs, asked = s.overtaken(ctx, user, now.RefreshToken, asked)
		}
		if theirs != nil {
			return theirs, nil
		}
		return fresh, asked
	}
	saved, err := s.store.Update(ctx, user, change)
	if err != nil && !left && unsaved() {
		// On a context of its own: the old access token is void by now.
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
		defer cancel()
		saved, err = s.save(detached, user, change, unsaved)
	}
	switch {
	case err == nil:
		s.failed.forgive(user)
		return saved, nil
	case theirs != nil:
		return theirs, nil
	case asked != nil:
		s.failed.remember(user, stale, asked)
		return nil, asked
	}
	failed := storeFailure(err)
	if unsaved() {
		failed.text = "new tokens could not be saved, and are kept until they can be: " + failed.text
	}
	return nil, failed
}

// save tries to store what Wise has given until ctx ends, or until there is
// nothing to store any more.
func (s *storedTokens) save(ctx context.Context, user UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error), unsaved func() bool) (*oauth2.Token, error) {
	var failed error
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		saved, err := s.store.Update(ctx, user, change)
		switch {
		case err == nil:
			return saved, nil
		case failed == nil || ctx.Err() == nil: // what the store says is worth more than that the time is up
			failed = err
		}
		if !unsaved() {
			return nil, failed
		}
		select {
		case <-ctx.Done():
			return nil, failed
		case <-time.After(wait):
		}
	}
}

// refreshed returns what Wise gives in the place of the tokens, or has given
// before. Until it is saved it is kept.
func (s *storedTokens) refreshed(ctx context.Context, user UserID, now *oauth2.Token) (*oauth2.Token, error) {
	if fresh := s.failed.unsaved(user, now.AccessToken); fresh != nil {
		return fresh, nil
	}
	if now.RefreshToken == "" {
		return nil, failure("", ErrReauthorise, plainError("there is no refresh token"))
	}
	fresh, err := s.refresh(ctx, now.RefreshToken)
	if err != nil {
		return nil, err
	}
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = now.RefreshToken
	}
	s.failed.keep(user, now.AccessToken, fresh)
	return fresh, nil
}

// refresh asks Wise for new tokens. A lost response is repeated once with the
// same refresh token: the old access token may be void already, and waiting helps
// nobody.
func (s *storedTokens) refresh(ctx context.Context, refreshToken string) (fresh *oauth2.Token, err error) {
	if err := s.failed.beforeRefresh(); err != nil {
		return nil, err
	}
	err = plainError("the refresh did not end") // which stands if a callback panics
	defer func() { s.failed.afterRefresh(err) }()
	fresh, err = s.grant(ctx, OpRefreshUserToken, nil, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
	}, []CallOption{WithMaxAttempts(2)})
	return fresh, err
}

// overtaken looks whether a refresh token was refused because another process
// has replaced it: where this process lost its claim on the user, one may have
// been here in the meantime.
func (s *storedTokens) overtaken(ctx context.Context, user UserID, refused string, err error) (*oauth2.Token, error) {
	stored, loadErr := s.store.Load(ctx, user)
	switch {
	case loadErr != nil: // nobody knows: the customer isn't asked because of that
		return nil, storeFailure(loadErr)
	case stored != nil && stored.RefreshToken != refused:
		return stored, nil
	}
	return nil, err
}
