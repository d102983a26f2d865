package usersecurity

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ClearChallenges clears a one-time token: it asks Wise what the token asks for,
// asks the customer by way of the callbacks, has Wise verify what they give, and
// begins anew until the token is ready. Then the refused call can be repeated
// with [WithOneTimeToken].
//
// For each challenge it takes the primary kind first and then the alternatives,
// or what Choose says, and asks each callback at most once. A Profile whose ID is
// 0 uses the older verifies, which calendar versions don't have.
//
// Errors: [ErrChallengeUnsupported], before the customer is asked, where no
// callback fits; [ErrChallengeFailed] where Wise refuses what was given, or keeps
// the challenge unpassed; [ErrOneTimeTokenUnknown]; [ErrOutcomeUnknown] where the
// response to a verify was lost and the token's state doesn't show that it was
// passed, or where Wise has verified what was given, and the state can't be asked
// for after that; a callback's own.
//
// [WithMeta] is filled by the last of the calls; all have one correlation id.
func (c *Client) ClearChallenges(ctx context.Context, p Profile, t OneTimeToken, by Challenger, opts ...CallOption) error {
	k := &clearing{client: c, profile: p, token: t, by: by, opts: slices.Clone(opts), asked: map[entry]bool{}}
	var own callOptions
	for _, o := range opts {
		if o != nil { // the first call refuses it
			o(&own)
		}
	}
	if own.correlationID == uuid.Nil {
		own.correlationID = uuid.New()
		k.opts = append(k.opts, WithCorrelationID(own.correlationID))
	}
	if k.last = own.meta; k.last == nil {
		k.last = new(Meta)
		k.opts = append(k.opts, WithMeta(k.last))
	}
	if ctx == nil {
		return in(OpClearChallenges, invalid("the context is nil"))
	}
	event := CallEvent{Operation: OpClearChallenges, Start: time.Now(), CorrelationID: own.correlationID}
	observers := c.engine().observers
	err := error(errCutShort) // which stands if a callback panics
	defer func() {
		event.Duration = time.Since(event.Start)
		event.ErrorClass = classOf(err)
		event.Uncertain = errors.Is(err, ErrOutcomeUnknown)
		observers.callDone(ctx, event)
	}()
	observers.started(&ctx, event)
	err = k.run(ctx)
	return err
}

// clearing is one token on its way to be ready.
type clearing struct {
	client  *Client
	profile Profile
	token   OneTimeToken
	by      Challenger
	opts    []CallOption
	last    *Meta // of the last call
	asked   map[entry]bool
}

// entry names a challenge in a list that may grow between two looks: the nth one
// of its kind.
type entry struct {
	kind ChallengeKind
	n    int
}

// maxChallenges bounds what one token may ask of a customer.
const maxChallenges = 10

func (k *clearing) run(ctx context.Context) error {
	if k.profile.ID < 0 {
		return in(OpClearChallenges, invalid("a profile id is a positive number, or 0 for the older verifies"))
	}
	state, err := k.status(ctx)
	for {
		switch {
		case err != nil:
			return err
		case state.Ready():
			return nil
		}
		if err := k.checkSupported(state); err != nil {
			return err
		}
		next, challenge := nextOpen(state)
		switch {
		case k.asked[next]:
			return failure(OpClearChallenges, ErrChallengeFailed, plainError("Wise keeps the challenge unpassed"))
		case len(k.asked) == maxChallenges:
			return failure(OpClearChallenges, ErrChallengeFailed, plainError("Wise asks for one challenge after the other"))
		}
		k.asked[next] = true
		answer, failed := k.ask(ctx, state, challenge)
		if failed != nil {
			return failed
		}
		refused := k.verify(ctx, answer)
		if refused != nil && !isOpen(refused) && !saysGone(refused) {
			return refused
		}
		state, err = k.status(ctx)
		switch {
		case refused == nil && err != nil && !errors.Is(err, ErrOneTimeTokenUnknown):
			return &OutcomeError{Op: OpClearChallenges, Attempts: k.last.Attempts, CorrelationID: k.last.CorrelationID, Err: err}
		case refused == nil:
		case saysGone(refused) && errors.Is(err, ErrOneTimeTokenUnknown):
			return err
		case err != nil || !state.passed(next):
			return refused
		}
	}
}

// verify has Wise verify what the customer gave. That its reply can't be read is
// no failure: the token's state is asked for in any case, and alone counts.
func (k *clearing) verify(ctx context.Context, answer request) error {
	_, err := k.client.engine().tokenState(ctx, answer, k.opts)
	if isUnreadable(err) {
		return nil
	}
	return err
}

// isUnreadable reports whether Wise has done what it was asked for, and nothing
// but its reply is lost. A sealed reply that can't be opened is no such thing.
func isUnreadable(err error) bool {
	return errors.Is(err, ErrMalformedReply) || errors.Is(err, ErrReplyTooLarge)
}

// isOpen reports whether a verify that failed may have been done.
func isOpen(err error) bool { return OutcomeOf(err) == OutcomeUnknown }

