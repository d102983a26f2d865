package usersecurity_test

import (
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wise-partner/usersecurity"
)

// Where the customer must authorise again, the events and the log say so, whatever
// call has found it out, and as long as it is so.
func TestReauthoriseIsObserved(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401} {
		synctest.Test(t, func(t *testing.T) {
			g := newGranter(t)
			g.grant = refuses(status, "invalid_grant")
			store := usersecurity.NewMemoryTokenStore()
			stored(t, store, 7, 0)
			g.reject("access-7-0")
			seen, log := &calls{}, &strings.Builder{}
			client := g.client(store, usersecurity.WithObserver(seen), usersecurity.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
			var errs []error
			for range 3 {
				errs = append(errs, callAs(t, client, 7))
			}
			_, err := client.UserTokens.ExchangeAuthorizationCode(t.Context(), "code-1", redirectURI)
			for _, err := range append(errs, err) {
				if class := usersecurity.ClassOf(err); class != "reauthorise" {
					t.Errorf("%v is %q", err, class)
				}
			}
			var ops []usersecurity.Operation
			for _, e := range seen.done {
				ops = append(ops, e.Operation)
				if e.ErrorClass != "reauthorise" {
					t.Errorf("%s is reported as %q", e.Operation, e.ErrorClass)
				}
			}
			if want := []usersecurity.Operation{
				usersecurity.OpRefreshUserToken, usersecurity.OpListProfiles, usersecurity.OpListProfiles, usersecurity.OpListProfiles,
				usersecurity.OpExchangeAuthorizationCode,
			}; !slices.Equal(ops, want) {
				t.Errorf("reported are %v", ops)
			}
			if n := strings.Count(log.String(), `level=INFO msg="usersecurity call"`); n != len(ops) || strings.Count(log.String(), "error=reauthorise\n") != n {
				t.Errorf("logged are %d: %s", n, log)
			}
		})
	}
}

// Of several the class that matters most counts.
func TestClassOfSeveral(t *testing.T) {
	t.Parallel()
	again := usersecurity.NewCallError(usersecurity.OpSCACreatePin, usersecurity.ErrReauthorise, false)
	lost := usersecurity.NewCallError(usersecurity.OpSCACreatePin, usersecurity.ErrReauthorise, true)
	for _, c := range []struct {
		err  error
		want usersecurity.ErrorClass
	}{
		{again, "reauthorise"},
		{lost, "outcome_unknown"},
		{usersecurity.NewCallError(usersecurity.OpSCACreatePin, usersecurity.ErrNoToken, false), "no_token"},
	} {
		if got := usersecurity.ClassOf(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
	checkMatches(t, "after a lost attempt", lost, usersecurity.ErrOutcomeUnknown, usersecurity.ErrReauthorise, usersecurity.ErrNoToken)
}

// A class is the name of the error variable, and the runbook names no other.
func TestRunbookNamesClasses(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"foreign": true, "replaced_by": true} // attributes beside the class
	for name, err := range sentinels {
		class := string(usersecurity.ClassOf(err))
		if strings.ReplaceAll("err"+class, "_", "") != strings.ToLower(name) {
			t.Errorf("%s has the class %q", name, class)
		}
		known[class] = true
	}
	page := string(must(os.ReadFile("docs/operations.md")))
	_, table, _ := strings.Cut(page, "| Class |")
	table, _, _ = strings.Cut(table, "\n\n")
	named := regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(table, -1)
	if len(named) < 10 {
		t.Fatalf("the table names only %d", len(named))
	}
	for _, n := range named {
		if !known[n[1]] {
			t.Errorf("the runbook names %q, which is no class", n[1])
		}
	}
}

// What the runbook wakes somebody for at once is logged at error, and what is
// the customer's turn at no more than info.
func TestLevelsOfCalls(t *testing.T) {
	t.Parallel()
	for class, want := range map[error]slog.Level{
		usersecurity.ErrOutcomeUnknown: slog.LevelError, usersecurity.ErrDecrypt: slog.LevelError, usersecurity.ErrPlaintextReply: slog.LevelError,
		usersecurity.ErrNotInVersion: slog.LevelWarn, usersecurity.ErrRateLimited: slog.LevelWarn, usersecurity.ErrUnauthorized: slog.LevelWarn,
		usersecurity.ErrNoToken: slog.LevelWarn, usersecurity.ErrUnexpectedReply: slog.LevelWarn, usersecurity.ErrReauthorise: slog.LevelInfo,
	} {
		got := usersecurity.CallLevel(usersecurity.CallEvent{ErrorClass: usersecurity.ClassOf(class)})
		if got != want {
			t.Errorf("%v is logged at %s, want %s", class, got, want)
		}
	}
}
