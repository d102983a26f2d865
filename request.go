package usersecurity

import (
	"context"
	"strconv"
	"strings"
)

// request is what a method asks of the one path that every call takes.
type request struct {
	op      Operation
	user    UserID // whose token, or whom the path names
	profile ProfileID
	id      string // in the path
	kind    string // in the path

	query         string
	secret        secret // what the body carries, where the row says that it carries one
	body          []byte // any other body, unsealed
	contentType   string // of the body; JSON if empty
	authorization string // where the operation brings its own
	oneTimeToken  OneTimeToken
	relayed       bool // body is a JWE that a device has sealed
	direct        bool // only a reply sealed with the request's own key will do

	// look finds out whether a write of the class numbers is done, by the read that
	// looksBy names; nil where nothing can tell.
	look    func(ctx context.Context, opts []CallOption) sight
	looksBy Operation
	// decode reads the reply of a success, if the operation has one.
	decode func(reply) error
	// problem is what is wrong with the arguments.
	problem error
}

// check looks at what the row says that the request needs.
func (r *request) check(op *operation) error {
	switch {
	case r.problem != nil:
		return in(op.name, r.problem)
	case r.user <= 0 && (op.token == userToken || strings.Contains(op.legacy, "{user}")):
		return in(op.name, invalid("a user id is a positive number"))
	case r.profile <= 0 && strings.Contains(op.legacy, "{profile}"):
		return in(op.name, invalid("a profile id is a positive number"))
	case r.relayed && len(r.body) == 0:
		return in(op.name, invalid("the sealed request is empty: make it with ParseSealedRequest"))
	case op.oneTime && r.oneTimeToken.IsZero():
		return in(op.name, invalid("the one-time token is empty: make it with NewOneTimeToken"))
	case !r.relayed && op.carries != "" && r.secret.IsZero():
		return in(op.name, invalid("%s", op.carries))
	}
	return nil
}

// plaintext is the body before it is sealed.
func (r *request) plaintext(op *operation) []byte {
	if op.carries != "" && !r.relayed {
		return r.secret.bytes()
	}
	return r.body
}

// expand fills the ids into a path.
func (r *request) expand(path string) string {
	before, rest, found := strings.Cut(path, "{")
	if !found {
		return path
	}
	place, after, _ := strings.Cut(rest, "}")
	return before + r.fill(place) + r.expand(after)
}

func (r *request) fill(place string) string {
	switch place {
	case "user":
		return strconv.FormatInt(int64(r.user), 10)
	case "profile":
		return strconv.FormatInt(int64(r.profile), 10)
	case "kind":
		return r.kind
	}
	return r.id
}
