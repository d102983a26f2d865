package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const user usersecurity.UserID = 1001

// sandbox is a Wise whose readings are the test's.
type sandbox struct {
	*usersecuritytest.Server
	client *usersecurity.Client
	before usersecuritytest.UserState
}

func newSandbox(t *testing.T, opts ...usersecuritytest.ServerOption) *sandbox {
	t.Helper()
	s := &sandbox{Server: usersecuritytest.NewServer(opts...)}
	t.Cleanup(s.Close)
	s.AddUser(user)
	s.Protect("GET", "/v1/statement", usersecurity.ChallengeSMS)
	var err error
	if s.client, err = usersecurity.New(s.Options()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdleConnections)
	s.before, _ = s.User(user)
	return s
}

// probe runs the program, and sees that the user is as before and that no secret
// was printed.
func (s *sandbox) probe(ctx context.Context, t *testing.T, more ...string) (found map[string]finding, progress string, err error) {
	t.Helper()
	var out, told strings.Builder
	secrets := map[string]string{"WISE_CLIENT_SECRET": s.ClientSecret(), "WISE_USER_TOKEN": s.UserToken(user)}
	args := append([]string{"-base-url", s.URL(), "-client-id", s.ClientID(), "-user", fmt.Sprint(int64(user)), "-phone", "+6588880001", "-protected", "/v1/statement", "-json"}, more...)
	err = run(ctx, args, func(name string) string { return secrets[name] }, &out, &told)
	after, _ := s.User(user)
	after.Failures = s.before.Failures
	if !reflect.DeepEqual(after, s.before) {
		t.Errorf("the user had %v, and has %v", s.before, after)
	}
	for _, secret := range []string{s.ClientSecret(), secrets["WISE_USER_TOKEN"], s.ApplicationToken(), rightPin, wrongPin, "+65", fmt.Sprint(int64(s.Profile(user))), s.URL()} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the report has a secret or an id: %q", secret)
		}
	}
	if out.Len() == 0 {
		return nil, told.String(), err
	}
	var r report
	if broken := json.Unmarshal([]byte(out.String()), &r); broken != nil {
		t.Fatalf("%v\n%s", broken, out.String())
	}
	if r.Library != usersecurity.Version || r.Wise != "another address" {
		t.Errorf("the report is of %q and %q", r.Library, r.Wise)
	}
	found = map[string]finding{}
	for _, f := range r.Findings {
		if _, twice := found[f.ID]; twice {
			t.Errorf("%s is answered twice", f.ID)
		}
		found[f.ID] = f
	}
	return found, told.String(), err
}

// expected is what a finding must say, and which option must be named; "" for none.
type expected struct{ id, seen, option string }

func (e expected) check(t *testing.T, found map[string]finding) {
	t.Helper()
	f, ok := found[e.id]
	if !ok || !strings.Contains(f.Seen, e.seen) || !strings.Contains(f.Option, e.option) || e.option == "" && f.Option != "" {
		t.Errorf("%s: found %+v, want %q and the option %q", e.id, f, e.seen, e.option)
	}
}

const (
	maySeal    = "JWERequireSealedReplies()) can be set"
	keepToSeal = "without JWERequireSealedReplies()"
)

