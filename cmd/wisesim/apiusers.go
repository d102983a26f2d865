package main

import (
	"net/http"
	"slices"

	"github.com/wise-partner/usersecurity"
)

const (
	usersPerPage    = 20
	maxUsersPerPage = 100
)

// userPage is some of the users, by id.
type userPage struct {
	Users []userView          `json:"users"`
	Next  usersecurity.UserID `json:"next"` // the id that the next page is from; 0 where there is none
	Total int                 `json:"total"`
}

func (c *console) pageOfUsers(from usersecurity.UserID, limit int) userPage {
	ids := c.srv.Users()
	page := userPage{Users: []userView{}, Total: len(ids)}
	i, _ := slices.BinarySearch(ids, from)
	for ; i < len(ids); i++ {
		if len(page.Users) == limit {
			page.Next = ids[i]
			break
		}
		if v, known := viewUser(c.srv, ids[i]); known {
			page.Users = append(page.Users, v)
		}
	}
	return page
}

func (c *console) listUsers(r *http.Request) (any, error) {
	from, err := whole(r, "from", 0)
	if err != nil {
		return nil, err
	}
	limit, err := whole(r, "limit", usersPerPage)
	if err != nil {
		return nil, err
	}
	return c.pageOfUsers(usersecurity.UserID(from), min(max(limit, 1), maxUsersPerPage)), nil
}

func (c *console) showUser(r *http.Request) (any, error) {
	id, err := c.userIn(r)
	if err != nil {
		return nil, err
	}
	return c.view(id)
}

func (c *console) view(id usersecurity.UserID) (any, error) {
	v, known := viewUser(c.srv, id)
	if !known {
		return nil, missing("there is no such user")
	}
	return v, nil
}

func (c *console) createUser(r *http.Request) (any, error) {
	var p person
	if err := read(r, &p); err != nil {
		return nil, err
	}
	id, err := c.addUser(p)
	if err != nil {
		return nil, err
	}
	return c.view(id)
}

func (c *console) enrolUser(r *http.Request) (any, error) {
	id, err := c.userIn(r)
	if err != nil {
		return nil, err
	}
	var e enrolment
	if err := read(r, &e); err != nil {
		return nil, err
	}
	if err := e.enrol(c.srv, id); err != nil {
		return nil, err
	}
	return c.view(id)
}

func (c *console) client(*http.Request) (any, error) {
	return struct {
		ID     string `json:"clientId"`
		Secret string `json:"clientSecret"`
	}{c.srv.ClientID(), c.srv.ClientSecret()}, nil
}

func (c *console) applicationToken(*http.Request) (any, error) {
	return text{"accessToken", c.srv.ApplicationToken()}, nil
}

func (c *console) userToken(r *http.Request) (any, error) {
	return c.made(r, "accessToken", c.srv.UserToken)
}

func (c *console) registrationCode(r *http.Request) (any, error) {
	return c.made(r, "registrationCode", c.srv.RegistrationCode)
}

func (c *console) authorizationCode(r *http.Request) (any, error) {
	return c.made(r, "authorizationCode", c.srv.AuthorizationCode)
}

// made answers with what is made for the user in the path.
func (c *console) made(r *http.Request, name string, mint func(usersecurity.UserID) string) (any, error) {
	id, err := c.userIn(r)
	if err != nil {
		return nil, err
	}
	return text{name, mint(id)}, nil
}

func (c *console) oneTimeToken(r *http.Request) (any, error) {
	var wanted struct {
		Kinds []usersecurity.ChallengeKind `json:"kinds"`
	}
	if err := read(r, &wanted); err != nil {
		return nil, err
	}
	if err := checkKinds(wanted.Kinds); err != nil {
		return nil, err
	}
	return c.made(r, "oneTimeToken", func(id usersecurity.UserID) string { return c.srv.NewOneTimeToken(id, wanted.Kinds...) })
}

func (c *console) withdrawTokens(r *http.Request) (any, error) {
	return c.onUser(r, c.srv.WithdrawTokens)
}

func (c *console) reclaimAccount(r *http.Request) (any, error) {
	return c.onUser(r, c.srv.ReclaimAccount)
}

func (c *console) onUser(r *http.Request, do func(usersecurity.UserID)) (any, error) {
	id, err := c.userIn(r)
	if err != nil {
		return nil, err
	}
	do(id)
	return done{true}, nil
}
