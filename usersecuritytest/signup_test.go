package usersecuritytest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

type wireUser struct {
	ID      int64   `json:"id"`
	Name    *string `json:"name"`
	Email   string  `json:"email"`
	Active  bool    `json:"active"`
	Details any     `json:"details"`
}

func signUp(srv *usersecuritytest.Server, body string) message {
	return asApplication(srv, "POST", "/v1/user/signup/registration_code", body)
}

// From nobody to a user whose tokens the partner has.
func TestSignUp(t *testing.T) {
	srv := newServer(t)
	code := strings.Repeat("c", 32)
	body := fmt.Sprintf(`{"email":"New@example.com","registrationCode":%q,"language":"en"}`, code)
	exists := func(email string) bool {
		var reply struct {
			Exists bool `json:"exists"`
		}
		mustStatus(t, send(t, srv, asApplication(srv, "POST", "/v1/users/exists", fmt.Sprintf(`{"email":%q}`, email))), 200).json(t, &reply)
		return reply.Exists
	}
	if exists("new@example.com") || !exists("USER42@example.com") {
		t.Error("who exists is told wrong")
	}
	var made wireUser
	mustStatus(t, send(t, srv, signUp(srv, body)), 200).json(t, &made)
	if made.ID <= 0 || made.Email != "New@example.com" || !made.Active || made.Name != nil || made.Details != nil {
		t.Errorf("user = %+v", made)
	}
	id := usersecurity.UserID(made.ID)
	if !exists("new@example.com") || srv.Profile(id) == 0 || state(t, srv, id).PinSet {
		t.Error("the new user is not what a user is")
	}
	mustCode(t, send(t, srv, signUp(srv, strings.Replace(body, "New@", "new@", 1))), 409, "NOT_UNIQUE")
	mustCode(t, send(t, srv, signUp(srv, strings.Replace(body, "New@", "user42@", 1))), 409, "NOT_UNIQUE")

	grant := url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"new@example.com"}, "registration_code": {code}}
	token := fetchToken(t, srv, grant)
	var me wireUser
	mustStatus(t, send(t, srv, whoami(token.AccessToken)), 200).json(t, &me)
	if me.ID != made.ID || me.Email != made.Email {
		t.Errorf("the token's user is %+v", me)
	}
	// The code is this address's only, even if another has the same.
	var second wireUser
	mustStatus(t, send(t, srv, signUp(srv, strings.Replace(body, "New@", "second@", 1))), 200).json(t, &second)
	mustStatus(t, send(t, srv, whoami(fetchToken(t, srv, grant).AccessToken)), 200).json(t, &me)
	if second.ID == made.ID || me.ID != made.ID {
		t.Errorf("the code of user %d brings the token of user %d", made.ID, me.ID)
	}
	grant.Set("email", "user42@example.com")
	mustOAuthError(t, send(t, srv, tokenRequest(srv, grant.Encode())), 401, "invalid_grant")
}

// An id that a test has given away is not given to a new user.
func TestSignUpPassesOverUsersThatAreThere(t *testing.T) {
	srv := newServer(t)
	srv.AddUser(6_000_001)
	var made wireUser
	mustStatus(t, send(t, srv, signUp(srv, `{"email":"new@example.com","registrationCode":"`+strings.Repeat("c", 32)+`"}`)), 200).json(t, &made)
	if made.ID == 6_000_001 {
		t.Error("two users have one id")
	}
}

func TestSignUpRefusals(t *testing.T) {
	srv := newServer(t)
	code := strings.Repeat("c", 32)
	for body, want := range map[string]string{
		`[]`: "body.malformed", `{"email":1}`: "body.malformed",
		`{"email":"new@example.com","registrationCode":"` + code + `","x":""}`: "body.malformed",
		`{"registrationCode":"` + code + `"}`:                                  "email.invalid",
		`{"email":"new","registrationCode":"` + code + `"}`:                    "email.invalid",
		`{"email":"n w@example.com","registrationCode":"` + code + `"}`:        "email.invalid",
		`{"email":"new@example.com"}`:                                          "code.short",
		`{"email":"new@example.com","registrationCode":"` + code[1:] + `"}`:    "code.short",
	} {
		mustCode(t, send(t, srv, signUp(srv, body)), 400, "simulator."+want)
	}
	mustCode(t, send(t, srv, asUser(srv, "POST", "/v1/user/signup/registration_code", `{}`)), 403, "simulator.token.kind")
	mustCode(t, send(t, srv, asApplication(srv, "GET", "/v1/me", "")), 403, "simulator.token.kind")
}
