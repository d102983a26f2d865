package usersecuritytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// sender is a transport: every request is answered by it, or lost.
type sender func(n int, r *http.Request) (*http.Response, error)

// throughTransport makes the call of a client that sends through s. What it reads
// to look whether a write is done is answered with an empty list, and what it
// asks for a token of its own with one.
func throughTransport(t *testing.T, op usersecurity.Operation, s sender) error {
	t.Helper()
	n := 0
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		switch {
		case r.Method == http.MethodGet && op.Writes():
			return respond(200, nil, "[]"), nil
		case r.PostFormValue("grant_type") == "client_credentials":
			return respond(200, nil, `{"access_token":"token","token_type":"bearer","expires_in":43199}`), nil
		}
		n++
		return s(n, r)
	})
	err := perform(t, transportClient(t, transport, op), op)
	if n == 0 {
		t.Errorf("%s sends nothing, so that NewError is compared with nothing: %v", op, err)
	}
	return err
}

// transportClient is a client that seals nothing but what is there to prove sealing.
func transportClient(t *testing.T, transport http.RoundTripper, op usersecurity.Operation) *usersecurity.Client {
	t.Helper()
	token := &oauth2.Token{AccessToken: "token", RefreshToken: "refresh"}
	source := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) { return token, nil })
	opts := []usersecurity.Option{
		usersecurity.WithBaseURL("https://wise.example"), usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
		usersecurity.WithApplicationTokens(source), usersecurity.WithUserTokens(source),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: 1, MaxWait: 1}), usersecurity.WithFingerprintListMethod("GET"),
	}
	if op == usersecurity.OpVerifyJWE {
		opts = append(opts, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&partnerKey().PublicKey))))
	} else {
		opts = append(opts, usersecurity.WithUnsealedBodies())
	}
	if strings.HasPrefix(string(op), "UserTokens.") {
		store := usersecurity.NewMemoryTokenStore()
		_, err := store.Update(t.Context(), user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil })
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, usersecurity.WithClientCredentials("client", "secret"), usersecurity.WithUserTokenStore(store))
	}
	client, err := usersecurity.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

var (
	connectionLost    = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	connectionRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	noSuchHost        = &net.DNSError{Err: "no such host", IsNotFound: true}
)

// NewError is what the client returns for the same answer, for every operation
// that a method performs and every kind of answer, also after a lost attempt.
func TestNewErrorIsTheClients(t *testing.T) {
	t.Parallel()
	statuses := []int{
		0, 101, 200, 201, 202, 204, 206, 302, 400, 401, 403, 404, 405, 408, 409, 410, 418, 422, 425, 429, 444, 499,
		500, 501, 503, 504, 505, 509, 524, 561, 599, 600,
	}
	codes := append(documentedCodes(), "", "too.many", "invalid_grant", "invalid_client")
	for _, op := range operationsOfMethods() {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			for _, status := range statuses {
				for _, code := range codes {
					for _, lost := range []bool{false, true} {
						compareToClient(t, op, status, code, lost)
					}
				}
			}
		})
	}
}

func compareToClient(t *testing.T, op usersecurity.Operation, status int, code string, lost bool) {
	t.Helper()
	header, body := http.Header{}, ""
	if code != "" {
		header.Set("Content-Type", "application/json")
		body = `{"errors":[{"code":"` + code + `","message":""}]}`
	}
	if op == usersecurity.OpVerifyJWE && status >= 200 && status <= 299 {
		return // that a reply isn't sealed is told before what it says
	}
	attempts := 0
	want := throughTransport(t, op, func(n int, _ *http.Request) (*http.Response, error) {
		if attempts = n; lost && n == 1 {
			return nil, connectionLost
		}
		return respond(status, header, body), nil
	})
	if lost && attempts == 1 {
		return // it is never repeated once it may have arrived
	}
	what := fmt.Sprintf("%d %q lost=%t", status, code, lost)
	var opts []usersecuritytest.ErrorOption
	if lost {
		opts = append(opts, usersecuritytest.AfterLostAttempt())
	}
	got := usersecuritytest.NewError(op, status, code, opts...)
	compareErrors(t, what, got, want)
	var gotAPI, wantAPI *usersecurity.APIError
	if errors.As(got, &gotAPI) != errors.As(want, &wantAPI) {
		t.Errorf("%s: %v and %v don't both unwrap to an *APIError", what, got, want)
	}
	if gotAPI == nil || wantAPI == nil {
		return
	}
	if gotAPI.Op != op || gotAPI.StatusCode != status || gotAPI.Uncertain != wantAPI.Uncertain || gotAPI.Foreign != wantAPI.Foreign {
		t.Errorf("%s: NewError gives %v, the client %v", what, gotAPI, wantAPI)
	}
	// Of a status outside the API the client doesn't read the body.
	if status >= 200 && status <= 599 && (string(gotAPI.Body()) != string(wantAPI.Body()) || len(gotAPI.Details) != len(wantAPI.Details)) {
		t.Errorf("%s: NewError has the body %q, the client %q", what, gotAPI.Body(), wantAPI.Body())
	}
}

