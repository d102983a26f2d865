package usersecurity

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
)

// roundTrip is a function that serves as a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func clientOver(t *testing.T, transport http.RoundTripper, options ...Option) *Client {
	t.Helper()
	c, err := New(append([]Option{
		WithBaseURL(Sandbox), WithHTTPClient(&http.Client{Transport: transport}), WithUnsealedBodies(),
		WithApplicationTokens(freshTokens()), WithUserTokens(freshTokens()),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A transport that repeats by itself may fail to connect after it has written.
func TestWhatWasWrittenStaysWritten(t *testing.T) {
	dialFailed := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for name, stages := range map[string]struct {
		trace func(*httptrace.ClientTrace)
		want  bool
	}{
		"no connection": {func(h *httptrace.ClientTrace) { h.GetConn("") }, false},
		"connected, not written": {func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
		}, false},
		"written": {func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
		}, true},
		"written, then no connection": {func(h *httptrace.ClientTrace) {
			h.GetConn("")
			h.GotConn(httptrace.GotConnInfo{})
			h.WroteHeaders()
			h.GetConn("")
		}, true},
	} {
		c := clientOver(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			stages.trace(httptrace.ContextClientTrace(req.Context()))
			return nil, dialFailed
		}))
		pin, _ := NewPin("0417")
		err := c.CreatePin(t.Context(), 7, pin, WithMaxAttempts(1))
		if got := errors.Is(err, ErrOutcomeUnknown); got != stages.want || !errors.Is(err, ErrTransport) {
			t.Errorf("%s: unknown %v, want %v: %v", name, got, stages.want, err)
		}
	}
}

// What a transport wrote twice in one attempt may have been done the first time.
func TestWrittenTwiceIsUncertain(t *testing.T) {
	c := clientOver(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		for range 2 {
			trace.GetConn("")
			trace.WroteHeaders()
		}
		return &http.Response{StatusCode: http.StatusConflict, Request: req}, nil
	}))
	pin, _ := NewPin("0417")
	err := c.CreatePin(t.Context(), 7, pin)
	if !errors.Is(err, ErrPinAlreadySet) {
		t.Errorf("error %v", err)
	}
	uncertain(t, OpCreatePin, err, true)
}

// A refusal stays a refusal, however large or broken its body, and though the
// number is there.
func TestRefusedNumberIsNotReadBack(t *testing.T) {
	page := strings.Repeat("<p>", maxErrorBody)
	for status, want := range map[int]error{400: ErrInvalidRequest, 403: ErrForbidden, 422: ErrInvalidRequest} {
		s := &script{answers: []played{{status: status, body: page}, {status: 200, body: `[{"id":9,"phoneNumber":"` + listedNumber + `"}]`}}}
		_, err := clientOver(t, s).CreatePhoneNumber(t.Context(), 7, listedNumber)
		if !errors.Is(err, want) || len(s.sent) != 1 {
			t.Errorf("%d: error %v after %v", status, err, s.sent)
		}
	}
}

// A number that may be listed in another form leaves a refusal uncertain.
func TestSimilarNumberIsUncertain(t *testing.T) {
	repeated := played{status: 422, body: `{"errors":[{"code":"phone.number.repeated"}]}`}
	for listed, want := range map[string]bool{
		"[]": false,
		`[{"id":9,"phoneNumber":"+447700111111"}]`: false,
		`[{"id":9,"phoneNumber":"+447700900123"}]`: true,
	} {
		list := played{status: 200, body: listed}
		s := &script{answers: []played{noAnswer, list, repeated, list}}
		var err error
		s.run(t, func(ctx context.Context, c *Client) error {
			_, err = c.CreatePhoneNumber(ctx, 7, "00447700900123")
			return err
		})
		if !errors.Is(err, ErrPhoneRepeated) {
			t.Errorf("%s: error %v", listed, err)
		}
		uncertain(t, OpCreatePhoneNumber, err, want)
	}
}

