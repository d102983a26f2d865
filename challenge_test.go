package usersecurity_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// says is Wise's word on what a one-time token asks for.
func says(challenges ...usersecurity.Challenge) step {
	type kind struct {
		Type usersecurity.ChallengeKind `json:"type"`
	}
	type challenge struct {
		Primary      kind                         `json:"primaryChallenge"`
		Alternatives []usersecurity.ChallengeKind `json:"alternatives"`
		Required     bool                         `json:"required"`
		Passed       bool                         `json:"passed"`
	}
	list := []challenge{}
	for _, c := range challenges {
		list = append(list, challenge{kind{c.Kind}, c.Alternatives, c.Required, c.Passed})
	}
	inner := map[string]any{"oneTimeToken": oneTimeText, "challenges": list, "validity": 600, "actionType": "TRANSFER__FUND", "userId": 1001}
	return answers(200, string(must(json.Marshal(map[string]any{"oneTimeTokenProperties": inner}))))
}

func optional(kind usersecurity.ChallengeKind) usersecurity.Challenge {
	return usersecurity.Challenge{Kind: kind}
}

// What Wise answers besides.
var (
	verified = answers(200, bareToken)
	sent     = answers(200, `{"obfuscatedPhoneNo":"*********8888"}`)
	wrong    = answers(400, "")
)

// inShort names the calls of a clearing.
func inShort(a arrival) string {
	path := strings.TrimPrefix(strings.TrimPrefix(a.uri, "/2026Q4"), "/v1")
	for long, short := range map[string]string{
		"/one-time-token/status": "status", "/v2/profiles/2002/pin/verify": "pin", "/profiles/2002/pin/verify": "pin",
		"/v2/profiles/2002/device-fingerprints/verify": "device", "/v2/profiles/2002/facemaps/verify": "face",
		"/one-time-token/pin/verify": "old-pin", "/one-time-token/partner-device-fingerprint/verify": "old-device", "/one-time-token/facemap/verify": "old-face",
	} {
		if path == long {
			return short
		}
	}
	return strings.ReplaceAll(strings.TrimPrefix(path, "/one-time-token/"), "/", "-")
}

// customer answers what is asked, and keeps what that was.
type customer struct {
	requests []usersecurity.ChallengeRequest
	fails    error // in the place of an answer
	offered  [][]usersecurity.ChallengeKind
}

func answer[T any](c *customer, secret T) func(context.Context, usersecurity.ChallengeRequest) (T, error) {
	return func(_ context.Context, r usersecurity.ChallengeRequest) (T, error) {
		c.requests = append(c.requests, r)
		var none T
		if c.fails != nil {
			return none, c.fails
		}
		return secret, nil
	}
}

// all can be asked for everything.
func (c *customer) all() usersecurity.Challenger {
	return usersecurity.Challenger{
		Pin: answer(c, usual.pin), DeviceFingerprint: answer(c, usual.fingerprint), FaceMap: answer(c, usual.faceMap), OTP: answer(c, usual.code),
	}
}

// only can be asked for these kinds, one for each callback.
func (c *customer) only(kinds ...usersecurity.ChallengeKind) usersecurity.Challenger {
	by, all := usersecurity.Challenger{}, c.all()
	for _, kind := range kinds {
		switch kind {
		case aPin:
			by.Pin = all.Pin
		case aPhone:
			by.DeviceFingerprint = all.DeviceFingerprint
		case aFace:
			by.FaceMap = all.FaceMap
		default:
			by.OTP = all.OTP
		}
	}
	return by
}

// choosing picks a kind.
func (c *customer) choosing(kind usersecurity.ChallengeKind, by usersecurity.Challenger) usersecurity.Challenger {
	by.Choose = func(_ context.Context, _ usersecurity.ChallengeRequest, kinds []usersecurity.ChallengeKind) (usersecurity.ChallengeKind, error) {
		c.offered = append(c.offered, slices.Clone(kinds))
		clear(kinds) // it is the callback's own
		return kind, nil
	}
	return by
}

