// Migration moves customers from the eleven operations to their successors, one
// after the other, while the service goes on serving all of them, and switches the
// calendar version on at the end:
//
//	go run ./examples/migration
//
// Wise is a simulator in the same process. service.go is what a partner's service
// looks like during the change, migrate.go is the job that moves customers, and
// docs/migration.md says why each step is as it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const version = "2026Q4"

func main() {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	if err := run(context.Background(), wise, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migration:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, wise *usersecuritytest.Server, out io.Writer) error {
	wise.Protect(http.MethodGet, "/v1/statement", usersecurity.ChallengePin, usersecurity.ChallengeDeviceFingerprint)
	wise.Protect(http.MethodGet, "/"+version+"/statement", usersecurity.ChallengePin, usersecurity.ChallengeDeviceFingerprint)

	// Without WithVersion one client speaks both generations.
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	s := story{wise: wise, out: out, service: &service{client: client}}
	if err := s.before(ctx); err != nil {
		return err
	}
	if err := s.during(ctx); err != nil {
		return err
	}
	next, err := usersecurity.New(append(wise.Options(), usersecurity.WithVersion(version))...)
	if err != nil {
		return err
	}
	defer next.CloseIdleConnections()
	return s.after(ctx, next)
}

// story is what happens to three customers.
type story struct {
	wise      *usersecuritytest.Server
	out       io.Writer
	service   *service
	customers []*customer
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// before enrols the customers with the eleven operations, as it was done for years.
func (s *story) before(ctx context.Context) error {
	for n := range 3 {
		c := &customer{user: usersecurity.UserID(1001 + n)}
		s.wise.AddUser(c.user)
		s.customers = append(s.customers, c)
		if err := s.service.setPin(ctx, c, pinOf(c)); err != nil {
			return err
		}
		if err := s.service.addDevice(ctx, c, deviceOf(c, "phone")); err != nil {
			return err
		}
		if err := s.service.addPhone(ctx, c, fmt.Sprintf("+6588880%03d", n)); err != nil {
			return err
		}
		*c = customer{user: c.user} // nobody kept an id: there were lists
	}
	s.wise.AddBusinessProfile(s.customers[2].user)
	s.say("Three customers are enrolled with the eleven operations; the partner has kept no ids.")
	return nil
}

// during moves one customer after the other. Those who aren't moved yet are served
// as before.
func (s *story) during(ctx context.Context) error {
	for _, c := range s.customers {
		err := prepare(ctx, s.service.client, c)
		if errors.Is(err, errSeveralProfiles) {
			s.say("customer %d: stays with the eleven: %v", c.user, err)
			continue
		}
		if err != nil {
			return err
		}
		s.say("customer %d: profile stored, %d device and %d phone number exported", c.user, len(c.devices), len(c.phones))
	}
	for _, c := range s.customers[:1] { // a canary first, the others when that was well
		if err := s.move(ctx, c); err != nil {
			return err
		}
	}
	s.say("Side by side:")
	if err := s.serveAll(ctx, "/v1/statement"); err != nil {
		return err
	}

	// A person has looked at the customer with two profiles.
	s.customers[2].profile = s.wise.Profile(s.customers[2].user)
	if err := prepare(ctx, s.service.client, s.customers[2]); err != nil {
		return err
	}
	s.say("customer %d: a person has chosen the profile, the rest is exported", s.customers[2].user)
	for _, c := range s.customers[1:] {
		if err := s.move(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// move lets a customer be served by the successors, and enrols anew what the
// customer gives at the next login.
func (s *story) move(ctx context.Context, c *customer) error {
	c.moved = true
	if err := s.service.setPin(ctx, c, pinOf(c)); err != nil {
		return err
	}
	if err := s.service.addDevice(ctx, c, deviceOf(c, "phone")); err != nil {
		return err
	}
	s.say("customer %d: moved", c.user)
	return nil
}

// after switches the calendar version on, and sees the old endpoints turned off.
func (s *story) after(ctx context.Context, next *usersecurity.Client) error {
	s.wise.Retire(http.StatusGone)
	old := s.service.client
	s.service = &service{client: next}
	s.say("Version %s is switched on, and Wise has turned the old endpoints off:", version)
	if err := s.serveAll(ctx, "/"+version+"/statement"); err != nil {
		return err
	}
	// What a part of the service would see that was forgotten, with either client.
	for _, client := range []*usersecurity.Client{old, next} {
		err := client.DeletePin(ctx, s.customers[0].user)
		if !errors.Is(err, usersecurity.ErrNotInVersion) {
			return fmt.Errorf("the old DeletePin should be gone: %w", err)
		}
		s.say("forgotten code: %v", err)
	}
	return nil
}

// serveAll is a day in the service: every customer registers a tablet, loses it,
// changes the phone number, and proves who they are for a statement.
func (s *story) serveAll(ctx context.Context, statement string) error {
	for _, c := range s.customers {
		if err := s.service.addDevice(ctx, c, deviceOf(c, "tablet")); err != nil {
			return err
		}
		if err := s.service.removeNewestDevice(ctx, c); err != nil {
			return err
		}
		if err := s.service.changePhone(ctx, c, fmt.Sprintf("+65888810%02d", s.wise.Count(usersecurity.OpCreatePhoneNumber)+s.wise.Count(usersecurity.OpUpdatePhoneNumber))); err != nil {
			return err
		}
		token, err := s.refused(ctx, c, statement)
		if err != nil {
			return err
		}
		if err := s.service.clear(ctx, c, token); err != nil {
			return err
		}
		s.say("  customer %d: device, phone number and challenge, with %s", c.user, c.generation())
	}
	return nil
}

// refused makes a protected call, and returns the challenge.
func (s *story) refused(ctx context.Context, c *customer, path string) (usersecurity.OneTimeToken, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.wise.URL()+path, nil)
	if err != nil {
		return usersecurity.OneTimeToken{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.wise.UserToken(c.user))
	resp, err := s.wise.HTTPClient().Do(req)
	if err != nil {
		return usersecurity.OneTimeToken{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	token, asked := usersecurity.ChallengeOf(resp)
	if !asked {
		return token, fmt.Errorf("the statement was not protected: %s", resp.Status)
	}
	return token, nil
}
