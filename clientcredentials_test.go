package usersecurity_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// credentials is a Wise that issues client credentials tokens: the nth is
// "issued-<n>". It takes the one issued last.
type credentials struct {
	*loopback
	mu     sync.Mutex
	issued int
	accept string // the token it takes
}

func issueTokens(t *testing.T, pause time.Duration) *credentials {
	c := &credentials{}
	c.loopback = listen(t, func(w http.ResponseWriter, a arrival) {
		if a.uri == tokenURI {
			time.Sleep(pause) // so that all who want one come meanwhile
			c.mu.Lock()
			c.issued++
			c.accept = fmt.Sprintf("issued-%d", c.issued)
			body := `{"access_token":"` + c.accept + `","token_type":"bearer","expires_in":43199,"expires_at":"2124-01-01T00:00:00.000Z","scope":"transfers"}`
			c.mu.Unlock()
			reply(w, 200, body)
			return
		}
		c.mu.Lock()
		accepted := a.header.Get("Authorization") == "Bearer "+c.accept
		c.mu.Unlock()
		if !accepted {
			reply(w, 401, `{"error":"invalid_token","error_description":"`+a.header.Get("Authorization")+`"}`)
			return
		}
		reply(w, 200, "[]")
	})
	return c
}

func (c *credentials) revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accept = "none"
}

