package usersecurity

import "time"

// restraint keeps what Wise has just refused from being asked for again at
// once: for as long as Wise asks, or for a second that doubles to thirty. Its
// zero value restrains nothing. It is not safe for concurrent use.
type restraint struct {
	until time.Time
	next  time.Duration
}

const (
	firstRestraint = time.Second
	maxRestraint   = 30 * time.Second
)

func (r *restraint) holds(now time.Time) bool { return now.Before(r.until) }

// refused begins a restraint. What has gone well for longer than the last one
// lasted begins anew with a second.
func (r *restraint) refused(now time.Time, asked time.Duration) {
	if now.Sub(r.until) > r.next {
		r.next = firstRestraint
	}
	r.until = now.Add(max(r.next, min(asked, maxAskedRestraint)))
	r.next = min(2*r.next, maxRestraint)
}

// refusedTogether is refused for what several ask for at the same time: what comes
// while a restraint holds doubles nothing, but can prolong it.
func (r *restraint) refusedTogether(now time.Time, asked time.Duration) {
	if !r.holds(now) {
		r.refused(now, asked)
	} else if until := now.Add(min(asked, maxAskedRestraint)); until.After(r.until) {
		r.until = until
	}
}

// relax takes in that all is well again: what is left of the restraint is no more
// than a first one, and so is the next.
func (r *restraint) relax(now time.Time) {
	if until := now.Add(firstRestraint); until.Before(r.until) {
		r.until = until
	}
	r.next = firstRestraint
}

// maxAskedRestraint bounds what Wise, or whoever answers in its place, can ask for.
const maxAskedRestraint = 5 * time.Minute
