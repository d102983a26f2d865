package usersecurity_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

var challengeCalls = flag.Int("campaign.challenges", 1500, "steps that TestChallengeCampaign makes")

// challengeFaults hit more than a quarter of the attempts, a third of them after
// Wise did the work.
var challengeFaults = []usersecuritytest.Fault{
	{Kind: usersecuritytest.ResetAfter, Rate: 0.05},
	{Kind: usersecuritytest.Cut, Rate: 0.04},
	{Kind: usersecuritytest.Garbage, Rate: 0.02},
	{Kind: usersecuritytest.HTML502, After: true, Rate: 0.03},
	{Kind: usersecuritytest.HTMLPage, After: true, Rate: 0.02},
	{Kind: usersecuritytest.Status000, After: true, Rate: 0.01},
	{Kind: usersecuritytest.ResetBefore, Rate: 0.05},
	{Kind: usersecuritytest.HTML502, Rate: 0.03},
	{Kind: usersecuritytest.HTMLPage, Status: 400, Rate: 0.01},
	{Kind: usersecuritytest.HTMLPage, Status: 404, Rate: 0.01},
	{Kind: usersecuritytest.Status, Status: 503, Rate: 0.02},
	{Kind: usersecuritytest.TooManyRequests, Rate: 0.03},
	{Kind: usersecuritytest.Unauthorized, Rate: 0.01},
	{Kind: usersecuritytest.RotateKey, Operation: usersecurity.OpSCAVerifyPin, Rate: 0.01},
	// Not to a sealed call: a key that was found unchanged is not asked for again
	// for a second or more, and a new one not noticed meanwhile.
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpOneTimeTokenStatus, Rate: 0.03},
}

// challengeCampaign is what all customers share.
type challengeCampaign struct {
	wise   *usersecuritytest.Server
	client *usersecurity.Client
	legacy *usersecurity.Client

	mu    sync.Mutex
	tally map[string]int // by what was done, and what came of it
	users map[uuid.UUID]usersecurity.UserID
	wrong []string
}

func (c *challengeCampaign) blame(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// asker is one customer of the campaign: nobody else touches the state.
type asker struct {
	*challengeCampaign
	ctx    context.Context
	random *rand.Rand
	p      usersecurity.Profile
	pin    string
	errs   int // wrong answers that were given on purpose, since the last right one
}

// Customers of their own, many at once, start sessions, are challenged at
// protected calls, and answer rightly and wrongly, while faults hit more than a
// quarter of the attempts. No answer of theirs is counted twice, nobody is told
// that a right answer was wrong, and no token serves another customer.
func TestChallengeCampaign(t *testing.T) {
	t.Parallel()
	wise := usersecuritytest.NewServer(usersecuritytest.WithSeed(*campaignSeed), usersecuritytest.WithRecordLimit(100**challengeCalls),
		usersecuritytest.WithGradualChallenges(), usersecuritytest.WithAlternatives(aFace, aVoice))
	defer wise.Close()
	options := append(wise.Options(),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, MaxRetryAfter: 20 * time.Millisecond}),
		usersecurity.WithTimeouts(10*time.Second, 0))
	c := &challengeCampaign{
		wise: wise, client: clientOf(t, append(options, usersecurity.WithVersion("2026Q4"))...), legacy: clientOf(t, options...),
		tally: map[string]int{}, users: map[uuid.UUID]usersecurity.UserID{},
	}
	wise.Protect("POST", "/v3/profiles/{profileId}/payments", aPin, aPhone)
	const customers = 24
	var all []*asker
	for n := range customers {
		user := usersecurity.UserID(n + 1)
		wise.AddUser(user)
		a := &asker{
			challengeCampaign: c, ctx: t.Context(), random: rand.New(rand.NewPCG(*campaignSeed, uint64(n))),
			p: usersecurity.Profile{User: user, ID: wise.Profile(user)}, pin: fmt.Sprintf("%04d", n),
		}
		a.enrol(t)
		all = append(all, a)
	}
	for _, f := range challengeFaults {
		wise.Inject(f)
	}
	var workers sync.WaitGroup
	for _, a := range all {
		workers.Go(func() {
			for range *challengeCalls / customers {
				a.step()
			}
		})
	}
	workers.Wait()
	c.report(t)
}

// enrol happens before the faults.
func (a *asker) enrol(t *testing.T) {
	_, deviceErr := a.client.SCA.CreateDeviceFingerprint(a.ctx, a.p, a.device())
	_, numberErr := a.client.CreatePhoneNumber(a.ctx, a.p.User, fmt.Sprintf("+65%08d", int64(a.p.User)))
	if err := errors.Join(a.client.SCA.CreatePin(a.ctx, a.p, a.pinOf(false)), a.client.SCA.EnrolFaceMap(a.ctx, a.p, a.face()), deviceErr, numberErr); err != nil {
		t.Fatal(err)
	}
}

