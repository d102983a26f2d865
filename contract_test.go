package usersecurity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// contractReplies are the bodies that the table names.
var contractReplies = map[string]string{
	"device": deviceReply, "devices": "[" + deviceReply + "]", "number": numberReply, "numbers": "[" + numberReply + "]",
	"bare": bareToken, "session": sessionToken, "full": fullToken, "sentTo": `{"obfuscatedPhoneNo":"*********8888"}`,
	"profiles": profilesReply, "pem": faceTecPEM,
	"user":        `{"id":1001,"name":null,"email":"a@example.com","active":true,"details":null}`,
	"application": `{"access_token":"application-token","token_type":"bearer","expires_in":43199,"expires_at":"2030-01-02T03:04:05.678Z","scope":"transfers"}`,
	"customer": `{"access_token":"new-token","token_type":"bearer","refresh_token":"refresh-2","expires_in":43199,"expires_at":"2030-01-02T03:04:05.678Z",` +
		`"refresh_token_expires_in":628639555,"refresh_token_expires_at":"2046-01-02T03:04:05.678Z","created_at":"2026-01-02T03:04:05.678Z","scope":"transfers"}`,
	"key":        string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", publicKey())),
	"registered": `{"clientId":null}`,
	"played":     `{"message":"jose-playground-response-%s","method":"POST"}`,
}

// contractTokens are what the kinds of token look like in these tests.
var contractTokens = map[string]string{
	"user": "Bearer kept-token", "application": "Bearer application-token", "customer": "Bearer new-token",
	"client": "Basic YWNtZS1jbGllbnQ6YWNtZS1zZWNyZXQ=", // acme-client:acme-secret
}

// ownCalls are those that aren't in the table of operations.
var ownCalls = map[usersecurity.Operation]func(context.Context, *usersecurity.Client) error{
	usersecurity.OpSignUp: func(ctx context.Context, c *usersecurity.Client) error {
		_, err := c.UserTokens.SignUp(ctx, "a@example.com", registrationCode)
		return err
	},
	usersecurity.OpExchangeRegistrationCode: exchangeRegistrationCode,
	usersecurity.OpFetchUser:                exchangeRegistrationCode,
	usersecurity.OpExchangeAuthorizationCode: func(ctx context.Context, c *usersecurity.Client) error {
		_, err := c.UserTokens.ExchangeAuthorizationCode(ctx, "code-1", "https://partner.example/wise")
		return err
	},
	usersecurity.OpRefreshUserToken: func(ctx context.Context, c *usersecurity.Client) error {
		return c.UserTokens.Refresh(ctx, 1001)
	},
	usersecurity.OpFetchToken: func(ctx context.Context, c *usersecurity.Client) error {
		return c.DeletePhoneNumber(ctx, 1001, 77)
	},
	usersecurity.OpFetchWiseKey: func(ctx context.Context, c *usersecurity.Client) error {
		_, err := c.WiseKey(ctx)
		return err
	},
	usersecurity.OpRegisterReplyKey: func(ctx context.Context, c *usersecurity.Client) error {
		return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: publicKey(), ValidFrom: device.CreatedAt, ValidTill: device.CreatedAt.AddDate(1, 0, 0)})
	},
	usersecurity.OpVerifyJWE: func(ctx context.Context, c *usersecurity.Client) error { return c.VerifyJWE(ctx) },
}

var registrationCode = must(usersecurity.NewRegistrationCode(strings.Repeat("x", 40)))

func exchangeRegistrationCode(ctx context.Context, c *usersecurity.Client) error {
	_, err := c.UserTokens.ExchangeRegistrationCode(ctx, "a@example.com", registrationCode)
	return err
}

// byContract is a transport that holds every request against the table, and
// answers as it says; the call under test with the refusal, if there is one.
type byContract struct {
	t       *testing.T
	table   []agreed
	version string
	under   usersecurity.Operation
	refusal *refusal
	heard   map[usersecurity.Operation]int
}

func (b *byContract) RoundTrip(r *http.Request) (*http.Response, error) {
	arrived := arrivalOf(r)
	form, _ := url.ParseQuery(arrived.body)
	for i := range b.table {
		a := &b.table[i]
		if r.Method != a.method || !regexp.MustCompile(a.path(b.version)).MatchString(arrived.uri) || !a.isIn(b.version) ||
			a.form == "form" && !slices.Contains(a.fields, "grant_type="+form.Get("grant_type")) {
			continue
		}
		b.heard[a.op]++
		b.check(a, arrived)
		if a.op == b.under && b.refusal != nil {
			body := ""
			if b.refusal.code != "" {
				body = `{"errors":[{"code":"` + b.refusal.code + `"}]}`
			}
			return answers(b.refusal.status, body)(r, "")
		}
		return b.answer(a, r, arrived)
	}
	b.t.Errorf("%s: nothing is agreed about %s %s", b.under, r.Method, arrived.uri)
	return nil, errors.New("not agreed")
}

// answer is the documented success.
func (b *byContract) answer(a *agreed, r *http.Request, arrived arrival) (*http.Response, error) {
	body, contentType := contractReplies[a.reply], "application/json"
	switch {
	case a.reply != "" && body == "":
		b.t.Errorf("%s: there is no reply %q", a.op, a.reply)
	case a.reply == "pem":
		contentType = "text/plain"
	case a.reply == "played":
		var sent struct{ Message string }
		_ = json.Unmarshal([]byte(unseal(b.t, arrived.body)), &sent)
		body, contentType = sealDirect(arrived.body, fmt.Sprintf(body, sent.Message)), "application/jose+json"
	case a.form == "sealed" && body != "":
		body, contentType = sealDirect(arrived.body, body), "application/jose+json"
	}
	return answers(a.status, body, "Content-Type", contentType)(r, "")
}

