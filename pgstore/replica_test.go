package pgstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// fleet is a simulator of Wise, users with tokens in a database, and what
// replicas of a service need to know of both. Users are numbered from 1.
type fleet struct {
	wise     *usersecuritytest.Server
	database database
	store    usersecurity.TokenStore // of whoever tests
	settings replicaSettings
}

// replicaSettings are what a replica is told, as JSON.
type replicaSettings struct {
	Wise, ClientID, ClientSecret string
	Users                        int
	PoolSize                     int32
}

// newFleet gives each user tokens by a grant of Wise's.
func newFleet(t *testing.T, d database, users int, poolSize int32, options ...usersecuritytest.ServerOption) *fleet {
	t.Helper()
	f := &fleet{wise: usersecuritytest.NewServer(options...), database: d, store: newStore(t, d.pool(t, 4), oneKey)}
	t.Cleanup(f.wise.Close)
	f.settings = replicaSettings{f.wise.URL(), f.wise.ClientID(), f.wise.ClientSecret(), users, poolSize}
	client := f.settings.client(t, f.store)
	for user := range f.users() {
		f.wise.AddUser(user)
		_, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), f.wise.AuthorizationCode(user), "https://partner.example/wise")
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *fleet) users() func(yield func(usersecurity.UserID) bool) {
	return func(yield func(usersecurity.UserID) bool) {
		for user := range usersecurity.UserID(f.settings.Users) {
			if !yield(user + 1) {
				return
			}
		}
	}
}

// leave makes the user's tokens such that so much is left of their life of
// twelve hours.
func (f *fleet) leave(t *testing.T, user usersecurity.UserID, left time.Duration) {
	t.Helper()
	_, err := f.store.Update(t.Context(), user, func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		now.Expiry = time.Now().Add(left)
		return now, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// access is the user's access token that is stored.
func (f *fleet) access(t *testing.T, user usersecurity.UserID) string {
	t.Helper()
	token, err := f.store.Load(t.Context(), user)
	if err != nil || token == nil {
		t.Fatalf("the tokens of user %d: %v", user, err)
	}
	return token.AccessToken
}

// accepts asks Wise whether an access token is valid.
func (f *fleet) accepts(t *testing.T, access string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.wise.URL()+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := f.wise.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s replicaSettings) client(t *testing.T, store usersecurity.TokenStore, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	client, err := s.newClient(store, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func (s replicaSettings) newClient(store usersecurity.TokenStore, options ...usersecurity.Option) (*usersecurity.Client, error) {
	return usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithBaseURL(s.Wise), usersecurity.WithClientCredentials(s.ClientID, s.ClientSecret),
		usersecurity.WithUserTokenStore(store),
	}, options...)...)
}

func callAs(ctx context.Context, client *usersecurity.Client, user usersecurity.UserID) error {
	_, err := client.ListProfiles(ctx, user)
	return err
}

// report is what a replica has seen.
type report struct {
	Calls        int64
	Failures     map[string]int
	Refreshes    int64 // requests for one
	Unauthorized int64 // answers of 401 to calls
	// Stale are the 401s of calls that began when this process used a newer token
	// of that user already.
	Stale   int64
	Slowest time.Duration
}

// watcher is an observer and a transport that counts.
type watcher struct {
	base http.RoundTripper

	refreshes, unauthorized, stale atomic.Int64

	mu    sync.Mutex
	begun uint64 // calls, those for tokens too
	used  map[usersecurity.UserID][]usedToken
}

type usedToken struct {
	access string
	since  uint64 // the call that was the last to begin when it was used first
}

type watchedCall struct {
	user   usersecurity.UserID
	number uint64
}

type watchedKey struct{}

func newWatcher() *watcher {
	return &watcher{base: usersecurity.NewTransport(), used: map[usersecurity.UserID][]usedToken{}}
}

// begin numbers a call.
func (w *watcher) begin(ctx context.Context, user usersecurity.UserID) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun++
	return context.WithValue(ctx, watchedKey{}, watchedCall{user, w.begun})
}

