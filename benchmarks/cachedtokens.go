package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// lookup is a place where users' tokens are kept.
type lookup func(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error)

// Token makes a source of it.
func (l lookup) Token(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	return l(ctx, req)
}

// newToken is a token as Wise's are: 36 characters, half a day.
func newToken(user usersecurity.UserID) *oauth2.Token {
	return &oauth2.Token{AccessToken: fmt.Sprintf("%036d", user), Expiry: time.Now().Add(12 * time.Hour)}
}

func ourCache(users int) lookup {
	cache := usersecurity.CacheTokens(lookup(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		return newToken(req.User), nil
	}))
	cache.SetLimit(users)
	return cache.Token
}

// mapByHand is a map under a lock: without a limit, renewals, or care for who
// asks at the same time.
func mapByHand(int) lookup {
	var mu sync.Mutex
	tokens := map[usersecurity.UserID]*oauth2.Token{}
	return func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		mu.Lock()
		defer mu.Unlock()
		token := tokens[req.User]
		if token == nil || !time.Now().Before(token.Expiry) {
			token = newToken(req.User)
			tokens[req.User] = token
		}
		return token, nil
	}
}

// filled makes caches of so many users, enough of them for their memory to show.
func filled(kind func(int) lookup, users int) (caches []lookup, bytes float64, err error) {
	caches = make([]lookup, max(1, 10_000/users))
	before := heap()
	for i := range caches {
		caches[i] = kind(users)
		for user := range users {
			if _, err := caches[i](context.Background(), usersecurity.TokenRequest{User: usersecurity.UserID(1 + user)}); err != nil {
				return nil, 0, err
			}
		}
	}
	return caches, (heap() - before) / float64(len(caches)*users), nil
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// cachedTokensTable is how the cache of users' tokens grows.
func cachedTokensTable(s settings) (table, error) {
	kinds := []struct {
		name string
		make func(int) lookup
	}{{"map under a lock", mapByHand}, {library + ", CacheTokens", ourCache}}
	t := table{columns: []string{"users", "", "bytes a user", "ns a lookup", "over the map", "rounds"}}
	times := panel{title: "Looking up one of many users' tokens", x: "users", y: "nanoseconds", logX: true}
	s.rounds = min(s.rounds, 4)
	for users := 1; users <= 100_000; users *= 10 {
		contestants := make([]contestant, len(kinds))
		bytes := make([]float64, len(kinds))
		for i, kind := range kinds {
			caches, size, err := filled(kind.make, users)
			if err != nil {
				return table{}, err
			}
			bytes[i] = size
			random := rand.New(rand.NewPCG(1, 2))
			contestants[i] = contestant{kind.name, func() error {
				_, err := caches[0](context.Background(), usersecurity.TokenRequest{User: usersecurity.UserID(1 + random.IntN(users))})
				return err
			}}
		}
		samples, err := measure(contestants, s)
		if err != nil {
			return table{}, err
		}
		times.marks = append(times.marks, float64(users))
		for i, c := range contestants {
			if len(times.curves) < len(contestants) {
				times.curves = append(times.curves, curve{name: c.name})
			}
			took := median(samples[i], sample.time)
			times.curves[i].add(float64(users), took)
			line := []string{strconv.Itoa(users), c.name, whole(bytes[i]), whole(took)}
			t.lines = append(t.lines, append(line, spanned("%.2f", over(samples[i], samples[0], sample.time))...))
		}
	}
	t.panels = []panel{times}
	return t, nil
}