// check holds the headers and the body of a request against its line.
func (b *byContract) check(a *agreed, arrived arrival) {
	header := func(name, want string) {
		b.t.Helper()
		if got := arrived.header.Get(name); got != want {
			b.t.Errorf("%s: the header %s is %q, want %q", a.op, name, got, want)
		}
	}
	oneTime := ""
	if a.oneTime {
		oneTime = oneTimeText
	}
	header("One-Time-Token", oneTime)
	header("Authorization", contractTokens[a.token])
	if id := arrived.header.Get("X-External-Correlation-Id"); len(id) != 36 {
		b.t.Errorf("%s: the correlation id is %q", a.op, id)
	}
	accept := "application/json"
	if a.reply == "pem" {
		accept = "text/plain"
	}
	names := []string{}
	switch a.form {
	case "sealed":
		accept = "application/jose+json"
		for name, want := range map[string]string{
			"Content-Type": accept, "Accept-Encoding": "identity", "Content-Encoding": "identity", "X-Tw-Jose-Method": "jwe",
		} {
			header(name, want)
		}
		names = b.fieldsOf(a, unseal(b.t, arrived.body))
	case "json":
		header("Content-Type", "application/json")
		names = b.fieldsOf(a, arrived.body)
	case "form":
		kind, _, _ := mime.ParseMediaType(arrived.header.Get("Content-Type"))
		form, err := url.ParseQuery(arrived.body)
		if kind != "application/x-www-form-urlencoded" || err != nil {
			b.t.Errorf("%s: a form as %q, %v", a.op, kind, err)
		}
		names = slices.Sorted(maps.Keys(form))
		if i := slices.Index(names, "grant_type"); i >= 0 {
			names[i] += "=" + form.Get("grant_type")
		}
	default:
		header("Content-Type", "")
		if arrived.body != "" {
			b.t.Errorf("%s: there is a body", a.op)
		}
	}
	header("Accept", accept)
	if !slices.Equal(names, a.fields) && a.form != "" {
		b.t.Errorf("%s: the body has %q, want %q", a.op, names, a.fields)
	}
}

// fieldsOf are the names in a JSON body, whose values must be texts, or objects
// of texts.
func (b *byContract) fieldsOf(a *agreed, body string) []string {
	b.t.Helper()
	var object map[string]any
	dec := json.NewDecoder(strings.NewReader(body))
	if err := dec.Decode(&object); err != nil {
		b.t.Errorf("%s: the body is no JSON object: %v", a.op, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		b.t.Errorf("%s: something follows the body", a.op)
	}
	for name, value := range object {
		text, isText := value.(string)
		_, isObject := value.(map[string]any)
		if !isObject && (!isText || text == "") {
			b.t.Errorf("%s: %s is no text", a.op, name)
		}
	}
	return slices.Sorted(maps.Keys(object))
}

// run makes the call of a line, and returns its error.
func (b *byContract) run(a *agreed, do func(context.Context, *usersecurity.Client) error) error {
	b.under = a.op
	store := usersecurity.NewMemoryTokenStore()
	_, err := store.Update(b.t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "kept-token", RefreshToken: "refresh-1"}, nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return do(b.t.Context(), bareClient(b.t, b, usersecurity.WithVersion(b.version), usersecurity.WithJWE(),
		usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokenStore(store),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1})))
}

// Every call does what is agreed with Wise, under both kinds of path, and tells
// every documented refusal as what it is.
func TestContract(t *testing.T) {
	t.Parallel()
	table := readContract(t)
	for _, version := range []string{"", "2026Q4"} {
		for i := range table {
			a := &table[i]
			t.Run(version+"/"+string(a.op), func(t *testing.T) {
				t.Parallel()
				for _, do := range callsOf(t, a) {
					b := &byContract{t: t, table: table, version: version, heard: map[usersecurity.Operation]int{}}
					err := b.run(a, do)
					if !a.isIn(version) {
						checkMatches(t, "the call", err, usersecurity.ErrNotInVersion)
						if len(b.heard) > 0 {
							t.Errorf("requested were %v", b.heard)
						}
						continue
					}
					if err != nil || b.heard[a.op] != 1 {
						t.Errorf("%d requests, %v", b.heard[a.op], err)
					}
					for _, r := range a.refusals {
						b.refusal = &r
						err := b.run(a, do)
						var api *usersecurity.APIError
						if !errors.As(err, &api) || api.Op != a.op || api.StatusCode != r.status {
							t.Errorf("%d comes to %v", r.status, err)
							continue
						}
						checkMatches(t, fmt.Sprint(r.status), api, r.want)
					}
				}
			})
		}
	}
}

// callsOf are the calls of an operation: a line may stand for several.
func callsOf(t *testing.T, a *agreed) (calls []func(context.Context, *usersecurity.Client) error) {
	t.Helper()
	if own := ownCalls[a.op]; own != nil {
		return append(calls, own)
	}
	for _, r := range contract {
		if r.op != a.op {
			continue
		}
		calls = append(calls, func(ctx context.Context, c *usersecurity.Client) error {
			got, err := r.call(ctx, c)
			if err == nil {
				r.checkResult(t, got)
			}
			return err
		})
	}
	if len(calls) == 0 {
		t.Errorf("nothing calls %s", a.op)
	}
	return calls
}

// Whatever the client can send is agreed.
func TestContractIsComplete(t *testing.T) {
	t.Parallel()
	var named []usersecurity.Operation
	for _, a := range readContract(t) {
		named = append(named, a.op)
	}
	slices.Sort(named)
	if all := slices.Sorted(slices.Values(usersecurity.Operations())); !slices.Equal(named, all) {
		t.Errorf("the table has\n%q, the client\n%q", named, all)
	}
}
