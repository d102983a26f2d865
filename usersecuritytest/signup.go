package usersecuritytest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// signUp makes users for the partner, and tells who they are.
type signUp struct {
	users  *users
	grants *grants
}

func (s *signUp) routes() []route {
	return []route{
		{
			operation: usersecurity.OpSignUp,
			methods:   []string{http.MethodPost}, path: "/v1/user/signup/registration_code",
			token: kindApplication, body: jsonBody, handle: s.register,
		},
		{
			methods: []string{http.MethodPost}, path: "/v1/users/exists",
			token: kindApplication, body: jsonBody, handle: s.exists,
		},
		{
			operation: usersecurity.OpFetchUser,
			methods:   []string{http.MethodGet}, path: "/v1/me",
			token: kindUser, handle: s.me,
		},
	}
}

// userReply is what Wise says of a user. A new one has neither name nor details.
type userReply struct {
	ID      int64     `json:"id"`
	Name    *string   `json:"name"`
	Email   string    `json:"email"`
	Active  bool      `json:"active"`
	Details *struct{} `json:"details"`
}

func (s *signUp) register(c *call) answer {
	var fields map[string]*string
	if json.Unmarshal(c.payload, &fields) != nil {
		return *refusal(http.StatusBadRequest, "body.malformed", "the body must be a JSON object of texts")
	}
	for name := range fields {
		if name != "email" && name != "registrationCode" && name != "language" {
			return *refusal(http.StatusBadRequest, "body.malformed", "the body may have email, registrationCode and language only")
		}
	}
	email, code := fields["email"], fields["registrationCode"]
	switch {
	case email == nil || !isEmail(*email):
		return *refusal(http.StatusBadRequest, "email.invalid", "email must be an e-mail address")
	case code == nil || len(*code) < minRegistrationCode:
		return *refusal(http.StatusBadRequest, "code.short", "registrationCode must have at least 32 characters")
	}
	id, outcome := s.users.signUp(*email)
	if outcome == exists {
		return errorAnswer(http.StatusConflict, "NOT_UNIQUE", "You're already a member. Please login")
	}
	s.grants.register(*code, *email, id)
	return jsonAnswer(http.StatusOK, userReply{ID: int64(id), Email: *email, Active: true})
}

func isEmail(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	return ok && name != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " \t\r\n")
}

func (s *signUp) exists(c *call) answer {
	email, refused := c.field("email")
	if refused != nil {
		return *refused
	}
	return jsonAnswer(http.StatusOK, struct {
		Exists bool `json:"exists"`
	}{s.users.hasEmail(email)})
}

func (s *signUp) me(c *call) answer {
	var r userReply
	if s.users.visit(c.user(), func(u *user) outcome {
		r = userReply{ID: int64(u.id), Email: u.email, Active: true}
		return done
	}) != done {
		return noSuchUser()
	}
	return jsonAnswer(http.StatusOK, r)
}
