package printers

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// value is something that a caller may hold.
type value struct {
	name  string
	value any
	// held is the value inside other types.
	held []any
	// hidden are types that hold the value in unexported fields, of which no
	// printer may ask a method.
	hidden []any
	// encoded are values that encoders are to write whole.
	encoded bool
}

// holding makes the types around a value that a program has: those in whose
// exported fields a printer may call methods, and those in whose others it
// may not.
func holding[T any](name string, v T) value {
	p := &v
	hidden := hiding[T]{"n", v, p, v, []T{v}, map[string]T{"k": v}, func() T { return v }}
	return value{
		name: name, value: v,
		held: []any{
			v, p, &p, []T{v}, [1]*T{p}, map[string]T{"k": v}, map[string]any{"k": []any{v, p}},
			struct{ V T }{v}, struct{ V *T }{p}, struct{ V any }{p}, reflect.ValueOf(v),
		},
		hidden: []any{hidden, &hidden, []hiding[T]{hidden}, struct{ V any }{hidden}, struct{ v any }{v}},
	}
}

// hiding has a value in fields that are not exported.
type hiding[T any] struct {
	name string
	v    T
	p    *T
	any  any
	list []T
	m    map[string]T
	f    func() T
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	pin         = must(usersecurity.NewPin(markPin))
	fingerprint = must(usersecurity.NewFingerprint(markFingerprint))
	faceMap     = must(usersecurity.FaceMapFromBase64(markFaceMap))
	phone       = usersecurity.PhoneNumber{ID: 7, PhoneNumber: markPhone, Type: "PRIMARY"}
	wiseKey     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	replyKey    = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

// secrets are the values that nothing shows: a new type of secret gets a line
// here. NewAPIError is how the package itself makes a OneTimeToken.
func secrets() []value {
	sealed := must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: &wiseKey().PublicKey}, pin))
	request := must(usersecurity.ParseSealedRequest(sealed.Compact()))
	return []value{
		holding("Pin", pin),
		holding("Fingerprint", fingerprint),
		holding("FaceMap", faceMap),
		holding("OneTimeToken", challenge().OneTimeToken()),
		holding("Sealed", sealed),
		holding("SealedRequest", request),
		holding("SealedReply", usersecurity.NewSealedReply(mark+"/type", []byte(markReply))),
	}
}

func challenge() *usersecurity.APIError {
	return usersecurity.NewAPIError(usersecurity.OpListPhoneNumbers, http.StatusForbidden,
		http.Header{"X-2fa-Approval": {markOneTime}, "X-Trace-Id": {mark + " trace"}, "X-Rate-Limited-By": {mark + " limit"}},
		[]byte(`{"errors":[{"code":"`+mark+` code","message":"`+markBody+`","path":"`+markPhone+`","arguments":["`+markPin+`"]}]}`))
}

// others are the values that hold secrets besides what they show.
func others(t *testing.T) []value {
	t.Helper()
	static := usersecurity.StaticToken(markUserToken)
	cache := usersecurity.CacheTokens(tokens)
	if _, err := cache.Token(t.Context(), usersecurity.TokenRequest{User: 1}); err != nil {
		t.Fatal(err)
	}
	apiError := challenge()
	return []value{
		holding("StaticToken", static),
		holding("OAuth2", usersecurity.OAuth2(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: markUserToken}))),
		holding("ForUser", usersecurity.ForUser(1, static)),
		holding("TokenFunc", tokens),
		holding("CacheTokens", cache),
		holding("*cache", *cache),
		holding("StaticKey", usersecurity.StaticKey(&wiseKey().PublicKey)),
		holding("Client", usedClient(t)),
		holding("*APIError", apiError),
		holding("APIError", *apiError),
		holding("ErrorDetail", apiError.Details[0]),
		holding("*OutcomeError", &usersecurity.OutcomeError{Op: usersecurity.OpCreatePin, Attempts: 1, Err: apiError}),
		holding("OutcomeError", usersecurity.OutcomeError{Op: usersecurity.OpCreatePin, Attempts: 1, Err: apiError}),
		holding("Options", clientOptions()),
		holding("CallOptions", []usersecurity.CallOption{usersecurity.WithToken(markUserToken), usersecurity.WithMeta(&usersecurity.Meta{})}),
	}
}

// plain are the values that mask a field of a plain type where they are asked: a
// printer that asks no method shows it.
func plain() []value {
	request := holding("TokenRequest", usersecurity.TokenRequest{User: 1, Rejected: markUserToken})
	number := holding("PhoneNumber", phone)
	number.encoded = true
	return []value{request, number}
}

// tokens gives marked tokens.
var tokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	if req.User == 0 {
		return &oauth2.Token{AccessToken: markAppToken, RefreshToken: mark}, nil
	}
	return &oauth2.Token{AccessToken: markUserToken + req.Rejected, RefreshToken: mark}, nil
})

func clientOptions(more ...usersecurity.Option) []usersecurity.Option {
	return append([]usersecurity.Option{
		usersecurity.WithBaseURL("https://wise.example"),
		usersecurity.WithClientCredentials(markClientID, markSecret),
		usersecurity.WithUserTokens(usersecurity.CacheTokens(tokens)),
		usersecurity.WithJWE(
			usersecurity.JWEKeys(usersecurity.StaticKey(&wiseKey().PublicKey)),
			usersecurity.JWEReplyKey(uuid.New(), replyKey())),
	}, more...)
}

// usedClient has tokens in its cache.
func usedClient(t *testing.T) *usersecurity.Client {
	t.Helper()
	client := must(usersecurity.New(clientOptions(usersecurity.WithHTTPClient(&http.Client{Transport: answering(func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/oauth/token") {
			return http.StatusOK, `{"access_token":"` + markAppToken + `","token_type":"bearer","expires_in":3600}`
		}
		return http.StatusNoContent, ""
	})}))...))
	if err := client.DeletePin(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := client.EnrolFaceMap(t.Context(), 1, faceMap); err != nil {
		t.Fatal(err)
	}
	return client
}

// answering is a transport that answers by itself.
type answering func(*http.Request) (status int, body string)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}
