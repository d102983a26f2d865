package usersecurity_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

var (
	campaignCalls = flag.Int("campaign.calls", 10_000, "calls that each part of TestCampaign makes")
	campaignSeed  = flag.Uint64("campaign.seed", 1, "seed of TestCampaign")
)

const (
	campaignUsers   = 200
	campaignWorkers = 64
	campaignLimit   = 30 * time.Second // of one call
)

// campaignFaults hit a quarter of all attempts, and at least every third of
// those after Wise did the work.
var campaignFaults = []usersecuritytest.Fault{
	{Kind: usersecuritytest.ResetAfter, Rate: 0.045},
	{Kind: usersecuritytest.Cut, Rate: 0.04},
	{Kind: usersecuritytest.Garbage, Rate: 0.02},
	{Kind: usersecuritytest.HTML502, After: true, Rate: 0.03},
	{Kind: usersecuritytest.Status, Status: 503, After: true, Rate: 0.015},
	{Kind: usersecuritytest.Stall, Rate: 0.002},
	{Kind: usersecuritytest.Delay, Delay: 20 * time.Millisecond, After: true, Rate: 0.01},
	{Kind: usersecuritytest.ResetBefore, Rate: 0.045},
	{Kind: usersecuritytest.HTML502, Rate: 0.025},
	{Kind: usersecuritytest.Delay, Delay: 20 * time.Millisecond, Rate: 0.01},
	{Kind: usersecuritytest.TooManyRequests, Rate: 0.02},
	{Kind: usersecuritytest.TooManyRequests, RetryAfter: "1", Rate: 0.002},
	{Kind: usersecuritytest.TooManyRequests, RetryAfter: "Mon, 01 Jan 2024 00:00:00 GMT", Rate: 0.005},
	{Kind: usersecuritytest.TooManyRequests, RetryAfter: "99999999999999999999", Rate: 0.001},
	{Kind: usersecuritytest.Unauthorized, Rate: 0.01},
	{Kind: usersecuritytest.RotateKey, Operation: usersecurity.OpCreatePin, Rate: 0.01},
	// Not to a sealed call: a key that was found unchanged is not asked for again
	// for a second or more, and a new one not noticed meanwhile.
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpEnrolFaceMap, Rate: 0.03},
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpDeletePin, Rate: 0.03},
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpListDeviceFingerprints, Rate: 0.03},
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpListPhoneNumbers, Rate: 0.03},
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpCreatePhoneNumber, Rate: 0.03},
	{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpUpdatePhoneNumber, Rate: 0.03},
}

// foreignFaults are what others answer in the place of Wise, before and after it
// has done the work; who refuses a request hasn't passed it on. Nobody can tell an
// empty success, or one with JSON of its own, from Wise's.
func foreignFaults() (faults []usersecuritytest.Fault) {
	const rate = 0.004
	before := func(f usersecuritytest.Fault) {
		f.Rate = rate
		faults = append(faults, f)
	}
	after := func(f usersecuritytest.Fault) {
		f.Rate, f.After = rate, true
		faults = append(faults, f)
	}
	for _, status := range []int{302, 400, 401, 403, 405, 422} {
		before(usersecuritytest.Fault{Kind: usersecuritytest.HTMLPage, Status: status})
	}
	before(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 404, Body: "default backend - 404"})
	before(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 409, Body: "error code: 1001"})
	for _, f := range []usersecuritytest.Fault{
		{Kind: usersecuritytest.HTMLPage}, {Kind: usersecuritytest.HTMLPage, Status: 500}, {Kind: usersecuritytest.HTMLPage, Status: 524},
		{Kind: usersecuritytest.HTMLPage, Status: 561}, {Kind: usersecuritytest.Status000}, {Kind: usersecuritytest.SwitchingProtocols},
		{Kind: usersecuritytest.Status, Status: 201, Body: `{"status":503,"error":"Service Unavailable","message":"m"}`},
	} {
		before(f)
		after(f)
	}
	return faults
}

// campaignPart is one campaign. The shares are percentages.
type campaignPart struct {
	name      string
	faults    []usersecuritytest.Fault
	definite  float64 // at least, of all but set-once creates
	answered  float64 // at least, of set-once creates
	unknown   float64 // at most, of all calls
	uncertain float64 // at most, of all calls
	after     int     // every how manyth fault, at least, has let Wise do the work
	foreign   int     // and has somebody else answer
}

