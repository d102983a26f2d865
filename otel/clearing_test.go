package usersecurityotel

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/wise-partner/usersecurity"
)

const (
	clearedToken = "5a0d7f7e-4f56-4c2a-8a4f-2f8f3d3f0d10"
	clearedPin   = "0412"
	clearedCode  = "111111"
	userOfToken  = "token-of-user-1001"
)

// challenged answers as Wise does to a user whose token asks for a PIN and then
// for a code.
func challenged(t *testing.T) *httptest.Server {
	passedPin, passedCode := "false", "false"
	state := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"oneTimeTokenProperties":{"oneTimeToken":"`+clearedToken+`","challenges":[
			{"primaryChallenge":{"type":"PIN"},"alternatives":[],"required":true,"passed":`+passedPin+`},
			{"primaryChallenge":{"type":"SMS"},"alternatives":[],"required":true,"passed":`+passedCode+`}],
			"validity":3600,"actionType":"BALANCE__GET_STATEMENT","userId":1001}}`)
	}
	verify := func(passed *string, want string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), want) {
				t.Error("a verify without what the customer gave")
			}
			*passed = "true"
			state(w, r)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/one-time-token/status", state)
	mux.HandleFunc("POST /v2/profiles/2002/pin/verify", verify(&passedPin, clearedPin))
	mux.HandleFunc("POST /v1/one-time-token/sms/trigger", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"obfuscatedPhoneNo":"*********8888"}`)
	})
	mux.HandleFunc("POST /v1/one-time-token/sms/verify", verify(&passedCode, clearedCode))
	mux.HandleFunc("GET /v1/statement", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-2fa-Approval") == "" {
			w.Header().Set("X-2fa-Approval", clearedToken)
			w.WriteHeader(http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /v1/user/pin", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// clearing is a client at that server, and the customer's answers.
func clearing(t *testing.T) (*rig, *usersecurity.Client, usersecurity.Challenger, string) {
	t.Helper()
	r, server := newRig(t), challenged(t)
	client := r.client(t,
		usersecurity.WithBaseURL(server.URL),
		usersecurity.WithUserTokens(usersecurity.ForUser(1001, usersecurity.StaticToken(userOfToken))),
		usersecurity.WithUnsealedBodies())
	return r, client, usersecurity.Challenger{
		Pin: func(ctx context.Context, _ usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			_, span := r.tracers.Tracer("caller").Start(ctx, "ask for the PIN")
			defer span.End()
			return usersecurity.NewPin(clearedPin)
		},
		OTP: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.OTP, error) {
			return usersecurity.NewOTP(clearedCode)
		},
	}, server.URL
}

func token(t *testing.T) usersecurity.OneTimeToken {
	t.Helper()
	token, err := usersecurity.NewOneTimeToken(clearedToken)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var customer = usersecurity.Profile{User: 1001, ID: 2002}

func TestClearedChallengeIsOneSpan(t *testing.T) {
	r, client, by, url := clearing(t)
	var meta usersecurity.Meta
	if err := client.ClearChallenges(context.Background(), customer, token(t), by, usersecurity.WithMeta(&meta)); err != nil {
		t.Fatal(err)
	}
	r.wantTree(t, `
ClearChallenges
	OneTimeTokens.Status
		HTTP GET
	ask for the PIN
	SCA.VerifyPin
		HTTP POST
	OneTimeTokens.Status
		HTTP GET
	OneTimeTokens.Trigger
		HTTP POST
	OneTimeTokens.VerifyOTP
		HTTP POST
	OneTimeTokens.Status
		HTTP GET
`)
	s := r.span(t, "usersecurity.ClearChallenges")
	if s.SpanKind != trace.SpanKindInternal || s.Status.Code != codes.Unset {
		t.Errorf("kind %v, status %v", s.SpanKind, s.Status)
	}
	wantAttrs(t, "span", s.Attributes, map[string]any{
		"usersecurity.operation":      "ClearChallenges",
		"usersecurity.attempts":       int64(0),
		"usersecurity.correlation_id": meta.CorrelationID.String(),
	})
	r.wantNothingTold(t, clearedToken, clearedPin, clearedCode, userOfToken, "1001", "2002", "8888", url)
	r.wantFewLabels(t)
}

// wantFewLabels checks that metrics have none but the labels of few values.
func (r *rig) wantFewLabels(t *testing.T) {
	t.Helper()
	few := map[attribute.Key]bool{"usersecurity.operation": true, "http.response.status_code": true, "error.type": true, "usersecurity.uncertain": true}
	check := func(set attribute.Set) {
		for _, a := range set.ToSlice() {
			if !few[a.Key] {
				t.Errorf("a metric has the label %s", a.Key)
			}
		}
	}
	all := r.metrics(t)
	for _, p := range all["usersecurity.client.call.duration"].Data.(metricdata.Histogram[float64]).DataPoints {
		check(p.Attributes)
	}
	for _, p := range all["usersecurity.client.attempts"].Data.(metricdata.Sum[int64]).DataPoints {
		check(p.Attributes)
	}
}

func TestChallengeOfATransportNests(t *testing.T) {
	r, client, by, url := clearing(t)
	ctx, parent := r.tracers.Tracer("caller").Start(context.Background(), "statement")
	req, err := http.NewRequestWithContext(usersecurity.ContextWithProfile(ctx, customer), http.MethodGet, url+"/v1/statement", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := client.ChallengeTransport(nil, by)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	transport.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	parent.End()
	if s := r.span(t, "usersecurity.ClearChallenges"); s.Parent.SpanID() != parent.SpanContext().SpanID() || resp.StatusCode != http.StatusOK {
		t.Errorf("status %d, parent %v", resp.StatusCode, s.Parent.SpanID())
	}
}

// A customer who gives up, and a callback that panics, end both spans: that of
// the challenge and that of what is inside.
func TestChallengeThatIsNotCleared(t *testing.T) {
	gaveUp := errors.New("the customer closed the dialog")
	for name, c := range map[string]struct {
		pin   func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error)
		class string
	}{
		"an error of the customer's": {func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			return usersecurity.Pin{}, gaveUp
		}, "other"},
		"a panic":       {func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) { panic(gaveUp) }, "other"},
		"nobody to ask": {nil, "challenge_unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			r, client, by, _ := clearing(t)
			by.Pin = c.pin
			func() {
				defer func() {
					if p := recover(); p != nil && p != gaveUp {
						t.Errorf("the caller sees the panic %v", p)
					}
				}()
				if client.ClearChallenges(context.Background(), customer, token(t), by) == nil {
					t.Error("no error")
				}
			}()
			r.wantTree(t, `
ClearChallenges
	OneTimeTokens.Status
		HTTP GET
`)
			s := r.span(t, "usersecurity.ClearChallenges")
			if s.Status.Code != codes.Error || attrs(s.Attributes)["error.type"] != c.class {
				t.Errorf("%v, %v", s.Status, attrs(s.Attributes))
			}
			if n := r.count(t, "usersecurity.client.errors", operationKey.String("ClearChallenges"), attribute.String("error.type", c.class)); n != 1 {
				t.Errorf("%d errors are counted", n)
			}
		})
	}
}

// The day Wise turns an operation off, its name and one class show it.
func TestRetiredOperation(t *testing.T) {
	r, client, _, _ := clearing(t)
	pin, err := usersecurity.NewPin(clearedPin)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.CreatePin(context.Background(), 1001, pin); !errors.Is(err, usersecurity.ErrNotInVersion) {
		t.Fatal(err)
	}
	s := r.span(t, "usersecurity.CreatePin")
	if a := attrs(s.Attributes); s.Status.Code != codes.Error || a["error.type"] != "not_in_version" || a["http.response.status_code"] != int64(410) || a["usersecurity.replaced_by"] != "SCA.CreatePin" {
		t.Errorf("%v, %v", s.Status, a)
	}
	if n := r.count(t, "usersecurity.client.errors", operationKey.String("CreatePin"), attribute.String("error.type", "not_in_version"), replacedByKey.String("SCA.CreatePin")); n != 1 {
		t.Errorf("%d errors are counted", n)
	}
	r.wantFewLabels(t)
}