func (w *watcher) CallDone(context.Context, usersecurity.CallEvent) {}

func (w *watcher) AttemptDone(_ context.Context, e usersecurity.AttemptEvent) {
	if e.Operation == usersecurity.OpRefreshUserToken {
		w.refreshes.Add(1)
	}
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	call, ok := r.Context().Value(watchedKey{}).(watchedCall)
	if !ok || !strings.HasSuffix(r.URL.Path, "/profiles") {
		return w.base.RoundTrip(r)
	}
	outdated := w.use(call, r.Header.Get("Authorization"))
	resp, err := w.base.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		w.unauthorized.Add(1)
		if outdated {
			w.stale.Add(1)
		}
	}
	return resp, err
}

// use notes which token a call uses, and reports whether a newer one was in use
// when the call began.
func (w *watcher) use(call watchedCall, access string) (outdated bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	used := w.used[call.user]
	for i, u := range used {
		if u.access == access {
			return i+1 < len(used) && used[i+1].since < call.number
		}
	}
	w.used[call.user] = append(used, usedToken{access, w.begun})
	return false
}

// newReplica makes the client of a child process.
func newReplica(options ...usersecurity.Option) (*usersecurity.Client, replicaSettings, func()) {
	var settings replicaSettings
	if err := json.Unmarshal([]byte(os.Getenv("PGSTORE_TEST_REPLICA")), &settings); err != nil {
		panic(err)
	}
	store, closePool := childStoreOf(settings.PoolSize)
	client, err := settings.newClient(store, options...)
	if err != nil {
		panic(err)
	}
	return client, settings, closePool
}

// childRefreshesAtWise begins to refresh the tokens of the first half of the
// users, and waits.
func childRefreshesAtWise() {
	client, settings, _ := newReplica()
	for user := range settings.Users / 2 {
		go func() { _ = client.UserTokens.Refresh(context.Background(), usersecurity.UserID(user+1)) }()
	}
	fmt.Println("running")
	select {}
}

// childReplica makes calls for users at random until its input ends. It says
// "running" when it has loaded all their tokens, and begins when the first line
// comes.
func childReplica() {
	w := newWatcher()
	client, settings, closePool := newReplica(usersecurity.WithObserver(w), usersecurity.WithHTTPClient(w.client()))
	defer closePool()
	r := &report{Failures: map[string]int{}}
	var mu sync.Mutex
	call := func(user usersecurity.UserID) {
		began := time.Now()
		err := callAs(w.begin(context.Background(), user), client, user)
		mu.Lock()
		defer mu.Unlock()
		r.Calls++
		r.Slowest = max(r.Slowest, time.Since(began))
		if err != nil {
			r.Failures[err.Error()]++
		}
	}
	for user := range settings.Users {
		call(usersecurity.UserID(user + 1))
	}
	fmt.Println("running")
	_, _ = io.ReadFull(os.Stdin, make([]byte, 1))

	ended := make(chan struct{})
	go func() {
		_, _ = io.ReadAll(os.Stdin)
		close(ended)
	}()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(time.Millisecond):
					call(usersecurity.UserID(rand.IntN(settings.Users) + 1))
				}
			}
		})
	}
	workers.Wait()
	r.Refreshes, r.Unauthorized, r.Stale = w.refreshes.Load(), w.unauthorized.Load(), w.stale.Load()
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

// startReplica returns once the replica has loaded all tokens.
func (f *fleet) startReplica(t *testing.T) *child {
	t.Helper()
	return startChild(t, f.database, "replica", "PGSTORE_TEST_REPLICA="+f.encoded(t))
}

// end ends a replica's load and returns what it has seen.
func (c *child) end(t *testing.T) (r report) {
	t.Helper()
	_ = c.in.Close()
	if err := json.NewDecoder(c.out).Decode(&r); err != nil {
		t.Fatalf("the report of a replica: %v", err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("a replica: %v", err)
	}
	return r
}

func (f *fleet) encoded(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(f.settings)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// client is one of net/http's that is watched.
func (w *watcher) client() *http.Client { return &http.Client{Transport: w} }
