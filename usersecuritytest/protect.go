package usersecuritytest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
)

const (
	headerApproval       = "X-2fa-Approval"
	headerApprovalResult = "X-2fa-Approval-Result"

	// maxSessionKinds is how many challenges are made of what a user has enrolled:
	// Wise wants two of different sorts.
	maxSessionKinds = 2
)

// enrolled are the challenges for a user where nobody has said which.
func enrolled(u *users, id usersecurity.UserID) []usersecurity.ChallengeKind {
	kinds := u.factorKinds(id)
	return kinds[:min(len(kinds), maxSessionKinds)]
}

// ProtectedCall is what [Server.Protect] was told.
type ProtectedCall struct {
	Method, Path string
	Kinds        []usersecurity.ChallengeKind // empty: what the user has enrolled
}

// guard protects the calls of one method and path.
type guard struct {
	method  string
	path    string
	pattern []string
	kinds   []usersecurity.ChallengeKind // empty: what the user has enrolled
}

// actionType names what is protected, as Wise's BALANCE__GET_STATEMENT does.
func (g *guard) actionType() string {
	name := "CALL"
	for _, segment := range g.pattern {
		if _, isID := parseID(segment); !isID && !isPlace(segment) {
			name = segment
		}
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "__" + g.method
}

// shown is a path that the guard protects, without what may be a secret.
func (g *guard) shown(path []string) string {
	safe := make([]string, len(path))
	for i, segment := range path {
		if safe[i] = segment; isPlace(g.pattern[i]) {
			safe[i] = mask
		}
	}
	return "/" + strings.Join(safe, "/")
}

func canProtect(method, path string) bool {
	return method != "" && strings.HasPrefix(path, "/") && !strings.ContainsAny(path, "?#")
}

// guards are the calls that are protected.
type guards struct {
	mu   sync.Mutex
	list []*guard
}

// add protects a path. Of two guards of one call the later one counts.
func (g *guards) add(method, path string, kinds []usersecurity.ChallengeKind) {
	added := &guard{method, path, strings.Split(path, "/")[1:], kinds}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = append([]*guard{added}, g.list...)
}

func (g *guards) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = nil
}

// calls returns what is protected, the one protected last first.
func (g *guards) calls() (list []ProtectedCall) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, guard := range g.list {
		list = append(list, ProtectedCall{guard.method, guard.path, slices.Clone(guard.kinds)})
	}
	return list
}

// find returns the guard of a call; nil if there is none.
func (g *guards) find(method string, path []string) *guard {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, guard := range g.list {
		if guard.method == method && fits(guard.pattern, path) {
			return guard
		}
	}
	return nil
}

// challengeForm says what a 403 that asks for challenges looks like.
type challengeForm struct {
	body          bool // it has Spring's body
	withoutResult bool // it has the token's header only
	withKind      bool // the first challenge's kind follows the token
}

// gate lets protected calls pass whose one-time token is cleared.
type gate struct {
	clock   *clock
	users   *users
	tokens  *oneTimeTokens
	lowRisk bool // those who have just cleared a token aren't asked again
	form    challengeForm
}

// admit lets a call pass, or refuses it. A call without a user, or with one that
// isn't known, has nobody to be asked: it does neither.
func (t *gate) admit(g *guard, c *call) (passed bool, refused *answer) {
	user := c.user()
	if !t.users.known(user) {
		return false, nil
	}
	action := c.request.Method + " " + c.request.URL.EscapedPath()
	presented, _, _ := strings.Cut(c.request.Header.Get(headerApproval), " ")
	used, waits := t.tokens.use(presented, user, action)
	switch {
	case used, t.lowRisk && t.tokens.lowRisk(user):
		return true, nil
	case t.users.isBlocked(user):
		return false, t.reject(c, "", "")
	}
	kinds := g.kinds
	if len(kinds) == 0 {
		kinds = enrolled(t.users, user)
	}
	if !waits {
		presented = t.tokens.create(user, action, g.actionType(), kinds)
	}
	var first usersecurity.ChallengeKind
	if len(kinds) > 0 {
		first = kinds[0]
	}
	return false, t.reject(c, presented, first)
}

func (t *gate) reject(c *call, token string, first usersecurity.ChallengeKind) *answer {
	a := t.form.rejection(t.clock.now(), c.request.URL.EscapedPath(), token, first)
	return &a
}

// rejection asks for challenges; without a token where the user is blocked.
func (f challengeForm) rejection(now time.Time, path, token string, first usersecurity.ChallengeKind) answer {
	a := emptyAnswer(http.StatusForbidden)
	if f.body {
		a = springError(now, http.StatusForbidden, "Access is denied", path)
	}
	a.header = http.Header{}
	if !f.withoutResult || token == "" {
		a.header.Set(headerApprovalResult, "REJECTED")
	}
	if f.withKind && token != "" {
		token += " " + string(first)
	}
	if token == "" {
		return a.because("too many answers were wrong: the user is blocked for a while")
	}
	a.header.Set(headerApproval, token)
	return a.because("the call is protected: it takes a one-time token that is cleared, in " + headerApproval)
}

// approved marks the answer to a call that has passed.
func approved(a answer) answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(headerApprovalResult, "APPROVED")
	return a
}
