package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity"
)

type phone struct {
	PhoneNumber string `json:"phoneNumber"`
	Verified    bool   `json:"verified"`
}

// international is E.164. Wise judges numbers for itself; here it makes sure
// that one number is always written in one way.
var international = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// setPhone makes the number the customer's only one. Wise knows several numbers
// per user, and would send one-time passwords to a number that the customer
// believes replaced. A repeat finishes what an earlier request left half done.
func (a *api) setPhone(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		PhoneNumber string `json:"phoneNumber"`
	}
	if err := x.body(&body, maxBody); err != nil {
		return answer{}, err
	}
	number := body.PhoneNumber
	switch {
	case !international.MatchString(number):
		return answer{}, problemPhone
	case !slices.Contains(x.customer.VerifiedPhones, number):
		return answer{}, problemPhoneUnverified
	}
	numbers, err := a.listPhones(ctx, x)
	if err != nil {
		return answer{}, err
	}
	var set *usersecurity.PhoneNumber
	n := slices.IndexFunc(numbers, func(p usersecurity.PhoneNumber) bool { return digits(p.PhoneNumber) == digits(number) })
	switch {
	case n >= 0:
		set = &numbers[n]
	case len(numbers) == 0:
		set, err = a.wise.CreatePhoneNumber(ctx, x.customer.WiseUser, number, x.wiseOptions()...)
		err = instead(err, usersecurity.ErrInvalidRequest, problemPhone)
	default:
		set, err = a.wise.UpdatePhoneNumber(ctx, x.customer.WiseUser, numbers[0].ID, number, x.wiseOptions()...)
		err = instead(err, usersecurity.ErrInvalidRequest, problemPhone)
		err = instead(err, usersecurity.ErrNotFound, problemPhoneChanged)
	}
	if err != nil {
		return answer{}, err
	}
	for _, p := range numbers {
		if p.ID == set.ID {
			continue
		}
		if err := a.removePhone(ctx, x, p.ID); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusOK, body: phone{set.PhoneNumber, set.Verified}}, nil
}

func (a *api) showPhone(ctx context.Context, x *exchange) (answer, error) {
	numbers, err := a.knownPhones(ctx, x)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: phone{numbers[0].PhoneNumber, numbers[0].Verified}}, nil
}

// deletePhone leaves the customer without any number.
func (a *api) deletePhone(ctx context.Context, x *exchange) (answer, error) {
	numbers, err := a.knownPhones(ctx, x)
	if err != nil {
		return answer{}, err
	}
	for _, p := range numbers {
		if err := a.removePhone(ctx, x, p.ID); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *api) listPhones(ctx context.Context, x *exchange) ([]usersecurity.PhoneNumber, error) {
	return a.wise.ListPhoneNumbers(ctx, x.customer.WiseUser, x.wiseOptions()...)
}

// knownPhones are the customer's numbers, of which there is at least one.
func (a *api) knownPhones(ctx context.Context, x *exchange) ([]usersecurity.PhoneNumber, error) {
	numbers, err := a.listPhones(ctx, x)
	if err == nil && len(numbers) == 0 {
		err = problemPhoneNotSet
	}
	return numbers, err
}

// removePhone is content if the number is gone already: it was listed a moment
// ago.
func (a *api) removePhone(ctx context.Context, x *exchange, id usersecurity.PhoneNumberID) error {
	err := a.wise.DeletePhoneNumber(ctx, x.customer.WiseUser, id, x.wiseOptions()...)
	if errors.Is(err, usersecurity.ErrNotFound) && usersecurity.OutcomeOf(err) == usersecurity.OutcomeNotDone {
		return nil
	}
	return err
}

// digits compares numbers that may be written with spaces or dashes.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
