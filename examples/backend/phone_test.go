package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// phoneBook is a stub with phone numbers in it, and what was asked of it.
type phoneBook struct {
	wiseStub
	asked []string
}

func newPhoneBook(numbers ...string) *phoneBook {
	b := &phoneBook{}
	b.ListPhoneNumbersFunc = func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) (list []usersecurity.PhoneNumber, _ error) {
		for n, number := range numbers {
			list = append(list, usersecurity.PhoneNumber{ID: usersecurity.PhoneNumberID(n + 1), PhoneNumber: number, Verified: true})
		}
		return list, nil
	}
	b.CreatePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, number string, _ ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
		b.asked = append(b.asked, "create")
		return &usersecurity.PhoneNumber{ID: 100, PhoneNumber: number, Verified: true}, nil
	}
	b.UpdatePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, id usersecurity.PhoneNumberID, number string, _ ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
		b.asked = append(b.asked, fmt.Sprint("update ", id))
		return &usersecurity.PhoneNumber{ID: id, PhoneNumber: number, Verified: true}, nil
	}
	b.DeletePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, id usersecurity.PhoneNumberID, _ ...usersecurity.CallOption) error {
		b.asked = append(b.asked, fmt.Sprint("delete ", id))
		if id == 2 { // gone in the meantime
			return usersecuritytest.NewError(usersecurity.OpDeletePhoneNumber, 404, "")
		}
		return nil
	}
	return b
}

func TestPhoneIsTheOnlyOne(t *testing.T) {
	const older, oldest = "+6588881111", "+6588880000"
	for name, c := range map[string]struct {
		route string
		has   []string
		want  string
		asked []string
	}{
		"the first":               {"PUT /me/phone", nil, "200", []string{"create"}},
		"there already":           {"PUT /me/phone", []string{"+65 8888-4242"}, "200", nil},
		"another":                 {"PUT /me/phone", []string{older}, "200", []string{"update 1"}},
		"another, several there":  {"PUT /me/phone", []string{older, oldest, "+6588882222"}, "200", []string{"update 1", "delete 2", "delete 3"}},
		"there already, not only": {"PUT /me/phone", []string{older, testPhone, oldest}, "200", []string{"delete 1", "delete 3"}},
		"shown":                   {"GET /me/phone", []string{testPhone}, "200", nil},
		"none to show":            {"GET /me/phone", nil, "404 phone_not_set", nil},
		"all deleted":             {"DELETE /me/phone", []string{older, oldest}, "204", []string{"delete 1", "delete 2"}},
		"none to delete":          {"DELETE /me/phone", nil, "404 phone_not_set", nil},
	} {
		t.Run(name, func(t *testing.T) {
			book := newPhoneBook(c.has...)
			w := send(t, &book.wiseStub, c.route, `{"phoneNumber":"`+testPhone+`"}`)
			if got := outcome(t, w); got != c.want || !slices.Equal(book.asked, c.asked) {
				t.Errorf("%s after %q", got, book.asked)
			}
			if w.Code == http.StatusOK && digits(w.Body.String()) != digits(testPhone) {
				t.Errorf("the answer is %s", w.Body)
			}
		})
	}
}

func TestPhoneThatCannotBeRemovedIsNotForgotten(t *testing.T) {
	book := newPhoneBook("+6588881111", "+6588882222")
	book.DeletePhoneNumberFunc = func(context.Context, usersecurity.UserID, usersecurity.PhoneNumberID, ...usersecurity.CallOption) error {
		return usersecuritytest.NewError(usersecurity.OpDeletePhoneNumber, 429, "")
	}
	for _, route := range []string{"PUT /me/phone", "DELETE /me/phone"} {
		if got := outcome(t, send(t, &book.wiseStub, route, `{"phoneNumber":"`+testPhone+`"}`)); got != "503 wise_busy" {
			t.Errorf("%s: %s", route, got)
		}
	}
	// Without a token nothing is removed.
	book.DeletePhoneNumberFunc = func(context.Context, usersecurity.UserID, usersecurity.PhoneNumberID, ...usersecurity.CallOption) error {
		return usersecurity.ErrNoToken
	}
	if got := outcome(t, send(t, &book.wiseStub, "DELETE /me/phone", "")); got != "503 wise_unavailable" {
		t.Error(got)
	}
}
