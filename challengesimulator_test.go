package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A customer of the simulator's: what is enrolled, and who is asked.
type enrolled struct {
	wise   *usersecuritytest.Server
	client *usersecurity.Client
	p      usersecurity.Profile
	customer
}

// enrol makes a customer with a PIN, a device, a face map and a phone number.
func enrol(t *testing.T, server []usersecuritytest.ServerOption, options ...usersecurity.Option) *enrolled {
	t.Helper()
	wise, client := newPair(t, server, options...)
	e := &enrolled{wise: wise, client: client, p: usersecurity.Profile{User: 1001, ID: wise.Profile(1001)}}
	ctx := t.Context()
	_, deviceErr := client.SCA.CreateDeviceFingerprint(ctx, e.p, usual.fingerprint)
	_, numberErr := client.CreatePhoneNumber(ctx, e.p.User, usual.number)
	if err := errors.Join(client.SCA.CreatePin(ctx, e.p, usual.pin), client.SCA.EnrolFaceMap(ctx, e.p, usual.faceMap), deviceErr, numberErr); err != nil {
		t.Fatal(err)
	}
	return e
}

// all is the customer with the code that the simulator sends.
func (e *enrolled) all() usersecurity.Challenger {
	by := e.customer.all()
	by.OTP = answer(&e.customer, must(usersecurity.NewOTP("111111")))
	return by
}

// mistaken is a customer who gets everything wrong.
func (e *enrolled) mistaken() usersecurity.Challenger {
	return usersecurity.Challenger{
		Pin:               answer(&e.customer, must(usersecurity.NewPin("9999"))),
		DeviceFingerprint: answer(&e.customer, must(usersecurity.NewFingerprint("another"))),
		FaceMap:           answer(&e.customer, must(usersecurity.NewFaceMap([]byte{1, 2, 3}))),
		OTP:               answer(&e.customer, must(usersecurity.NewOTP("999999"))),
	}
}

// token makes a one-time token that asks for these kinds.
func (e *enrolled) token(kinds ...usersecurity.ChallengeKind) usersecurity.OneTimeToken {
	return must(usersecurity.NewOneTimeToken(e.wise.NewOneTimeToken(e.p.User, kinds...)))
}

// last is what the simulator holds of the last token.
func (e *enrolled) last() usersecuritytest.OneTimeToken {
	all := e.wise.OneTimeTokens(e.p.User)
	return all[len(all)-1]
}

var everyKind = []usersecurity.ChallengeKind{aPin, aPhone, aFace, anSMS, usersecurity.ChallengeWhatsApp, aVoice}

// The same customer under every reading of what Wise's documents leave open.
func TestClearChallengesUnderEveryReading(t *testing.T) {
	t.Parallel()
	type so = []usersecuritytest.ServerOption
	for name, test := range map[string]struct {
		server  so
		options []usersecurity.Option
		older   bool
		steps   int // how many lists the customer sees; 0 for any
	}{
		"as it is":                 {},
		"bare replies":             {server: so{usersecuritytest.WithBareVerifyReplies()}},
		"wrapped replies":          {server: so{usersecuritytest.WithWrappedVerifyReplies()}},
		"unsealed replies":         {server: so{usersecuritytest.WithClearReplies()}},
		"sealed errors":            {server: so{usersecuritytest.WithSealedErrors()}},
		"one after another":        {server: so{usersecuritytest.WithGradualChallenges()}},
		"cleared are shown":        {server: so{usersecuritytest.WithClearedTokensShown()}},
		"shown, one after another": {server: so{usersecuritytest.WithClearedTokensShown(), usersecuritytest.WithGradualChallenges()}},
		"calendar":                 {options: []usersecurity.Option{usersecurity.WithVersion("2026Q4")}},
		"below a gateway":          {server: so{usersecuritytest.WithPathPrefix("/gateway")}, options: []usersecurity.Option{usersecurity.WithVersion("2026Q4")}},
		"sealed, required":         {options: []usersecurity.Option{usersecurity.WithJWE(usersecurity.JWERequireSealedReplies())}},
		"older":                    {older: true},
		"older, bare":              {older: true, server: so{usersecuritytest.WithBareVerifyReplies()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := enrol(t, test.server, test.options...)
			if test.older {
				e.p.ID = 0
			}
			if err := e.client.ClearChallenges(t.Context(), e.p, e.token(everyKind...), e.all()); err != nil {
				t.Fatal(err)
			}
			if got, want := e.asked(), "PIN PARTNER_DEVICE_FINGERPRINT FACE_MAP SMS WHATSAPP VOICE"; got != want {
				t.Errorf("the customer was asked for %q", got)
			}
			if got := e.last(); !got.Cleared || got.Attempts != 6 || got.Failures != 0 {
				t.Errorf("the token is %+v", got)
			}
			for _, r := range e.wise.Requests() {
				if r.Refusal != "" {
					t.Errorf("%s: %s", r.Operation, r.Refusal)
				}
			}
		})
	}
}

