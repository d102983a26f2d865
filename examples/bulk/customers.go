package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// What is done for each customer stands in the first half of this file: for another
// operation than setting a PIN, change columns, customer, parse, call and advice.

// columns are the head of the CSV.
var columns = []string{"user", "profile", "pin"}

type customer struct {
	profile usersecurity.Profile // by which the journal and the report know the customer
	pin     usersecurity.Pin
}

func parse(row []string) (c customer, err error) {
	if c.profile, err = parseProfile(row[0], row[1]); err != nil {
		return c, err
	}
	c.pin, err = usersecurity.NewPin(row[2])
	return c, err
}

func (c customer) call(ctx context.Context, client *usersecurity.Client) error {
	return client.SCA.CreatePin(ctx, c.profile, c.pin)
}

// advice is for the customers of whom nobody knows whether it was done.
const advice = `Wise may have the PIN of the file, or another one that was set before, or none.
Where the customer clears a challenge with it (SCA.VerifyPin) it is the right one.
Otherwise delete it (SCA.DeletePin; ErrPinNotSet is fine), and start again with -again.`

// readCustomers reads a CSV. It takes all of it or nothing: a file with a mistake in
// it is not begun with. Its errors name lines, and nothing of what is in them.
func readCustomers(r io.Reader) ([]customer, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = len(columns)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil || !slices.Equal(head, columns) {
		return nil, errors.New("the CSV must begin with the line " + strings.Join(columns, ","))
	}
	var all []customer
	lines := map[usersecurity.Profile]int{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the CSV: %w", err)
		}
		line, _ := rows.FieldPos(0)
		c, err := parse(row)
		if err != nil {
			return nil, fmt.Errorf("the CSV, line %d: %w", line, err)
		}
		if before, twice := lines[c.profile]; twice {
			return nil, fmt.Errorf("the CSV has the same customer in lines %d and %d", before, line)
		}
		lines[c.profile] = line
		all = append(all, c)
	}
}

func parseProfile(user, profile string) (usersecurity.Profile, error) {
	u, err := strconv.ParseInt(user, 10, 64)
	if err != nil || u <= 0 {
		return usersecurity.Profile{}, errors.New("the user is not a positive number")
	}
	p, err := strconv.ParseInt(profile, 10, 64)
	if err != nil || p <= 0 {
		return usersecurity.Profile{}, errors.New("the profile is not a positive number")
	}
	return usersecurity.Profile{User: usersecurity.UserID(u), ID: usersecurity.ProfileID(p)}, nil
}