// pinOf is the customer's PIN, or another one.
func (a *asker) pinOf(wrong bool) usersecurity.Pin {
	if wrong {
		return must(usersecurity.NewPin("9" + a.pin[1:]))
	}
	return must(usersecurity.NewPin(a.pin))
}

func (a *asker) device() usersecurity.Fingerprint {
	return must(usersecurity.NewFingerprint("device of " + a.pin))
}

func (a *asker) face() usersecurity.FaceMap {
	return must(usersecurity.FaceMapFromBase64("face" + a.pin))
}

// answers counts how often the customer is asked, and for what.
func (a *asker) answers(wrongPin bool, asked map[usersecurity.ChallengeKind]int) usersecurity.Challenger {
	ask := func(r usersecurity.ChallengeRequest) {
		if r.Profile != a.p && r.Profile != (usersecurity.Profile{User: a.p.User}) {
			a.blame("user %d was asked in the name of %v", a.p.User, r.Profile)
		}
		asked[r.Kind]++
	}
	return usersecurity.Challenger{
		Pin: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			ask(r)
			return a.pinOf(wrongPin), nil
		},
		DeviceFingerprint: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.Fingerprint, error) {
			ask(r)
			return a.device(), nil
		},
		FaceMap: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.FaceMap, error) {
			ask(r)
			return a.face(), nil
		},
		OTP: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.OTP, error) {
			ask(r)
			return must(usersecurity.NewOTP("111111")), nil
		},
	}
}

// correlated is an option with an id that is known to be the customer's.
func (a *asker) correlated() usersecurity.CallOption {
	id := uuid.New()
	a.mu.Lock()
	a.users[id] = a.p.User
	a.mu.Unlock()
	return usersecurity.WithCorrelationID(id)
}