// campaign is what all workers share.
type campaign struct {
	wise   *usersecuritytest.Server
	client *usersecurity.Client

	mu    sync.Mutex
	tally map[string]int // by what became of a call
	users map[uuid.UUID]usersecurity.UserID
	wrong []string
}

// TestCampaign makes calls over all operations and many users at once while a
// quarter of the attempts is hit by a fault, and compares what the client says
// of every call with what it did to the state: first with connections that break
// and a gateway that can't reach Wise, then with others, too, who answer in its
// place.
func TestCampaign(t *testing.T) {
	t.Parallel()
	for _, p := range []campaignPart{
		{name: "broken connections", faults: campaignFaults, definite: 97, answered: 97, unknown: 1, uncertain: 8, after: 3, foreign: 7},
		{name: "and foreign responses", faults: slices.Concat(foreignFaults(), campaignFaults), definite: 94, answered: 92, unknown: 4, uncertain: 9, after: 4, foreign: 3},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.run(t)
		})
	}
}

func (p campaignPart) run(t *testing.T) {
	wise := usersecuritytest.NewServer(usersecuritytest.WithSeed(*campaignSeed), usersecuritytest.WithRecordLimit(10**campaignCalls))
	defer wise.Close()
	client := clientOf(t, append(wise.Options(),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: 20 * time.Millisecond, MaxRetryAfter: 20 * time.Millisecond}),
		usersecurity.WithTimeouts(3*time.Second, 0))...)
	c := &campaign{wise: wise, client: client, tally: map[string]int{}, users: map[uuid.UUID]usersecurity.UserID{}}
	for n := range campaignUsers {
		wise.AddUser(usersecurity.UserID(n + 1))
	}
	if _, err := client.CreatePhoneNumber(t.Context(), 1, takenNumber); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.faults {
		wise.Inject(f)
	}

	var workers sync.WaitGroup
	for n := range campaignWorkers {
		workers.Go(func() {
			w := &worker{campaign: c, ctx: t.Context(), random: rand.New(rand.NewPCG(*campaignSeed, uint64(n)))}
			for i := n; i < *campaignCalls; i += campaignWorkers {
				// A user belongs to one worker, so that its state changes by nobody else.
				own := w.random.IntN(campaignUsers/campaignWorkers) * campaignWorkers
				w.step(usersecurity.UserID(own + n + 1))
			}
		})
	}
	workers.Wait()
	c.report(t, p)
}

// takenNumber belongs to the first user for good.
const takenNumber = "+6580000000"

// worker makes calls for users of its own.
type worker struct {
	*campaign
	ctx    context.Context
	random *rand.Rand
}

// draw is what a call is made with, and what it is to bring about.
type draw struct {
	in   inputs
	done map[usersecurity.Operation]func(usersecuritytest.UserState) bool // of a write
}

// step makes one call for the user, drawn at random, and judges it.
func (w *worker) step(user usersecurity.UserID) {
	d := w.draw(user)
	w.call(&eleven[w.random.IntN(len(eleven))], d)
}

// draw draws values of which some are new, some there already, and some taken.
func (w *worker) draw(user usersecurity.UserID) draw {
	before, _ := w.wise.User(user)
	pin := fmt.Sprintf("%04d", w.random.IntN(10_000))
	device := fmt.Sprintf("device-%d", w.random.IntN(5))
	number := fmt.Sprintf("+65%05d%03d", user, w.random.IntN(3))
	if w.random.IntN(10) == 0 {
		number = takenNumber
	}
	var fingerprint uuid.UUID // an unknown one, where the user has none
	if len(before.Fingerprints) > 0 && w.random.IntN(10) > 0 {
		fingerprint = before.Fingerprints[w.random.IntN(len(before.Fingerprints))].ID
	} else {
		fingerprint = uuid.New()
	}
	phone := usersecurity.PhoneNumberID(1)
	if len(before.PhoneNumbers) > 0 && w.random.IntN(10) > 0 {
		phone = before.PhoneNumbers[w.random.IntN(len(before.PhoneNumbers))].ID
	}
	if number == takenNumber && user == 1 || w.isTaken(before, phone) {
		phone, number = 1, fmt.Sprintf("+65%05d%03d", user, 1) // that number stays
	}
	faceMap := strings.Repeat(pin, 3)
	type state = usersecuritytest.UserState
	return draw{
		in: inputs{
			user: user, pin: must(usersecurity.NewPin(pin)), faceMap: must(usersecurity.FaceMapFromBase64(faceMap)),
			fingerprint: must(usersecurity.NewFingerprint(device)), device: fingerprint, number: number, numberID: phone,
		},
		done: map[usersecurity.Operation]func(state) bool{
			usersecurity.OpCreatePin: func(s state) bool { return s.PinSet && s.PinDigest == usersecuritytest.DigestOf(pin) },
			usersecurity.OpDeletePin: func(s state) bool { return !s.PinSet },
			usersecurity.OpEnrolFaceMap: func(s state) bool {
				return s.FaceMapEnrolled && s.FaceMapDigest == usersecuritytest.DigestOf(faceMap)
			},
			usersecurity.OpDeleteFaceMap: func(s state) bool { return !s.FaceMapEnrolled },
			usersecurity.OpCreateDeviceFingerprint: func(s state) bool {
				return slices.Contains(slices.Collect(maps.Values(s.FingerprintDigests)), usersecuritytest.DigestOf(device))
			},
			usersecurity.OpDeleteDeviceFingerprint: func(s state) bool { _, has := s.FingerprintDigests[fingerprint]; return !has },
			usersecurity.OpCreatePhoneNumber:       func(s state) bool { return hasNumber(s, 0, number) },
			usersecurity.OpUpdatePhoneNumber:       func(s state) bool { return hasNumber(s, phone, number) },
			usersecurity.OpDeletePhoneNumber:       func(s state) bool { return !hasNumber(s, phone, "") },
		},
	}
}

