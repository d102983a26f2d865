package usersecurity

import "net/http"

// reply is the documented success of a call.
type reply struct {
	op          Operation
	status      int
	header      http.Header
	body        []byte // opened, if it came sealed
	contentType string // of the body as it came
}

// malformed is the error for a reply that is a success but can't be read.
func (r reply) malformed() error { return replyError(r.op, r.status, ErrMalformedReply) }

// decode reads a JSON reply into v, which complete must find to be whole. names
// are those of its fields.
func (r reply) decode(v any, names []string, complete func() bool) error {
	if decodeExactly(r.body, v, names...) != nil || !complete() {
		return r.malformed()
	}
	return nil
}
