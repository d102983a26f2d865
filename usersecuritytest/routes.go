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
	path      []string
	token     string // the kind it wants; empty for none
	grant     bool   // it wants the extra grant too
	body      bodyKind
	query     bool // it takes a query
	reply     replyKind
	handle    func(*exchange) answer
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

func newRoutes(s *settings) []route {
	get, post := []string{http.MethodGet}, []string{http.MethodPost}
	put, del := []string{http.MethodPut}, []string{http.MethodDelete}
	routes := []struct {
		path string
		route
	}{
		{"/v1/user/pin", route{
			operation: usersecurity.OpCreatePin, methods: post,
			token: kindUser, body: sealedBody, reply: settledReply, handle: (*exchange).createPin,
		}},
		{"/v1/users/{user}/pin", route{
			operation: usersecurity.OpDeletePin, methods: del,
			token: kindApplication, grant: true, handle: (*exchange).deletePin,
		}},
		{"/v1/user/facemap/enrol", route{
			operation: usersecurity.OpEnrolFaceMap, methods: post,
			token: kindUser, body: jsonBody, handle: (*exchange).enrolFaceMap,
		}},
		{"/v1/users/{user}/facemap/enrol", route{
			operation: usersecurity.OpDeleteFaceMap, methods: del,
			token: kindApplication, grant: true, handle: (*exchange).deleteFaceMap,
		}},
		{"/v1/user/partner-device-fingerprints", route{
			operation: usersecurity.OpCreateDeviceFingerprint, methods: post,
			token: kindUser, body: sealedBody, reply: settledReply, handle: (*exchange).createFingerprint,
		}},
		{"/v1/users/{user}/partner-device-fingerprints", route{
			operation: usersecurity.OpListDeviceFingerprints, methods: s.listMethods, refused: without(append(get, post...), s.listMethods),
			token: kindApplication, grant: true, handle: (*exchange).listFingerprints,
		}},
		{"/v1/users/{user}/partner-device-fingerprints/{fingerprint}", route{
			operation: usersecurity.OpDeleteDeviceFingerprint, methods: del,
			token: kindApplication, grant: true, handle: (*exchange).deleteFingerprint,
		}},
		{"/v1/application/users/{user}/phone-numbers", route{
			operation: usersecurity.OpListPhoneNumbers, methods: get,
			token: kindApplication, grant: true, handle: (*exchange).listPhoneNumbers,
		}},
		{"/v1/application/users/{user}/phone-numbers", route{
			operation: usersecurity.OpCreatePhoneNumber, methods: post,
			token: kindApplication, grant: true, body: jsonBody, handle: (*exchange).createPhoneNumber,
		}},
		{"/v1/application/users/{user}/phone-numbers/{phone}", route{
			operation: usersecurity.OpUpdatePhoneNumber, methods: put,
			token: kindApplication, grant: true, body: jsonBody, handle: (*exchange).updatePhoneNumber,
		}},
		{"/v1/application/users/{user}/phone-numbers/{phone}", route{
			operation: usersecurity.OpDeletePhoneNumber, methods: del,
			token: kindApplication, grant: true, handle: (*exchange).deletePhoneNumber,
		}},
		{"/oauth/token", route{
			operation: usersecurity.OpFetchToken, methods: post,
			body: formBody, handle: (*exchange).fetchToken,
		}},
		{"/v1/auth/jose/response/public-keys", route{
			operation: usersecurity.OpFetchWiseKey, methods: get,
			token: kindApplication, query: true, handle: (*exchange).fetchWiseKey,
		}},
		{"/v1/auth/jose/request/public-keys", route{
			operation: usersecurity.OpRegisterReplyKey, methods: post,
			token: kindApplication, body: jsonBody, handle: (*exchange).registerKey,
		}},
		{"/v1/auth/jose/playground/jwe-direct-encryption", route{
			operation: usersecurity.OpVerifyJWE, methods: post,
			token: kindApplication, body: joseBody, reply: directReply, handle: (*exchange).playground,
		}},
		{"/v1/auth/jose/playground/jwe", route{
			methods: post,
			token:   kindApplication, body: joseBody, reply: keyReply, handle: (*exchange).playground,
		}},
		{"/v1/auth/jose/playground/jwe", route{
			methods: get,
			token:   kindApplication, reply: keyReply, handle: (*exchange).playground,
		}},
	}
	all := make([]route, len(routes))
	for i, r := range routes {
		r.route.path = strings.Split(s.prefix+r.path, "/")
		all[i] = r.route
	}
	return all
}

// literals are the segments of the paths that hold no id.
func literals(prefix string, routes []route) map[string]bool {
	known := map[string]bool{"": true}
	for _, r := range routes {
		for _, segment := range r.path {
			known[segment] = !strings.HasPrefix(segment, "{")
		}
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		known[segment] = true
	}
	return known
}

// pathIDs are the ids in a path.
type pathIDs struct {
	user        usersecurity.UserID
	fingerprint uuid.UUID
	phone       usersecurity.PhoneNumberID
	malformed   bool // one of them can't be read
}

// match finds the route of a request and, where only the method is wrong, the
// methods that are right.
func (s *Server) match(method string, segments []string) (found *route, allowed []string) {
	for i := range s.routes {
		r := &s.routes[i]
		switch {
		case !r.fits(segments):
		case slices.Contains(r.methods, method):
			return r, nil
		case slices.Contains(r.refused, method):
			return r, r.methods
		default:
			allowed = append(allowed, r.methods...)
		}
	}
	return nil, allowed
}

func without(list, unwanted []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(unwanted, s) })
}

func (r *route) fits(segments []string) bool {
	if len(segments) != len(r.path) {
		return false
	}
	for i, want := range r.path {
		if segments[i] != want && (!isPlace(want) || segments[i] == "") {
			return false
		}
	}
	return true
}

func isPlace(segment string) bool {
	return segment == userPlace || segment == fingerprintPlace || segment == phonePlace
}

func (r *route) ids(segments []string) (ids pathIDs) {
	for i, place := range r.path {
		var ok bool
		switch place {
		case userPlace:
			var id int64
			id, ok = parseID(segments[i])
			ids.user = usersecurity.UserID(id)
		case phonePlace:
			var id int64
			id, ok = parseID(segments[i])
			ids.phone = usersecurity.PhoneNumberID(id)
		case fingerprintPlace:
			var err error
			ids.fingerprint, err = uuid.Parse(segments[i])
			ok = err == nil && ids.fingerprint.String() == strings.ToLower(segments[i])
		default:
			ok = true
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
