package usersecurity_test

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// The older verifies aren't in a calendar version: nobody is asked for what they
// would clear.
func TestClearChallengesInACalendarVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		of    usersecurity.Profile
		steps []step
		sent  string
		asked string
		want  []error
	}{
		{name: "with a profile", of: someone, steps: []step{says(open(aPin)), verified, says()}, sent: "status pin status", asked: "PIN"},
		{name: "a PIN", of: older, steps: []step{says(open(anSMS), open(aPin))}, sent: "status", want: []error{usersecurity.ErrNotInVersion}},
		{name: "a device", of: older, steps: []step{says(open(aPhone))}, sent: "status", want: []error{usersecurity.ErrNotInVersion}},
		{name: "a face map", of: older, steps: []step{says(open(aFace, "PASSWORD"))}, sent: "status", want: []error{usersecurity.ErrNotInVersion}},
		{name: "a kind that nobody knows", of: older, steps: []step{says(open("PASSWORD"))}, sent: "status", want: []error{usersecurity.ErrChallengeUnsupported}},
		{name: "a code", of: older, steps: []step{says(open(anSMS)), sent, verified, says()}, sent: "status sms-trigger sms-verify status", asked: "SMS"},
		{name: "a code in its place", of: older, steps: []step{says(open(aPin, anSMS)), sent, verified, says()}, sent: "status sms-trigger sms-verify status", asked: "SMS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, wise := &customer{}, play(t, test.steps...)
			err := newClient(t, wise, usersecurity.WithVersion("2026Q4")).ClearChallenges(t.Context(), test.of, usual.oneTime, c.all())
			checkMatches(t, "the error", err, test.want...)
			checkClearing(t, wise, c, test.sent, test.asked)
		})
	}
}

// What can't be is refused before anything is sent.
func TestClearChallengesRefusesArguments(t *testing.T) {
	t.Parallel()
	clearing := func(ctx context.Context, p usersecurity.Profile, token usersecurity.OneTimeToken, o ...usersecurity.CallOption) error {
		return refusesAll(t).ClearChallenges(ctx, p, token, (&customer{}).all(), o...)
	}
	var none context.Context
	for what, err := range map[string]error{
		"no context":     clearing(none, someone, usual.oneTime),
		"user 0":         clearing(t.Context(), usersecurity.Profile{ID: 2002}, usual.oneTime),
		"user -1":        clearing(t.Context(), usersecurity.Profile{User: -1, ID: 2002}, usual.oneTime),
		"profile -1":     clearing(t.Context(), usersecurity.Profile{User: 1001, ID: -1}, usual.oneTime),
		"the zero token": clearing(t.Context(), someone, usersecurity.OneTimeToken{}),
		"a nil option":   clearing(t.Context(), someone, usual.oneTime, nil),
		"the zero id":    clearing(t.Context(), someone, usual.oneTime, usersecurity.WithCorrelationID(uuid.Nil)),
		"no attempts":    clearing(t.Context(), someone, usual.oneTime, usersecurity.WithMaxAttempts(0)),
	} {
		checkRefused(t, what, err, oneTimeText)
	}
}

// The options are those of each call inside; Meta tells of the last one.
func TestOptionsOfAClearing(t *testing.T) {
	t.Parallel()
	traced := func(id string, s step) step { return withHeader(s, "X-Trace-Id", id) }
	wise := play(t, traced("1", says(open(aPin))), traced("2", verified), traced("3", says()))
	seen := &calls{}
	id := idEndingWith(5)
	var meta usersecurity.Meta
	options := make([]usersecurity.CallOption, 3, 10) // into whose rest nobody may write
	copy(options, []usersecurity.CallOption{usersecurity.WithMeta(&meta), usersecurity.WithCorrelationID(id), usersecurity.WithToken("own")})
	client := newClient(t, wise, usersecurity.WithObserver(seen))
	if err := client.ClearChallenges(t.Context(), someone, usual.oneTime, (&customer{}).all(), options...); err != nil {
		t.Fatal(err)
	}
	if want := (usersecurity.Meta{StatusCode: 200, TraceID: "3", CorrelationID: id, Attempts: 1}); meta != want {
		t.Errorf("the meta is %+v", meta)
	}
	if got := wise.tokens(); !slices.Equal(got, []string{"own", "own", "own"}) {
		t.Errorf("sent with %q", got)
	}
	if options[:4][3] != nil {
		t.Error("the caller's options were written to")
	}
	var told []string
	for _, e := range seen.done {
		told = append(told, string(e.Operation))
		if e.CorrelationID != id || e.ErrorClass != "" {
			t.Errorf("the event is %+v", e)
		}
	}
	if want := []string{"OneTimeTokens.Status", "SCA.VerifyPin", "OneTimeTokens.Status", "ClearChallenges"}; !slices.Equal(told, want) {
		t.Errorf("the observer was told of %q", told)
	}
}

// withHeader is a step's answer with one more header.
func withHeader(s step, name, value string) step {
	return func(r *http.Request, body string) (*http.Response, error) {
		resp, err := s(r, body)
		if err == nil {
			resp.Header.Set(name, value)
		}
		return resp, err
	}
}

