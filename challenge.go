package usersecurity

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ChallengeRequest is what a customer is asked for, and why.
type ChallengeRequest struct {
	Profile Profile
	Kind    ChallengeKind
	// SentTo is the phone number that a code was sent to, as Wise masks it.
	SentTo string
	// ActionType is what the customer is about to do, where Wise says it.
	ActionType string
	// Validity is how long the one-time token lives from now on.
	Validity time.Duration
}

// Challenger asks a customer for what a challenge wants. A nil field: this
// customer can't be asked for that. A callback's error ends the clearing, and is
// returned as it is.
type Challenger struct {
	Pin               func(ctx context.Context, r ChallengeRequest) (Pin, error)
	DeviceFingerprint func(ctx context.Context, r ChallengeRequest) (Fingerprint, error)
	FaceMap           func(ctx context.Context, r ChallengeRequest) (FaceMap, error)
	// OTP is asked after the code was sent to SentTo.
	OTP func(ctx context.Context, r ChallengeRequest) (OTP, error)
	// Choose picks one of the kinds that can be asked for, where there are several;
	// nil picks the first. Codes should be sent at the customer's choice.
	Choose func(ctx context.Context, r ChallengeRequest, kinds []ChallengeKind) (ChallengeKind, error)
}

// can reports whether the customer can be asked for a kind.
func (by *Challenger) can(kind ChallengeKind) bool {
	switch kind {
	case ChallengePin:
		return by.Pin != nil
	case ChallengeDeviceFingerprint:
		return by.DeviceFingerprint != nil
	case ChallengeFaceMap:
		return by.FaceMap != nil
	}
	return kind.phonePath() != "" && by.OTP != nil
}

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
// passed; a callback's own.
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
		err = k.clear(ctx, state, challenge)
		if err != nil && !errors.Is(err, ErrOutcomeUnknown) {
			return err
		}
		lost := err
		state, err = k.status(ctx)
		if lost != nil && (err != nil || !state.passed(next)) {
			return lost
		}
	}
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
	var unfit error
	for _, c := range state.Challenges {
		if !c.Required || c.Passed {
			continue
		}
		if len(k.kinds(c)) == 0 {
			return failure(OpClearChallenges, ErrChallengeUnsupported, plainError("a challenge of the kind "+printable(string(c.Kind))))
		}
		if err := k.checkVersion(k.kinds(c)); err != nil {
			unfit = err
		}
	}
	return unfit
}

// checkVersion refuses what only the older verifies could clear, where the
// client's version has none.
func (k *clearing) checkVersion(kinds []ChallengeKind) error {
	address := &k.client.engine().address
	if k.profile.ID != 0 || address.version == "" || slices.ContainsFunc(kinds, func(kind ChallengeKind) bool { return kind.phonePath() != "" }) {
		return nil
	}
	return notInVersion(operations[OpOneTimeTokenVerifyPin], address.version)
}

// kinds are those of a challenge that the customer can be asked for.
func (k *clearing) kinds(c Challenge) (kinds []ChallengeKind) {
	for _, kind := range append([]ChallengeKind{c.Kind}, c.Alternatives...) {
		if k.by.can(kind) && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// clear asks for one challenge and has Wise verify it.
func (k *clearing) clear(ctx context.Context, state *OneTimeTokenState, c Challenge) error {
	r := ChallengeRequest{Profile: k.profile, ActionType: state.ActionType, Validity: state.Validity}
	kinds := k.kinds(c)
	r.Kind = kinds[0]
	if k.by.Choose != nil && len(kinds) > 1 {
		chosen, err := k.by.Choose(ctx, r, slices.Clone(kinds))
		switch {
		case err != nil:
			return err
		case !slices.Contains(kinds, chosen):
			return in(OpClearChallenges, invalid("Choose has picked a kind that it wasn't offered"))
		}
		r.Kind = chosen
	}
	if r.Kind.phonePath() != "" {
		return k.clearByCode(ctx, r)
	}
	return k.clearByFactor(ctx, r)
}

func (k *clearing) clearByCode(ctx context.Context, r ChallengeRequest) (err error) {
	tokens, user := k.client.OneTimeTokens, k.profile.User
	if r.SentTo, err = tokens.Trigger(ctx, user, k.token, r.Kind, k.opts...); err != nil {
		return err
	}
	code, err := k.by.OTP(ctx, r)
	if err != nil {
		return err
	}
	_, err = tokens.VerifyOTP(ctx, user, k.token, r.Kind, code, k.opts...)
	return err
}

func (k *clearing) clearByFactor(ctx context.Context, r ChallengeRequest) error {
	if err := k.checkVersion([]ChallengeKind{r.Kind}); err != nil {
		return err
	}
	var factor secret
	var err error
	ops := [2]Operation{OpSCAVerifyPin, OpOneTimeTokenVerifyPin}
	switch r.Kind {
	case ChallengePin:
		var pin Pin
		pin, err = k.by.Pin(ctx, r)
		factor = pin.secret
	case ChallengeDeviceFingerprint:
		var f Fingerprint
		f, err = k.by.DeviceFingerprint(ctx, r)
		factor, ops = f.secret, [2]Operation{OpSCAVerifyDeviceFingerprint, OpOneTimeTokenVerifyDeviceFingerprint}
	default:
		var m FaceMap
		m, err = k.by.FaceMap(ctx, r)
		factor, ops = m.secret, [2]Operation{OpSCAVerifyFaceMap, OpOneTimeTokenVerifyFaceMap}
	}
	if err != nil {
		return err
	}
	op := ops[0]
	if k.profile.ID == 0 {
		op = ops[1]
	}
	_, err = k.client.engine().tokenState(ctx, request{op: op, user: k.profile.User, profile: k.profile.ID, oneTimeToken: k.token, secret: factor}, k.opts)
	return err
}
