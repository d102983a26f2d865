package usersecuritytest

import (
	"net/http"
	"slices"
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
	path      string   // with the places below
	token     string   // the kind it wants; empty for none
	grant     bool     // it wants the extra grant too
	body      bodyKind
	query     bool // it takes a query
	reply     replyKind
	handle    func(*call) answer

	segments []string // of the path, below the server's prefix
}

// call is what a handler is given: a request that fulfils the contract.
type call struct {
	request *http.Request
	ids     pathIDs
	token   token  // the zero token if none that is valid was sent
	payload []byte // the body, opened if it was sealed
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
	fingerprintPlace = "{fingerprint}"
	phonePlace       = "{phone}"
)

// pathIDs are the ids in a path.
type pathIDs struct {
	user        usersecurity.UserID
	fingerprint uuid.UUID
	phone       usersecurity.PhoneNumberID
	malformed   bool // one of them can't be read
}

// router finds the route of a request.
type router struct {
	routes   []route
	literals map[string]bool // the segments of its paths that hold no id
}

// newRouter puts all routes below a prefix.
func newRouter(prefix string, routes ...[]route) *router {
	r := &router{routes: slices.Concat(routes...), literals: map[string]bool{}}
	for i := range r.routes {
		route := &r.routes[i]
		route.segments = strings.Split(prefix+route.path, "/")
		for _, segment := range route.segments {
			r.literals[segment] = !isPlace(segment)
		}
	}
	return r
}

// match finds the route of a request and, where only the method is wrong, the
// methods that are right.
func (r *router) match(method string, segments []string) (found *route, allowed []string) {
	for i := range r.routes {
		route := &r.routes[i]
		switch {
		case !route.fits(segments):
		case slices.Contains(route.methods, method):
			return route, nil
		case slices.Contains(route.refused, method):
			return route, route.methods
		default:
			allowed = append(allowed, route.methods...)
		}
	}
	return nil, allowed
}

func (r *route) fits(segments []string) bool {
	if len(segments) != len(r.segments) {
		return false
	}
	for i, want := range r.segments {
		if segments[i] != want && (!isPlace(want) || segments[i] == "") {
			return false
		}
	}
	return true
}

func isPlace(segment string) bool { return strings.HasPrefix(segment, "{") }

func (r *route) ids(segments []string) (ids pathIDs) {
	for i, place := range r.segments {
		var (
			id int64
			ok = true
		)
		switch place {
		case userPlace:
			id, ok = parseID(segments[i])
			ids.user = usersecurity.UserID(id)
		case phonePlace:
			id, ok = parseID(segments[i])
			ids.phone = usersecurity.PhoneNumberID(id)
		case fingerprintPlace:
			var err error
			ids.fingerprint, err = uuid.Parse(segments[i])
			ok = err == nil && ids.fingerprint.String() == strings.ToLower(segments[i])
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
