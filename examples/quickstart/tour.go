package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// tour takes the steps, and says how each went.
type tour struct {
	ctx  context.Context
	out  io.Writer
	made trial.Made
}

// take walks through both generations; under a calendar version through the
// successors alone.
func (t *tour) take(s settings, options []usersecurity.Option) error {
	first, err := usersecurity.New(options...)
	if err != nil {
		return err
	}
	defer first.CloseIdleConnections()
	client, err := usersecurity.New(append(options, usersecurity.WithVersion(s.version))...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	who, err := trial.FindProfile(t.ctx, client, usersecurity.UserID(s.user), usersecurity.ProfileID(s.profile))
	if err != nil {
		return err
	}
	if err := t.leaveAlone(first, who.User, s.version == ""); err != nil {
		return err
	}
	secrets, err := newSecrets(s)
	if err != nil {
		return err
	}
	walk := successorSteps(client, who, secrets)
	if s.version == "" {
		walk = append(firstSteps(client, who.User, s, secrets), walk...)
	} else {
		walk = append(walk, calendarSteps(client, who.User, s, secrets)...)
	}
	err = t.walk(who.User, walk)
	removed, left := t.made.RemoveAll(t.ctx)
	for _, name := range removed {
		fmt.Fprintln(t.out, "removed again:", name)
	}
	if err = errors.Join(err, left); err != nil {
		return err
	}
	fmt.Fprintln(t.out, "All of it is done, and all that was created is removed. The calls are in examples/quickstart/steps.go.")
	return nil
}

// leaveAlone fails where the user has devices. A PIN or a face map can't be seen
// beforehand: Wise answers the step that would create one with 409. Without the
// extra grant, which the list needs, the first calls could create what they can't
// remove.
func (t *tour) leaveAlone(client usersecurity.FingerprintAPI, user usersecurity.UserID, firstCalls bool) error {
	devices, err := client.ListDeviceFingerprints(t.ctx, user)
	switch {
	case err == nil && len(devices) > 0:
		return fmt.Errorf("user %d has devices already, and is left alone: take a user without factors", user)
	case err != nil && firstCalls:
		return fmt.Errorf("the user's devices can't be listed, so nothing is begun; -version 2026Q4 does without the list: %w", err)
	case err != nil:
		fmt.Fprintln(t.out, "The user's devices can't be listed. Only what is created here will be removed.")
	}
	return nil
}

// walk takes one step after the other, up to the first that doesn't end as it
// should.
func (t *tour) walk(user usersecurity.UserID, steps []step) error {
	for _, s := range steps {
		if s.call == nil {
			fmt.Fprintln(t.out, s.name)
			continue
		}
		var meta usersecurity.Meta
		err := s.call(t.ctx, usersecurity.WithMeta(&meta))
		said := "done"
		if err != nil {
			said = err.Error()
			if s.want != nil && errors.Is(err, s.want) {
				// The status stands beside it. Traces, and what else the refusal could mean,
				// are for one that nobody expects.
				said, _, _ = strings.Cut(said, " (status")
				said = "refused, as it should be: " + said
			}
		}
		fmt.Fprintf(t.out, "  %-27s %3d  %s\n", s.name, meta.StatusCode, said)
		if s.makes != nil && usersecurity.OutcomeOf(err) == usersecurity.OutcomeDone {
			t.made.Add(s.makes)
		}
		if s.takes != nil && err == nil {
			t.made.Removed(s.takes)
		}
		if err := s.judge(user, err); err != nil {
			return err
		}
	}
	return nil
}

// judge returns why the tour ends here, if it does.
func (s step) judge(user usersecurity.UserID, err error) error {
	switch {
	case errors.Is(err, s.want):
		return nil
	case s.makes != nil && usersecurity.OutcomeOf(err) == usersecurity.OutcomeUnknown:
		return fmt.Errorf("nobody knows whether %s was created by this: look, and delete it if the user had none: %w", s.makes.Name, err)
	case s.theirs != nil && errors.Is(err, s.theirs):
		return fmt.Errorf("user %d has %s already, and is left alone: take a user without factors", user, s.makes.Name)
	case err == nil:
		return fmt.Errorf("the step %q should have been refused", s.name)
	}
	return fmt.Errorf("the step %q failed: %w", s.name, err)
}
