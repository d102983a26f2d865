package usersecuritytest

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// router finds the route of a request.
type router struct {
	prefix   []string
	routes   []route
	literals map[string]bool // the segments of its paths that hold no id
	retired  atomic.Int64    // the status of routes that have ended; 0 while they are answered
}

// target is what a request's method and path stand for.
type target struct {
	route      *route   // nil where they are of no call
	allowed    []string // the methods to use, where another one was used
	ids        pathIDs
	inCalendar bool
	gone       int      // the status of a call that is retired
	path       []string // below the prefix; nil for a path outside it
	safe       string   // the whole path as far as it can hold no secret
}

var (
	calendarVersion = regexp.MustCompile(`^\d{4}Q[1-4]$`)
	legacyVersion   = regexp.MustCompile(`^v\d+$`)
)

// newRouter puts all routes below a prefix. Calendar paths are the legacy paths
// without their version, below the name of a quarter.
func newRouter(prefix string, routes ...[]route) *router {
	r := &router{
		prefix:   strings.Split(prefix, "/")[1:],
		routes:   slices.Concat(routes...),
		literals: map[string]bool{},
	}
	for _, segment := range r.prefix {
		r.literals[segment] = true
	}
	for i := range r.routes {
		route := &r.routes[i]
		route.legacy = strings.Split(route.path, "/")[1:]
		route.calendar = slices.DeleteFunc(slices.Clone(route.legacy), legacyVersion.MatchString)
		for _, segment := range route.legacy {
			r.literals[segment] = !isPlace(segment)
		}
	}
	return r
}

// find takes an escaped path.
func (r *router) find(method, path string) target {
	segments := strings.Split(path, "/")
	t := r.target(method, segments)
	if t.safe = path; t.route == nil || t.ids.malformed {
		t.safe = r.mask(segments)
	}
	return t
}

func (r *router) target(method string, segments []string) (t target) {
	if len(segments) <= len(r.prefix)+1 || !slices.Equal(segments[1:len(r.prefix)+1], r.prefix) {
		return t
	}
	segments = segments[len(r.prefix)+1:]
	t.path = segments
	if t.inCalendar = calendarVersion.MatchString(segments[0]); t.inCalendar {
		segments = segments[1:]
	}
	t.route, t.allowed = r.match(method, segments, t.inCalendar)
	if t.route == nil {
		return t
	}
	t.ids = idsIn(t.route.pattern(t.inCalendar), segments)
	if t.route.ended {
		t.gone = int(r.retired.Load())
	}
	return t
}

// match finds the route of a path below the prefix and the version and, where
// only the method is wrong, the methods that are right. A call that has ended is
// of no route in a calendar version, even where its path serves another one.
func (r *router) match(method string, segments []string, inCalendar bool) (found *route, allowed []string) {
	for i := range r.routes {
		route := &r.routes[i]
		if !fits(route.pattern(inCalendar), segments) {
			continue
		}
		ended := inCalendar && route.ended
		switch {
		case ended && slices.Contains(route.methods, method):
			return nil, nil
		case ended:
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

func (r *route) pattern(inCalendar bool) []string {
	if inCalendar {
		return r.calendar
	}
	return r.legacy
}

// prefixed is a path below the prefix as it stands in requests.
func (r *router) prefixed(path string) string {
	return strings.Join(append([]string{""}, r.prefix...), "/") + path
}

// mask leaves of a path what stands in right paths: a client that is wrong about
// a path may have put a secret into it.
func (r *router) mask(segments []string) string {
	safe := make([]string, len(segments))
	for i, segment := range segments {
		if safe[i] = segment; segment != "" && !r.literals[segment] && !calendarVersion.MatchString(segment) {
			safe[i] = mask
		}
	}
	return strings.Join(safe, "/")
}