// What is wrong is told, whatever the kind, and the customer is asked once.
func TestWrongAnswersAtTheSimulator(t *testing.T) {
	t.Parallel()
	for _, messages := range [][]usersecuritytest.ServerOption{nil, {usersecuritytest.WithVerifyMessages()}, {usersecuritytest.WithSealedErrors()}} {
		for _, older := range []bool{false, true} {
			e := enrol(t, append(messages, usersecuritytest.WithAlternatives(aPin, anSMS)))
			if older {
				e.p.ID = 0
			}
			for i, kind := range everyKind[:4] {
				err := e.client.ClearChallenges(t.Context(), e.p, e.token(kind), e.mistaken())
				checkMatches(t, string(kind), err, usersecurity.ErrChallengeFailed)
				if got := e.last(); len(e.requests) != i+1 || got.Attempts != 1 || got.Failures != 1 || got.Cleared {
					t.Errorf("%s: the customer was asked for %q; the token is %+v", kind, e.asked(), got)
				}
			}
		}
	}
}

// Five failures in a row block the customer: right answers are refused as wrong
// ones are, and sessions without a token. After a quarter of an hour it is over.
func TestBlockedCustomer(t *testing.T) {
	t.Parallel()
	e := enrol(t, nil)
	token := e.token(aPin)
	for range 5 {
		checkMatches(t, "wrong", e.client.ClearChallenges(t.Context(), e.p, token, e.mistaken()), usersecurity.ErrChallengeFailed)
	}
	checkMatches(t, "right, while blocked", e.client.ClearChallenges(t.Context(), e.p, token, e.all()), usersecurity.ErrChallengeFailed)
	_, err := e.client.SCA.StartSession(t.Context(), e.p)
	checkMatches(t, "a session", err, usersecurity.ErrSCARequired)
	var api *usersecurity.APIError
	if !errors.As(err, &api) || !api.OneTimeToken().IsZero() {
		t.Errorf("a token for somebody who is blocked: %v", err)
	}
	e.wise.Advance(15 * time.Minute)
	if err := e.client.ClearChallenges(t.Context(), e.p, token, e.all()); err != nil {
		t.Errorf("when the block is over: %v", err)
	}
	if got := e.last(); got.Attempts != 6 || got.Failures != 5 {
		t.Errorf("the token is %+v", got)
	}
}

// Tokens that are unknown, another's or expired, also while the customer is
// asked.
func TestTokensThatCantBeUsed(t *testing.T) {
	t.Parallel()
	e := enrol(t, nil)
	e.wise.AddUser(1002)
	others := must(usersecurity.NewOneTimeToken(e.wise.NewOneTimeToken(1002, aPin)))
	for name, token := range map[string]usersecurity.OneTimeToken{"unknown": usual.oneTime, "another's": others} {
		checkMatches(t, name, e.client.ClearChallenges(t.Context(), e.p, token, e.all()), usersecurity.ErrOneTimeTokenUnknown)
	}
	if e.asked() != "" {
		t.Errorf("the customer was asked for %q", e.asked())
	}
	for kind, by := range map[usersecurity.ChallengeKind]usersecurity.Challenger{
		aPin: {Pin: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			e.wise.Advance(time.Hour)
			return usual.pin, nil
		}},
		aPhone: {DeviceFingerprint: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Fingerprint, error) {
			e.wise.Advance(time.Hour)
			return usual.fingerprint, nil
		}},
		aFace: {FaceMap: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.FaceMap, error) {
			e.wise.Advance(time.Hour)
			return usual.faceMap, nil
		}},
		anSMS: {OTP: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.OTP, error) {
			e.wise.Advance(time.Hour)
			return usual.code, nil
		}},
	} {
		checkMatches(t, "expired while the customer was asked for "+string(kind), e.client.ClearChallenges(t.Context(), e.p, e.token(kind), by), usersecurity.ErrOneTimeTokenUnknown)
	}
}

// What was never enrolled can't be verified.
func TestNothingEnrolled(t *testing.T) {
	t.Parallel()
	for kind, want := range map[usersecurity.ChallengeKind]error{
		aPin: usersecurity.ErrPinNotSet, aPhone: usersecurity.ErrFingerprintNotFound, aFace: usersecurity.ErrChallengeFailed, anSMS: usersecurity.ErrInvalidRequest,
	} {
		wise, client := newPair(t, nil)
		e := &enrolled{wise: wise, client: client, p: usersecurity.Profile{User: 1001, ID: wise.Profile(1001)}}
		checkMatches(t, string(kind), client.ClearChallenges(t.Context(), e.p, e.token(kind), e.all()), want)
	}
}

// Challenges that aren't required are left alone, and alternatives taken.
func TestOptionalAndAlternativeChallenges(t *testing.T) {
	t.Parallel()
	e := enrol(t, []usersecuritytest.ServerOption{
		usersecuritytest.WithOptionalChallenges(aFace), usersecuritytest.WithAlternatives(aPin, anSMS), usersecuritytest.WithAlternatives(aPhone, "SIGNATURE", aVoice),
	})
	by := e.all()
	by.Pin, by.DeviceFingerprint, by.FaceMap = nil, nil, nil
	if err := e.client.ClearChallenges(t.Context(), e.p, e.token(aFace, aPin, aPhone), by); err != nil {
		t.Fatal(err)
	}
	if got := e.last(); e.asked() != "SMS VOICE" || !got.Cleared || got.Challenges[0].Passed {
		t.Errorf("the customer was asked for %q, the token is %+v", e.asked(), got)
	}
	if to := e.requests[0].SentTo; to != "*******8888" {
		t.Errorf("the code went to %q", to)
	}
}

