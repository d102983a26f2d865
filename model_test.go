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

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

var (
	modelCalls = flag.Int("model.calls", 6_000, "calls that each part of TestModel makes")
	modelSeed  = flag.Uint64("model.seed", 0, "seed of TestModel; 0 draws one")
)

// TestModel makes a long random run of calls over a wire on which a third of the
// requests comes to harm, and judges each by a model of what Wise holds. With one
// writer, whatever the client says must be what the model holds afterwards. With
// two, nothing is a success that neither was done nor was found to be so, and
// nothing is refused for certain that was done.
func TestModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	known, unknown := modelled()
	for _, op := range unknown {
		t.Logf("the model doesn't know what %s does, and leaves it out: modelstate_test.go is where it can be told", op)
	}
	for writers := 1; writers <= 2; writers++ {
		t.Run(fmt.Sprintf("%d writers", writers), func(t *testing.T) {
			t.Parallel()
			t.Logf("-model.seed %d", seed)
			newModelRun(t, seed, writers, known).run()
		})
	}
}

// modelRun is one run. Writers are told apart by their own users, or share them.
type modelRun struct {
	t       *testing.T
	seed    uint64
	writers int
	ops     []usersecurity.Operation
	wise    *usersecuritytest.Server

	mu    sync.Mutex
	tally map[string]int
}

const modelUsers = 6 // of one writer, or of two that share them

// modelled are the operations whose calls are drawn, and the writes that are left out.
func modelled() (known, unknown []usersecurity.Operation) {
	for _, r := range eleven {
		if r.writes() && modelRefusals[r.op] == nil {
			unknown = append(unknown, r.op)
		} else {
			known = append(known, r.op)
		}
	}
	return known, unknown
}

func newModelRun(t *testing.T, seed uint64, writers int, ops []usersecurity.Operation) *modelRun {
	wise := usersecuritytest.NewServer(usersecuritytest.WithSeed(seed), usersecuritytest.WithClearBodies(), usersecuritytest.WithRecordLimit(0))
	t.Cleanup(wise.Close)
	return &modelRun{t: t, seed: seed, writers: writers, ops: ops, wise: wise, tally: map[string]int{}}
}

func (r *modelRun) run() {
	const teams = 4
	var working sync.WaitGroup
	for team := range teams {
		users := map[usersecurity.UserID]*modelUser{}
		for n := range modelUsers {
			id := usersecurity.UserID(100*team + n + 1)
			r.wise.AddUser(id)
			users[id] = &modelUser{}
		}
		for n := range r.writers {
			w := r.writer(team, n, users)
			working.Go(func() {
				for n := 0; n < *modelCalls/teams/r.writers && !w.lost; n++ {
					w.call()
				}
			})
		}
	}
	working.Wait()
	total := 0
	for _, n := range r.tally {
		total += n
	}
	for _, what := range slices.Sorted(maps.Keys(r.tally)) {
		r.t.Logf("%6d %s", r.tally[what], what)
	}
	for _, what := range []string{"done", "not done", "unknown"} {
		if 50*r.tally[what] < total {
			r.t.Errorf("of %d calls only %d were %s", total, r.tally[what], what)
		}
	}
}

// modelWriter makes calls, one after the other.
type modelWriter struct {
	*modelRun
	client *usersecurity.Client
	wire   *faultyWire
	random *rand.Rand
	model  *modelWise // of one writer alone
	users  []usersecurity.UserID
	home   int  // what its numbers begin with
	lost   bool // the model has lost track
}

func (r *modelRun) writer(team, n int, users map[usersecurity.UserID]*modelUser) *modelWriter {
	sockets := &http.Transport{MaxIdleConnsPerHost: 8}
	r.t.Cleanup(sockets.CloseIdleConnections)
	random := rand.New(rand.NewPCG(r.seed, uint64(10*team+n)))
	wire := &faultyWire{wise: sockets, share: 0.35, random: rand.New(rand.NewPCG(r.seed+1, uint64(10*team+n))), truths: map[string]*truth{}}
	client := bareClient(r.t, wire,
		usersecurity.WithBaseURL(r.wise.URL()), usersecurity.WithClientCredentials(r.wise.ClientID(), r.wise.ClientSecret()),
		usersecurity.WithUserTokens(usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: r.wise.UserToken(req.User)}, nil
		})), usersecurity.WithUnsealedBodies(), briefWaits)
	return &modelWriter{
		modelRun: r, client: client, wire: wire, random: random, home: team,
		model: &modelWise{users: users, owner: map[string]usersecurity.UserID{}}, users: slices.Sorted(maps.Keys(users)),
	}
}

func (w *modelWriter) blame(c *modelCall, format string, args ...any) {
	w.t.Errorf("-model.seed %d: %s for user %d: %s", w.seed, c.op, c.user, fmt.Sprintf(format, args...))
}

// draw draws a call, with values of which some are there and some aren't.
func (w *modelWriter) draw() *modelCall {
	user := w.users[w.random.IntN(len(w.users))]
	state, _ := w.wise.User(user)
	c := &modelCall{
		op: w.ops[w.random.IntN(len(w.ops))], user: user,
		pin: fmt.Sprintf("%04d", w.random.IntN(10_000)), value: fmt.Sprintf("device-%d", w.random.IntN(5)),
		number: fmt.Sprintf("+65%d%07d", w.home+1, 1_000_003*w.random.IntN(9)), device: uuid.New(), numberID: 1,
	}
	c.faceMap = strings.Repeat(c.pin, 3)
	if n := len(state.Fingerprints); n > 0 && w.random.IntN(8) > 0 {
		c.device = state.Fingerprints[w.random.IntN(n)].ID
	}
	if n := len(state.PhoneNumbers); n > 0 && w.random.IntN(8) > 0 {
		c.numberID = state.PhoneNumbers[w.random.IntN(n)].ID
	}
	return c
}

