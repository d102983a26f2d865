package usersecurity_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// Of a call that has ended nothing stays in what the next one works with.
func TestNothingStaysOfACall(t *testing.T) {
	t.Parallel()
	for i := range contract {
		r := &contract[i]
		t.Run(string(r.op), func(t *testing.T) {
			t.Parallel()
			for _, s := range []step{r.answersWell(), answers(http.StatusForbidden, foreignReply), answers(http.StatusUnauthorized, "{}")} {
				_, _ = r.call(t.Context(), newClient(t, play(t, r.play([]step{s, s})...), complete()...))
				if left := usersecurity.LeftOfCalls(); left != "" {
					t.Fatalf("after a call %s is left", left)
				}
			}
		})
	}
}

// What a call hands out may be held for longer than it takes.
func TestContextsOutliveTheirCalls(t *testing.T) {
	t.Parallel()
	type key struct{}
	var held []context.Context
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		held = append(held, r.Context())
		return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
	}), complete()...)
	for i := range 10 {
		if err := client.DeletePhoneNumber(context.WithValue(t.Context(), key{}, i), 1, 2); err != nil {
			t.Fatal(err)
		}
	}
	for i, ctx := range held {
		if ctx.Err() != context.Canceled || ctx.Value(key{}) != i {
			t.Errorf("context %d: %v, with the value of %v", i, ctx.Err(), ctx.Value(key{}))
		}
	}
}

// A call made from within another one, and one that is ended by a panic, disturb
// nobody.
func TestCallsWithinCalls(t *testing.T) {
	t.Parallel()
	var client *usersecurity.Client
	depth := 0
	client = newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		depth++
		defer func() { depth-- }()
		switch {
		case depth == 4:
			panic("at the bottom")
		case depth > 1:
			return nil, client.DeletePhoneNumber(r.Context(), 1, 2, usersecurity.WithMaxAttempts(1))
		}
		for range 3 {
			func() {
				defer func() { _ = recover() }()
				_ = client.DeletePhoneNumber(r.Context(), 1, 3)
			}()
		}
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{"X-Trace-Id": {strings.TrimPrefix(r.URL.Path, "/v1/application/users/1/phone-numbers/")}}, Body: http.NoBody}, nil
	}), complete()...)
	for i := range 5 {
		var meta usersecurity.Meta
		id := usersecurity.PhoneNumberID(10 + i)
		if err := client.DeletePhoneNumber(t.Context(), 1, id, usersecurity.WithMeta(&meta)); err != nil {
			t.Fatal(err)
		}
		if want := strconv.Itoa(10 + i); meta.TraceID != want || meta.Attempts != 1 {
			t.Errorf("the call tells %+v, not of %s", meta, want)
		}
	}
}

// A test double may give the same response to all calls: nothing is written into
// it.
func TestOneResponseForAllCalls(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{"Location": {"/"}}, Body: http.NoBody}
	client := newClient(t, roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil }), complete()...)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for range 20 {
				if err := client.DeletePhoneNumber(t.Context(), 1, 2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	if resp.Body != http.NoBody || resp.Header.Get("Location") == "" {
		t.Errorf("the response is another one now: %v, %v", resp.Body, resp.Header)
	}
}