// hasNumber looks for a number; an id of 0 and an empty text stand for any.
func hasNumber(s usersecuritytest.UserState, id usersecurity.PhoneNumberID, number string) bool {
	return slices.ContainsFunc(s.PhoneNumbers, func(p usersecurity.PhoneNumber) bool {
		return (id == 0 || p.ID == id) && (number == "" || p.PhoneNumber == number)
	})
}

// checkReply compares what a successful call returned with the state.
func (w *worker) checkReply(op usersecurity.Operation, in inputs, before usersecuritytest.UserState, got any) {
	switch op {
	case usersecurity.OpListDeviceFingerprints:
		if list, _ := got.([]usersecurity.DeviceFingerprint); !slices.Equal(list, before.Fingerprints) {
			w.blame("user %d: the list of devices is not the state", in.user)
		}
	case usersecurity.OpListPhoneNumbers:
		if list, _ := got.([]usersecurity.PhoneNumber); !slices.Equal(list, before.PhoneNumbers) {
			w.blame("user %d: the list of phone numbers is not the state", in.user)
		}
	case usersecurity.OpCreatePhoneNumber, usersecurity.OpUpdatePhoneNumber:
		p := got.(*usersecurity.PhoneNumber)
		if p.PhoneNumber != in.number || op == usersecurity.OpUpdatePhoneNumber && p.ID != in.numberID {
			w.blame("user %d: another phone number was returned", in.user)
		}
	}
}

func (w *worker) isTaken(s usersecuritytest.UserState, id usersecurity.PhoneNumberID) bool {
	return slices.ContainsFunc(s.PhoneNumbers, func(p usersecurity.PhoneNumber) bool {
		return p.ID == id && p.PhoneNumber == takenNumber
	})
}

// call makes one call and compares what it reports with the state.
func (w *worker) call(r *row, d draw) {
	user, op, done := d.in.user, r.op, d.done[r.op]
	id := uuid.New()
	w.mu.Lock()
	w.users[id] = user
	w.mu.Unlock()
	before, _ := w.wise.User(user)
	ctx, cancel := context.WithTimeout(w.ctx, campaignLimit)
	defer cancel()
	began := time.Now()
	got, err := r.do(ctx, w.client, d.in, usersecurity.WithCorrelationID(id))
	if took := time.Since(began); took > campaignLimit+2*time.Second {
		w.blame("%s took %s, past its deadline", op, took)
	}
	after, _ := w.wise.User(user)

	group := "other"
	switch r.class {
	case aSetOnce:
		group = "set-once"
	case aOnce:
		group = "once" // how many of these stay unknown is up to the faults
	}
	var api *usersecurity.APIError
	var verdict string
	switch {
	case err == nil:
		verdict = "success"
		w.checkReply(op, d.in, before, got)
		if done != nil && !done(after) {
			w.blame("%s for user %d reported success, and it isn't done", op, user)
		}
	case usersecurity.OutcomeOf(err) == usersecurity.OutcomeDone:
		verdict = "success, reply lost"
		if done != nil && !done(after) {
			w.blame("%s for user %d reported a broken reply, and it isn't done: %v", op, user, err)
		}
	case errors.Is(err, usersecurity.ErrOutcomeUnknown):
		verdict = "unknown"
	case errors.As(err, &api) && api.Uncertain:
		verdict = "uncertain"
	case r.writes() && usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone:
		w.blame("%s ended with the outcome %s: %v", op, usersecurity.OutcomeOf(err), err)
	default:
		verdict = "definite error"
		if !sameState(before, after) {
			w.blame("%s for user %d reported a definite error, and changed the state: %v", op, user, err)
		}
	}
	w.mu.Lock()
	w.tally[group+": "+verdict]++
	w.mu.Unlock()
}

