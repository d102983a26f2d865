package usersecurity_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// starter is an observer that is told of the start of calls, too.
type starter struct {
	started func(context.Context) context.Context
	done    func(context.Context)
}

func (s *starter) CallStarted(ctx context.Context, _ usersecurity.CallEvent) context.Context {
	return s.started(ctx)
}
func (*starter) AttemptDone(context.Context, usersecurity.AttemptEvent)   {}
func (s *starter) CallDone(ctx context.Context, _ usersecurity.CallEvent) { s.done(ctx) }

type startedKey struct{}

func puts(value string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return context.WithValue(ctx, startedKey{}, value) }
}

func hands(ctx context.Context) context.Context { return ctx }

// taggedContext can't be compared: with two of them == panics.
type taggedContext struct {
	context.Context
	tags []string
}

// A call goes on with the values of an observer's context and with the caller's
// own end, whatever kinds of contexts the two are.
func TestValuesOfAStartedCall(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		started func(context.Context) context.Context
		want    string
	}{
		"made from the caller's": {puts("begun"), "begun"},
		"ended":                  {func(context.Context) context.Context { return puts("begun")(ended) }, "begun"},
		"the caller's":           {hands, "caller's"},
		"none":                   {func(context.Context) context.Context { return nil }, "caller's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(puts("caller's")(t.Context()))
			defer cancel()
			transport := roundTripper(func(r *http.Request) (*http.Response, error) {
				if got, err := r.Context().Value(startedKey{}), r.Context().Err(); got != c.want || err != nil {
					t.Errorf("the request's context has the value %v, and %v", got, err)
				}
				cancel()
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			client := newClient(t, transport, usersecurity.WithObserver(&starter{c.started, func(ctx context.Context) {
				if got := ctx.Value(startedKey{}); got != c.want {
					t.Errorf("CallDone has the value %v", got)
				}
			}}))
			if err := client.DeletePin(taggedContext{ctx, nil}, 7); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// An observer that panics leaves no other without the end of what it has seen
// begin.
func TestAnObserverPanics(t *testing.T) {
	t.Parallel()
	token := must(usersecurity.NewOneTimeToken("5a0d7f7e"))
	calls := map[string]func(*usersecurity.Client) error{
		"DeletePin": func(c *usersecurity.Client) error { return c.DeletePin(t.Context(), 7) },
		"ClearChallenges": func(c *usersecurity.Client) error {
			return c.ClearChallenges(t.Context(), usersecurity.Profile{User: 7}, token, usersecurity.Challenger{})
		},
	}
	for name, broken := range map[string]*starter{
		"at the start": {func(context.Context) context.Context { panic("broken") }, func(context.Context) {}},
		"at the end":   {hands, func(context.Context) { panic("broken") }},
	} {
		for call, do := range calls {
			t.Run(name+" of "+call, func(t *testing.T) {
				t.Parallel()
				begun, ended := 0, 0
				watches := func() usersecurity.Option {
					mine := new(int)
					return usersecurity.WithObserver(&starter{
						func(ctx context.Context) context.Context { begun++; return context.WithValue(ctx, mine, true) },
						func(ctx context.Context) {
							if ctx.Value(mine) != nil {
								ended++
							}
						},
					})
				}
				c := newClient(t, play(t, answers(404, "")), watches(), usersecurity.WithObserver(broken), watches())
				func() {
					defer func() {
						if p := recover(); p != "broken" {
							t.Errorf("the caller sees the panic %v", p)
						}
					}()
					t.Errorf("no panic, but %v", do(c))
				}()
				if begun == 0 || begun != ended {
					t.Errorf("%d calls have begun for an observer, and %d ended", begun, ended)
				}
			})
		}
	}
}
