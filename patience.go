package usersecurity

import (
	"context"
	"time"
)

// roomForAttempt is what a wait leaves of a call's time for the attempt after it:
// one that begins later ends with the call more often than with a response, and a
// write then ends unknown. What has little time left waits for half of it at most.
func roomForAttempt(left time.Duration) time.Duration { return min(500*time.Millisecond, left/2) }

// isWorthWaiting reports whether a call has time for an attempt after a wait.
func isWorthWaiting(ctx context.Context, wait time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return true
	}
	left := time.Until(deadline)
	return wait <= left-roomForAttempt(left)
}

// patient is the context with which a limiter is asked to wait: one that looks
// ahead then refuses by the same rule.
func patient(ctx context.Context) context.Context {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return ctx
	}
	return patientContext{ctx, deadline.Add(-roomForAttempt(time.Until(deadline)))}
}

// patientContext ends when its parent does, and tells of a deadline before that.
type patientContext struct {
	context.Context
	latest time.Time
}

func (c patientContext) Deadline() (time.Time, bool) { return c.latest, true }