// saysGone reports whether a verify was refused with 404, which may mean the
// factor, or the token: it can expire while the customer is asked.
func saysGone(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.StatusCode == http.StatusNotFound
}

func (k *clearing) status(ctx context.Context) (*OneTimeTokenState, error) {
	return k.client.OneTimeTokens.Status(ctx, k.profile.User, k.token, k.opts...)
}

// nextOpen returns the first challenge that is to be cleared.
func nextOpen(state *OneTimeTokenState) (entry, Challenge) {
	seen := map[ChallengeKind]int{}
	for _, c := range state.Challenges {
		e := entry{c.Kind, seen[c.Kind]}
		seen[c.Kind]++
		if c.Required && !c.Passed {
			return e, c
		}
	}
	return entry{}, Challenge{}
}

// passed reports whether the state shows that a challenge was passed.
func (s *OneTimeTokenState) passed(e entry) bool {
	n := 0
	for _, c := range s.Challenges {
		if c.Kind != e.kind {
			continue
		}
		if n == e.n {
			return c.Passed
		}
		n++
	}
	return s.Ready()
}

// checkSupported looks for a challenge that nobody can be asked for, before
// anybody is asked for another.
func (k *clearing) checkSupported(state *OneTimeTokenState) error {
	for _, c := range state.Challenges {
		if !c.Required || c.Passed {
			continue
		}
		switch kinds, ended := k.kinds(c); {
		case len(kinds) > 0:
		case ended != nil:
			return notInVersion(ended, k.client.engine().address.version)
		default:
			return failure(OpClearChallenges, ErrChallengeUnsupported, plainError("a challenge of the kind "+printable(string(c.Kind))))
		}
	}
	return nil
}

// kinds are those of a challenge that the customer can be asked for. ended is a
// verify that would be needed for another, and that the client's version doesn't
// have.
func (k *clearing) kinds(c Challenge) (kinds []ChallengeKind, ended *operation) {
	for _, kind := range append([]ChallengeKind{c.Kind}, c.Alternatives...) {
		switch op := operations[k.operation(kind)]; {
		case !k.by.can(kind) || slices.Contains(kinds, kind):
		case !k.client.engine().address.has(op):
			ended = op
		default:
			kinds = append(kinds, kind)
		}
	}
	return kinds, ended
}

// operation is the call that verifies what a customer is asked for.
func (k *clearing) operation(kind ChallengeKind) Operation {
	older := k.profile.ID == 0
	switch {
	case kind == ChallengePin && older:
		return OpOneTimeTokenVerifyPin
	case kind == ChallengePin:
		return OpSCAVerifyPin
	case kind == ChallengeDeviceFingerprint && older:
		return OpOneTimeTokenVerifyDeviceFingerprint
	case kind == ChallengeDeviceFingerprint:
		return OpSCAVerifyDeviceFingerprint
	case kind == ChallengeFaceMap && older:
		return OpOneTimeTokenVerifyFaceMap
	case kind == ChallengeFaceMap:
		return OpSCAVerifyFaceMap
	}
	return OpOneTimeTokenVerifyOTP
}

// ask asks the customer for one challenge, and returns the request that has Wise
// verify the answer.
func (k *clearing) ask(ctx context.Context, state *OneTimeTokenState, c Challenge) (answer request, err error) {
	r := ChallengeRequest{Profile: k.profile, ActionType: state.ActionType, Validity: state.Validity}
	if r.Kind, err = k.choose(ctx, r, c); err != nil {
		return request{}, err
	}
	answer = request{
		op: k.operation(r.Kind), user: k.profile.User, profile: k.profile.ID, oneTimeToken: k.token, kind: r.Kind.phonePath(),
	}
	switch r.Kind {
	case ChallengePin:
		var pin Pin
		pin, err = k.by.Pin(ctx, r)
		answer.secret = pin.secret
	case ChallengeDeviceFingerprint:
		var f Fingerprint
		f, err = k.by.DeviceFingerprint(ctx, r)
		answer.secret = f.secret
	case ChallengeFaceMap:
		var m FaceMap
		m, err = k.by.FaceMap(ctx, r)
		answer.secret = m.secret
	default:
		r.SentTo, err = k.client.OneTimeTokens.Trigger(ctx, r.Profile.User, k.token, r.Kind, k.opts...)
		if err != nil && !isUnreadable(err) { // the code was sent, whatever number that is
			return request{}, err
		}
		var code OTP
		code, err = k.by.OTP(ctx, r)
		answer.secret = code.secret
	}
	return answer, err
}

// choose picks the kind to ask for.
func (k *clearing) choose(ctx context.Context, r ChallengeRequest, c Challenge) (ChallengeKind, error) {
	kinds, _ := k.kinds(c)
	r.Kind = kinds[0]
	if k.by.Choose == nil || len(kinds) == 1 {
		return r.Kind, nil
	}
	chosen, err := k.by.Choose(ctx, r, slices.Clone(kinds))
	if err == nil && !slices.Contains(kinds, chosen) {
		err = in(OpClearChallenges, invalid("Choose has picked a kind that it wasn't offered"))
	}
	return chosen, err
}