// Each clearing has a correlation id of its own, and its observers know of what
// came of it.
func TestClearingsAreObserved(t *testing.T) {
	t.Parallel()
	seen := &calls{}
	client := newClient(t, play(t, says(open(aPin)), lost, says(open(aPin)), says(open(aPin)), wrong,
		says(open(aPin)), verified, answers(403, "")), usersecurity.WithObserver(seen))
	var ids []uuid.UUID
	for _, want := range []struct {
		class     usersecurity.ErrorClass
		uncertain bool
	}{{"outcome_unknown", true}, {"challenge_failed", false}, {"outcome_unknown", true}} {
		if err := client.ClearChallenges(t.Context(), someone, usual.oneTime, (&customer{}).all()); err == nil {
			t.Fatal("it worked")
		}
		last := seen.last()
		if last.Operation != usersecurity.OpClearChallenges || last.ErrorClass != want.class || last.Uncertain != want.uncertain {
			t.Errorf("the event is %+v", last)
		}
		ids = append(ids, last.CorrelationID)
	}
	if ids[0] == ids[1] || ids[0] == uuid.Nil {
		t.Error("two clearings have the same correlation id")
	}
}

// What Wise hasn't looked at is sent again, and so is what it couldn't open.
func TestRepeatsInAClearing(t *testing.T) {
	t.Parallel()
	second := newKey(2048)
	scripted(t, "429", func(t *testing.T) {
		c := &customer{}
		wise := play(t, answers(429, ""), says(open(aPin), open(anSMS)), answers(429, ""), verified, says(passed(aPin), open(anSMS)), answers(429, ""), sent, answers(425, ""), verified, says())
		if err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, c.all()); err != nil {
			t.Error(err)
		}
		checkClearing(t, wise, c, "status status pin pin status sms-trigger sms-trigger sms-verify sms-verify status", "PIN SMS")
	})
	scripted(t, "nothing written", func(t *testing.T) {
		c, wise := &customer{}, play(t, says(open(aPin)), refused, refused, verified, says())
		if err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, c.all()); err != nil {
			t.Error(err)
		}
		checkClearing(t, wise, c, "status pin pin pin status", "PIN")
	})
	scripted(t, "another key", func(t *testing.T) {
		c, wise := &customer{}, play(t, says(open(aPin)), answers(500, body500), verified, says())
		keys := &keyring{keys: []*rsa.PrivateKey{sealingKey(), second}}
		if err := sealsWith(t, wise, keys).ClearChallenges(t.Context(), someone, usual.oneTime, c.all()); err != nil {
			t.Error(err)
		}
		checkClearing(t, wise, c, "status pin pin status", "PIN")
		if got := unseal(t, wise.requests[2].body, second); got != `{"pin":"0417"}` {
			t.Errorf("sealed was %s", got)
		}
	})
	// What was refused after a 500 may have been passed before it.
	scripted(t, "another key, refused, and passed", func(t *testing.T) {
		c, wise := &customer{}, play(t, says(open(aPin)), answers(500, body500), wrong, says(passed(aPin)))
		keys := &keyring{keys: []*rsa.PrivateKey{sealingKey(), second}}
		if err := sealsWith(t, wise, keys).ClearChallenges(t.Context(), someone, usual.oneTime, c.all()); err != nil {
			t.Error(err)
		}
		checkClearing(t, wise, c, "status pin pin status", "PIN")
	})
	scripted(t, "another token", func(t *testing.T) {
		wise := play(t, says(open(aPin)), answers(401, ""), verified, says())
		client := bareClient(t, wise, append(oneSource(freshTokens), sealing())...)
		if err := client.ClearChallenges(t.Context(), someone, usual.oneTime, (&customer{}).all()); err != nil {
			t.Error(err)
		}
		if got := wise.tokens(); !slices.Equal(got, []string{"token", "token", "tokentoken", "token"}) {
			t.Errorf("sent with %q", got)
		}
	})
}

// Nothing that may have arrived is sent twice, however it was lost; and neither
// is the customer asked twice.
func TestNothingIsVerifiedTwice(t *testing.T) {
	t.Parallel()
	for _, o := range openings() {
		for kind, calls := range map[usersecurity.ChallengeKind]string{aPin: "status pin", aPhone: "status device", aFace: "status face", anSMS: "status sms-trigger sms-verify"} {
			scripted(t, fmt.Sprint(kind, ", ", o.name), func(t *testing.T) {
				steps := []step{says(open(kind)), o.step, says(open(kind))}
				if kind == anSMS {
					steps = slices.Insert(steps, 1, sent)
				}
				c, wise := &customer{}, play(t, steps...)
				err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, c.all())
				checkMatches(t, "the error", err, o.cause, usersecurity.ErrOutcomeUnknown)
				checkClearing(t, wise, c, calls+" status", string(kind))
			})
		}
		scripted(t, "trigger, "+o.name, func(t *testing.T) {
			c, wise := &customer{}, play(t, says(open(anSMS)), o.step)
			err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, c.all())
			checkMatches(t, "the error", err, o.cause, usersecurity.ErrOutcomeUnknown)
			checkClearing(t, wise, c, "status sms-trigger", "")
		})
	}
}

// A token that asks for ever more is given up.
func TestEndlessChallenges(t *testing.T) {
	t.Parallel()
	steps, now := []step{}, []usersecurity.Challenge{}
	for range 20 {
		steps = append(steps, says(append(now, open(aPin))...), verified)
		now = append(now, passed(aPin))
	}
	c := &customer{}
	err := newClient(t, play(t, steps...)).ClearChallenges(t.Context(), someone, usual.oneTime, c.all())
	checkMatches(t, "the error", err, usersecurity.ErrChallengeFailed)
	if n := len(c.requests); n != 10 {
		t.Errorf("the customer was asked %d times", n)
	}
}