func TestReadings(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	type options = []usersecuritytest.ServerOption
	for name, c := range map[string]struct {
		options options
		want    []expected
	}{
		"as documented": {nil, []expected{
			{"list-method", "POST 200 with JSON, GET 200 with JSON", ""},
			{"versions", "legacy 200 with JSON, 2026Q4 200 with JSON", ""},
			{"kid-header", "direct: without it 200 with a JWE (alg dir), with a random id 200", ""},
			{"unsealed-body", "400 with JSON (code simulator.body.not.sealed)", ""},
			{"unknown-token", "404 with no body", ""},
			{"facetec-key", "200 with PEM, an RSA key", ""},
			{"create-pin-v1", "204 with no body", ""},
			{"create-pin-v2", "200 with no body", ""},
			{"create-pin-again", "409 with no body", ""},
			{"delete-nothing", "404 with no body", ""},
			{"v1-factors-in-v2", "yes: SCA.CreatePin after CreatePin 409", ""},
			{"v2-devices-in-list", "yes", ""},
			{"wrong-pin", "400 with no body", ""},
			{"verify-reply", "200 with a JWE (alg dir), bare", maySeal},
			{"verify-reply-v1", "200 with a JWE (alg dir), wrapped", maySeal},
			{"cleared-token", "no challenges", ""},
			{"device-reply", "200 with a JWE (alg dir)", maySeal},
			{"device-again", "409 with no body", ""},
			{"device-limit", "400 with no body, after 3", ""},
			{"phone-delete-nothing", "404", ""},
			{"phone-invalid", "422", ""},
			{"challenge", "403 with no body; x-2fa-approval: the token alone; x-2fa-approval-result: REJECTED", ""},
			{"sealed-errors", "they have none: 409 with no body; 400 with no body", ""},
			{"first-calls", "POST /v1/user/pin 204; DELETE /v1/users/{id}/pin 204", ""},
		}},
		"GET lists":      {options{usersecuritytest.WithFingerprintListMethod("GET")}, []expected{{"list-method", "POST 405", `WithFingerprintListMethod("GET")`}}},
		"POST lists":     {options{usersecuritytest.WithFingerprintListMethod("POST")}, []expected{{"list-method", "GET 405", `WithFingerprintListMethod("POST")`}}},
		"bare verifies":  {options{usersecuritytest.WithBareVerifyReplies()}, []expected{{"verify-reply", "bare", maySeal}, {"verify-reply-v1", "bare", maySeal}}},
		"wrapped":        {options{usersecuritytest.WithWrappedVerifyReplies()}, []expected{{"verify-reply", "wrapped", maySeal}, {"verify-reply-v1", "wrapped", maySeal}}},
		"clear replies":  {options{usersecuritytest.WithClearReplies()}, []expected{{"verify-reply", "200 with JSON (challenges, oneTimeToken, validity), bare", keepToSeal}, {"device-reply", "200 with JSON", keepToSeal}}},
		"messages":       {options{usersecuritytest.WithVerifyMessages()}, []expected{{"wrong-pin", "400 with JSON (message)", ""}, {"sealed-errors", "no: ", ""}}},
		"cleared shown":  {options{usersecuritytest.WithClearedTokensShown()}, []expected{{"cleared-token", "its challenges; ready: true", ""}}},
		"unknown 400":    {options{usersecuritytest.WithUnknownTokenStatus(400)}, []expected{{"unknown-token", "400", "ErrInvalidRequest"}}},
		"unknown 401":    {options{usersecuritytest.WithUnknownTokenStatus(401)}, []expected{{"unknown-token", "401", "ErrUnauthorized"}}},
		"unknown 403":    {options{usersecuritytest.WithUnknownTokenStatus(403)}, []expected{{"unknown-token", "403", "ErrForbidden"}}},
		"per profile":    {options{usersecuritytest.WithFactorsPerProfile()}, []expected{{"v1-factors-in-v2", "no: SCA.CreatePin after CreatePin 200", "enrol again"}, {"v2-devices-in-list", "no", ""}}},
		"a limit's code": {options{usersecuritytest.WithFingerprintLimitCode("too.many.devices")}, []expected{{"device-limit", "400 with JSON (code too.many.devices), after 3", ""}}},
		"another code":   {options{usersecuritytest.WithFingerprintLimitCode("device.refused")}, []expected{{"device-limit", "(code device.refused)", "ErrInvalidRequest"}}},
		"no limit":       {options{usersecuritytest.WithFingerprintLimit(99)}, []expected{{"device-limit", "more than 10", ""}}},
		"sealed errors":  {options{usersecuritytest.WithSealedErrors()}, []expected{{"sealed-errors", "yes: 409 with a JWE (alg dir)", ""}, {"create-pin-again", "409 with a JWE (alg dir)", ""}}},
		"PIN's reply":    {options{usersecuritytest.WithPinCreatedReply(201, `{"id":1}`)}, []expected{{"create-pin-v2", "201 with a JWE (alg dir)", ""}}},
		"elliptic key":   {options{usersecuritytest.WithFaceTecKey(&curve.PublicKey)}, []expected{{"facetec-key", "an elliptic key", ""}}},
		"kind hint":      {options{usersecuritytest.WithChallengeKindHint()}, []expected{{"challenge", "the token, and more", ""}}},
		"403 body":       {options{usersecuritytest.WithChallengeBody()}, []expected{{"challenge", "403 with JSON (", ""}}},
		"no result":      {options{usersecuritytest.WithoutChallengeResult()}, []expected{{"challenge", "x-2fa-approval-result: no result", ""}}},
		"one by one":     {options{usersecuritytest.WithGradualChallenges()}, []expected{{"verify-reply", "bare", maySeal}}},
		"no grant":       {options{usersecuritytest.WithoutGrant()}, []expected{{"v1-factors-in-v2", "not asked", ""}, {"create-pin-v2", "200", ""}, {"phone-delete-nothing", "ErrForbidden", ""}}},
		"clear bodies":   {options{usersecuritytest.WithClearBodies()}, []expected{{"verify-reply", "200 with a JWE (alg dir), bare", maySeal}}},
	} {
		t.Run(name, func(t *testing.T) {
			found, _, err := newSandbox(t, c.options...).probe(t.Context(), t, "-yes")
			if err != nil {
				t.Error(err)
			}
			for _, want := range c.want {
				want.check(t, found)
			}
		})
	}
}

