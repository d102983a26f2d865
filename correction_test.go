package usersecurity_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// rotating is a source whose token changes when it is told that one was
// rejected, and which records what it was told.
type rotating struct {
	tokens []string
	asked  []string
	fail   error // when asked for a fresh one
}

func (r *rotating) Token(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	r.asked = append(r.asked, req.Rejected)
	if req.Rejected != "" && r.fail != nil {
		return nil, r.fail
	}
	return &oauth2.Token{AccessToken: r.tokens[min(len(r.asked), len(r.tokens))-1]}, nil
}

// well stands for the operation's own success.
var well step

// rejections are calls whose token Wise rejects: what the source was told was
// rejected, and which tokens were sent.
var rejections = []struct {
	name   string
	steps  []step
	source rotating
	asked  []string
	sent   []string
	option []usersecurity.CallOption
	want   error
}{
	{
		name: "a fresh token", steps: []step{answers(401, ""), well}, source: rotating{tokens: []string{"one", "two"}},
		asked: []string{"", "one"}, sent: []string{"one", "two"}, option: []usersecurity.CallOption{usersecurity.WithMaxAttempts(1)},
	},
	{
		name: "rejected, too", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one", "two", "three"}},
		asked: []string{"", "one"}, sent: []string{"one", "two"}, want: usersecurity.ErrUnauthorized,
	},
	{
		name: "the same token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one"}},
		asked: []string{"", "one"}, sent: []string{"one"}, want: usersecurity.ErrUnauthorized,
	},
	{
		name: "no fresh token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one"}, fail: io.ErrClosedPipe},
		asked: []string{"", "one"}, sent: []string{"one"}, want: usersecurity.ErrUnauthorized,
	},
	{
		name: "the call's own token", steps: []step{answers(401, "")}, source: rotating{tokens: []string{"one", "two"}},
		sent: []string{"own"}, option: []usersecurity.CallOption{usersecurity.WithToken("own")}, want: usersecurity.ErrUnauthorized,
	},
	{
		name: "after 429", steps: []step{answers(429, ""), answers(401, ""), answers(429, ""), well}, source: rotating{tokens: []string{"one", "two"}},
		asked: []string{"", "one"}, sent: []string{"one", "one", "two", "two"},
	},
}

// After a 401 the source is told once which token was rejected, and the
// request is repeated once, with another one and on top of the attempts.
func TestRejectedToken(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range rejections {
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, r.play(test.steps)...)
				source := test.source
				client := bareClient(t, wise, append(r.tokensFrom(&source), sealing())...)
				start := time.Now()
				got, err := r.call(t.Context(), client, test.option...)
				if test.want == nil {
					if err != nil {
						t.Fatal(err)
					}
					r.checkResult(t, got)
				} else {
					var api *usersecurity.APIError
					if !errors.Is(err, test.want) || errors.Is(err, usersecurity.ErrOutcomeUnknown) || !errors.As(err, &api) || api.StatusCode != http.StatusUnauthorized || api.Op != r.op {
						t.Errorf("the error is %v", err)
					}
					if test.source.fail != nil && !errors.Is(err, test.source.fail) {
						t.Errorf("the error %v doesn't tell of the source's", err)
					}
				}
				if got := wise.tokens(); !slices.Equal(got, test.sent) {
					t.Errorf("sent were %q, want %q", got, test.sent)
				}
				if !slices.Equal(source.asked, test.asked) {
					t.Errorf("the source was told %q, want %q", source.asked, test.asked)
				}
				if !strings.Contains(test.name, "429") && time.Since(start) != 0 {
					t.Errorf("a fresh token took %s", time.Since(start))
				}
			})
		}
	}
}

// After a lost answer a 401 doesn't say that nothing was done.
func TestRejectedTokenAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		if !r.writes() {
			continue
		}
		scripted(t, string(r.op), func(t *testing.T) {
			wise := play(t, lost, answers(401, ""))
			wise.readBack = []step{answers(401, "")}
			_, err := r.call(t.Context(), newClient(t, wise))
			if r.class == aNumber || r.class == aOnce { // the 401 is the list's, or never comes
				checkMatches(t, "the error", err, usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport)
				return
			}
			checkMatches(t, "the error", err, usersecurity.ErrUnauthorized)
			checkUncertain(t, "the error", err, true)
		})
	}
}

