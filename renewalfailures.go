package usersecurity

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// renewalFailures are what is remembered of renewals that failed: what was
// refused a moment ago is not asked for again, and what Wise has given and no
// store has taken yet is not lost.
type renewalFailures struct {
	mu       sync.Mutex
	byUser   map[UserID]*renewalFailure
	endpoint brokenEndpoint
}

// renewalFailure is about one access token of a user.
type renewalFailure struct {
	stale     string        // the access token
	unsaved   *oauth2.Token // what Wise has given in its place, and is not stored yet
	failure   error
	restraint restraint
}

// brokenEndpoint is a token endpoint that fails whoever it is asked for.
type brokenEndpoint struct {
	inRow     int // refreshes that failed since the last one that worked
	failure   error
	restraint restraint
	probed    bool // a refresh is under way that tells whether it works again
}

const (
	// refusedPause is for how long a refresh token that Wise has refused isn't
	// sent again. It would be refused again; but Wise can err.
	refusedPause = 15 * time.Minute
	// endpointPatience is how many refreshes in a row must fail before all others
	// wait for one that works.
	endpointPatience = 5
)

// holdBack returns why no renewal of the token is to be begun now.
func (f *renewalFailures) holdBack(user UserID, stale string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if r := f.byUser[user]; r != nil && r.stale == stale {
		if r.unsaved != nil {
			return nil // there is something to save, and nothing to ask for
		}
		if r.restraint.holds(now) {
			return r.failure
		}
	}
	return f.endpoint.holdBack(now)
}

func (e *brokenEndpoint) holdBack(now time.Time) error {
	if e.inRow >= endpointPatience && (e.probed || e.restraint.holds(now)) {
		return e.failure
	}
	return nil
}

// beforeRefresh returns why no refresh is to be sent now. Where it returns nil,
// afterRefresh must follow.
func (f *renewalFailures) beforeRefresh() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.endpoint.holdBack(time.Now()); err != nil {
		return err
	}
	f.endpoint.probed = true
	return nil
}

// afterRefresh takes in what became of a refresh. A refresh token that is
// refused says nothing against the endpoint.
func (f *renewalFailures) afterRefresh(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &f.endpoint
	e.probed = false
	if err == nil || errors.Is(err, ErrReauthorise) {
		*e = brokenEndpoint{}
		return
	}
	e.inRow++
	e.failure = err
	if e.inRow >= endpointPatience {
		e.restraint.refusedTogether(time.Now(), askedToWait(err))
	}
}

// remember keeps why a renewal failed, for as long as Wise, or a second that
// doubles, asks.
func (f *renewalFailures) remember(user UserID, stale string, failure error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.about(user, stale)
	asked := askedToWait(failure)
	r.failure = failure
	r.restraint.refused(time.Now(), asked)
	if errors.Is(failure, ErrReauthorise) {
		r.restraint.until = time.Now().Add(refusedPause)
	}
}

// keep holds what Wise has given until it is stored.
func (f *renewalFailures) keep(user UserID, stale string, fresh *oauth2.Token) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.about(user, stale).unsaved = fresh
}

// unsaved returns what came in the place of a token and is not stored yet.
func (f *renewalFailures) unsaved(user UserID, stale string) *oauth2.Token {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.byUser[user]; r != nil && r.stale == stale {
		return r.unsaved
	}
	return nil
}

// about returns what is remembered of a token. The lock is held.
func (f *renewalFailures) about(user UserID, stale string) *renewalFailure {
	r := f.byUser[user]
	if r == nil || r.stale != stale {
		f.trim()
		r = &renewalFailure{stale: stale}
		f.byUser[user] = r
	}
	return r
}

// trim bounds what is remembered; what is not stored yet stays. The lock is
// held.
func (f *renewalFailures) trim() {
	if len(f.byUser) < maxHeld {
		return
	}
	for user, r := range f.byUser {
		if r.unsaved == nil {
			delete(f.byUser, user)
		}
	}
}

// forgive forgets what is remembered of a user.
func (f *renewalFailures) forgive(user UserID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byUser, user)
}
