package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

const (
	meURI       = "/v1/me"
	profilesURI = "/v2/profiles"
	tokenLife   = 43_199 * time.Second
)

// granter is a Wise that gives users' tokens: the nth refresh of user 7 brings
// access token "access-7-n" and voids the one before. Its refresh token is
// "refresh-7" all the time.
type granter struct {
	t testing.TB
	// Each may be nil. grant answers the token endpoint in the place of granter.
	grant, me step
	delay     time.Duration // of the token endpoint

	mu      sync.Mutex
	grants  []url.Values // the forms that came
	from    []time.Time  // when
	asked   int          // of /v1/me
	calls   []string     // the access tokens of all other calls
	void    map[string]bool
	issued  map[string]int
	running int
	most    int // grants at once
}

func newGranter(t testing.TB) *granter {
	return &granter{t: t, void: map[string]bool{}, issued: map[string]int{}}
}

func (g *granter) RoundTrip(r *http.Request) (*http.Response, error) {
	a := arrivalOf(r)
	path := strings.TrimPrefix(a.uri, "/2026Q4")
	switch {
	case path == tokenURI:
		return g.token(r, a)
	case path == meURI, path == "/me":
		g.mu.Lock()
		g.asked++
		g.mu.Unlock()
		if g.me != nil {
			return g.me(r, a.body)
		}
		return answers(200, `{"id":7,"name":null,"email":"a@example.com","active":true,"details":null}`)(r, a.body)
	case path != profilesURI:
		g.t.Errorf("an unexpected request: %s", a.uri)
		return nil, errors.New("an unexpected request")
	}
	token := strings.TrimPrefix(a.header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	g.calls = append(g.calls, token)
	void := g.void[token]
	g.mu.Unlock()
	if void {
		return answers(401, `{"error":"invalid_token","error_description":"`+token+`"}`)(r, a.body)
	}
	return answers(200, "[]")(r, a.body)
}

func (g *granter) token(r *http.Request, a arrival) (*http.Response, error) {
	form, err := url.ParseQuery(a.body)
	if err != nil {
		g.t.Errorf("the form is %q", a.body)
	}
	g.mu.Lock()
	g.grants, g.from = append(g.grants, form), append(g.from, time.Now())
	g.running++
	g.most = max(g.most, g.running)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.running--
		g.mu.Unlock()
	}()
	time.Sleep(g.delay)
	if g.grant != nil {
		return g.grant(r, a.body)
	}
	return g.renews(r, a.body)
}

// renews answers a grant with new tokens.
func (g *granter) renews(r *http.Request, body string) (*http.Response, error) {
	form, _ := url.ParseQuery(body)
	refresh := form.Get("refresh_token")
	if refresh == "" {
		refresh = "refresh-7"
	}
	user := strings.TrimPrefix(refresh, "refresh-")
	g.mu.Lock()
	g.void[fmt.Sprintf("access-%s-%d", user, g.issued[user])] = true
	g.issued[user]++
	access := fmt.Sprintf("access-%s-%d", user, g.issued[user])
	g.mu.Unlock()
	return answers(200, fmt.Sprintf(`{"access_token":"%s","refresh_token":"%s","token_type":"bearer","expires_in":43199}`, access, refresh))(r, body)
}

// refuses answers a grant with an error of OAuth's.
func refuses(status int, code string) step {
	return answers(status, `{"error":"`+code+`","error_description":"no longer: refresh-7 access-7-0"}`)
}

// inTurn answers the nth grant with the nth step; the last one again and again.
func inTurn(steps ...step) step {
	n := 0
	var mu sync.Mutex
	return func(r *http.Request, body string) (*http.Response, error) {
		mu.Lock()
		s := steps[min(n, len(steps)-1)]
		n++
		mu.Unlock()
		return s(r, body)
	}
}

// refreshes is how often the token endpoint was asked.
func (g *granter) refreshes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.grants)
}

func (g *granter) expectRefreshes(want int) {
	g.t.Helper()
	if n := g.refreshes(); n != want {
		g.t.Errorf("%d refreshes, want %d", n, want)
	}
}

