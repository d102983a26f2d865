package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// customer is who is calling.
type customer struct {
	// ID is the partner's own id of the customer, and may be logged.
	ID string
	// WiseUser is the customer's id at Wise. It comes from here and never from the
	// request: no customer can name another one's.
	WiseUser usersecurity.UserID
	// VerifiedPhones are the numbers that the customer has shown to be his, by a
	// code that the partner sent. Wise takes the partner's word for it.
	VerifiedPhones []string
}

// sessions says whose a session is.
type sessions interface {
	// Customer fails with errNoSession where the session is unknown or over.
	Customer(ctx context.Context, session string) (customer, error)
}

var errNoSession = errors.New("no such session")

// bearer returns the session that a request carries; empty if none. A session
// from a header, unlike a cookie, is not sent by a browser of its own accord.
func bearer(r *http.Request) string {
	scheme, session, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(session)
}

// directory keeps the customers in memory. A service has a database for it.
type directory struct {
	bySession map[[sha256.Size]byte]customer // by the hash: who reads it has no session
}

var _ sessions = (*directory)(nil)

func newDirectory() *directory {
	return &directory{bySession: map[[sha256.Size]byte]customer{}}
}

// add is for the start of the program: it is not safe for concurrent use.
func (d *directory) add(session string, c customer) {
	d.bySession[sha256.Sum256([]byte(session))] = c
}

// Customer looks up whose session it is.
func (d *directory) Customer(_ context.Context, session string) (customer, error) {
	c, ok := d.bySession[sha256.Sum256([]byte(session))]
	if !ok {
		return customer{}, errNoSession
	}
	return c, nil
}

// loadCustomers reads a list of
//
//	{
//	  "customer": "c-1",
//	  "wiseUser": 1001,
//	  "verifiedPhones": ["+6588888888"],
//	  "sessionSHA256": "…"
//	}
//
// where sessionSHA256 is what `printf %s "$SESSION" | sha256sum` prints.
func loadCustomers(file string) (*directory, error) {
	if file == "" {
		return nil, errors.New("-customers is missing")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var entries []struct {
		Customer       string              `json:"customer"`
		WiseUser       usersecurity.UserID `json:"wiseUser"`
		VerifiedPhones []string            `json:"verifiedPhones"`
		SessionSHA256  string              `json:"sessionSHA256"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&entries) != nil {
		// The decoder's own text may repeat what it stumbled over.
		return nil, fmt.Errorf("%s: not a list of customers", file)
	}
	d := newDirectory()
	for n, e := range entries {
		var session [sha256.Size]byte
		hash, err := hex.DecodeString(e.SessionSHA256)
		switch {
		case err != nil || len(hash) != len(session):
			return nil, fmt.Errorf("%s: entry %d: sessionSHA256 must be 64 hex digits", file, n)
		case e.Customer == "" || e.WiseUser <= 0:
			return nil, fmt.Errorf("%s: entry %d: customer and wiseUser are needed", file, n)
		}
		copy(session[:], hash)
		d.bySession[session] = customer{e.Customer, e.WiseUser, e.VerifiedPhones}
	}
	return d, nil
}
