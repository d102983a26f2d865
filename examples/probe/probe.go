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
