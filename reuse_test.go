package usersecurity_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

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

// crowd is a transport, a source of tokens and an observer for calls that say in their context which
// one they are: it holds what it is given for longer than it should, and fails in
// all the ways in which a test double may.
type crowd struct {
	t    *testing.T
	late sync.WaitGroup
	mu   sync.Mutex
	held map[context.Context]string // and whose they are
}

type crowdKey struct{}

// hold keeps a context for longer than its call takes.
func (c *crowd) hold(ctx context.Context, id string) {
	c.knows(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[ctx] = id
}

// Token is what a source gives that goes on working when its call has ended.
func (c *crowd) Token(ctx context.Context, _ usersecurity.TokenRequest) (*oauth2.Token, error) {
	c.hold(ctx, ctx.Value(crowdKey{}).(string))
	c.late.Go(func() { <-ctx.Done() })
	if rand.N(16) == 0 {
		panic("a source")
	}
	return &oauth2.Token{AccessToken: "token"}, nil
}

// knows checks that a context is that of the call.
func (c *crowd) knows(ctx context.Context, id string) {
	if ctx.Value(crowdKey{}) != id {
		c.t.Errorf("the context of call %s is that of %v", id, ctx.Value(crowdKey{}))
	}
}

func (c *crowd) AttemptDone(ctx context.Context, e usersecurity.AttemptEvent) {
	c.knows(ctx, e.CorrelationID.String())
}

func (c *crowd) CallDone(ctx context.Context, e usersecurity.CallEvent) {
	c.knows(ctx, e.CorrelationID.String())
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	id := r.Header.Get("X-External-Correlation-Id")
	c.hold(r.Context(), id)
	switch rand.N(8) {
	case 0:
		panic("a transport")
	case 1:
		runtime.Goexit()
	case 2:
		c.late.Go(func() { c.readOn(r) })
		return answers(http.StatusServiceUnavailable, "", "X-Trace-Id", id)(r, "")
	case 3:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	device := `{"deviceFingerprintId":"` + id + `"}`
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/user/"):
		return answers(http.StatusOK, device, "X-Trace-Id", id)(r, "")
	case r.Method == http.MethodPost:
		return answers(http.StatusOK, "["+device+"]", "X-Trace-Id", id)(r, "")
	}
	return answers(http.StatusNoContent, "", "X-Trace-Id", id)(r, "")
}

// readOn reads a request whose call may have ended.
func (c *crowd) readOn(r *http.Request) {
	<-r.Context().Done()
	if r.Body == nil {
		return
	}
	again := must(r.GetBody())
	if got, want := must(io.ReadAll(r.Body)), must(io.ReadAll(again)); len(got) == 0 || !bytes.Equal(got, want) {
		c.t.Errorf("the body is %q, and then %q", got, want)
	}
}

// call makes one of the calls, on a goroutine that it may end.
func (c *crowd) call(client *usersecurity.Client) {
	id := uuid.New()
	ctx, cancel := context.WithTimeout(context.WithValue(c.t.Context(), crowdKey{}, id.String()), time.Duration(rand.N(4000))*time.Microsecond)
	defer cancel()
	defer func() { _ = recover() }()
	var meta usersecurity.Meta
	opts := []usersecurity.CallOption{usersecurity.WithMeta(&meta), usersecurity.WithCorrelationID(id)}
	got, err := id, error(nil)
	switch rand.N(3) {
	case 0:
		err = client.DeletePin(ctx, 1, opts...)
	case 1:
		var created *usersecurity.DeviceFingerprint
		if created, err = client.CreateDeviceFingerprint(ctx, 1, usual.fingerprint, opts...); err == nil {
			got = created.ID
		}
	case 2:
		var listed []usersecurity.DeviceFingerprint
		if listed, err = client.ListDeviceFingerprints(ctx, 1, opts...); err == nil {
			got = listed[0].ID
		}
	}
	var api *usersecurity.APIError
	if got != id || meta.CorrelationID != id || meta.TraceID != "" && meta.TraceID != id.String() || errors.As(err, &api) && api.CorrelationID != id {
		c.t.Errorf("call %s has obtained %s, %+v, %v", id, got, meta, err)
	}
}

// However many calls there are at once, and however they end, each gets what is
// its own.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := &crowd{t: t, held: map[context.Context]string{}}
	client := bareClient(t, c, append(oneSource(c), sealing(), briefWaits, usersecurity.WithObserver(c))...)
	var lanes sync.WaitGroup
	for range 16 {
		lanes.Go(func() {
			for range 40 {
				var one sync.WaitGroup
				one.Go(func() { c.call(client) })
				one.Wait()
			}
		})
	}
	lanes.Wait()
	c.late.Wait()
	for ctx, id := range c.held {
		c.knows(ctx, id)
		if ctx.Err() == nil {
			t.Errorf("the context of call %s has not ended", id)
		}
	}
}