func TestRetired(t *testing.T) {
	s := newSandbox(t)
	s.Retire(410)
	found, _, err := s.probe(t.Context(), t, "-yes")
	if err != nil {
		t.Error(err)
	}
	for _, want := range []expected{
		{"list-method", "POST 410", ""}, {"v1-factors-in-v2", "not asked", ""}, {"verify-reply", "bare", maySeal},
		{"device-limit", "after 3", ""}, {"first-calls", "POST /v1/users/{id}/partner-device-fingerprints 410", ""},
	} {
		want.check(t, found)
	}
}

// TestRegisteredKey is a Wise that seals replies to a key of the partner's.
func TestRegisteredKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options []usersecuritytest.ServerOption
		want    []expected
	}{
		"not named": {nil, []expected{
			{"kid-header", "with the id of -reply-key 200", ""},
			{"verify-reply", "200 with a JWE (alg RSA-OAEP-256, with a kid), which only", "JWEReplyKey(id, key)"}}},
		"named": {[]usersecuritytest.ServerOption{usersecuritytest.WithReplyKeyNamed()}, []expected{
			{"kid-header", "to a registered key: without it 400 with JSON (code simulator.header.missing), with the id of -reply-key 200 with a JWE (alg RSA-OAEP-256, with a kid)", "JWESendReplyKeyID()"},
			{"create-pin-v1", "204", ""},
			{"verify-reply", "refused: 400 with JSON (code simulator.header.missing)", ""}}}, // relayed requests name no key
	} {
		s := newSandbox(t, append(c.options, usersecuritytest.WithReplyKeyReplies())...)
		id := uuid.New()
		if err := s.client.RegisterReplyKey(t.Context(), usersecurity.ReplyKey{ID: id, PublicKey: &key.PublicKey}); err != nil {
			t.Fatal(err)
		}
		found, _, err := s.probe(t.Context(), t, "-yes", "-reply-key", id.String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range append(c.want, expected{"device-limit", "not asked", ""}) {
			want.check(t, found)
		}
	}
}