// A source that fails to replace a rejected token does not undo what was sent.
func TestFailingRefreshKeepsTheAnswer(t *testing.T) {
	broken := errors.New("vault")
	source := func(end func()) TokenSource {
		return TokenFunc(func(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
			if req.Rejected == "" {
				return &oauth2.Token{AccessToken: "token"}, nil
			}
			end()
			return nil, errors.Join(broken, ctx.Err())
		})
	}
	call := func(ctx context.Context, end func()) error {
		s := &script{answers: []played{noAnswer, {status: 401}}}
		c := clientOver(t, s, WithUserTokens(source(end)), WithRetry(RetryPolicy{MinWait: 1, MaxWait: 1}))
		pin, _ := NewPin("0417")
		return c.CreatePin(ctx, 7, pin)
	}
	err := call(t.Context(), func() {})
	if errors.Is(err, ErrNoToken) || !errors.Is(err, ErrUnauthorized) || !errors.Is(err, broken) {
		t.Errorf("the source failed: %v", err)
	}
	uncertain(t, OpCreatePin, err, true)

	ctx, cancel := context.WithCancel(t.Context())
	if err := call(ctx, cancel); !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: %v", err)
	}
}

// calls keeps what an observer is told.
type calls struct{ done []CallEvent }

func (*calls) AttemptDone(context.Context, AttemptEvent) {}
func (c *calls) CallDone(_ context.Context, e CallEvent) { c.done = append(c.done, e) }
func (c *calls) last() (e CallEvent)                     { return c.done[len(c.done)-1] }

// The observer and Meta have the caller's story: also of a reply that can't be
// read, and of a call that sent nothing.
func TestReportedAsReturned(t *testing.T) {
	seen := &calls{}
	c := clientOver(t, &script{answers: []played{{status: 200, body: "garbage"}}}, WithObserver(seen))
	var meta Meta
	_, err := c.ListPhoneNumbers(t.Context(), 7, WithMeta(&meta))
	if !errors.Is(err, ErrMalformedReply) || seen.last().ErrorClass != "malformed_reply" || meta.StatusCode != 200 {
		t.Errorf("error %v, event %+v, meta %+v", err, seen.last(), meta)
	}
	pin, _ := NewPin("0417")
	err = c.CreatePin(t.Context(), 0, pin, WithMeta(&meta))
	if !errors.Is(err, ErrInvalidArgument) || seen.last().ErrorClass != "invalid_argument" || meta.StatusCode != 0 || meta.Attempts != 0 || meta.CorrelationID == uuid.Nil {
		t.Errorf("error %v, event %+v, meta %+v", err, seen.last(), meta)
	}
	var none context.Context
	if err := c.DeletePin(none, 7); !errors.Is(err, ErrInvalidArgument) || seen.last().Operation != OpDeletePin {
		t.Errorf("error %v, event %+v", err, seen.last())
	}
	if len(seen.done) != 3 {
		t.Errorf("%d calls were reported", len(seen.done))
	}
}

// A wiped or zero Sealed opens nothing, least of all with a key of zeros.
func TestWipedSealedOpensNothing(t *testing.T) {
	forged := sealReply(t, "dir", make([]byte, cekSize), "{}", nil)
	sealed, err := Seal(&WiseKey{PublicKey: &testKey().PublicKey}, mustPin(t, "0417"))
	if err != nil {
		t.Fatal(err)
	}
	sealed.Wipe()
	sealed.Wipe()
	for _, s := range []*Sealed{sealed, {}} {
		if opened, err := s.OpenReply([]byte(forged)); !errors.Is(err, ErrDecrypt) || opened != nil || s.Compact() != "" {
			t.Errorf("opened %q, %v", opened, err)
		}
	}
}

// One page of a gateway's says nothing about what became of a write.
func TestGatewayStatusIsUncertain(t *testing.T) {
	err := clientOver(t, &script{answers: []played{{status: 524}}}).DeletePin(t.Context(), 7)
	if !errors.Is(err, ErrServer) {
		t.Errorf("error %v", err)
	}
	uncertain(t, OpDeletePin, err, true)
}

func TestErrorBodiesOfOddShapes(t *testing.T) {
	const code = "phone.number.repeated"
	for _, body := range []string{
		`{"errors":{"a":1},"code":"` + code + `"}`,
		`{"errors":["a",[1,{"b":2}]],"code":"` + code + `"}`,
		`{"errors":null,"code":"` + code + `"}`,
		`{"errors":[1,{"code":"` + code + `"}]}`,
		`{"errors":[{"code":"` + code + `","arguments":[{"x":[1]}]`,
	} {
		if e := NewAPIError(OpCreatePhoneNumber, 422, nil, []byte(body)); !errors.Is(e, ErrPhoneRepeated) {
			t.Errorf("%s: %v", body, e)
		}
	}
}
