package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

const (
	rightPin = "4170"
	wrongPin = "0714"
)

// pins are the PIN's part of the probe.
type pins struct {
	*probe
	right, wrong usersecurity.Pin
	first, next  *trial.Thing
}

// askPins sets a PIN with the first call and then with its successor, answers
// challenges with it, and deletes it.
func (p *probe) askPins(ctx context.Context) (err error) {
	q := pins{probe: p}
	if q.right, err = usersecurity.NewPin(rightPin); err != nil {
		return err
	}
	if q.wrong, err = usersecurity.NewPin(wrongPin); err != nil {
		return err
	}
	deleteFirst := func(ctx context.Context, o ...usersecurity.CallOption) error {
		return p.wise.client.DeletePin(ctx, p.wise.user, o...)
	}
	deleteNext := func(ctx context.Context, o ...usersecurity.CallOption) error {
		return p.wise.client.SCA.DeletePin(ctx, p.who, o...)
	}
	q.next = &trial.Thing{Name: "a PIN", Remove: deleteNext}
	q.first = &trial.Thing{Name: "a PIN", Remove: func(ctx context.Context, o ...usersecurity.CallOption) error {
		err := deleteFirst(ctx, o...)
		if err != nil && !errors.Is(err, usersecurity.ErrPinNotSet) {
			// The grant may be missing; the successor needs none.
			return deleteNext(ctx, o...)
		}
		return err
	}}
	set, err := q.createBoth(ctx)
	if err != nil || !set {
		return err
	}
	if err := q.verify(ctx); err != nil {
		return err
	}
	if err := p.removeAll(ctx); err != nil {
		return err
	}
	return q.createAgain(ctx)
}

func (q *pins) createFirst(ctx context.Context) error {
	return q.wise.client.CreatePin(ctx, q.wise.user, q.right)
}
func (q *pins) createNext(ctx context.Context) error {
	return q.wise.client.SCA.CreatePin(ctx, q.who, q.right)
}

// createBoth reports whether there is a PIN for the successors.
func (q *pins) createBoth(ctx context.Context) (set bool, err error) {
	const question = "Do the successors see what was enrolled with the first calls?"
	if !q.firstServed {
		q.saw("v1-factors-in-v2", question, "", "not asked: the first calls don't list devices, so what they create might not be removable")
		_, refused, err := q.create(q.next, usersecurity.ErrPinAlreadySet, func() error { return q.createNext(ctx) })
		return refused == nil, err
	}
	seen, refused, err := q.create(q.first, usersecurity.ErrPinAlreadySet, func() error { return q.createFirst(ctx) })
	if err != nil {
		return false, err
	}
	q.saw("create-pin-v1", "What is CreatePin answered with?", "", "%s", seen)
	if refused != nil {
		q.saw("v1-factors-in-v2", question, "", "not asked: CreatePin was refused")
		_, refused, err = q.create(q.next, usersecurity.ErrPinAlreadySet, func() error { return q.createNext(ctx) })
		return refused == nil, err
	}
	seen, refused, err = q.create(q.next, nil, func() error { return q.createNext(ctx) })
	switch {
	case err != nil:
		return false, err
	case errors.Is(refused, usersecurity.ErrPinAlreadySet):
		q.saw("v1-factors-in-v2", question, "", "yes: SCA.CreatePin after CreatePin %s", seen)
	case refused == nil:
		q.saw("v1-factors-in-v2", question, "none, but customers have to enrol again", "no: SCA.CreatePin after CreatePin %s", seen)
	default:
		q.saw("v1-factors-in-v2", question, "", "SCA.CreatePin after CreatePin %s", seen)
		return false, nil
	}
	return true, nil
}

// verify answers the challenge of a session: wrongly once, then rightly, which ends
// the count of failures; and that of another with the first generation's verify.
func (q *pins) verify(ctx context.Context) error {
	sca := q.wise.client.SCA
	const question = "What form has the reply to SCA.VerifyPin?"
	token, asks, err := q.session(ctx)
	if err != nil || !asks {
		q.saw("verify-reply", question, "", "not seen: no session asks for the PIN")
		return err
	}
	if err := q.verifyWrongly(ctx, token); err != nil {
		return err
	}
	q.readable, err = q.verifyRightly(ctx, "verify-reply", question, func(r usersecurity.SealedRequest) (usersecurity.SealedReply, error) {
		return sca.VerifyPinSealed(ctx, q.who, token, r)
	})
	if err != nil {
		return err
	}
	q.lookAtCleared(ctx, token)
	if !q.firstServed {
		return nil
	}
	const first = "What form has the reply to OneTimeTokens.VerifyPin?"
	if token, asks, err = q.session(ctx); err != nil || !asks {
		q.saw("verify-reply-v1", first, "", "not seen: no session asks for the PIN")
		return err
	}
	_, err = q.verifyRightly(ctx, "verify-reply-v1", first, func(r usersecurity.SealedRequest) (usersecurity.SealedReply, error) {
		return q.wise.client.OneTimeTokens.VerifyPinSealed(ctx, q.wise.user, token, r)
	})
	return err
}