// lists makes n calls at once.
func (c *credentials) lists(t *testing.T, client *usersecurity.Client, n int) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if _, err := client.ListPhoneNumbers(t.Context(), 1001, usersecurity.WithMaxAttempts(1)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	wise := issueTokens(t, 20*time.Millisecond)
	client := wise.client(t, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	const calls = 50
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 1 {
		t.Errorf("%d tokens fetched by %d calls at once", n, calls)
	}
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 1 {
		t.Errorf("%d tokens fetched, though the first is good", n)
	}
	before := wise.count("")
	wise.revoke()
	wise.lists(t, client, calls)
	if n := wise.count(tokenURI); n != 2 {
		t.Errorf("%d tokens fetched after one was revoked", n)
	}
	if n := wise.count("") - before; n > 2*calls+1 {
		t.Errorf("%d requests for %d calls", n, calls)
	}
	// Another client has tokens of its own.
	wise.lists(t, wise.client(t, usersecurity.WithClientCredentials("acme-client", "acme-secret")), 1)
	if n := wise.count(tokenURI); n != 3 {
		t.Errorf("%d tokens fetched by two clients", n)
	}
}

// Client id and secret are form-encoded before they are joined (RFC 6749,
// section 2.3.1), so that a colon in one of them does no harm.
func TestClientCredentialsEncoding(t *testing.T) {
	t.Parallel()
	wise := issueTokens(t, 0)
	client := wise.client(t, usersecurity.WithClientCredentials("acme:client", "s e/c+r%t&ü"))
	wise.lists(t, client, 1)
	a := wise.all()[0]
	// base64 of acme%3Aclient:s+e%2Fc%2Br%25t%26%C3%BC
	if got, want := a.header.Get("Authorization"), "Basic YWNtZSUzQWNsaWVudDpzK2UlMkZjJTJCciUyNXQlMjYlQzMlQkM="; got != want {
		t.Errorf("Authorization is %q, want %q", got, want)
	}
	if a.body != "grant_type=client_credentials" {
		t.Errorf("the body is %q", a.body)
	}
}

// The user's calls don't use the application's token.
func TestClientCredentialsServeNoUser(t *testing.T) {
	t.Parallel()
	client := bareClient(t, nothingSent{t}, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
	err := client.EnrolFaceMap(t.Context(), 1001, must(usersecurity.NewFaceMap([]byte{1})))
	checkMatches(t, "the error", err, usersecurity.ErrNoToken)
}

// A token request is repeated as a read is, and its failure is the call's.
func TestClientCredentialsFail(t *testing.T) {
	t.Parallel()
	good := answers(200, `{"access_token":"issued","token_type":"bearer","expires_in":43199}`)
	for _, test := range []struct {
		name     string
		steps    []step
		requests int
		status   int
	}{
		{"refused, then good", []step{refused, good, answers(200, "[]")}, 3, 0},
		{"503, then good", []step{answers(503, ""), lost, good, answers(200, "[]")}, 4, 0},
		{"401", []step{answers(401, `{"error":"invalid_client","error_description":"acme-secret"}`)}, 1, 401},
		{"400", []step{answers(400, `{"error":"invalid_request","error_description":"acme-secret"}`)}, 1, 400},
		{"429", []step{answers(429, "")}, 4, 429},
		{"500", []step{answers(500, "acme-secret")}, 4, 500},
		{"101", []step{answers(101, "acme-secret")}, 1, 101},
		{"lost", []step{lost}, 4, 0},
		{"HTML", []step{answers(200, "<html>acme-secret")}, 4, 200},
		{"an error", []step{answers(200, `{"error":"invalid_client"}`)}, 4, 200},
		{"empty", []step{answers(200, "")}, 1, 0},
		{"no token", []step{answers(200, `{"token_type":"bearer"}`)}, 1, 0},
		{"a token of another type", []step{answers(200, `{"access_token":"acme-token","token_type":"mac"}`)}, 1, 0},
	} {
		scripted(t, test.name, func(t *testing.T) {
			wise := play(t, test.steps...)
			client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
			err := func() error { _, err := client.ListPhoneNumbers(t.Context(), 1001); return err }()
			if wise.count() != test.requests {
				t.Errorf("%d requests", wise.count())
			}
			if strings.HasSuffix(test.name, "good") {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkMatches(t, "the error", err, usersecurity.ErrNoToken)
			var api *usersecurity.APIError
			if errors.As(err, &api) != (test.status != 0) || test.status != 0 && (api.Op != usersecurity.OpFetchToken || api.StatusCode != test.status) {
				t.Errorf("the answer is lost: %v", err)
			}
			for form, text := range printed(t, err) {
				if strings.Contains(text, "acme-") || strings.Contains(text, "YWNtZS") {
					t.Errorf("%s shows the credentials: %s", form, text)
				}
			}
		})
	}
}

// The token is renewed before it expires.
func TestClientCredentialsAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued := 0
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != tokenURI {
				if got := r.Header.Get("Authorization"); got != fmt.Sprintf("Bearer issued-%d", issued) {
					t.Errorf("sent with %q", got)
				}
				return answers(200, "[]")(r, "")
			}
			issued++
			return answers(200, fmt.Sprintf(`{"access_token":"issued-%d","token_type":"bearer","expires_in":43199}`, issued))(r, "")
		})
		client := bareClient(t, transport, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
		for _, at := range []struct {
			wait   time.Duration
			issued int
		}{{0, 1}, {11 * time.Hour, 1}, {50 * time.Minute, 1}, {6 * time.Minute, 2}, {11 * time.Hour, 2}, {time.Hour, 3}} {
			time.Sleep(at.wait)
			if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil || issued != at.issued {
				t.Errorf("after %s: %d tokens, %v", at.wait, issued, err)
			}
		}
	})
}

// What the token endpoint says of itself is no answer to the operation.
func TestTokenEndpointAnswersForItself(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 404, 410, 429, 500, 503} {
		wise, client := newPair(t, nil, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
		wise.Inject(usersecuritytest.Fault{
			Kind: usersecuritytest.Status, Operation: usersecurity.OpFetchToken, Status: status, Body: `{"error":"x","error_description":"y"}`,
		})
		err := client.DeletePhoneNumber(t.Context(), 1001, 1)
		checkMatches(t, strconv.Itoa(status), err, usersecurity.ErrNoToken)
		if got := usersecurity.OutcomeOf(err); got != usersecurity.OutcomeNotDone {
			t.Errorf("%d: the outcome is %s", status, got)
		}
		var answer *usersecurity.APIError
		if !errors.As(err, &answer) || answer.Op != usersecurity.OpFetchToken || answer.StatusCode != status {
			t.Errorf("%d: the answer: %v", status, answer)
		}
		if n := wise.Count(usersecurity.OpDeletePhoneNumber); n != 0 {
			t.Errorf("%d: %d requests without a token", status, n)
		}
	}
}