// What a response finds wrong is changed and sent at once, with no look before it,
// whatever became of a request before: there may be no list to look into.
func TestCorrectedRequestIsSentAtOnce(t *testing.T) {
	t.Parallel()
	// The transport has made another attempt beneath the one that is answered.
	rejected := func(r *http.Request, body string) (*http.Response, error) {
		reaches(r, asksForConnection, getsConnection, writes, getsConnection, writes)
		return answers(401, "")(r, body)
	}
	for _, r := range rowsOf(aNumber) {
		scripted(t, string(r.op), func(t *testing.T) {
			wise := r.script(t, rejected, r.answersWell())
			client := bareClient(t, wise, append(oneSource(freshTokens), sealing())...)
			got, err := r.call(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			r.checkResult(t, got)
			if sent := wise.methods(); sent != r.twice() {
				t.Errorf("sent were %s", sent)
			}
		})
	}
}

// 405 shows that the list of fingerprints is obtained by GET; the client
// remembers.
func TestListMethodIsFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		steps  []step
		option []usersecurity.Option
		calls  int
		sent   string
		want   []error // of each call; none for success
	}{
		{name: "found", steps: []step{answers(405, ""), answers(200, "[]")}, calls: 3, sent: "POST GET GET GET"},
		{name: "found, though the user is unknown", steps: []step{answers(405, ""), answers(404, "")}, calls: 2, sent: "POST GET GET", want: []error{usersecurity.ErrUserNotFound}},
		{name: "neither", steps: []step{answers(405, "")}, calls: 1, sent: "POST GET", want: []error{usersecurity.ErrUnexpectedStatus}},
		{
			name: "fixed to POST", steps: []step{answers(405, "")}, option: []usersecurity.Option{usersecurity.WithFingerprintListMethod("POST")},
			calls: 1, sent: "POST", want: []error{usersecurity.ErrUnexpectedStatus},
		},
		{
			name: "fixed to GET", steps: []step{answers(405, "")}, option: []usersecurity.Option{usersecurity.WithFingerprintListMethod("GET")},
			calls: 1, sent: "GET", want: []error{usersecurity.ErrUnexpectedStatus},
		},
	} {
		scripted(t, test.name, func(t *testing.T) {
			wise := play(t, test.steps...)
			client := newClient(t, wise, test.option...)
			for range test.calls {
				_, err := client.ListDeviceFingerprints(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
				checkMatches(t, "the error", err, test.want...)
			}
			if got := wise.methods(); got != test.sent {
				t.Errorf("sent were %q, want %q", got, test.sent)
			}
			for _, a := range wise.requests {
				if a.uri != "/v1/users/1001/partner-device-fingerprints" || a.body != "" || a.header.Get("Content-Type") != "" {
					t.Errorf("%s %s with %q arrived", a.method, a.uri, a.body)
				}
			}
			const id = "X-External-Correlation-Id"
			if test.name == "found" && wise.requests[0].header.Get(id) != wise.requests[1].header.Get(id) {
				t.Error("the repeat has another correlation id")
			}
		})
	}
}

// The method changes only once the other one has brought a documented answer of
// Wise's, and changes back in the same way.
func TestListMethodIsLearntFromWise(t *testing.T) {
	t.Parallel()
	wrong, good := answers(405, ""), answers(200, "[]")
	for _, test := range []struct {
		name  string
		steps []step
		sent  string // by three calls
	}{
		{"503 proves nothing", []step{wrong, answers(503, ""), good}, "POST GET POST POST"},
		{"a page with 200 proves nothing", []step{wrong, answers(200, "<html>"), good}, "POST GET POST POST"},
		{"a page with 404 proves nothing", []step{wrong, answers(404, "<html>"), good}, "POST GET POST POST"},
		{"401 proves nothing", []step{wrong, answers(401, ""), good}, "POST GET POST POST"},
		{"429 proves nothing", []step{wrong, answers(429, ""), good}, "POST GET POST POST"},
		{"a lost answer proves nothing", []step{wrong, lost, good}, "POST GET POST POST"},
		{"an unknown user does", []step{wrong, answers(404, `{"errors":[{"code":"x"}]}`), good}, "POST GET GET GET"},
		{"a reply that can't be read does", []step{wrong, answers(200, "{}"), good}, "POST GET GET GET"},
		{"changed back", []step{wrong, good, wrong, good}, "POST GET GET POST POST"},
		{"not changed back", []step{wrong, good, wrong, answers(503, ""), good}, "POST GET GET POST GET"},
		{"a page with 405", []step{answers(405, "<html>"), good}, "POST POST POST"},
	} {
		scripted(t, test.name, func(t *testing.T) {
			script := play(t, test.steps...)
			client := newClient(t, script)
			for range 3 {
				_, _ = client.ListDeviceFingerprints(t.Context(), 1001, usersecurity.WithMaxAttempts(1))
			}
			if got := script.methods(); got != test.sent {
				t.Errorf("sent were %q, want %q", got, test.sent)
			}
		})
	}
}

