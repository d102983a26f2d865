package usersecurity_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// calls keeps what an observer is told.
type calls struct{ done []usersecurity.CallEvent }

func (*calls) AttemptDone(context.Context, usersecurity.AttemptEvent) {}
func (c *calls) CallDone(_ context.Context, e usersecurity.CallEvent) { c.done = append(c.done, e) }
func (c *calls) last() (e usersecurity.CallEvent)                     { return c.done[len(c.done)-1] }

// The observer and Meta have the caller's story: also of a reply that can't be
// read, and of a call that sent nothing.
func TestReportedAsReturned(t *testing.T) {
	t.Parallel()
	seen := &calls{}
	c := newClient(t, play(t, answers(200, `[{"phoneNumber":"+65"}]`)), usersecurity.WithObserver(seen))
	var meta usersecurity.Meta
	_, err := c.ListPhoneNumbers(t.Context(), 7, usersecurity.WithMeta(&meta))
	if !errors.Is(err, usersecurity.ErrMalformedReply) || seen.last().ErrorClass != "malformed_reply" || meta.StatusCode != 200 {
		t.Errorf("error %v, event %+v, meta %+v", err, seen.last(), meta)
	}
	err = c.CreatePin(t.Context(), 0, usual.pin, usersecurity.WithMeta(&meta))
	if !errors.Is(err, usersecurity.ErrInvalidArgument) || seen.last().ErrorClass != "invalid_argument" || meta.StatusCode != 0 || meta.Attempts != 0 || meta.CorrelationID == uuid.Nil {
		t.Errorf("error %v, event %+v, meta %+v", err, seen.last(), meta)
	}
	var none context.Context
	if err := c.DeletePin(none, 7); !errors.Is(err, usersecurity.ErrInvalidArgument) || seen.last().Operation != usersecurity.OpDeletePin {
		t.Errorf("error %v, event %+v", err, seen.last())
	}
	if len(seen.done) != 3 {
		t.Errorf("%d calls were reported", len(seen.done))
	}
}

// On the day on which Wise turns an endpoint off the log warns, and says what
// replaces it.
func TestRetiredIsLoggedWithItsSuccessor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op   usersecurity.Operation
		want string
	}{
		{usersecurity.OpDeletePin, "replaced_by=SCA.DeletePin"},
		{usersecurity.OpListPhoneNumbers, "replaced_by=\"nothing (keep the id"},
		{usersecurity.OpDeletePhoneNumber, "error=not_in_version\n"}, // nothing replaces it
	} {
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, nil))
		r := rowOf(c.op)
		_, err := r.call(t.Context(), newClient(t, play(t, answers(410, "")), usersecurity.WithLogger(logger)))
		if !errors.Is(err, usersecurity.ErrNotInVersion) || !strings.Contains(log.String(), c.want) || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%s: error %v, log %s", c.op, err, log.String())
		}
	}
}