// everySentinel is all that an error may match: those of the package, and the
// context's two.
func everySentinel() []error {
	return append(slices.Collect(maps.Values(sentinels)), context.Canceled, context.DeadlineExceeded)
}

// compareErrors compares what a program can ask of an error.
func compareErrors(t *testing.T, what string, got, want error) {
	t.Helper()
	if (got == nil) != (want == nil) || reflect.TypeOf(got) != reflect.TypeOf(want) {
		t.Errorf("%s: NewError gives %T %v, the client %T %v", what, got, got, want, want)
	}
	if g, w := usersecurity.OutcomeOf(got), usersecurity.OutcomeOf(want); g != w {
		t.Errorf("%s: the outcome is %s, of the client's error %s", what, g, w)
	}
	for _, s := range everySentinel() {
		if errors.Is(got, s) != errors.Is(want, s) {
			t.Errorf("%s: errors.Is(%v) is %v for NewError, %v for the client", what, s, errors.Is(got, s), errors.Is(want, s))
		}
	}
}

// So it is for calls that end without a response.
func TestNewErrorBecause(t *testing.T) {
	t.Parallel()
	_, slow := net.DialTimeout("tcp", "127.0.0.1:9", time.Nanosecond)
	for _, op := range operationsOfMethods() {
		for name, test := range map[string]struct {
			cause error
			sends sender
		}{
			"slow":    {slow, func(int, *http.Request) (*http.Response, error) { return nil, slow }},
			"lost":    {usersecurity.ErrTransport, func(int, *http.Request) (*http.Response, error) { return nil, connectionLost }},
			"refused": {connectionRefused, func(int, *http.Request) (*http.Response, error) { return nil, connectionRefused }},
			"no host": {noSuchHost, func(int, *http.Request) (*http.Response, error) { return nil, noSuchHost }},
			"reset":   {connectionLost, func(int, *http.Request) (*http.Response, error) { return nil, connectionLost }},
			"foreign": {errors.New("x"), func(int, *http.Request) (*http.Response, error) { return nil, errors.New("x") }},
		} {
			what := fmt.Sprint(op, " ", name)
			want := throughTransport(t, op, test.sends)
			got := usersecuritytest.NewError(op, 0, "", usersecuritytest.Because(test.cause))
			compareErrors(t, what, got, want)
		}
	}
}

