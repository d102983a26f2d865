package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// probe asks the questions.
type probe struct {
	settings
	wise     *wise
	progress io.Writer
	who      usersecurity.Profile
	made     trial.Made
	findings []finding

	firstServed bool                       // the list of devices answers: the first calls can remove what they create
	lastPhone   usersecurity.PhoneNumberID // the one that was added last
	readable    bool                       // replies to sealed calls can be opened
}

var errHasFactors = errors.New("the user has factors already, and is left alone: take a user without any")

// saw keeps a finding.
func (p *probe) saw(id, question, option, seen string, args ...any) {
	p.findings = append(p.findings, finding{id, question, fmt.Sprintf(seen, args...), option})
}

// try makes a call, and returns what its last response looked like.
func (p *probe) try(call func() error) (exchange, error) {
	mark := p.wise.wire.mark()
	err := call()
	for _, e := range slices.Backward(p.wise.wire.since(mark)) {
		if !isForTheClient(e.call) {
			return e, err
		}
	}
	return exchange{}, err
}

// isForTheClient reports whether a call is for tokens and keys.
func isForTheClient(call string) bool {
	return strings.HasSuffix(call, "/oauth/token") || strings.Contains(call, "/auth/jose/response/") || strings.HasSuffix(call, "/me")
}

// create makes a call that creates a thing, and sees to it that the thing will be
// removed. Its last error ends the probe: where nobody knows what was created, or
// where the user has such a thing.
func (p *probe) create(t *trial.Thing, theirs error, call func() error) (seen exchange, refused, end error) {
	seen, err := p.try(call)
	var api *usersecurity.APIError
	switch {
	case usersecurity.OutcomeOf(err) == usersecurity.OutcomeDone:
		p.made.Add(t)
		return seen, nil, err
	case usersecurity.OutcomeOf(err) == usersecurity.OutcomeUnknown || errors.As(err, &api) && api.Uncertain:
		return seen, err, fmt.Errorf("nobody knows whether %s was created: look, and delete it: %w", t.Name, err)
	case theirs != nil && errors.Is(err, theirs):
		return seen, err, errHasFactors
	}
	return seen, err, nil
}

// removeAll removes what was created so far.
func (p *probe) removeAll(ctx context.Context) error {
	_, err := p.made.RemoveAll(ctx)
	return err
}

// askAll asks one question after the other, and removes what is left at the end.
func (p *probe) askAll(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, p.removeAll(ctx)) }()
	for _, part := range []struct {
		what    string
		ask     func(context.Context) error
		skipped bool
	}{
		{"the refresh token", p.askRefresh, p.wise.store == nil},
		{"profiles and versions", p.askVersions, false},
		{"what the user has", p.lookAtUser, false},
		{"sealing", p.askSealing, false},
		{"one-time tokens and FaceTec's key", p.askReads, false},
		{"the PIN of both generations", p.askPins, false},
		{"devices", p.askDevices, false},
		{"phone numbers", p.askPhones, p.phone == ""},
		{"a protected call", p.askProtected, p.protectedPath == ""},
	} {
		if part.skipped {
			continue
		}
		fmt.Fprintln(p.progress, "asking about", part.what)
		if err := part.ask(ctx); err != nil {
			p.summarise()
			return fmt.Errorf("while asking about %s: %w", part.what, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	p.summarise()
	return nil
}

// summarise looks over all that was exchanged.
func (p *probe) summarise() {
	var errorsSeen, first []string
	add := func(list []string, text string) []string {
		if slices.Contains(list, text) {
			return list
		}
		return append(list, text)
	}
	sealed, bodies := false, false
	for _, e := range p.wise.wire.since(0) {
		if e.sealed && e.status >= 400 && !strings.Contains(e.call, playground) { // what goes to the playground is meant to be refused
			errorsSeen = add(errorsSeen, e.String())
			sealed = sealed || strings.Contains(e.body, "JWE (")
			bodies = bodies || e.body != "no body"
		}
		if strings.Contains(e.call, " /v1/user/p") || strings.Contains(e.call, " /v1/users/") || strings.Contains(e.call, " /v1/application/") {
			first = add(first, fmt.Sprintf("%s %d", e.call, e.status))
		}
	}
	switch {
	case !bodies:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "they have none: %s", orNone(errorsSeen))
	case sealed:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "yes: %s", orNone(errorsSeen))
	default:
		p.saw("sealed-errors", "Are error bodies of sealed calls sealed?", "", "no: %s", orNone(errorsSeen))
	}
	p.saw("first-calls", "Which of the first calls does this Wise answer?", "", "%s", orNone(first))
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none was seen"
	}
	return strings.Join(list, "; ")
}
