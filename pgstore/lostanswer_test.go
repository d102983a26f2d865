package pgstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity/pgstore"
)

// network is the way to the server, which can be broken.
type network struct {
	// loseAnswer, if set, is called once the server has answered, and that answer
	// and the connection are lost.
	loseAnswer atomic.Pointer[func()]
	// swallow makes one statement get lost, without any sign of it.
	swallow atomic.Bool
	down    atomic.Bool
}

func (n *network) pool(t *testing.T, d database) *pgxpool.Pool {
	t.Helper()
	config := d.config(t)
	config.MaxConns = 1
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, kind, address string) (net.Conn, error) {
		if n.down.Load() {
			return nil, errors.New("the network is down")
		}
		conn, err := dial(ctx, kind, address)
		return &brokenConn{conn, n}, err
	}
	return openPool(t, config)
}

type brokenConn struct {
	net.Conn
	network *network
}

func (c *brokenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	lose := c.network.loseAnswer.Swap(nil)
	if lose == nil && !c.network.down.Load() {
		return n, err
	}
	if lose != nil {
		(*lose)()
	}
	_ = c.Close()
	return 0, io.ErrUnexpectedEOF
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if c.network.down.Load() {
		_ = c.Close()
		return 0, io.ErrClosedPipe
	}
	if c.network.swallow.CompareAndSwap(true, false) {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// The save is done, but the store doesn't hear of it; when it tries again,
// another has the user already, and works with what was saved.
func TestSaveWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	direct := newStore(t, d.pool(t, 2), oneKey)
	for name, c := range map[string]struct {
		next  *oauth2.Token // what is saved unheard
		other *oauth2.Token // what another stores before the second try, if it is done by then
		want  error
	}{
		"stored, another works on it":  {next: token("after")},
		"deleted, another works on it": {next: nil},
		"another has stored":           {next: token("after"), other: token("other"), want: pgstore.ErrClaimLost},
	} {
		var net network
		store := newStore(t, net.pool(t, d), oneKey)
		put(t, store, 1001, token("warm")) // pgx prepares its statements
		put(t, store, 1001, nil)
		put(t, store, 1001, token("before"))

		release, done := make(chan struct{}), make(chan error, 1)
		lose := func() {
			running := make(chan struct{})
			go func() {
				_, err := direct.Update(context.Background(), 1001, func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
					close(running)
					if accessOf(now) != accessOf(c.next) {
						t.Errorf("%s: the other works on %q", name, accessOf(now))
					}
					if c.other == nil {
						<-release
					}
					return c.other, nil
				})
				done <- err
			}()
			<-running
			if c.other != nil {
				if err := <-done; err != nil {
					t.Error(err)
				}
				done <- nil
			}
		}
		_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
			net.loseAnswer.Store(&lose)
			return c.next, nil
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: Update returned %v", name, err)
		}
		if net.loseAnswer.Load() != nil {
			t.Errorf("%s: no answer was lost", name)
		}
		close(release)
		if err := <-done; err != nil {
			t.Errorf("%s: the other Update: %v", name, err)
		}
	}
}

// The claim is made, but the store doesn't hear of it.
func TestClaimWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var net network
	store := newStore(t, net.pool(t, d), oneKey)
	put(t, store, 1001, token("before"))
	lose := func() {}
	net.loseAnswer.Store(&lose)
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		t.Error("change was called without a claim that is known of")
		return nil, nil
	})
	if err == nil || err.Error() != "pgstore: claiming the user: the connection to PostgreSQL failed" {
		t.Errorf("Update returned %v", err)
	}
	// Half the life of a claim.
	if _, err := store.Update(soon(t, 5*time.Second), 1001, to(token("after"))); err != nil {
		t.Error(err)
	}
}

// A connection that has died without a sign, as after a failover.
func TestSaveOnADeadConnection(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var net network
	store := newStore(t, net.pool(t, d), oneKey)
	put(t, store, 1001, token("before"))
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		net.swallow.Store(true)
		return token("after"), nil
	})
	if err != nil || net.swallow.Load() {
		t.Errorf("Update returned %v; no statement got lost: %t", err, net.swallow.Load())
	}
	expectStored(t, store, 1001, "after")
}

// The connection breaks and the caller leaves at the same time: the text and
// what the error matches agree.
func TestContextThatEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var net network
	store := newStore(t, net.pool(t, d), oneKey)
	expectStored(t, store, 1001, "")
	ctx, cancel := context.WithCancelCause(t.Context())
	lose := func() { cancel(nil) }
	net.loseAnswer.Store(&lose)
	_, err := store.Load(ctx, 1001)
	if err == nil || err.Error() != "pgstore: loading tokens: context canceled" || !errors.Is(err, context.Canceled) {
		t.Errorf("Load returned %v, which matches context.Canceled: %t", err, errors.Is(err, context.Canceled))
	}
}

func TestSaveGivesUp(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	var net network
	store := newStore(t, net.pool(t, d), oneKey)
	put(t, store, 1001, token("before"))
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		net.down.Store(true)
		return token("after"), nil
	})
	if err == nil || !strings.HasPrefix(err.Error(), "pgstore: storing what change returned: ") {
		t.Errorf("Update returned %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgstore.ErrClaimLost) {
		t.Errorf("%v matches what didn't happen", err)
	}
	net.down.Store(false)
	expectStored(t, store, 1001, "before")
}
