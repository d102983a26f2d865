package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// wrappedContext is a context of a framework's own.
type wrappedContext struct{ inner context.Context }

func (c wrappedContext) Deadline() (time.Time, bool) { return c.inner.Deadline() }
func (c wrappedContext) Done() <-chan struct{}       { return c.inner.Done() }
func (c wrappedContext) Err() error                  { return c.inner.Err() }
func (c wrappedContext) Value(key any) any           { return c.inner.Value(key) }

// told is what a caller can tell of a call.
type told struct {
	matches  []string
	outcome  usersecurity.Outcome
	api      string
	meta     usersecurity.Meta
	requests string
	took     time.Duration
}

func tell(t *testing.T, r *row, s scenario, wrap func(ctx context.Context, transport http.RoundTripper) (context.Context, *http.Client)) told {
	t.Helper()
	script := play(t, s.steps...)
	script.readBack = s.readBack
	ctx, own := wrap(t.Context(), script)
	client := longestWaits(clientOf(t, append(oneSource(freshTokens), usersecurity.WithBaseURL(testHost), usersecurity.WithUnsealedBodies(), usersecurity.WithHTTPClient(own))...))
	var meta usersecurity.Meta
	began := time.Now()
	_, err := r.call(ctx, client, usersecurity.WithMeta(&meta), usersecurity.WithCorrelationID(idEndingWith(1)))
	all := told{outcome: usersecurity.OutcomeOf(err), meta: meta, requests: script.methods(), took: time.Since(began)}
	for name, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			all.matches = append(all.matches, name)
		}
	}
	slices.Sort(all.matches)
	var api *usersecurity.APIError
	if errors.As(err, &api) {
		all.api = fmt.Sprint(api)
	}
	return all
}

// A wrapped context, a limit of the HTTP client's own, and a RoundTripper that
// clones its requests change nothing of what a call comes to.
func TestWrappingChangesNothing(t *testing.T) {
	t.Parallel()
	plain := func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
		return ctx, &http.Client{Transport: rt}
	}
	wraps := map[string]func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client){
		"a context of another type": func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
			return wrappedContext{ctx}, &http.Client{Transport: rt}
		},
		"a context with a value": func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
			type key struct{}
			return context.WithValue(ctx, key{}, "value"), &http.Client{Transport: rt}
		},
		"a limit of the HTTP client": func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
			return ctx, &http.Client{Transport: rt, Timeout: time.Hour}
		},
		"requests are cloned": func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
			return ctx, &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return rt.RoundTrip(r.Clone(r.Context())) })}
		},
		"requests get a context of their own": func(ctx context.Context, rt http.RoundTripper) (context.Context, *http.Client) {
			return ctx, &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				return rt.RoundTrip(r.WithContext(wrappedContext{r.Context()}))
			})}
		},
	}
	for kind, cells := range usersecurity.RetryTable() {
		for column, cell := range cells {
			for _, r := range rowsOf(classes[column]) {
				for _, s := range shows[kind+": "+cell](r) {
					scripted(t, fmt.Sprint(kind, "/", r.op, "/", s.name), func(t *testing.T) {
						want := tell(t, r, s, plain)
						for name, wrap := range wraps {
							if got := tell(t, r, s, wrap); !reflect.DeepEqual(got, want) {
								t.Errorf("with %s it came to %+v, otherwise to %+v", name, got, want)
							}
						}
					})
				}
			}
		}
	}
}