// A page with 401, 405 or 500 corrects nothing: no token, key or method is asked
// for because of it.
func TestForeignResponsesCorrectNothing(t *testing.T) {
	t.Parallel()
	next := newKey(2048)
	for _, r := range contract {
		for _, status := range []int{401, 405, 500} {
			scripted(t, fmt.Sprint(r.op, " ", status), func(t *testing.T) {
				asked, keys := 0, &keyring{keys: []*rsa.PrivateKey{sealingKey(), next}}
				source := usersecurity.TokenFunc(func(_ context.Context, req requestOf) (*oauth2.Token, error) {
					if asked++; req.Rejected != "" {
						t.Error("another token was asked for")
					}
					return &oauth2.Token{AccessToken: fmt.Sprint("token-", asked)}, nil
				})
				script := play(t, answers(status, "<html>"))
				client := bareClient(t, script, append(oneSource(source), usersecurity.WithJWE(usersecurity.JWEKeys(keys)))...)
				_, err := r.call(t.Context(), client, usersecurity.WithMaxAttempts(1))
				var api *usersecurity.APIError
				if !errors.As(err, &api) || !api.Foreign || keys.rejected != 0 || script.requests[0].method != r.method {
					t.Errorf("%d keys were rejected, %v", keys.rejected, err)
				}
				if script.count() > 1 && r.class != aNumber {
					t.Errorf("%d requests", script.count())
				}
			})
		}
	}
}

// What one client has found is nothing to another.
func TestListMethodIsFoundByEachClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			wise := play(t, answers(405, ""), answers(200, "[]"))
			if _, err := newClient(t, wise).ListDeviceFingerprints(t.Context(), 1001); err != nil || wise.methods() != "POST GET" {
				t.Errorf("%q, %v", wise.methods(), err)
			}
		}
	})
}

// No other operation has another method to try.
func TestOtherMethodsAreFixed(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		if r.op == usersecurity.OpListDeviceFingerprints {
			continue
		}
		scripted(t, string(r.op), func(t *testing.T) {
			wise := play(t, answers(405, ""))
			_, err := r.call(t.Context(), newClient(t, wise))
			checkMatches(t, "the error", err, usersecurity.ErrUnexpectedStatus)
			if wise.count() != 1 {
				t.Errorf("%d attempts", wise.count())
			}
		})
	}
}

// keyring is a source of keys that gives the next one when one is rejected, as
// long as there is one.
type keyring struct {
	keys     []*rsa.PrivateKey
	current  int
	rejected int
}

func (k *keyring) EncryptionKey(_ context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
	if rejected != nil {
		k.rejected++
		if rejected.PublicKey.Equal(&k.keys[k.current].PublicKey) {
			k.current = min(k.current+1, len(k.keys)-1)
		}
	}
	return &usersecurity.WiseKey{PublicKey: &k.keys[k.current].PublicKey}, nil
}

const body500 = `{"message":"An unexpected error occurred","request_id":"r-1"}`

// sealsWith seals with the keys of src.
func sealsWith(t *testing.T, wise *script, src usersecurity.KeySource) *usersecurity.Client {
	t.Helper()
	return newClient(t, wise, usersecurity.WithJWE(usersecurity.JWEKeys(src)))
}