func (a *asker) count(what string, err error) {
	verdict := usersecurity.OutcomeOf(err).String()
	switch {
	case err == nil:
		verdict = "success"
	case errors.Is(err, usersecurity.ErrChallengeFailed):
		verdict = "refused"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tally[what+": "+verdict]++
}

// step does one thing, drawn at random. A customer whose wrong answers could
// block the next one doesn't give any.
func (a *asker) step() {
	wrong := a.errs < 3 && a.random.IntN(4) == 0
	kinds := [][]usersecurity.ChallengeKind{{aPin, aPhone}, {anSMS, aPin}, {aFace}, {aPin, aFace, aVoice}}[a.random.IntN(4)]
	switch a.random.IntN(4) {
	case 0:
		a.pay()
	case 1:
		a.verify(wrong)
	default:
		a.clear(wrong, kinds)
	}
}

// last is the token that the simulator has made last for the customer.
func (a *asker) last(text string) usersecuritytest.OneTimeToken {
	for _, t := range slices.Backward(a.wise.OneTimeTokens(a.p.User)) {
		if t.Digest == usersecuritytest.DigestOf(text) {
			return t
		}
	}
	panic("the simulator has lost a token")
}

// clear clears a token, and compares what it comes to with what was counted.
func (a *asker) clear(wrong bool, kinds []usersecurity.ChallengeKind) {
	wrong = wrong && slices.Contains(kinds, aPin)
	text := a.wise.NewOneTimeToken(a.p.User, kinds...)
	asked := map[usersecurity.ChallengeKind]int{}
	client, p := a.client, a.p
	if a.random.IntN(3) == 0 {
		client, p.ID = a.legacy, 0
	}
	err := client.ClearChallenges(a.ctx, p, must(usersecurity.NewOneTimeToken(text)), a.answers(wrong, asked), a.correlated())
	a.count("clearings", err)
	a.judge("a clearing", err, wrong && asked[aPin] > 0, text, asked)
	if got := a.last(text); (err == nil) != got.Cleared && !errors.Is(err, usersecurity.ErrOutcomeUnknown) {
		a.blame("user %d: cleared is %t, and the clearing ended with %v", a.p.User, got.Cleared, err)
	}
}

// judge compares an error with what Wise has counted of the customer's answers.
func (a *asker) judge(what string, err error, wrong bool, text string, asked map[usersecurity.ChallengeKind]int) {
	got, given := a.last(text), 0
	for kind, n := range asked {
		if given += n; n > 1 {
			a.blame("user %d was asked %d times for %s", a.p.User, n, kind)
		}
	}
	if got.Attempts > given || got.Failures > 1 || got.Failures == 1 && !wrong {
		a.blame("user %d: %s; of %d answers Wise has counted %d, %d of them wrong", a.p.User, what, given, got.Attempts, got.Failures)
	}
	if errors.Is(err, usersecurity.ErrChallengeFailed) && (!wrong || got.Failures != 1) {
		a.blame("user %d was told of a wrong answer: wrong is %t, counted were %d: %v", a.p.User, wrong, got.Failures, err)
	}
	for _, no := range []error{usersecurity.ErrPinNotSet, usersecurity.ErrFingerprintNotFound, usersecurity.ErrOneTimeTokenUnknown, usersecurity.ErrFaceMapNotEnrolled} {
		if errors.Is(err, no) {
			a.blame("user %d: %s came to %v", a.p.User, what, err)
		}
	}
	a.errs += got.Failures
	if got.Attempts > got.Failures && got.Failures == 0 {
		a.errs = 0
	}
}

// verify makes one call by itself, and looks at each of its outcomes.
func (a *asker) verify(wrong bool) {
	text := a.wise.NewOneTimeToken(a.p.User, aPin)
	_, err := a.client.SCA.VerifyPin(a.ctx, a.p, must(usersecurity.NewOneTimeToken(text)), a.pinOf(wrong), a.correlated())
	a.count("verifies", err)
	a.judge("a verify", err, wrong, text, map[usersecurity.ChallengeKind]int{aPin: 1})
	got := a.last(text)
	switch usersecurity.OutcomeOf(err) {
	case usersecurity.OutcomeDone:
		if got.Attempts != 1 || wrong {
			a.blame("user %d: a verify is done, and %d were counted (wrong: %t)", a.p.User, got.Attempts, wrong)
		}
	case usersecurity.OutcomeNotDone:
		if got.Cleared || got.Attempts > 0 && !errors.Is(err, usersecurity.ErrChallengeFailed) {
			a.blame("user %d: a verify isn't done, and it was counted: %v", a.p.User, err)
		}
	}
}

// pay makes a call of the partner's own through the transport.
func (a *asker) pay() {
	asked := map[usersecurity.ChallengeKind]int{}
	through := a.client.ChallengeTransport(a.wise.HTTPClient().Transport, a.answers(false, asked))
	before := len(a.wise.OneTimeTokens(a.p.User))
	url := fmt.Sprintf("%s/v3/profiles/%d/payments", a.wise.URL(), int64(a.p.ID))
	req := must(http.NewRequestWithContext(usersecurity.ContextWithProfile(a.ctx, a.p), "POST", url, strings.NewReader("{}")))
	req.Header.Set("Authorization", "Bearer "+a.wise.UserToken(a.p.User))
	req.Header.Set("Content-Type", "application/json")
	resp, err := through.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	a.count("payments", err)
	for _, t := range a.wise.OneTimeTokens(a.p.User)[before:] {
		if t.Failures > 0 || t.Attempts > 2 {
			a.blame("user %d paid, and Wise has counted %d answers, %d of them wrong", a.p.User, t.Attempts, t.Failures)
		}
	}
	for kind, n := range asked {
		if n > 1 {
			a.blame("user %d was asked %d times for %s to pay", a.p.User, n, kind)
		}
	}
	if errors.Is(err, usersecurity.ErrChallengeFailed) {
		a.blame("user %d was told of a wrong answer to pay: %v", a.p.User, err)
	}
}

// report prints the figures and fails on what is not as promised.
func (c *challengeCampaign) report(t *testing.T) {
	for _, w := range c.wrong[:min(len(c.wrong), 20)] {
		t.Error(w)
	}
	requests, struck, foreign := 0, 0, 0
	for _, r := range c.wise.Requests() {
		if r.User == 0 {
			continue // a token or a key was fetched
		}
		requests++
		if r.Fault != "" {
			struck++
		}
		if id, err := uuid.Parse(r.CorrelationID); err == nil && c.users[id] != 0 && c.users[id] != r.User {
			foreign++
		}
	}
	if foreign > 0 {
		t.Errorf("%d requests were made for another user", foreign)
	}
	t.Logf("%d requests, %d of them hit by a fault", requests, struck)
	for _, what := range slices.Sorted(maps.Keys(c.tally)) {
		t.Logf("  %-30s %6d", what, c.tally[what])
	}
	for _, what := range []string{"clearings: success", "clearings: refused", "verifies: success", "verifies: refused", "payments: success"} {
		if c.tally[what] == 0 {
			t.Errorf("there are no %s", what)
		}
	}
	if 4*struck < requests {
		t.Errorf("only %d of %d attempts were hit by a fault", struck, requests)
	}
}
