package pgstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/wise-partner/usersecurity"
)

// A claim lasts ten seconds by the database's clock (the statements say so). It
// is extended often enough for two extensions to fail.
const (
	extendEvery   = 3 * time.Second
	statementTime = 3 * time.Second
	releaseTime   = time.Second
	saveTime      = 15 * time.Second
	firstPause    = 25 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

// claim is an Update's right to its user.
type claim struct {
	table table
	user  usersecurity.UserID
	id    string
}

// take waits until nobody else has the user, and returns what is stored then.
func take(ctx context.Context, t table, user usersecurity.UserID) (claim, sealedToken, error) {
	c := claim{table: t, user: user, id: rand.Text()}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		stored, sent, err := t.claim(ctx, user, c.id)
		switch {
		case err == nil:
			return c, stored, nil
		case !errors.Is(err, errTaken):
			if sent {
				c.release(ctx) // the database may have done it unheard
			}
			return claim{}, sealedToken{}, failed(ctx, "claiming the user", err)
		case !sleep(ctx, pause):
			return claim{}, sealedToken{}, failed(ctx, "waiting for another Update of the user", ctx.Err())
		}
	}
}

// hold runs work, and extends the claim for as long as that takes. The context
// of work ends where the claim turns out to be lost.
func (c claim) hold(ctx context.Context, work func(ctx context.Context) error) error {
	working, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	extending, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.extend(extending, lose)
	}()
	defer func() {
		stop()
		<-stopped
	}()
	err := work(working)
	if err != nil && errors.Is(context.Cause(working), ErrClaimLost) {
		return fmt.Errorf("%w: %w", ErrClaimLost, err)
	}
	return err
}

func (c claim) extend(ctx context.Context, lose context.CancelCauseFunc) {
	for sleep(ctx, extendEvery) {
		attempt, cancel := context.WithTimeout(ctx, statementTime)
		ours, err := c.table.extend(attempt, c.user, c.id)
		cancel()
		if err == nil && !ours {
			lose(ErrClaimLost)
			return
		}
		// One that failed is followed by another while there is still time.
	}
}

// save stores what change returned and ends the claim. It goes on without the
// caller: what Wise has handed out can't be had again.
func (c claim) save(ctx context.Context, want sealedToken) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := c.trySave(ctx, want)
		if err == nil || errors.Is(err, ErrClaimLost) {
			return err
		}
		if !sleep(ctx, pause) {
			// Not with ctx, which isn't the caller's.
			return failed(context.Background(), "storing what change returned", err)
		}
	}
}

func (c claim) trySave(ctx context.Context, want sealedToken) error {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	ours, err := c.table.save(ctx, c.user, c.id, want)
	if ours || err != nil {
		return err
	}
	// An earlier try may have been done unheard, and the user taken by another
	// since then.
	stored, err := c.table.load(ctx, c.user)
	if err == nil && !bytes.Equal(stored.bytes, want.bytes) {
		return ErrClaimLost
	}
	return err
}

// release ends the claim of an Update that stores nothing. Where that fails, the
// claim ends by itself.
func (c claim) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	_ = c.table.release(ctx, c.user, c.id)
}

// sleep waits for between half of d and d, so that processes that wait for the
// same don't ask in step. It says whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + mathrand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