// call makes one call and judges it.
func (w *modelWriter) call() {
	c, id := w.draw(), uuid.New()
	x := w.wire.of(id.String())
	switch c.op {
	case usersecurity.OpCreatePhoneNumber:
		x.wanted = `"phoneNumber":"` + c.number + `"`
	case usersecurity.OpUpdatePhoneNumber:
		x.wanted = fmt.Sprintf(`{"id":%d,"phoneNumber":"%s"`, c.numberID, c.number)
	}
	got, err := rowOf(c.op).do(w.t.Context(), w.client, inputs{
		user: c.user, pin: must(usersecurity.NewPin(c.pin)), faceMap: must(usersecurity.FaceMapFromBase64(c.faceMap)),
		fingerprint: must(usersecurity.NewFingerprint(c.value)), device: c.device, number: c.number, numberID: c.numberID,
	}, usersecurity.WithCorrelationID(id))
	said := usersecurity.OutcomeOf(err)
	x.mu.Lock()
	left, heard := slices.Clone(x.left), x.heard
	x.mu.Unlock()
	x.late.Wait()
	w.count(said.String())
	if !c.op.Writes() {
		if w.writers == 1 && err == nil {
			w.judgeList(c, got)
		}
		return
	}
	w.judgeRefusal(c, err, heard)
	switch {
	case said == usersecurity.OutcomeDone && !x.done && !x.met:
		w.blame(c, "said to be done, and wasn't")
	case said == usersecurity.OutcomeNotDone && x.done && !w.isExcused(c, left):
		w.blame(c, "said not to be done, and was: %v", err)
	}
	if w.writers == 1 {
		w.judgeState(c, said, x.done, got)
	}
}

// judgeRefusal: what a response says of the user counts only if it is the
// simulator's own.
func (w *modelWriter) judgeRefusal(c *modelCall, err error, heard int) {
	var api *usersecurity.APIError
	if !errors.As(err, &api) || !slices.ContainsFunc(ownWords, func(word error) bool { return errors.Is(err, word) }) {
		return
	}
	if heard != api.StatusCode {
		w.blame(c, "a response that wasn't Wise's was taken for its word: %v", err)
	}
	if refusal := w.model.refuses(c); w.writers == 1 && !api.Uncertain && !errors.Is(err, refusal) {
		w.blame(c, "refused with %v, where the model says %v", err, refusal)
	}
}

// ownWords say what a user has or hasn't.
var ownWords = func() (words []error) {
	for _, r := range eleven {
		if r.writes() {
			words = slices.AppendSeq(words, maps.Values(r.answers))
		}
	}
	return words
}()

// isExcused is the one promise that is too much where there is a second writer:
// that what Wise answered with its own 500 alone, and refused later, wasn't done
// if the list doesn't show it.
func (w *modelWriter) isExcused(c *modelCall, left []effect) bool {
	if w.writers == 1 || rowOf(c.op).class != aNumber || slices.Contains(left, anything) {
		return false
	}
	w.count("said not to be done, and was, but removed by the other writer")
	return true
}

// judgeState: what the client says is what the model does, and afterwards the
// model holds what the simulator does.
func (w *modelWriter) judgeState(c *modelCall, said usersecurity.Outcome, done bool, got any) {
	after, _ := w.wise.User(c.user)
	switch refusal := w.model.refuses(c); {
	case done && refusal != nil:
		w.blame(c, "the simulator did what the model says it refuses: %v", refusal)
		w.lost = true
		return
	case said == usersecurity.OutcomeDone && refusal != nil && !w.model.asAsked(c):
		w.blame(c, "said to be done, where the model says %v", refusal)
	case said == usersecurity.OutcomeDone && refusal == nil, said == usersecurity.OutcomeUnknown && done:
		w.model.carryOut(c, after)
	}
	if u := w.model.users[c.user]; !u.is(after) {
		w.blame(c, "said to be %s, but then the simulator would hold something else", said)
		w.lost = true
	}
	if n, ok := got.(*usersecurity.PhoneNumber); ok && n.PhoneNumber != c.number {
		w.blame(c, "another number was returned")
	}
	if d, ok := got.(*usersecurity.DeviceFingerprint); ok && w.model.users[c.user].deviceAt(d.ID) < 0 {
		w.blame(c, "an id was returned that isn't there")
	}
}

// judgeList compares a list with the model.
func (w *modelWriter) judgeList(c *modelCall, got any) {
	u := w.model.users[c.user]
	devices, _ := got.([]usersecurity.DeviceFingerprint)
	numbers, _ := got.([]usersecurity.PhoneNumber)
	if c.op == usersecurity.OpListDeviceFingerprints && !u.hasDevices(devices) || c.op == usersecurity.OpListPhoneNumbers && !u.hasNumbers(numbers) {
		w.blame(c, "the list isn't what the model holds")
	}
}

func (w *modelWriter) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally[what]++
}
