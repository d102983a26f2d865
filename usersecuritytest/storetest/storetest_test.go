package storetest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryTokenStoreKeepsEveryPromise(t *testing.T) {
	Run(t, func(*testing.T) usersecurity.TokenStore { return usersecurity.NewMemoryTokenStore() })
}

func TestStoreWithoutFaultsKeepsEveryPromise(t *testing.T) {
	Run(t, func(*testing.T) usersecurity.TokenStore { return newFaultyStore(faults{}) })
}

// Each store breaks one promise, and the subtest of that promise sees it.
func TestBrokenStoresAreCaught(t *testing.T) {
	patience = 250 * time.Millisecond // for those that hang; nothing here must come back in time
	defer func() { patience = 30 * time.Second }()
	for name, broken := range map[string]struct {
		faults   faults
		caughtBy string
	}{
		"none is an error":                   {faults{noneIsError: true}, "a user without tokens"},
		"none is an empty token":             {faults{noneIsEmpty: true}, "a user without tokens"},
		"what can't be read is none":         {faults{unreadableIsNone: true}, "what can't be read is an error"},
		"drops the token type":               {faults{drop: "TokenType"}, "what is stored is loaded"},
		"drops the refresh token":            {faults{drop: "RefreshToken"}, "what is stored is loaded"},
		"drops the expiry":                   {faults{drop: "Expiry"}, "what is stored is loaded"},
		"drops the life":                     {faults{drop: "ExpiresIn"}, "what is stored is loaded"},
		"makes up an expiry":                 {faults{epochForZero: true}, "a token without expiry"},
		"cuts long tokens":                   {faults{cutAt: 4096}, "long tokens"},
		"one token for all":                  {faults{oneForAll: true}, "users have tokens of their own"},
		"change sees nothing":                {faults{changeSeesNone: true}, "Update sees what is stored"},
		"returns what was before":            {faults{returnsOld: true}, "Update sees what is stored"},
		"nil changes nothing":                {faults{nilKeeps: true}, "nil deletes"},
		"stores in spite of an error":        {faults{storesOnError: true}, "an error of change stores nothing"},
		"swallows the error":                 {faults{swallowsError: true}, "an error of change stores nothing"},
		"keeps the user after an error":      {faults{errorKeepsUser: true}, "an error of change stores nothing"},
		"shares what is stored":              {faults{sharesStored: true}, "tokens are copied"},
		"shares what is loaded":              {faults{sharesLoaded: true}, "tokens are copied"},
		"excludes nobody":                    {faults{excludesNobody: true}, "one Update of a user at a time"},
		"excludes only users that are there": {faults{excludesKnownOnly: true}, "the first Updates of a user"},
		"one lock for all":                   {faults{oneLock: true}, "users don't wait for each other"},
		"waits on":                           {faults{waitsOn: true}, "ctx ends the wait"},
		"gives up and calls change":          {faults{changesAnyway: true}, "ctx ends the wait"},
		"doesn't look at an ended ctx":       {faults{ignoresEndedContext: true}, "an ended ctx"},
		"stores with ctx":                    {faults{storesWithContext: true}, "ctx doesn't end the storing"},
		"keeps the user after a panic":       {faults{panicKeepsUser: true}, "a panic releases the user"},
		"stores at a panic":                  {faults{panicDeletes: true}, "a panic releases the user"},
		"swallows the panic":                 {faults{swallowsPanic: true}, "a panic releases the user"},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(promises, func(p promise) bool { return p.name == broken.caughtBy })
			if i < 0 {
				t.Fatalf("there is no promise %q", broken.caughtBy)
			}
			s := newFaultyStore(broken.faults)
			defer s.giveUp()
			seen := record(func(r reporter) { promises[i].check(r, s) })
			if len(seen) == 0 {
				t.Errorf("%q sees nothing wrong with it", broken.caughtBy)
			}
			for _, text := range seen {
				if strings.Contains(text, "access-") || strings.Contains(text, "refresh-") {
					t.Errorf("the report shows a token: %s", text)
				}
			}
		})
	}
}

// record runs a check and returns what it reports.
func record(check func(reporter)) []string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