func (q *pins) verifyWrongly(ctx context.Context, token usersecurity.OneTimeToken) error {
	seen, err := q.try(func() error {
		_, err := q.wise.client.SCA.VerifyPin(ctx, q.who, token, q.wrong)
		return err
	})
	if err == nil {
		return errors.New("a wrong PIN was taken for right")
	}
	option := ""
	if !errors.Is(err, usersecurity.ErrChallengeFailed) {
		option = "none, but take " + sentinelOf(err) + " of SCA.VerifyPin for a wrong PIN"
	}
	q.saw("wrong-pin", "What is a wrong PIN answered with?", option, "%s", seen)
	return nil
}

// verifyRightly reports whether the reply can be read.
func (q *pins) verifyRightly(ctx context.Context, id, question string, call func(usersecurity.SealedRequest) (usersecurity.SealedReply, error)) (readable bool, err error) {
	seen, form, err := q.relayed(ctx, call)
	if err != nil {
		q.saw(id, question, "", "refused: %s", seen)
		return false, ctx.Err()
	}
	if form == "" {
		q.saw(id, question, sealingOption(seen), "%s, which only a registered key opens", seen)
		return false, nil
	}
	q.saw(id, question, sealingOption(seen), "%s, %s", seen, form)
	return true, nil
}

func (q *pins) lookAtCleared(ctx context.Context, token usersecurity.OneTimeToken) {
	const question = "What is shown of a cleared one-time token?"
	state, err := q.wise.client.OneTimeTokens.Status(ctx, q.wise.user, token)
	switch {
	case err != nil:
		q.saw("cleared-token", question, "", "nothing: %s", sentinelOf(err))
	case len(state.Challenges) == 0:
		q.saw("cleared-token", question, "", "no challenges")
	default:
		q.saw("cleared-token", question, "", "its challenges; ready: %t", state.Ready())
	}
}

// session starts one, and reports whether it asks for the PIN.
func (q *pins) session(ctx context.Context) (token usersecurity.OneTimeToken, asks bool, err error) {
	state, err := q.wise.client.SCA.StartSession(ctx, q.who)
	if err != nil {
		return token, false, ctx.Err()
	}
	for _, c := range state.Challenges {
		asks = asks || c.Kind == usersecurity.ChallengePin
	}
	return state.Token, asks, nil
}

// relayed seals the right PIN as a device does, so that the reply comes as it is,
// and returns the form of the one-time token in it; none where it can't be opened.
func (q *pins) relayed(ctx context.Context, call func(usersecurity.SealedRequest) (usersecurity.SealedReply, error)) (seen exchange, form string, err error) {
	key, err := q.wise.client.WiseKey(ctx)
	if err != nil {
		return seen, "", err
	}
	sealed, err := usersecurity.Seal(key, q.right)
	if err != nil {
		return seen, "", err
	}
	defer sealed.Wipe()
	request, err := usersecurity.ParseSealedRequest(sealed.Compact())
	if err != nil {
		return seen, "", err
	}
	var reply usersecurity.SealedReply
	seen, err = q.try(func() (err error) {
		reply, err = call(request)
		return err
	})
	if err != nil {
		return seen, "", err
	}
	text := reply.Body()
	if opened, err := sealed.OpenReply(text); err == nil {
		text = opened
	}
	return seen, formOf(text), nil
}

// formOf names the form of a one-time token.
func formOf(text []byte) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil {
		return ""
	}
	if _, wrapped := object["oneTimeTokenProperties"]; wrapped {
		return "wrapped in oneTimeTokenProperties"
	}
	if _, bare := object["oneTimeToken"]; bare {
		return "bare"
	}
	return "neither bare nor wrapped"
}

// sealingOption says what to set because of how a reply is sealed.
func sealingOption(seen exchange) string {
	switch {
	case strings.Contains(seen.body, "alg dir"):
		return "WithJWE(JWERequireSealedReplies()) can be set"
	case strings.Contains(seen.body, "a JWE ("):
		return "WithJWE(JWEReplyKey(id, key))"
	}
	return "WithJWE() without JWERequireSealedReplies()"
}

// createAgain sees the successor's own success and its 409, which the first calls
// may have been in the way of.
func (q *pins) createAgain(ctx context.Context) error {
	seen, refused, err := q.create(q.next, nil, func() error { return q.createNext(ctx) })
	if err != nil {
		return err
	}
	q.saw("create-pin-v2", "What is SCA.CreatePin answered with?", "", "%s", seen)
	if errors.Is(refused, usersecurity.ErrPinAlreadySet) {
		return errors.New("the PIN was deleted, and is still there: delete it")
	}
	if refused != nil {
		return nil
	}
	seen, _ = q.try(func() error { return q.createNext(ctx) })
	q.saw("create-pin-again", "What is a second PIN answered with?", "", "%s", seen)
	if err := q.removeAll(ctx); err != nil {
		return err
	}
	seen, err = q.try(func() error { return q.wise.client.SCA.DeletePin(ctx, q.who) })
	option := ""
	if seen.status == http.StatusNotFound && !errors.Is(err, usersecurity.ErrPinNotSet) {
		option = "none, but take " + sentinelOf(err) + " of SCA.DeletePin for no PIN"
	}
	q.saw("delete-nothing", "What is deleting a PIN answered with where there is none?", option, "%s", seen)
	return nil
}