// A protected call of the client's own: refused, cleared, done with the token;
// which then serves no other.
func TestProtectedCall(t *testing.T) {
	t.Parallel()
	for _, server := range [][]usersecuritytest.ServerOption{
		nil, {usersecuritytest.WithChallengeKindHint()}, {usersecuritytest.WithoutChallengeResult()}, {usersecuritytest.WithChallengeBody()},
	} {
		e := enrol(t, server)
		e.wise.Protect("DELETE", fmt.Sprintf("/v2/profiles/%d/facemaps", int64(e.p.ID)), aPin, aPhone)
		err := e.client.SCA.DeleteFaceMap(t.Context(), e.p)
		checkMatches(t, "refused", err, usersecurity.ErrSCARequired)
		var api *usersecurity.APIError
		if !errors.As(err, &api) || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
			t.Fatal(err)
		}
		token := api.OneTimeToken()
		checkMatches(t, "with a token that isn't cleared", e.client.SCA.DeleteFaceMap(t.Context(), e.p, usersecurity.WithOneTimeToken(token)), usersecurity.ErrSCARequired)
		if err := e.client.ClearChallenges(t.Context(), e.p, token, e.all()); err != nil {
			t.Fatal(err)
		}
		if state, err := e.client.OneTimeTokens.Status(t.Context(), e.p.User, token); err != nil || !state.Ready() || !state.Token.Equal(token) {
			t.Errorf("cleared, and %v", err)
		}
		if err := e.client.SCA.DeleteFaceMap(t.Context(), e.p, usersecurity.WithOneTimeToken(token)); err != nil {
			t.Errorf("with the cleared token: %v", err)
		}
		if s, _ := e.wise.User(e.p.User); s.FaceMapEnrolled {
			t.Error("it isn't done")
		}
		checkMatches(t, "with a used token", e.client.SCA.DeleteFaceMap(t.Context(), e.p, usersecurity.WithOneTimeToken(token)), usersecurity.ErrSCARequired)
	}
}

// A session makes a token ahead of any call.
func TestSessionIsCleared(t *testing.T) {
	t.Parallel()
	e := enrol(t, []usersecuritytest.ServerOption{usersecuritytest.WithSessionChallenges(aFace, anSMS)}, usersecurity.WithVersion("2026Q4"))
	state, err := e.client.SCA.StartSession(t.Context(), e.p)
	if err != nil || state.Ready() || len(state.Challenges) != 2 {
		t.Fatalf("%+v, %v", state, err)
	}
	if err := e.client.ClearChallenges(t.Context(), e.p, state.Token, e.all()); err != nil || e.asked() != "FACE_MAP SMS" {
		t.Errorf("the customer was asked for %q, %v", e.asked(), err)
	}
}

// Under faults of each kind, at each call: no verify is counted twice.
func TestVerifiesAreCountedOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []usersecuritytest.FaultKind{
		usersecuritytest.ResetBefore, usersecuritytest.ResetAfter, usersecuritytest.Cut, usersecuritytest.Garbage, usersecuritytest.HTML502,
		usersecuritytest.TooManyRequests, usersecuritytest.Unreadable, usersecuritytest.Unauthorized, usersecuritytest.RotateKey, usersecuritytest.Status000,
	} {
		for _, op := range []usersecurity.Operation{usersecurity.OpOneTimeTokenStatus, usersecurity.OpSCAVerifyPin, usersecurity.OpOneTimeTokenTrigger, usersecurity.OpOneTimeTokenVerifyOTP} {
			for _, after := range []bool{false, true} {
				if after && kind != usersecuritytest.HTML502 && kind != usersecuritytest.Status000 {
					continue
				}
				t.Run(fmt.Sprint(kind, " ", op, " ", after), func(t *testing.T) {
					t.Parallel()
					e := enrol(t, nil, briefWaits)
					e.wise.Inject(usersecuritytest.Fault{Kind: kind, Operation: op, Times: 1, After: after})
					err := e.client.ClearChallenges(t.Context(), e.p, e.token(aPin, anSMS), e.all())
					got := e.last()
					if got.Failures > 0 || got.Attempts > 2 || (err == nil) != got.Cleared {
						t.Errorf("%v; the token is %+v", err, got)
					}
					if err != nil {
						want := []error{usersecurity.ErrOutcomeUnknown}
						if op == usersecurity.OpOneTimeTokenStatus {
							want = nil // a read
						}
						for _, cause := range []error{usersecurity.ErrTransport, usersecurity.ErrServer, usersecurity.ErrUnexpectedStatus} {
							if errors.Is(err, cause) {
								want = append(want, cause)
							}
						}
						checkMatches(t, "the error", err, want...)
					}
				})
			}
		}
	}
}
