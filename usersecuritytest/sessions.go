package usersecuritytest

import (
	"net/http"

	"github.com/wise-partner/usersecurity"
)

// sessions make one-time tokens without a call that is protected, and show them.
type sessions struct {
	clock    *clock
	users    *users
	tokens   *oneTimeTokens
	kinds    []usersecurity.ChallengeKind // empty: what the user has enrolled
	form     challengeForm
	readings tokenReadings
}

func (s *sessions) routes() []route {
	get := []string{http.MethodGet}
	return []route{
		{
			operation: usersecurity.OpSCAStartSession,
			methods:   []string{http.MethodPost}, path: "/v2/profiles/{profile}/sca-sessions/authorise",
			token: kindUser, handle: s.start,
		},
		{
			operation: usersecurity.OpOneTimeTokenStatus, methods: get, path: "/v1/one-time-token/status",
			token: kindUser, challenge: true, handle: s.status,
		},
		{
			methods: get, path: "/v1/identity/one-time-token/status", ended: true,
			token: kindUser, challenge: true, handle: s.status,
		},
	}
}

// start makes a token that isn't for one call. A user who is blocked gets none.
func (s *sessions) start(c *call) answer {
	user := c.token.user
	if s.users.isBlocked(user) {
		return s.form.rejection(s.clock.now(), c.request.URL.EscapedPath(), "", "")
	}
	kinds := s.kinds
	if len(kinds) == 0 {
		kinds = enrolled(s.users, user)
	}
	value := s.tokens.create(user, "", "", kinds)
	view, _ := s.tokens.status(value, user)
	return jsonAnswer(http.StatusOK, view.reply(sessionForm, s.readings.showCleared))
}

func (s *sessions) status(c *call) answer {
	view, ok := s.tokens.status(c.oneTimeToken, c.token.user)
	if !ok {
		return s.readings.unusable()
	}
	return jsonAnswer(http.StatusOK, view.reply(fullForm, s.readings.showCleared))
}
