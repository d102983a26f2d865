package usersecurity_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

func TestNewOneTimeToken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{oneTimeText, "x", "abc.DEF_123~/+="} {
		token, err := usersecurity.NewOneTimeToken(text)
		if err != nil || token.Reveal() != text || token.IsZero() || !token.Equal(must(usersecurity.NewOneTimeToken(text))) {
			t.Errorf("%q: %q, %v", text, token.Reveal(), err)
		}
	}
	for _, text := range []string{"", " ", "hidden token", "hidden\n", "\thidden", "hiddenü", "hidden\x7f", "hidden\x00"} {
		token, err := usersecurity.NewOneTimeToken(text)
		checkRefused(t, fmt.Sprintf("%q", text), err, "hidden")
		if !token.IsZero() || token.Reveal() != "" {
			t.Errorf("%q became a token", text)
		}
	}
	var zero usersecurity.OneTimeToken
	if zero.Equal(zero) || zero.Equal(usual.oneTime) || usual.oneTime.Equal(zero) || usual.oneTime.Equal(must(usersecurity.NewOneTimeToken("x"))) {
		t.Error("Equal is wrong")
	}
}

func TestNewOTP(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"111111", "000000", "074026"} {
		code, err := usersecurity.NewOTP(digits)
		if err != nil || code.IsZero() || !code.Equal(must(usersecurity.NewOTP(digits))) {
			t.Errorf("%q: %v", digits, err)
		}
	}
	for _, digits := range []string{"", "11111", "1111111", "11111a", " 11111", "111 111", "１１１１１１", "-11111", "11111\n", `1"1111`} {
		code, err := usersecurity.NewOTP(digits)
		checkRefused(t, fmt.Sprintf("%q", digits), err, digits)
		if !code.IsZero() {
			t.Errorf("%q became a code", digits)
		}
	}
	var zero usersecurity.OTP
	if zero.Equal(zero) || usual.code.Equal(zero) || usual.code.Equal(must(usersecurity.NewOTP("111111"))) {
		t.Error("Equal is wrong")
	}
}

