package usersecurity

import (
	"errors"
	"net/http"
)

// result is what one attempt brought: a response, or an error.
type result struct {
	responded bool
	status    int
	header    http.Header
	body      []byte
	bodyErr   error // the body broke off
	tooLarge  bool

	read     readState // of a response with a status of success
	reply    reply     // if it was read
	replyErr error     // why it is of no use
	refusal  *APIError // any other response

	err      error
	unsent   bool // err, and nothing of the request has reached Wise
	hopeless bool // err, which no repeat can mend
	lostOne  bool // beneath this attempt another one was made, and lost
}

// readState says what became of the body of a success.
type readState uint8

const (
	notRead      readState = iota // there is no response, or none of a success
	replyRead                     // the reply is there
	replyUseless                  // Wise has answered, and what it says is of no use
	replyCut                      // the reply broke off
	replyForeign                  // it isn't Wise's reply at all
	replyStrange                  // a status of success that nothing documents
)

// useless says what is wrong with the reply of a success.
func (o *result) useless(op *operation, causes ...error) {
	o.read, o.replyErr = replyUseless, replyError(op.name, o.status, causes...)
}

func (o *result) isCut() bool { return o.tooLarge || o.bodyErr != nil }

// isStalled reports whether the time was up before anything of the body had come:
// that is nobody's word.
func (o *result) isStalled() bool {
	return len(o.body) == 0 && (isOver(o.bodyErr) || errors.Is(o.bodyErr, ErrAttemptTimeout))
}

// brought is the kind of what an attempt brought, which decides on the next
// step.
type brought uint8

const (
	unsent      brought = iota // nothing of the request was written
	throttled                  // 429, 425: Wise hasn't looked at it
	unanswered                 // no response, or one that leaves open what became of the request
	correctable                // a response that says what to change in the request
	brokenReply                // a success whose reply broke off
	answered                   // any other response, or a failure that no repeat can mend
	kinds                      // how many there are
)

// kind says what the attempt brought, corrections aside.
func (o *result) kind() brought {
	switch {
	case o.hopeless:
		return answered
	case !o.responded && o.unsent:
		return unsent
	case !o.responded, o.read == replyForeign:
		return unanswered
	case o.read == replyCut:
		return brokenReply
	case throttles(o.status):
		return throttled
	case transient(o.status):
		return unanswered
	}
	return answered
}

// unheard says whether an attempt of a write may have been done without our
// hearing of it.
type unheard uint8

const (
	allHeard      unheard = iota
	mayBeDone             // Wise itself has answered 500: it may be done, and is over
	mayBeUnderWay         // it may be done, or be done yet
)

// leaves says whether the attempt may have been done unheard.
func (o *result) leaves(op *operation) unheard {
	switch {
	case !op.writes() || o.isDone():
		return allHeard
	case o.lostOne:
		return mayBeUnderWay
	case !o.responded && o.unsent:
		return allHeard
	case !o.responded, o.read == replyForeign, o.read == replyStrange:
		return mayBeUnderWay
	case o.status == http.StatusInternalServerError && o.refusal.rest().speaks.isWises():
		return mayBeDone
	case leavesOpen(o.status):
		return mayBeUnderWay
	}
	return allHeard
}

// isDone reports whether Wise has answered with success, whatever its reply is
// worth.
func (o *result) isDone() bool {
	return o.read == replyRead || o.read == replyUseless || o.read == replyCut
}

// isDefinite reports whether the response settles the attempt that it answers,
// or at least leaves nothing to be tried.
func (o *result) isDefinite() bool {
	if o.read == replyStrange {
		return true
	}
	return o.responded && o.read != replyForeign && !throttles(o.status) && !leavesOpen(o.status)
}

// saysGone reports whether the response says that what a delete is for isn't
// there, and says it in Wise's own words.
func (o *result) saysGone() bool {
	if o.status != http.StatusNotFound || o.refusal == nil {
		return false
	}
	speaks := o.refusal.rest().speaks
	return speaks == wise || speaks == nobody && o.refusal.TraceID != ""
}

// failed is the error for what the attempt brought; nil for a reply.
func (o *result) failed() error {
	switch {
	case o.err != nil:
		return o.err
	case o.replyErr != nil:
		return o.replyErr
	case o.refusal != nil:
		return o.refusal
	}
	return nil
}