// A 500 to a sealed body may mean that Wise's key has changed: the request is
// repeated under a new one.
func TestKeyAfter500(t *testing.T) {
	t.Parallel()
	second := newKey(2048)
	for _, r := range sealedRows() {
		scripted(t, string(r.op)+"/a new key", func(t *testing.T) {
			wise := play(t, answers(500, body500), r.answersWell())
			keys := &keyring{keys: []*rsa.PrivateKey{sealingKey(), second}}
			start := time.Now()
			// On top of the attempts, and at once.
			got, err := r.call(t.Context(), sealsWith(t, wise, keys), usersecurity.WithMaxAttempts(1))
			if err != nil {
				t.Fatal(err)
			}
			r.checkResult(t, got)
			if wise.count() != 2 || keys.rejected != 1 || time.Since(start) != 0 {
				t.Fatalf("%d requests, %d keys, %s", wise.count(), keys.rejected, time.Since(start))
			}
			for i, key := range []*rsa.PrivateKey{sealingKey(), second} {
				if plaintext := unseal(t, wise.requests[i].body, key); plaintext != r.body {
					t.Errorf("request %d had %s", i, plaintext)
				}
			}
		})
		scripted(t, string(r.op)+"/a new key, and a refusal", func(t *testing.T) {
			refusal, want := r.refusal()
			wise := r.script(t, answers(500, body500), r.itself(refusal))
			_, err := r.call(t.Context(), sealsWith(t, wise, &keyring{keys: []*rsa.PrivateKey{sealingKey(), second}}))
			checkMatches(t, "the error", err, want)
			var api *usersecurity.APIError
			if !errors.As(err, &api) || !api.Uncertain || api.Attempts != 2 {
				t.Errorf("the error is %v", err)
			}
		})
		scripted(t, string(r.op)+"/ever new keys", func(t *testing.T) {
			wise := r.script(t, answers(500, body500))
			turn := 0
			changing := keyFunc(func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
				turn++
				return &usersecurity.WiseKey{PublicKey: &[]*rsa.PrivateKey{sealingKey(), second}[turn%2].PublicKey}, nil
			})
			_, err := r.call(t.Context(), sealsWith(t, wise, changing))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			// One for each of four keys; what may be repeated, up to four times besides.
			if n := wise.count(); n < 4 || n > 8 || r.class == aOnce && n != 4 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Where there is no new key, or no sign of one, a 500 is any 500.
func TestNoNewKeyAfter500(t *testing.T) {
	t.Parallel()
	second := newKey(2048)
	for _, r := range sealedRows() {
		attempts := 4
		if r.class == aOnce {
			attempts = 1
		}
		scripted(t, string(r.op)+"/the same key", func(t *testing.T) {
			wise := r.script(t, answers(500, body500))
			keys := &keyring{keys: []*rsa.PrivateKey{sealingKey()}}
			_, err := r.call(t.Context(), sealsWith(t, wise, keys))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			if wise.count() != attempts || keys.rejected != 1 {
				t.Errorf("%d requests, asked %d times for another key", wise.count(), keys.rejected)
			}
			for _, a := range wise.requests[1:] {
				if a.body != wise.requests[0].body {
					t.Error("under the same key it was sealed again")
				}
			}
		})
		scripted(t, string(r.op)+"/no key is given", func(t *testing.T) {
			wise := r.script(t, answers(500, body500))
			failing := keyFunc(func(_ context.Context, rejected *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
				if rejected != nil {
					return nil, io.ErrClosedPipe
				}
				return &usersecurity.WiseKey{PublicKey: publicKey()}, nil
			})
			_, err := r.call(t.Context(), sealsWith(t, wise, failing))
			checkMatches(t, "the error", err, usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown)
			if wise.count() != attempts {
				t.Errorf("%d requests", wise.count())
			}
		})
		for _, status := range []int{400, 502, 503} {
			scripted(t, fmt.Sprint(r.op, "/no new key after ", status), func(t *testing.T) {
				keys := &keyring{keys: []*rsa.PrivateKey{sealingKey(), second}}
				_, _ = r.call(t.Context(), sealsWith(t, play(t, answers(status, "")), keys))
				if keys.rejected != 0 {
					t.Errorf("asked %d times for another key", keys.rejected)
				}
			})
		}
	}
}

// A source that fails to replace a rejected token does not undo what was sent.
func TestFailingRefreshKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	broken := errors.New("vault")
	// call makes one whose source does end before it fails.
	call := func(t *testing.T, ctx context.Context, end func()) error {
		source := usersecurity.TokenFunc(func(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
			if req.Rejected == "" {
				return &oauth2.Token{AccessToken: "token"}, nil
			}
			end()
			return nil, errors.Join(broken, ctx.Err())
		})
		client := bareClient(t, play(t, lost, answers(401, "")), append(oneSource(source), sealing())...)
		return client.CreatePin(ctx, 1001, usual.pin)
	}
	scripted(t, "the source failed", func(t *testing.T) {
		err := call(t, t.Context(), func() {})
		checkMatches(t, "the error", err, usersecurity.ErrUnauthorized, usersecurity.ErrOutcomeUnknown)
		if !errors.Is(err, broken) {
			t.Errorf("the error is %v", err)
		}
		if got := usersecurity.OutcomeOf(err); got != usersecurity.OutcomeUnknown {
			t.Errorf("the outcome is %s", got)
		}
	})
	scripted(t, "the context ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		if err := call(t, ctx, cancel); !errors.Is(err, usersecurity.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
}