// A partner's backend gets the code from its own app.
func TestOTPInARequest(t *testing.T) {
	t.Parallel()
	type request struct {
		Code usersecurity.OTP `json:"code"`
	}
	var r request
	if err := json.Unmarshal([]byte(`{"code":"074026"}`), &r); err != nil || !r.Code.Equal(usual.code) {
		t.Errorf("%v", err)
	}
	if written := must(json.Marshal(r)); string(written) != `{"code":"****"}` {
		t.Errorf("it is written as %s", written)
	}
	for _, body := range []string{`{"code":"74026"}`, `{"code":74026}`, `{"code":""}`, `{"code":"****"}`, `{"code":["074026"]}`} {
		r = request{}
		if err := json.Unmarshal([]byte(body), &r); err == nil || strings.Contains(err.Error(), "74026") || !r.Code.IsZero() {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The kinds in short, as they stand in the tests below.
const (
	aPin   = usersecurity.ChallengePin
	aFace  = usersecurity.ChallengeFaceMap
	aPhone = usersecurity.ChallengeDeviceFingerprint
	anSMS  = usersecurity.ChallengeSMS
	aVoice = usersecurity.ChallengeVoice
)

// challenges are lists of challenges as Wise writes them, and what they are read
// as.
var challenges = map[string]struct {
	json  string
	want  []usersecurity.Challenge
	ready bool
}{
	"none":                       {`[]`, []usersecurity.Challenge{}, true},
	"one":                        {`[{"primaryChallenge":{"type":"PIN"},"required":true,"passed":false}]`, list(open(aPin)), false},
	"passed":                     {`[{"primaryChallenge":{"type":"PIN"},"required":true,"passed":true}]`, list(passed(aPin)), true},
	"not required":               {`[{"primaryChallenge":{"type":"PIN"},"required":false,"passed":false}]`, list(usersecurity.Challenge{Kind: aPin}), true},
	"nothing of required":        {`[{"primaryChallenge":{"type":"PIN"},"passed":false}]`, list(open(aPin)), false},
	"required is null":           {`[{"primaryChallenge":{"type":"PIN"},"required":null,"passed":false}]`, list(open(aPin)), false},
	"required is a text":         {`[{"primaryChallenge":{"type":"PIN"},"required":"false","passed":false}]`, list(open(aPin)), false},
	"required is a number":       {`[{"primaryChallenge":{"type":"PIN"},"required":0}]`, list(open(aPin)), false},
	"required in other letters":  {`[{"primaryChallenge":{"type":"PIN"},"Required":false}]`, list(open(aPin)), false},
	"nothing of passed":          {`[{"primaryChallenge":{"type":"PIN"},"required":true}]`, list(open(aPin)), false},
	"passed is a text":           {`[{"primaryChallenge":{"type":"PIN"},"passed":"true"}]`, list(open(aPin)), false},
	"passed is a number":         {`[{"primaryChallenge":{"type":"PIN"},"passed":1}]`, list(open(aPin)), false},
	"passed is null":             {`[{"primaryChallenge":{"type":"PIN"},"passed":null}]`, list(open(aPin)), false},
	"passed in other letters":    {`[{"primaryChallenge":{"type":"PIN"},"Passed":true}]`, list(open(aPin)), false},
	"one of two":                 {`[{"primaryChallenge":{"type":"PIN"},"passed":true},{"primaryChallenge":{"type":"SMS"},"passed":false}]`, list(passed(aPin), open(anSMS)), false},
	"a kind of its own":          {`[{"primaryChallenge":{"type":"PASSWORD","viewData":{"type":"x"}}}]`, list(open("PASSWORD")), false},
	"a kind that is a text":      {`[{"primaryChallenge":"PIN"}]`, list(open(aPin)), false},
	"no kind":                    {`[{"passed":false}]`, list(open("")), false},
	"a kind that is a list":      {`[{"primaryChallenge":["PIN"]}]`, list(open("")), false},
	"a kind of an odd type":      {`[{"primaryChallenge":{"type":{"a":1}}}]`, list(open("")), false},
	"nothing at all":             {`[null]`, list(open("")), false},
	"alternatives":               {`[{"primaryChallenge":{"type":"PIN"},"alternatives":[{"type":"SMS","viewData":{}},{"type":"VOICE"}]}]`, list(open(aPin, anSMS, aVoice)), false},
	"alternatives as texts":      {`[{"primaryChallenge":{"type":"PIN"},"alternatives":["SMS","VOICE"]}]`, list(open(aPin, anSMS, aVoice)), false},
	"alternatives of both sorts": {`[{"primaryChallenge":{"type":"PIN"},"alternatives":["SMS",{"type":"VOICE"}]}]`, list(open(aPin, anSMS, aVoice)), false},
	"alternatives of odd types":  {`[{"primaryChallenge":{"type":"PIN"},"alternatives":[1,null,[],{},"SMS",{"type":7}]}]`, list(open(aPin, anSMS, "7")), false},
	"alternatives are no list":   {`[{"primaryChallenge":{"type":"PIN"},"alternatives":{"type":"SMS"}}]`, list(open(aPin)), false},
	"alternatives are null":      {`[{"primaryChallenge":{"type":"PIN"},"alternatives":null}]`, list(open(aPin)), false},
}

func list(c ...usersecurity.Challenge) []usersecurity.Challenge { return c }

// open is a challenge that is to be passed, and passed one that is.
func open(kind usersecurity.ChallengeKind, alternatives ...usersecurity.ChallengeKind) usersecurity.Challenge {
	return usersecurity.Challenge{Kind: kind, Alternatives: alternatives, Required: true}
}

func passed(kind usersecurity.ChallengeKind) usersecurity.Challenge {
	return usersecurity.Challenge{Kind: kind, Required: true, Passed: true}
}

// Both forms of a one-time token are read alike, and nothing that Wise doesn't
// say is taken for passed or for not required.
func TestOneTimeTokenIsRead(t *testing.T) {
	t.Parallel()
	for name, test := range challenges {
		bare := `{"oneTimeToken":"` + oneTimeText + `","challenges":` + test.json + `,"validity":60,"actionType":null,"userId":null}`
		for form, reply := range map[string]string{
			"bare": bare, "wrapped": `{"oneTimeTokenProperties":` + bare + `}`, "wrapped in null": strings.Replace(bare, "{", `{"oneTimeTokenProperties":null,`, 1),
			"both, the inner one counts": `{"oneTimeToken":"other","challenges":[],"oneTimeTokenProperties":` + bare + `}`,
		} {
			got, err := statusOf(t, reply)
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			want := tokenShown{Token: oneTimeText, Challenges: test.want, Validity: time.Minute}
			if !reflect.DeepEqual(shown(got), want) || got.Ready() != test.ready {
				t.Errorf("%s, %s: %+v, ready %t", name, form, shown(got), got.Ready())
			}
		}
	}
}

// statusOf is a token's state from what Wise answers.
func statusOf(t *testing.T, reply string) (*usersecurity.OneTimeTokenState, error) {
	t.Helper()
	return newClient(t, play(t, answers(200, reply))).OneTimeTokens.Status(t.Context(), 1001, usual.oneTime)
}

// Without a token or a list there is nothing to go by.
func TestOneTimeTokenThatCantBeRead(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		`{"oneTimeToken":"t","validity":60}`, `{"oneTimeToken":"t","challenges":null}`, `{"oneTimeToken":"t","challenges":{}}`,
		`{"oneTimeToken":"t","challenges":"PIN"}`, `{"oneTimeToken":"t","challenges":["PIN"]}`, `{"oneTimeToken":"t","Challenges":[]}`,
		`{"challenges":[]}`, `{"oneTimeToken":"","challenges":[]}`, `{"oneTimeToken":null,"challenges":[]}`, `{"oneTimeToken":7,"challenges":[]}`,
		`{"oneTimeToken":"two words","challenges":[]}`, `{"oneTimeToken":"t\n","challenges":[]}`, `{"oneTimeToken":{"a":1},"challenges":[]}`,
		`{"oneTimeTokenProperties":{}}`, `{"oneTimeTokenProperties":[],"oneTimeToken":"t","challenges":[]}`,
		`{"oneTimeToken":"t","challenges":[],"oneTimeTokenProperties":{"challenges":[]}}`, `{}`, `null`, `[]`, ``,
	} {
		got, err := statusOf(t, reply)
		checkMatches(t, reply, err, usersecurity.ErrMalformedReply)
		if got != nil {
			t.Errorf("%s: a state next to an error", reply)
		}
	}
}

// The other fields may hold anything, and cost nobody the state.
func TestSideFieldsOfAOneTimeToken(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"3600": time.Hour, `"3600"`: time.Hour, "59.9": 59 * time.Second, "0": 0, "-1": 0, "null": 0, "true": 0, `"soon"`: 0, "[]": 0,
		"1e300": year, `"NaN"`: 0, `"Inf"`: year, `"-Inf"`: 0, "99999999999999999999": year,
	} {
		got, err := statusOf(t, `{"oneTimeToken":"t","challenges":[],"validity":`+text+`}`)
		if err != nil || got.Validity != want {
			t.Errorf("validity %s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]usersecurity.UserID{
		"1001": 1001, `"1001"`: 1001, "null": 0, `"x"`: 0, "1.5": 0, "{}": 0, strconv.Itoa(math.MaxInt64): math.MaxInt64,
	} {
		got, err := statusOf(t, `{"oneTimeToken":"t","challenges":[],"userId":`+text+`}`)
		if err != nil || got.User != want {
			t.Errorf("user %s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{`"BALANCE__GET_STATEMENT"`: "BALANCE__GET_STATEMENT", "null": "", "{}": "", "7": "7"} {
		got, err := statusOf(t, `{"oneTimeToken":"t","challenges":[],"actionType":`+text+`}`)
		if err != nil || got.ActionType != want {
			t.Errorf("action %s: %v, %v", text, got, err)
		}
	}
}

// A trigger whose reply doesn't say where the code went was done all the same.
func TestTriggerWithoutANumber(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{`{}`, `{"obfuscatedPhoneNo":null}`, `{"obfuscatedPhoneNo":""}`, `[]`, ""} {
		to, err := newClient(t, play(t, answers(200, reply))).OneTimeTokens.Trigger(t.Context(), 1001, usual.oneTime, anSMS)
		checkMatches(t, reply, err, usersecurity.ErrMalformedReply)
		if got := usersecurity.OutcomeOf(err); to != "" || got != usersecurity.OutcomeDone {
			t.Errorf("%s: sent to %q, and the outcome is %s", reply, to, got)
		}
	}
}

// What refuses a verify: by its body it is the customer's mistake, or the
// program's.
func TestRefusedVerifies(t *testing.T) {
	t.Parallel()
	failed, invalid := usersecurity.ErrChallengeFailed, usersecurity.ErrInvalidRequest
	for body, want := range map[string]error{
		"": failed, "{}": failed, "null": failed, `{"message":"The code is wrong"}`: failed, `{"errors":[{"code":"otp.wrong","message":"x"}]}`: failed,
		`{"status":400,"error":"Bad Request","message":"x","path":"/v2/profiles/2002/pin/verify"}`: failed,
		`{"errors":[{"code":"NOT_VALID","path":"otpCode"}]}`:                                       invalid,
		`{"errors":[{"code":"x"},{"code":"NOT_VALID","path":"pin"}]}`:                              invalid,
		"<html>": invalid, "error code: 1001": invalid, `{"message":`: invalid,
	} {
		for _, r := range rowsOf(aOnce) {
			if !r.oneTime || r.body == "" {
				continue
			}
			wise := play(t, answers(400, body))
			_, err := r.call(t.Context(), newClient(t, wise))
			checkMatches(t, string(r.op)+" "+body, err, want)
			if got := usersecurity.OutcomeOf(err); wise.count() != 1 || got != usersecurity.OutcomeNotDone {
				t.Errorf("%s %s: %d attempts, the outcome is %s", r.op, body, wise.count(), got)
			}
		}
	}
}
