package usersecurityotel

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestReadBackNests(t *testing.T) {
	r, wise, client := world(t)
	wise.AddUser(1001)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, After: true, Operation: usersecurity.OpCreatePhoneNumber, Times: 1})
	const number = "+6588884242"
	ctx, parent := r.tracers.Tracer("caller").Start(context.Background(), "PUT /me/phone")
	var meta usersecurity.Meta
	if _, err := client.CreatePhoneNumber(ctx, 1001, number, usersecurity.WithMeta(&meta)); err != nil {
		t.Fatal(err)
	}
	parent.End()

	// The number arrived with the first attempt: it was found by reading back.
	r.wantTree(t, `
PUT /me/phone
	CreatePhoneNumber
		FetchToken
			HTTP POST
		HTTP POST
		ListPhoneNumbers
			HTTP GET
`)
	for _, name := range []string{"usersecurity.CreatePhoneNumber", "usersecurity.ListPhoneNumbers"} {
		s := r.span(t, name)
		if s.Status.Code != codes.Unset || len(s.Events) != 1 || attrs(s.Attributes)["usersecurity.correlation_id"] != meta.CorrelationID.String() {
			t.Errorf("%s: %v, %d events, %v", name, s.Status, len(s.Events), attrs(s.Attributes))
		}
	}
	r.wantNothingTold(t, number, number[1:], "1001", wise.URL(), wise.ClientID(), wise.ApplicationToken())
}

// Tokens and keys nest under the call that wants them, at its start and where
// Wise rejects the ones that were in use.
func TestFetchesNest(t *testing.T) {
	r, wise, client := world(t)
	wise.AddUser(1001)
	pin, err := usersecurity.NewPin("0412")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := client.CreatePin(ctx, 1001, pin); err != nil {
		t.Fatal(err)
	}
	if err := client.DeletePin(ctx, 1001); err != nil {
		t.Fatal(err)
	}
	wise.RotateKey()
	if err := client.CreatePin(ctx, 1001, pin); err != nil {
		t.Fatal(err)
	}
	wise.ExpireTokens()
	if err := client.DeletePin(ctx, 1001); err != nil {
		t.Fatal(err)
	}
	r.wantTree(t, `
CreatePin
	FetchWiseKey
		FetchToken
			HTTP POST
		HTTP GET
	HTTP POST
DeletePin
	HTTP DELETE
CreatePin
	HTTP POST
	FetchWiseKey
		HTTP GET
	HTTP POST
DeletePin
	HTTP DELETE
	FetchToken
		HTTP POST
	HTTP DELETE
`)
	r.wantNothingTold(t, "0412", "1001", wise.URL(), wise.ClientID(), wise.ApplicationToken())
}

// A fetch that several calls wait for is the doing of the one who began it, and
// goes on when that one has left.
func TestSharedFetchNestsUnderWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		release := make(chan struct{})
		client, err := usersecurity.New(
			usersecurity.WithBaseURL("https://api.wise.com"),
			usersecurity.WithClientCredentials("partner", "secret"),
			usersecurity.WithObserver(r.Observer),
			usersecurity.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				status, body := http.StatusNoContent, ""
				if strings.HasSuffix(req.URL.Path, "/oauth/token") {
					<-release
					status, body = http.StatusOK, `{"access_token":"app","token_type":"bearer","expires_in":43200}`
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
			})}))
		if err != nil {
			t.Fatal(err)
		}
		first, leave := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		calls.Go(func() {
			if err := client.DeletePin(first, 1); !errors.Is(err, context.Canceled) {
				t.Errorf("the first call: %v", err)
			}
		})
		synctest.Wait()
		for user := range usersecurity.UserID(3) {
			calls.Go(func() {
				if err := client.DeleteFaceMap(t.Context(), user+2); err != nil {
					t.Errorf("a call that waits for the fetch: %v", err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		time.Sleep(time.Second)
		close(release)
		calls.Wait()

		r.wantTree(t, `
DeletePin
	FetchToken
DeleteFaceMap
DeleteFaceMap
DeleteFaceMap
`)
		if fetch, left := r.span(t, "usersecurity.FetchToken"), r.span(t, "usersecurity.DeletePin"); fetch.EndTime.Sub(left.EndTime) != time.Second {
			t.Errorf("the fetch ended %v after the call that began it", fetch.EndTime.Sub(left.EndTime))
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever a callback does, the span of the call ends, and those around it do.
func TestCallbacksThatPanicOrExit(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("broken") },
		"Goexit": runtime.Goexit,
	} {
		for where, opt := range map[string]usersecurity.Option{
			"transport": usersecurity.WithHTTPClient(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				end()
				return nil, nil
			})}),
			"source": usersecurity.WithApplicationTokens(usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
				end()
				return nil, nil
			})),
		} {
			t.Run(name+" in the "+where, func(t *testing.T) {
				r := newRig(t)
				client := r.client(t,
					usersecurity.WithBaseURL("https://api.wise.com"),
					usersecurity.WithApplicationTokens(usersecurity.StaticToken("app")), opt)
				done := make(chan any)
				go func() {
					defer close(done)
					defer func() { done <- recover() }()
					_ = client.DeletePin(context.Background(), 1001)
				}()
				if p := <-done; name == "panic" && p != "broken" {
					t.Errorf("the caller sees the panic %v", p)
				}
				s := r.span(t, "usersecurity.DeletePin")
				if s.Status.Code != codes.Error || attrs(s.Attributes)["error.type"] != "other" || attrs(s.Attributes)["usersecurity.uncertain"] != true {
					t.Errorf("%v, %v", s.Status, attrs(s.Attributes))
				}
				if n := r.count(t, "usersecurity.client.errors", attribute.String("error.type", "other")); n != 1 {
					t.Errorf("%d errors are counted", n)
				}
			})
		}
	}
}

// Attempts are events while the call still runs, each of its own call.
func TestManyCallsAtOnce(t *testing.T) {
	r, wise, client := world(t)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Operation: usersecurity.OpListDeviceFingerprints, Rate: 0.5})
	const users = 40
	var wg sync.WaitGroup
	for n := range users {
		id := usersecurity.UserID(n + 1)
		wise.AddUser(id)
		wg.Go(func() { _, _ = client.ListDeviceFingerprints(context.Background(), id) })
	}
	wg.Wait()

	spans := 0
	for _, s := range r.spans() {
		if s.Name != "usersecurity.ListDeviceFingerprints" {
			continue
		}
		spans++
		if want := attrs(s.Attributes)["usersecurity.attempts"]; int64(len(s.Events)) != want {
			t.Errorf("%d events, want %v", len(s.Events), want)
		}
	}
	if spans != users {
		t.Errorf("%d spans, want %d", spans, users)
	}
}
