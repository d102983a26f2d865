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
	"sync"

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

// directory keeps the customers in memory: sessions, and what Wise granted for
// them. A service has a database for it.
type directory struct {
	bySession map[[sha256.Size]byte]customer // by the hash: who reads it has no session
	grants    map[usersecurity.UserID]*keptGrant
}

type keptGrant struct {
	mu sync.Mutex
	grant
}

var (
	_ sessions = (*directory)(nil)
	_ vault    = (*directory)(nil)
)

func newDirectory() *directory {
	return &directory{
		bySession: map[[sha256.Size]byte]customer{},
		grants:    map[usersecurity.UserID]*keptGrant{},
	}
}

// add is for the start of the program: it is not safe for concurrent use.
func (d *directory) add(session [sha256.Size]byte, c customer, refreshToken string) {
	d.bySession[session] = c
	if refreshToken != "" {
		d.grants[c.WiseUser] = &keptGrant{grant: grant{RefreshToken: refreshToken}}
	}
}

// Customer looks up whose session it is.
func (d *directory) Customer(_ context.Context, session string) (customer, error) {
	c, ok := d.bySession[sha256.Sum256([]byte(session))]
	if !ok {
		return customer{}, errNoSession
	}
	return c, nil
}

// Update holds the lock of one user only: a slow refresh keeps nobody else
// waiting.
func (d *directory) Update(_ context.Context, user usersecurity.UserID, change func(grant) (grant, error)) (grant, error) {
	kept := d.grants[user]
	if kept == nil {
		return grant{}, errNotLinked
	}
	kept.mu.Lock()
	defer kept.mu.Unlock()
	changed, err := change(kept.grant)
	if err != nil {
		return grant{}, err
	}
	kept.grant = changed
	return changed, nil
}

// loadCustomers reads a list of
//
//	{
//	  "customer": "c-1",
//	  "wiseUser": 1001,
//	  "verifiedPhones": ["+6588888888"],
//	  "sessionSHA256": "…",
//	  "refreshToken": "…"
//	}
//
// where sessionSHA256 is what `printf %s "$SESSION" | sha256sum` prints. The
// refresh tokens make the file a secret: nobody else may read it.
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
		RefreshToken   string              `json:"refreshToken"`
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
		d.add(session, customer{e.Customer, e.WiseUser, e.VerifiedPhones}, e.RefreshToken)
	}
	return d, nil
}