// What a call can end with before it sends anything, or after Wise has done it.
func TestNewErrorBecauseOfSentinels(t *testing.T) {
	t.Parallel()
	own := errors.New("the vault is sealed")
	unknown := []error{usersecurity.ErrOutcomeUnknown}
	refusedToken := usersecuritytest.NewError(usersecurity.OpFetchToken, 401, "invalid_client")
	for _, test := range []struct {
		name    string
		cause   error
		matches []error
		known   usersecurity.Outcome
	}{
		{"no token", usersecurity.ErrNoToken, []error{usersecurity.ErrNoToken}, usersecurity.OutcomeNotDone},
		{"no token, for a reason", errors.Join(usersecurity.ErrNoToken, own), []error{usersecurity.ErrNoToken}, usersecurity.OutcomeNotDone},
		{"no token, as Wise refuses it", refusedToken, []error{usersecurity.ErrNoToken}, usersecurity.OutcomeNotDone},
		{"to be asked again", usersecurity.ErrReauthorise, []error{usersecurity.ErrReauthorise, usersecurity.ErrNoToken}, usersecurity.OutcomeNotDone},
		{"no key", usersecurity.ErrNoKey, []error{usersecurity.ErrNoKey}, usersecurity.OutcomeNotDone},
		{"no key, as Wise fails", usersecuritytest.NewError(usersecurity.OpFetchWiseKey, 503, ""), []error{usersecurity.ErrNoKey}, usersecurity.OutcomeNotDone},
		{"an argument", usersecurity.ErrInvalidArgument, []error{usersecurity.ErrInvalidArgument}, usersecurity.OutcomeNotDone},
		{"held back", usersecurity.ErrRateLimited, []error{usersecurity.ErrRateLimited}, usersecurity.OutcomeNotDone},
		{"another version", usersecurity.ErrNotInVersion, []error{usersecurity.ErrNotInVersion}, usersecurity.OutcomeNotDone},
		{"can't be opened", usersecurity.ErrDecrypt, []error{usersecurity.ErrDecrypt}, usersecurity.OutcomeDone},
		{"can't be read", usersecurity.ErrMalformedReply, []error{usersecurity.ErrMalformedReply}, usersecurity.OutcomeDone},
		{"timed out", usersecurity.ErrAttemptTimeout, append(unknown, usersecurity.ErrAttemptTimeout), usersecurity.OutcomeUnknown},
		{"canceled", context.Canceled, append(unknown, context.Canceled), usersecurity.OutcomeUnknown},
		{"over", fmt.Errorf("the request: %w", context.DeadlineExceeded), append(unknown, context.DeadlineExceeded), usersecurity.OutcomeUnknown},
	} {
		err := usersecuritytest.NewError(usersecurity.OpCreatePin, 0, "", usersecuritytest.Because(test.cause))
		for _, s := range everySentinel() {
			want := false
			for _, m := range test.matches {
				want = want || m == s
			}
			if errors.Is(err, s) != want {
				t.Errorf("%s: matches %v: %t, in %v", test.name, s, !want, err)
			}
		}
		if known := usersecurity.OutcomeOf(err); known != test.known {
			t.Errorf("%s: the outcome is %s", test.name, known)
		}
		if errors.Is(test.cause, own) != errors.Is(err, own) || strings.Contains(err.Error(), own.Error()) {
			t.Errorf("%s: the cause in %v", test.name, err)
		}
		var api *usersecurity.APIError
		if test.cause == refusedToken && (!errors.As(err, &api) || api.Op != usersecurity.OpFetchToken) {
			t.Errorf("%s: %v doesn't tell", test.name, err)
		}
		// After a lost attempt nothing of it is certain, but what was done.
		after := usersecuritytest.NewError(usersecurity.OpCreatePin, 0, "", usersecuritytest.Because(test.cause), usersecuritytest.AfterLostAttempt())
		if known := usersecurity.OutcomeOf(after); test.known != usersecurity.OutcomeDone && known != usersecurity.OutcomeUnknown {
			t.Errorf("%s after a lost attempt: the outcome is %s", test.name, known)
		}
	}
}

// A challenge comes with its token, or without.
func TestNewErrorChallenges(t *testing.T) {
	t.Parallel()
	asks := http.Header{"X-2fa-Approval": {"5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11"}}
	token := usersecurity.NewAPIError(usersecurity.OpDeletePin, 403, asks, nil).OneTimeToken()
	for _, want := range []usersecurity.OneTimeToken{{}, token} {
		err := usersecuritytest.NewError(usersecurity.OpDeletePin, 403, "", usersecuritytest.WithChallengeToken(want))
		var api *usersecurity.APIError
		if !errors.Is(err, usersecurity.ErrSCARequired) || !errors.As(err, &api) || api.OneTimeToken().Reveal() != want.Reveal() {
			t.Errorf("it is %v", err)
		}
	}
}

func TestNewErrorTakesOneOfBoth(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a status and a cause were taken together")
		}
	}()
	_ = usersecuritytest.NewError(usersecurity.OpDeletePin, 404, "", usersecuritytest.Because(usersecurity.ErrTransport))
}
