package usersecuritytest_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
)

type wirePhone struct {
	ID          int64  `json:"id"`
	PhoneNumber string `json:"phoneNumber"`
	Type        string `json:"type"`
	Verified    bool   `json:"verified"`
	ClientID    string `json:"clientId"`
}

func TestPhoneNumbers(t *testing.T) {
	srv := newServer(t)
	create := func(id int, number string) response {
		return send(t, srv, asApplication(srv, "POST", phones(id), `{"phoneNumber":"`+number+`"}`))
	}
	update := func(id int, phone int64, number string) response {
		return send(t, srv, asApplication(srv, "PUT", fmt.Sprint(phones(id), "/", phone), `{"phoneNumber":"`+number+`"}`))
	}
	remove := func(id int, phone int64) response {
		return send(t, srv, asApplication(srv, "DELETE", fmt.Sprint(phones(id), "/", phone), ""))
	}
	list := func(id int) (l []wirePhone) {
		mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(id), "")), 200).json(t, &l)
		return l
	}
	read := func(r response) (p wirePhone) {
		mustStatus(t, r, 200).json(t, &p)
		return p
	}

	if r := send(t, srv, asApplication(srv, "GET", phones(user), "")); r.body != "[]" {
		t.Errorf("the empty list is written %s, want []", r.body)
	}
	one := read(create(user, "+6588888888"))
	two := read(create(user, "+14155550100"))
	theirs := read(create(otherUser, "+442071838750"))
	want := wirePhone{one.ID, "+6588888888", "PRIMARY", true, srv.ClientID()}
	if one.ID <= 0 || one != want || two.ID == one.ID || theirs.ID == two.ID {
		t.Errorf("created %+v, %+v, %+v", one, two, theirs)
	}
	if got := list(user); !slices.Equal(got, []wirePhone{one, two}) {
		t.Errorf("listed %+v", got)
	}
	if got := state(t, srv, user).PhoneNumbers; len(got) != 2 || got[0].PhoneNumber != one.PhoneNumber || int64(got[1].ID) != two.ID {
		t.Errorf("state has %+v", got)
	}

	// A number has one owner, and that one has it once.
	masked := regexp.MustCompile(`[a-z]\*+[a-z]@example\.com`)
	for _, r := range []response{
		create(otherUser, "+6588888888"),
		create(user, "+6588888888"),
		update(user, two.ID, "+6588888888"),
		update(otherUser, theirs.ID, "+6588888888"),
	} {
		mustCode(t, r, 422, "phone.number.repeated")
		if !masked.MatchString(r.body) {
			t.Errorf("%s names no masked e-mail address", r.body)
		}
	}
	if got := read(update(user, one.ID, "+6588888888")); got != one {
		t.Errorf("updated to the number it has: %+v", got)
	}
	one.PhoneNumber = "+6599999999"
	if got := read(update(user, one.ID, "+6599999999")); got != one {
		t.Errorf("updated to %+v, want %+v", got, one)
	}
	if got := list(user); !slices.Equal(got, []wirePhone{one, two}) {
		t.Errorf("listed %+v after an update", got)
	}
	freed := read(create(otherUser, "+6588888888"))
	if freed.ID == one.ID {
		t.Error("an id is used twice")
	}

	mustEmpty(t, update(user, theirs.ID, "+15005550006"), 404)
	mustEmpty(t, remove(user, theirs.ID), 404)
	mustEmpty(t, remove(user, one.ID), 204)
	mustEmpty(t, remove(user, one.ID), 404)
	mustEmpty(t, update(user, one.ID, "+6599999999"), 404)
	read(create(otherUser, "+6599999999"))

	mustEmpty(t, create(stranger, "+15005550007"), 404)
	mustEmpty(t, update(stranger, one.ID, "+15005550007"), 404)
	mustEmpty(t, remove(stranger, one.ID), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "GET", phones(stranger), "")), 404)
	for _, number := range []string{"", "6588888888", "+0123456789", "+65 8888 8888", "+6588888888x", "+1234567890123456", `+65888\n`} {
		mustCode(t, create(user, number), 422, "phone.number.invalid")
		mustCode(t, update(user, two.ID, number), 422, "phone.number.invalid")
	}
}