func (c *customer) asked() string {
	var kinds []string
	for _, r := range c.requests {
		kinds = append(kinds, string(r.Kind))
	}
	return strings.Join(kinds, " ")
}

// someone is whose challenges they are, and older the same without a profile.
var (
	someone = usersecurity.Profile{User: 1001, ID: 2002}
	older   = usersecurity.Profile{User: 1001}
)

// clearings are tokens, what Wise answers about them, and what comes of it. Every
// list of challenges is what Wise says at that moment.
var clearings = []struct {
	name  string
	steps []step
	by    func(c *customer) usersecurity.Challenger // nil: it can be asked for everything
	of    usersecurity.Profile                      // the zero one: someone
	sent  string
	asked string
	want  []error
	lost  bool // nobody knows how a call of it ended
}{
	{name: "nothing to do", steps: []step{says()}, sent: "status"},
	{name: "passed already", steps: []step{says(passed(aPin), optional(anSMS))}, sent: "status"},
	{name: "a PIN", steps: []step{says(open(aPin)), verified, says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a device", steps: []step{says(open(aPhone)), verified, says()}, sent: "status device status", asked: "PARTNER_DEVICE_FINGERPRINT"},
	{name: "a face map", steps: []step{says(open(aFace)), verified, says()}, sent: "status face status", asked: "FACE_MAP"},
	{name: "a code", steps: []step{says(open(anSMS)), sent, verified, says()}, sent: "status sms-trigger sms-verify status", asked: "SMS"},
	{name: "a call", steps: []step{says(open(aVoice)), sent, verified, says()}, sent: "status voice-trigger voice-verify status", asked: "VOICE"},
	{
		name: "in the order of the list", steps: []step{says(open(aFace), open(aPin)), verified, says(passed(aFace), open(aPin)), verified, says(passed(aFace), passed(aPin))},
		sent: "status face status pin status", asked: "FACE_MAP PIN",
	},
	{
		name: "the first open one", steps: []step{says(passed(aFace), optional(anSMS), open(aPin)), verified, says(passed(aFace), passed(aPin))},
		sent: "status pin status", asked: "PIN",
	},
	{
		name: "the list grows", steps: []step{says(open(aPin)), verified, says(passed(aPin), open(anSMS)), sent, verified, says(passed(aPin), passed(anSMS))},
		sent: "status pin status sms-trigger sms-verify status", asked: "PIN SMS",
	},
	{
		name: "two of a kind", steps: []step{says(open(anSMS), open(anSMS)), sent, verified, says(passed(anSMS), open(anSMS)), sent, verified, says()},
		sent: "status sms-trigger sms-verify status sms-trigger sms-verify status", asked: "SMS SMS",
	},

	{name: "the state alone counts, not passed", steps: []step{says(open(aPin)), answers(200, sessionTokenPassed), says(open(aPin))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrChallengeFailed}},
	{name: "the state alone counts, passed", steps: []step{says(open(aPin)), says(open(aPin)), says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a reply of no use", steps: []step{says(open(aPin)), answers(200, "{}"), says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a reply that breaks off", steps: []step{says(open(aPin)), breaksOff(bareToken), says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a reply of no use, not passed", steps: []step{says(open(aPin)), answers(200, ""), says(open(aPin))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrChallengeFailed}},
	{name: "a reply that somebody else sealed", steps: []step{says(open(aPin)), sealedAs(foreign, "application/jose+json")}, sent: "status pin", asked: "PIN", want: []error{usersecurity.ErrDecrypt}},
	{name: "a trigger that doesn't say where to", steps: []step{says(open(anSMS)), answers(200, "{}"), verified, says()}, sent: "status sms-trigger sms-verify status", asked: "SMS"},

	{name: "wrong", steps: []step{says(open(aPin, anSMS)), wrong}, sent: "status pin", asked: "PIN", want: []error{usersecurity.ErrChallengeFailed}},
	{name: "a wrong code", steps: []step{says(open(anSMS)), sent, wrong}, sent: "status sms-trigger sms-verify", asked: "SMS", want: []error{usersecurity.ErrChallengeFailed}},
	{name: "invalid", steps: []step{says(open(aPin)), answers(400, `{"errors":[{"code":"NOT_VALID","path":"pin"}]}`)}, sent: "status pin", asked: "PIN", want: []error{usersecurity.ErrInvalidRequest}},
	{name: "forbidden", steps: []step{says(open(aPin)), answers(403, "")}, sent: "status pin", asked: "PIN", want: []error{usersecurity.ErrForbidden}},
	{name: "the second one wrong", steps: []step{says(open(aPin), open(aFace)), verified, says(passed(aPin), open(aFace)), wrong}, sent: "status pin status face", asked: "PIN FACE_MAP", want: []error{usersecurity.ErrChallengeFailed}},

	{
		name: "an alternative", steps: []step{says(open(aPin, anSMS, aVoice)), sent, verified, says()}, by: func(c *customer) usersecurity.Challenger { return c.only(anSMS) },
		sent: "status sms-trigger sms-verify status", asked: "SMS",
	},
	{
		name: "an alternative to what nobody knows", steps: []step{says(open("SIGNATURE", "PASSWORD", aFace)), verified, says()},
		sent: "status face status", asked: "FACE_MAP",
	},
	{
		name: "the customer chooses", steps: []step{says(open(aPin, anSMS, "PASSWORD", aVoice, anSMS)), sent, verified, says()},
		by:   func(c *customer) usersecurity.Challenger { return c.choosing(aVoice, c.all()) },
		sent: "status voice-trigger voice-verify status", asked: "VOICE",
	},
	{
		name: "the customer chooses what isn't there", steps: []step{says(open(aPin, anSMS))},
		by:   func(c *customer) usersecurity.Challenger { return c.choosing(aFace, c.all()) },
		sent: "status", want: []error{usersecurity.ErrInvalidArgument},
	},
	{
		name: "nothing to choose", steps: []step{says(open(aPin, "PASSWORD")), verified, says()},
		by:   func(c *customer) usersecurity.Challenger { return c.choosing("x", c.all()) },
		sent: "status pin status", asked: "PIN",
	},

	{
		name: "unsupported, before anybody is asked", steps: []step{says(open(aPin), open(aFace, anSMS))}, by: func(c *customer) usersecurity.Challenger { return c.only(aPin) },
		sent: "status", want: []error{usersecurity.ErrChallengeUnsupported},
	},
	{name: "a kind that nobody knows", steps: []step{says(open(aPin), open("SIGNATURE"))}, sent: "status", want: []error{usersecurity.ErrChallengeUnsupported}},
	{name: "no kind", steps: []step{says(open(""))}, sent: "status", want: []error{usersecurity.ErrChallengeUnsupported}},
	{
		name: "nobody to ask", steps: []step{says(open(aPin))}, by: func(*customer) usersecurity.Challenger { return usersecurity.Challenger{} },
		sent: "status", want: []error{usersecurity.ErrChallengeUnsupported},
	},
	{
		name: "what isn't required needn't be supported", steps: []step{says(optional("SIGNATURE"), passed("PASSWORD"), open(aPin)), verified, says(optional("SIGNATURE"))},
		sent: "status pin status", asked: "PIN",
	},
	{
		name: "unsupported, and appears later", steps: []step{says(open(aPin)), verified, says(passed(aPin), open("SIGNATURE"))},
		sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrChallengeUnsupported},
	},

	{name: "lost, and passed", steps: []step{says(open(aPin)), lost, says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "lost, and nothing is left", steps: []step{says(open(aPin)), lost, says()}, sent: "status pin status", asked: "PIN"},
	{
		name: "lost, passed, and more is asked", steps: []step{says(open(aPin)), lost, says(passed(aPin), open(aFace)), verified, says()},
		sent: "status pin status face status", asked: "PIN FACE_MAP",
	},
	{name: "lost, and not passed", steps: []step{says(open(aPin)), lost, says(open(aPin))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}, lost: true},
	{name: "lost, and something else is left", steps: []step{says(open(aPin)), lost, says(open(aFace))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}, lost: true},
	{name: "lost, and no state", steps: []step{says(open(aPin)), lost, answers(403, "")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}, lost: true},
	{name: "lost, and an unknown token", steps: []step{says(open(aPin)), lost, answers(404, "")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}, lost: true},
	{name: "500", steps: []step{says(open(aPin)), answers(500, ""), says(open(aPin))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrServer}, lost: true},
	{name: "500, and passed", steps: []step{says(open(aPin)), answers(500, ""), says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a page with 200, and passed", steps: []step{says(open(aPin)), answers(200, "<html>"), says(passed(aPin))}, sent: "status pin status", asked: "PIN"},
	{name: "a code that is lost, and passed", steps: []step{says(open(anSMS)), sent, lost, says(passed(anSMS))}, sent: "status sms-trigger sms-verify status", asked: "SMS"},
	{name: "a trigger that is lost", steps: []step{says(open(anSMS)), lost}, sent: "status sms-trigger", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrTransport}, lost: true},
	{name: "a trigger that is refused", steps: []step{says(open(anSMS)), answers(400, "")}, sent: "status sms-trigger", want: []error{usersecurity.ErrInvalidRequest}},

	{name: "an unknown token", steps: []step{answers(404, "")}, sent: "status", want: []error{usersecurity.ErrOneTimeTokenUnknown}},
	{name: "it expires while the customer is asked", steps: []step{says(open(aPin)), answers(404, "")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOneTimeTokenUnknown}},
	{name: "there is no PIN", steps: []step{says(open(aPin)), answers(404, ""), says(open(aPin))}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrPinNotSet}},
	{name: "there is no such device", steps: []step{says(open(aPhone)), answers(404, ""), answers(403, "")}, sent: "status device status", asked: "PARTNER_DEVICE_FINGERPRINT", want: []error{usersecurity.ErrFingerprintNotFound}},
	{name: "no state", steps: []step{answers(403, "")}, sent: "status", want: []error{usersecurity.ErrForbidden}},
	{name: "a state that can't be read", steps: []step{answers(200, `{"oneTimeToken":"t"}`)}, sent: "status", want: []error{usersecurity.ErrMalformedReply}},
	{name: "no state after a verify", steps: []step{says(open(aPin)), verified, answers(403, "")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrForbidden}, lost: true},
	{name: "no readable state after a verify", steps: []step{says(open(aPin)), verified, answers(200, "{}")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOutcomeUnknown, usersecurity.ErrMalformedReply}, lost: true},
	{name: "an unknown token after a verify", steps: []step{says(open(aPin)), verified, answers(404, "")}, sent: "status pin status", asked: "PIN", want: []error{usersecurity.ErrOneTimeTokenUnknown}},

	{name: "older, a PIN", of: older, steps: []step{says(open(aPin)), answers(200, fullToken), says()}, sent: "status old-pin status", asked: "PIN"},
	{name: "older, a device", of: older, steps: []step{says(open(aPhone)), answers(200, fullToken), says()}, sent: "status old-device status", asked: "PARTNER_DEVICE_FINGERPRINT"},
	{name: "older, a face map", of: older, steps: []step{says(open(aFace)), answers(200, fullToken), says()}, sent: "status old-face status", asked: "FACE_MAP"},
	{name: "older, a code", of: older, steps: []step{says(open(anSMS)), sent, verified, says()}, sent: "status sms-trigger sms-verify status", asked: "SMS"},
	{name: "older, wrong", of: older, steps: []step{says(open(aPin)), wrong}, sent: "status old-pin", asked: "PIN", want: []error{usersecurity.ErrChallengeFailed}},
}

// sessionTokenPassed is a verify's reply that says that all is passed.
var sessionTokenPassed = strings.ReplaceAll(sessionToken, `"passed":false`, `"passed":true`)

func TestClearChallenges(t *testing.T) {
	t.Parallel()
	for _, test := range clearings {
		scripted(t, test.name, func(t *testing.T) {
			c, wise := &customer{}, play(t, test.steps...)
			by, p := c.all(), test.of
			if test.by != nil {
				by = test.by(c)
			}
			if p.User == 0 {
				p = someone
			}
			err := newClient(t, wise).ClearChallenges(t.Context(), p, usual.oneTime, by)
			checkMatches(t, "the error", err, test.want...)
			checkClearing(t, wise, c, test.sent, test.asked)
			if strings.Contains(test.name, "state after a verify") {
				var unknown *usersecurity.OutcomeError
				if !errors.As(err, &unknown) || unknown.Op != usersecurity.OpClearChallenges || unknown.Attempts != 1 ||
					unknown.CorrelationID.String() != wise.requests[0].header.Get("X-External-Correlation-Id") {
					t.Errorf("it says %+v", unknown)
				}
			}
			if known := usersecurity.OutcomeOf(err); test.lost != (known == usersecurity.OutcomeUnknown) {
				t.Errorf("the outcome is %s", known)
			}
			for _, r := range c.requests {
				if r.Profile != p || r.ActionType != "TRANSFER__FUND" || r.Validity != 10*time.Minute {
					t.Errorf("the customer was asked with %+v", r)
				}
				to := ""
				if (r.Kind == anSMS || r.Kind == aVoice) && !strings.Contains(test.name, "where to") {
					to = "*********8888"
				}
				if r.SentTo != to {
					t.Errorf("asked for %s, sent to %q", r.Kind, r.SentTo)
				}
			}
		})
	}
}

// checkClearing compares the calls of a clearing and what the customer was asked.
func checkClearing(t *testing.T, wise *script, c *customer, sent, asked string) {
	t.Helper()
	var calls []string
	ids := map[string]bool{}
	for _, a := range wise.requests {
		calls = append(calls, inShort(a))
		ids[a.header.Get("X-External-Correlation-Id")] = true
		if a.header.Get("One-Time-Token") != oneTimeText || a.header.Get("Authorization") != "Bearer "+tokenOfUser || a.header.Get("X-2fa-Approval") != "" {
			t.Errorf("%s has the headers %v", inShort(a), a.header)
		}
	}
	if got := strings.Join(calls, " "); got != sent {
		t.Errorf("sent were %q, want %q", got, sent)
	}
	if len(ids) != 1 {
		t.Errorf("the calls have %d correlation ids", len(ids))
	}
	if got := c.asked(); got != asked {
		t.Errorf("the customer was asked for %q, want %q", got, asked)
	}
}

// What the customer gives is what Wise gets.
func TestClearChallengesSendsTheAnswers(t *testing.T) {
	t.Parallel()
	wise := play(t, says(open(aPin), open(aPhone), open(aFace), open(anSMS)), verified, says(open(aPhone), open(aFace), open(anSMS)), verified,
		says(open(aFace), open(anSMS)), verified, says(open(anSMS)), sent, verified, says())
	if err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, (&customer{}).all()); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{}
	for _, a := range wise.requests {
		if strings.Count(a.body, ".") == 4 {
			a.body = unseal(t, a.body)
		}
		bodies[inShort(a)] = a.body
	}
	for call, want := range map[string]string{
		"status": "", "pin": `{"pin":"0417"}`, "device": `{"deviceFingerprint":"device-1"}`, "face": `{"faceMap":"+/+/AA=="}`,
		"sms-trigger": "", "sms-verify": `{"otpCode":"074026"}`,
	} {
		if got, there := bodies[call]; !there || got != want {
			t.Errorf("%s had %q, want %q", call, got, want)
		}
	}
}

// The kinds that are offered are those that can be asked for, each once.
func TestChooseIsOffered(t *testing.T) {
	t.Parallel()
	c := &customer{}
	wise := play(t, says(open(aPin, anSMS, "PASSWORD", aPin, aVoice, aFace)), sent, verified, says())
	by := c.choosing(anSMS, c.only(aPin, anSMS))
	if err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, by); err != nil {
		t.Fatal(err)
	}
	if len(c.offered) != 1 || !slices.Equal(c.offered[0], []usersecurity.ChallengeKind{aPin, anSMS, aVoice}) {
		t.Errorf("offered were %q", c.offered)
	}
}

// A callback's error ends the clearing and is returned as it is, whatever it is.
func TestCallbacksErrorsAreReturned(t *testing.T) {
	t.Parallel()
	for _, own := range []error{io.ErrClosedPipe, usersecurity.ErrOutcomeUnknown, usersecurity.ErrMalformedReply, context.Canceled} {
		for kind, calls := range map[usersecurity.ChallengeKind]string{aPin: "status", aPhone: "status", aFace: "status", anSMS: "status sms-trigger"} {
			c, wise := &customer{fails: own}, play(t, says(open(kind)), sent, says(passed(kind)))
			err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, c.all())
			if err != own { //nolint:errorlint // the very error
				t.Errorf("%s: %v became %v", kind, own, err)
			}
			checkClearing(t, wise, c, calls, string(kind))
		}
		c, wise := &customer{}, play(t, says(open(aPin, anSMS)))
		by := c.all()
		by.Choose = func(context.Context, usersecurity.ChallengeRequest, []usersecurity.ChallengeKind) (usersecurity.ChallengeKind, error) {
			return aPin, own
		}
		if err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, by); err != own { //nolint:errorlint // the very error
			t.Errorf("Choose: %v became %v", own, err)
		}
		checkClearing(t, wise, c, "status", "")
	}
}

// A callback that gives nothing is the program's mistake, and nothing is sent.
func TestCallbacksThatGiveNothing(t *testing.T) {
	t.Parallel()
	none := usersecurity.Challenger{
		Pin: answer(&customer{}, usersecurity.Pin{}), DeviceFingerprint: answer(&customer{}, usersecurity.Fingerprint{}),
		FaceMap: answer(&customer{}, usersecurity.FaceMap{}), OTP: answer(&customer{}, usersecurity.OTP{}),
	}
	for kind, calls := range map[usersecurity.ChallengeKind]string{aPin: "status", aPhone: "status", aFace: "status", anSMS: "status sms-trigger"} {
		wise := play(t, says(open(kind)), sent)
		err := newClient(t, wise).ClearChallenges(t.Context(), someone, usual.oneTime, none)
		checkRefused(t, string(kind), err)
		checkClearing(t, wise, &customer{}, calls, "")
	}
}

// A callback's panic reaches the caller, and the observers are told.
func TestCallbackPanics(t *testing.T) {
	t.Parallel()
	events := &calls{}
	client := newClient(t, play(t, says(open(aPin))), usersecurity.WithObserver(events))
	func() {
		defer func() {
			if p := recover(); p != "the app is gone" {
				t.Errorf("the caller sees the panic %v", p)
			}
		}()
		by := usersecurity.Challenger{Pin: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			panic("the app is gone")
		}}
		t.Errorf("it went on, with %v", client.ClearChallenges(t.Context(), someone, usual.oneTime, by))
	}()
	if last := events.last(); last.Operation != usersecurity.OpClearChallenges || last.ErrorClass == "" {
		t.Errorf("the last event is %+v", last)
	}
}

// The customer may take longer than a call: each call has its own time, and the
// caller's deadline is the only bound of all.
func TestTheCustomerTakesLong(t *testing.T) {
	t.Parallel()
	slow := func(_ context.Context, _ usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
		time.Sleep(time.Hour)
		return usual.pin, nil
	}
	scripted(t, "without a deadline", func(t *testing.T) {
		err := newClient(t, play(t, says(open(aPin)), verified, says())).ClearChallenges(t.Context(), someone, usual.oneTime, usersecurity.Challenger{Pin: slow})
		if err != nil {
			t.Error(err)
		}
	})
	scripted(t, "with one", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wise := play(t, says(open(aPin)))
		err := newClient(t, wise).ClearChallenges(ctx, someone, usual.oneTime, usersecurity.Challenger{Pin: slow})
		checkMatches(t, "the error", err, context.DeadlineExceeded)
		if known := usersecurity.OutcomeOf(err); wise.count() != 1 || known != usersecurity.OutcomeNotDone || errors.Is(err, usersecurity.ErrAttemptTimeout) {
			t.Errorf("%d requests, the outcome is %s: %v", wise.count(), known, err)
		}
	})
}