func sameState(a, b usersecuritytest.UserState) bool {
	return a.PinDigest == b.PinDigest && a.PinSet == b.PinSet &&
		a.FaceMapDigest == b.FaceMapDigest && a.FaceMapEnrolled == b.FaceMapEnrolled &&
		slices.Equal(a.Fingerprints, b.Fingerprints) && maps.Equal(a.FingerprintDigests, b.FingerprintDigests) &&
		slices.Equal(a.PhoneNumbers, b.PhoneNumbers)
}

func (c *campaign) blame(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// attempts counts the requests of the calls, each of which must be its own
// user's.
func (c *campaign) attempts(t *testing.T) (attempts int) {
	foreign := 0
	for _, r := range c.wise.Requests() {
		id, err := uuid.Parse(r.CorrelationID)
		if err != nil {
			t.Fatal("a request without a correlation id")
		}
		user, known := c.users[id]
		if !known {
			continue // a token or a key was fetched
		}
		attempts++
		if r.User != user {
			foreign++
		}
	}
	if foreign > 0 {
		t.Errorf("%d requests were made for another user", foreign)
	}
	return attempts
}

// report prints the figures and fails on anything that is not as promised.
func (c *campaign) report(t *testing.T, p campaignPart) {
	for _, w := range c.wrong[:min(len(c.wrong), 20)] {
		t.Error(w)
	}
	c.reportFaults(t, p)
	for _, what := range slices.Sorted(maps.Keys(c.tally)) {
		t.Logf("  %-30s %6d", what, c.tally[what])
	}
	definite := []string{"success", "success, reply lost", "definite error"}
	others := c.share(definite, "other")
	creates := c.share(append(definite, "uncertain"), "set-once")
	unknown := c.share([]string{"unknown"}, "other", "set-once")
	uncertain := c.share([]string{"uncertain"}, "other", "set-once")
	t.Logf("set-once creates that ended with an answer: %.2f%% (%.2f%% without an uncertain 409); others that ended definite: %.2f%%",
		creates, c.share(definite, "set-once"), others)
	t.Logf("unknown: %.2f%%, and %.2f%% refused with an earlier attempt open", unknown, uncertain)
	if others < p.definite || creates < p.answered || unknown > p.unknown || uncertain > p.uncertain {
		t.Error("too many outcomes are unknown")
	}
}

// share is how many percent of the calls of these groups ended in one of these
// ways.
func (c *campaign) share(verdicts []string, groups ...string) float64 {
	total, n := 0, 0
	for what, count := range c.tally {
		if group, verdict, _ := strings.Cut(what, ": "); slices.Contains(groups, group) {
			total += count
			if slices.Contains(verdicts, verdict) {
				n += count
			}
		}
	}
	return 100 * float64(n) / float64(total)
}

func (c *campaign) reportFaults(t *testing.T, p campaignPart) {
	attempts, faults := c.attempts(t), c.wise.Faults()
	struck, after, foreign := 0, 0, 0
	for kind, n := range faults {
		struck += n
		switch kind {
		case usersecuritytest.ResetAfter, usersecuritytest.Cut, usersecuritytest.Garbage, usersecuritytest.Stall:
			after += n
		case usersecuritytest.HTML502, usersecuritytest.HTMLPage, usersecuritytest.Status000, usersecuritytest.SwitchingProtocols:
			foreign += n
		}
	}
	t.Logf("%d calls, %d attempts, %d faults (%.1f%% of the attempts)", *campaignCalls, attempts, struck, 100*float64(struck)/float64(attempts))
	for _, kind := range slices.Sorted(maps.Keys(faults)) {
		t.Logf("  %-20s %6d", kind, faults[kind])
	}
	if rate := float64(struck) / float64(attempts); rate < 0.24 || p.after*after < struck || p.foreign*foreign < struck {
		t.Errorf("the faults are too few (%.2f of the attempts), or too few of them strike after the work was done (%d of %d) or have somebody else answer (%d)",
			rate, after, struck, foreign)
	}
}
