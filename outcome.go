package usersecurity

import "net/http"

// sight is what the last look at Wise's state has shown since an attempt may
// have been done unheard.
type sight uint8

const (
	notLooked sight = iota
	cantSee
	isNotThere
	mayBeThere // there is something like it
	isThere
)

// doubt is what is known of a write beside the last response.
type doubt struct {
	unheard unheard
	seen    sight
}

// add takes in what another attempt has left open: what was seen before it
// counts no more.
func (d *doubt) add(u unheard) {
	if u != allHeard {
		d.unheard, d.seen = max(d.unheard, u), notLooked
	}
}

// ending is how a call ends.
type ending uint8

const (
	endsAsHeard   ending = iota // with what the last attempt brought: its reply, or its error
	endsDone                    // with success, and no reply to read
	endsUncertain               // with a response that doesn't settle it
	endsUnknown                 // nobody knows
)

// settle says how a call ends whose last attempt brought o. d covers all its
// attempts, the last one too. uncorrected says that the last response was to be
// corrected, and could not be.
func settle(op *operation, o *result, d doubt, uncorrected bool) ending {
	switch {
	case !op.writes():
		return endsAsHeard
	case d.seen == isThere:
		return endsDone
	case o.isDone(), d.unheard == allHeard:
		return endsAsHeard
	case op.class == deletes && o.saysGone():
		return endsDone
	case uncorrected || !o.isDefinite():
		return endsUnknown
	case d.unheard == mayBeDone && d.seen == isNotThere && refusesTheWrite(o.status):
		return endsAsHeard
	}
	return endsUncertain
}

// refusesTheWrite reports whether a status is an answer to what the request
// says, which any other attempt of the call would have got too: what isn't there
// then has not been written by one of them.
func refusesTheWrite(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// worthLooking reports whether a look at Wise's state can tell more than the
// last attempt: others may have been done unheard, the write may be refused
// because one of them had done it, or the reply of a success is lost.
func worthLooking(op *operation, o *result, d doubt) bool {
	if op.class != numbers || d.seen == cantSee || d.seen == isThere {
		return false
	}
	if o.isDone() {
		return o.read == replyCut || o.tooLarge
	}
	return d.unheard != allHeard
}
