package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wise-partner/usersecurity"
)

// night makes the calls of one run.
type night struct {
	client      *usersecurity.Client
	journal     *journal
	concurrency int
	again       bool   // also for those who are not done or unknown
	ended       func() // after each call
	inARow      atomic.Int64
}

// maxInARow is how many calls in a row may come to nothing because of Wise, or of the
// way to it, before the run stops: each more could be one more of which nobody knows
// whether it was done.
const maxInARow = 20

var errNotWell = fmt.Errorf("%d calls in a row have found Wise not well, or not at all", maxInARow)

// due are the customers whose turn it is.
func (n *night) due(customers []customer) (due []customer) {
	for _, c := range customers {
		switch n.journal.standing(c.profile).state {
		case toCome, begun:
			due = append(due, c)
		case notDone, unknown:
			if n.again {
				due = append(due, c)
			}
		}
	}
	return due
}

// run makes the customers' calls until ctx ends. Those that have begun then are not
// broken off, which would leave open whether they were done. Its error is what else has
// stopped it.
func (n *night) run(ctx context.Context, customers []customer) error {
	taking, stop := context.WithCancel(ctx)
	defer stop()
	calls := context.WithoutCancel(ctx)
	var workers errgroup.Group
	workers.SetLimit(n.concurrency)
	for _, c := range customers {
		workers.Go(func() error { // returns when there is a worker
			if taking.Err() != nil {
				return nil
			}
			err := n.one(calls, c)
			if err != nil {
				stop()
			}
			return err
		})
		if taking.Err() != nil {
			break
		}
	}
	return workers.Wait()
}

func (n *night) one(ctx context.Context, c customer) error {
	before, err := n.journal.begin(c.profile)
	if err != nil {
		return err
	}
	err = c.call(ctx, n.client)
	state, why := judge(err, before.doubt)
	if err := n.journal.end(c.profile, state, why); err != nil {
		return err
	}
	n.ended()
	if isWell(err) {
		n.inARow.Store(0)
	} else if n.inARow.Add(1) >= maxInARow {
		return errNotWell
	}
	return nil
}

// judge says how it stands with a customer after a call. Where an earlier call may have
// done it, a refusal doesn't say that it isn't done: a 409 may be about that call's PIN,
// or about somebody else's. The errors' texts hold no secret.
func judge(err error, doubt bool) (state, string) {
	switch outcome := usersecurity.OutcomeOf(err); {
	case outcome == usersecurity.OutcomeDone:
		return done, ""
	case outcome == usersecurity.OutcomeUnknown:
		return unknown, err.Error()
	case doubt:
		return unknown, "an earlier call may have done it; the last one: " + err.Error()
	}
	return notDone, err.Error()
}

// isWell reports whether a call says nothing against making the next one: it was done,
// or was refused for the customer's sake.
func isWell(err error) bool {
	if usersecurity.OutcomeOf(err) == usersecurity.OutcomeDone || errors.Is(err, usersecurity.ErrReauthorise) || errors.Is(err, usersecurity.ErrSCARequired) {
		return true
	}
	var refusal *usersecurity.APIError
	if !errors.As(err, &refusal) || refusal.Foreign {
		return false
	}
	switch refusal.StatusCode {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
