package usersecurity

import (
	"context"
	"time"
)

// roomForAttempt is what a wait leaves at least of a call's time for the attempt
// after it: one that begins with the very end in sight sends nothing, or ends a write
// unknown.
func roomForAttempt(left time.Duration) time.Duration { return min(50*time.Millisecond, left/10) }

// isWorthWaiting reports whether a call has time for an attempt after a wait.
func isWorthWaiting(ctx context.Context, wait time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return true
	}
	left := time.Until(deadline)
	return wait <= left-roomForAttempt(left)
}