// used are the access tokens of the calls, in their order.
func (g *granter) used() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// reject answers an access token with 401 from now on.
func (g *granter) reject(access string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.void[access] = true
}

// client takes users' tokens from the store.
func (g *granter) client(store usersecurity.TokenStore, options ...usersecurity.Option) *usersecurity.Client {
	g.t.Helper()
	return bareClient(g.t, g, append([]usersecurity.Option{
		usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokenStore(store),
	}, options...)...)
}

// stored puts tokens as Wise gave them some time ago into the store.
func stored(t testing.TB, store usersecurity.TokenStore, user usersecurity.UserID, age time.Duration) {
	t.Helper()
	put(t, store, user, &oauth2.Token{
		AccessToken: fmt.Sprintf("access-%d-0", user), RefreshToken: fmt.Sprintf("refresh-%d", user), TokenType: "Bearer",
		ExpiresIn: int64(tokenLife / time.Second), Expiry: time.Now().Add(tokenLife - age),
	})
}

func put(t testing.TB, store usersecurity.TokenStore, user usersecurity.UserID, token *oauth2.Token) {
	t.Helper()
	if _, err := store.Update(t.Context(), user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil }); err != nil {
		t.Fatal(err)
	}
}

// expectStored compares the access token that is stored; "" stands for none.
func expectStored(t testing.TB, store usersecurity.TokenStore, user usersecurity.UserID, access string) {
	t.Helper()
	token, err := store.Load(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	if token == nil {
		token = &oauth2.Token{}
	}
	if token.AccessToken != access {
		t.Errorf("stored for user %d is %q, want %q", user, token.AccessToken, access)
	}
}

// callAs makes a call for the user, with that user's token.
func callAs(t testing.TB, client *usersecurity.Client, user usersecurity.UserID) error {
	t.Helper()
	_, err := client.ListProfiles(t.Context(), user)
	return err
}

// expectCall makes a call that must work, at once, with this token.
func (g *granter) expectCall(client *usersecurity.Client, user usersecurity.UserID, access string) {
	g.t.Helper()
	began := time.Now()
	if err := callAs(g.t, client, user); err != nil {
		g.t.Error(err)
		return
	}
	if used := g.used(); used[len(used)-1] != access {
		g.t.Errorf("the call used %q, want %q", used[len(used)-1], access)
	}
	if took := time.Since(began); took != 0 {
		g.t.Errorf("the call waited %s", took)
	}
}

// expectMatches looks which of this package's errors match: of all, these.
func expectMatches(t testing.TB, err error, want ...error) {
	t.Helper()
	for name, sentinel := range sentinels {
		if got, should := errors.Is(err, sentinel), slices.Contains(want, sentinel); got != should {
			t.Errorf("matches %s: %t, of %v", name, got, err)
		}
	}
}

// shakyStore is a store that fails where it is told to.
type shakyStore struct {
	*usersecurity.MemoryTokenStore

	mu      sync.Mutex
	load    error // of Load
	claim   error // of Update, before change is called
	save    error // of Update, after that
	loads   int
	updates int
}

var errShaky = errors.New("shaky: the row of access-7-0")

func newShakyStore() *shakyStore {
	return &shakyStore{MemoryTokenStore: usersecurity.NewMemoryTokenStore()}
}

func (s *shakyStore) set(load, claim, save error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.claim, s.save = load, claim, save
}

func (s *shakyStore) counts() (loads, updates int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads, s.updates
}

func (s *shakyStore) Load(ctx context.Context, user usersecurity.UserID) (*oauth2.Token, error) {
	s.mu.Lock()
	s.loads++
	err := s.load
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.MemoryTokenStore.Load(ctx, user)
}

func (s *shakyStore) Update(ctx context.Context, user usersecurity.UserID, change func(context.Context, *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	s.mu.Lock()
	s.updates++
	err := s.claim
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.MemoryTokenStore.Update(ctx, user, func(ctx context.Context, now *oauth2.Token) (*oauth2.Token, error) {
		next, err := change(ctx, now)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil && s.save != nil {
			return nil, s.save
		}
		return next, err
	})
}
