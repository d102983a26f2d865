package usersecuritytest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// route is one call that the simulator answers, and what it takes.
type route struct {
	operation usersecurity.Operation // empty for calls that no operation of the client makes
	methods   []string
	refused   []string // methods of the same operation that this server answers with 405
	path      string   // the legacy path, with the places below
	ended     bool     // it is deprecated: no calendar version has it, and it may be retired
	token     string   // the kind it wants; empty for none
	grant     bool     // it wants the extra grant too
	challenge bool     // it wants a one-time token in a header
	body      bodyKind
	query     bool // it takes a query
	reply     replyKind
	handle    func(*call) answer

	legacy, calendar []string // the segments of its paths
}

// call is what a handler is given: a request that fulfils the contract.
type call struct {
	request      *http.Request
	ids          pathIDs
	inCalendar   bool   // its path is one of a calendar version
	token        token  // the zero token if none that is valid was sent
	oneTimeToken string // of routes that want one
	payload      []byte // the body, opened if it was sealed
}

// user is whom the request is about: the user in the path, or else the one
// whose token it carries.
func (c *call) user() usersecurity.UserID {
	if c.ids.user != 0 {
		return c.ids.user
	}
	return c.token.user
}

// bodyKind says what a request's body must be.
type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	formBody
	sealedBody // as the User Security operations want it
	joseBody   // as the playground wants it: with fewer headers
)

// replyKind says how a reply is sealed.
type replyKind int

const (
	clearReply   replyKind = iota
	settledReply           // as the server's options say
	directReply            // with the content key of the request
	keyReply               // to a key of the partner's
)

// Places in a path that hold an id.
const (
	userPlace        = "{user}"
	profilePlace     = "{profile}"
	fingerprintPlace = "{fingerprint}"
	phonePlace       = "{phone}"
)

// pathIDs are the ids in a path.
type pathIDs struct {
	user        usersecurity.UserID
	profile     usersecurity.ProfileID
	fingerprint uuid.UUID
	phone       usersecurity.PhoneNumberID
	malformed   bool // one of them can't be read
}

func isPlace(segment string) bool { return strings.HasPrefix(segment, "{") }

// fits reports whether a path is one of a pattern.
func fits(pattern, path []string) bool {
	if len(path) != len(pattern) {
		return false
	}
	for i, want := range pattern {
		if path[i] != want && (!isPlace(want) || path[i] == "") {
			return false
		}
	}
	return true
}

// idsIn reads the ids of a path that fits a pattern.
func idsIn(pattern, path []string) (ids pathIDs) {
	for i, place := range pattern {
		var (
			id int64
			ok = true
		)
		switch place {
		case userPlace:
			id, ok = parseID(path[i])
			ids.user = usersecurity.UserID(id)
		case profilePlace:
			id, ok = parseID(path[i])
			ids.profile = usersecurity.ProfileID(id)
		case phonePlace:
			id, ok = parseID(path[i])
			ids.phone = usersecurity.PhoneNumberID(id)
		case fingerprintPlace:
			var err error
			ids.fingerprint, err = uuid.Parse(path[i])
			ok = err == nil && ids.fingerprint.String() == strings.ToLower(path[i])
		}
		ids.malformed = ids.malformed || !ok
	}
	return ids
}

// parseID takes a positive number as it is usually written: no sign, no zeros
// before it.
func parseID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == s
}