func TestRefreshToken(t *testing.T) {
	for answer, opts := range map[string][]usersecuritytest.ServerOption{
		"no":  nil,
		"yes": {usersecuritytest.WithRotatingRefreshTokens()},
	} {
		s := newSandbox(t, opts...)
		refresh := obtainRefreshToken(t, s)
		file := filepath.Join(t.TempDir(), "refresh")
		if err := os.WriteFile(file, []byte(refresh+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		found, _, err := s.probe(t.Context(), t, "-yes", "-refresh-token", file)
		if err != nil {
			t.Error(err)
		}
		option := ""
		if answer == "yes" {
			option = "WithUserTokenStore"
		}
		expected{"refresh-token", answer, option}.check(t, found)
		kept, err := os.ReadFile(file)
		if changed := string(kept) != refresh+"\n"; err != nil || changed != (answer == "yes") {
			t.Errorf("the file changed: %t, error %v", changed, err)
		}
		// What is in the file serves.
		if _, _, err := s.probe(t.Context(), t, "-yes", "-refresh-token", file); err != nil {
			t.Error(err)
		}
	}
}

func obtainRefreshToken(t *testing.T, s *sandbox) string {
	t.Helper()
	store := usersecurity.NewMemoryTokenStore()
	client, err := usersecurity.New(append(s.Options(), usersecurity.WithUserTokenStore(store))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	code, err := usersecurity.NewRegistrationCode(s.RegistrationCode(user))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UserTokens.ExchangeRegistrationCode(t.Context(), "a@example.com", code); err != nil {
		t.Fatal(err)
	}
	token, err := store.Load(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return token.RefreshToken
}

func TestNothingIsDoneWithoutYes(t *testing.T) {
	s := newSandbox(t)
	found, progress, err := s.probe(t.Context(), t)
	if err == nil || !strings.Contains(err.Error(), "-yes") || found != nil || len(s.Requests()) != 0 {
		t.Errorf("error %v, %d findings, %d requests", err, len(found), len(s.Requests()))
	}
	for _, want := range []string{"sets a PIN", "registers devices", "adds the phone number", "-protected", "removed again"} {
		if !strings.Contains(progress, want) {
			t.Errorf("the plan lacks %q:\n%s", want, progress)
		}
	}
}

func TestAUserWithFactorsIsLeftAlone(t *testing.T) {
	pin, _ := usersecurity.NewPin("2580")
	device, _ := usersecurity.NewFingerprint("the user's own")
	face, _ := usersecurity.NewFaceMap([]byte("the user's own"))
	for name, enrol := range map[string]func(context.Context, *usersecurity.Client) error{
		"a PIN":      func(ctx context.Context, c *usersecurity.Client) error { return c.CreatePin(ctx, user, pin) },
		"a face map": func(ctx context.Context, c *usersecurity.Client) error { return c.EnrolFaceMap(ctx, user, face) },
		"a device": func(ctx context.Context, c *usersecurity.Client) error {
			_, err := c.CreateDeviceFingerprint(ctx, user, device)
			return err
		},
	} {
		// Where the session doesn't show what there is, the 409 does.
		for _, opts := range [][]usersecuritytest.ServerOption{nil, {usersecuritytest.WithSessionChallenges(usersecurity.ChallengeSMS)}} {
			if name == "a face map" && opts != nil {
				continue // nothing is done with face maps
			}
			s := newSandbox(t, opts...)
			if err := enrol(t.Context(), s.client); err != nil {
				t.Fatal(err)
			}
			s.before, _ = s.User(user)
			if _, _, err := s.probe(t.Context(), t, "-yes"); err == nil || !strings.Contains(err.Error(), errHasFactors.Error()) {
				t.Errorf("%s: error %v", name, err)
			}
			if n := s.Count(usersecurity.OpDeletePin) + s.Count(usersecurity.OpSCADeletePin) + s.Count(usersecurity.OpDeleteDeviceFingerprint); n > 0 {
				t.Errorf("%s: %d deletes", name, n)
			}
		}
	}
}

func TestWhatWasCreatedIsRemovedAfterAFailure(t *testing.T) {
	for _, at := range []usersecurity.Operation{
		usersecurity.OpSCACreatePin, usersecurity.OpSCACreateDeviceFingerprint, usersecurity.OpSCAVerifyPin,
		usersecurity.OpOneTimeTokenVerifyPin, usersecurity.OpCreatePhoneNumber, usersecurity.OpSCAStartSession,
	} {
		s := newSandbox(t)
		s.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTMLPage, Status: 451, Operation: at})
		_, _, _ = s.probe(t.Context(), t, "-yes")
	}
}

// TestRemovedAfterAnInterrupt interrupts the probe while Wise is thinking.
func TestRemovedAfterAnInterrupt(t *testing.T) {
	for _, at := range []usersecurity.Operation{usersecurity.OpSCACreatePin, usersecurity.OpSCAVerifyPin, usersecurity.OpSCACreateDeviceFingerprint} {
		s := newSandbox(t)
		s.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 429, Header: http.Header{"Retry-After": {"20"}}, Operation: at})
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			for s.Count(at) == 0 && t.Context().Err() == nil {
				time.Sleep(time.Millisecond)
			}
			interrupt()
		}()
		if _, _, err := s.probe(ctx, t, "-yes"); err == nil {
			t.Errorf("%s: the interrupt was taken for an answer", at)
		}
	}
}

func TestFlags(t *testing.T) {
	var out strings.Builder
	none := func(string) string { return "" }
	if err := run(t.Context(), []string{"-h"}, none, &out, &out); err != nil || !strings.Contains(out.String(), "-yes") {
		t.Errorf("-h: error %v, output %q", err, out.String())
	}
	for want, args := range map[string]string{
		"is Production":        "-yes -user 7 -base-url " + usersecurity.Production,
		"is Production, ":      "-yes -user 7 -base-url " + usersecurity.ProductionMTLS,
		"say with -user":       "-yes -base-url https://wise.example",
		"-h lists":             "-nonsense",
		"flags only":           "yes",
		"give -base-url too":   "-client-id x",
		"no such file":         "-yes -user 7 -base-url https://wise.example -cert nowhere -key nowhere",
		"WithClientCredential": "-yes -user 7 -base-url https://wise.example",
	} {
		out.Reset()
		if err := run(t.Context(), strings.Fields(args), none, &out, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
}

func TestSimulatorInText(t *testing.T) {
	var out, told strings.Builder
	if err := run(t.Context(), nil, func(string) string { return "" }, &out, &told); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "? ") {
			t.Errorf("a line without its question: %q", line)
		}
	}
	for address, want := range map[string]string{"": "simulator", usersecurity.Sandbox + "/": usersecurity.Sandbox, "https://wise.example": "another address"} {
		if got := addressName(address); got != want {
			t.Errorf("%q is called %q", address, got)
		}
	}
	if !strings.Contains(out.String(), "-> WithJWE(JWERequireSealedReplies()) can be set\n") || !strings.Contains(told.String(), "a simulator of Wise") {
		t.Errorf("the output:\n%s\n%s", told.String(), out.String())
	}
}
