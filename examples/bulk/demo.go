package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const (
	demoCustomers = 3000
	demoFaster    = 20 // than Wise's limits, so that it takes seconds
	firstDemoUser = 1001
)

// runDemo makes up customers, of whom one has a PIN already. Another one's answer is
// lost on its way.
func runDemo(ctx context.Context, s settings, out, messages io.Writer) (code int, err error) {
	wise := usersecuritytest.NewServer(usersecuritytest.WithRateLimits(demoFaster))
	defer wise.Close()
	dir, err := os.MkdirTemp("", "bulk")
	if err != nil {
		return exitFailed, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	s.csv, s.journal = filepath.Join(dir, "pins.csv"), filepath.Join(dir, "pins.journal")
	s.perSecond, s.perMinute = s.perSecond*demoFaster, s.perMinute*demoFaster
	if err := makeUp(wise, s.csv, demoCustomers); err != nil {
		return exitFailed, err
	}
	if err := wise.EnrolPin(firstDemoUser+demoCustomers/2, "0417"); err != nil {
		return exitFailed, err
	}
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, User: firstDemoUser + demoCustomers/3, Times: 1})

	code, err = enrol(ctx, s, out, messages, wise.Options()...)
	refused := 0
	for _, r := range wise.Requests() {
		if r.Status == 429 {
			refused++
		}
	}
	fmt.Fprintf(out, "\nThe simulator has seen %d requests to set a PIN, and has answered %d of all with 429.\n",
		wise.Count(usersecurity.OpSCACreatePin), refused)
	if code == exitNotAll { // as was to be seen
		code = exitAll
	}
	return code, err
}

// makeUp adds customers to a simulator and writes a CSV of them.
func makeUp(wise *usersecuritytest.Server, csv string, customers int) error {
	file, err := os.OpenFile(csv, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, "user,profile,pin")
	for user := usersecurity.UserID(firstDemoUser); err == nil && user < firstDemoUser+usersecurity.UserID(customers); user++ {
		wise.AddUser(user)
		_, err = fmt.Fprintf(file, "%d,%d,%04d\n", user, wise.Profile(user), rand.IntN(10_000))
	}
	return errors.Join(err, file.Close())
}
