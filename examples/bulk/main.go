// Bulk sets the PINs of thousands of customers in a night, within Wise's limits of 100
// requests a second and 1,000 a minute.
//
//	go run -C examples/bulk . -demo
//
// runs it against a simulator of Wise, with made-up customers. Otherwise:
//
//	WISE_CLIENT_SECRET=… DATABASE_URL=… TOKEN_KEYS=… go run -C examples/bulk . \
//		-base-url https://api.wise-sandbox.com -client-id … -csv pins.csv -journal pins.journal
//
// The CSV begins with the line user,profile,pin and has a line for each customer. How
// the PINs get there is the partner's business: none is ever printed, or written
// anywhere else. The customers' access tokens come from the PostgreSQL in which the
// partner's backend keeps them (store.go).
//
// The journal says whose call has begun and whose has ended. So a run that was killed
// goes on where it was when it is started again with the same two files, and asks again
// only for those whose calls were under way then. An interrupt lets these end first; a
// second one doesn't.
//
// The report goes to standard output. Exit codes: 0 all customers are done; 1 the
// program could not do its work; 2 its flags are wrong; 3 all have had their turn, and
// the report says who is not done, and of whom it isn't known; 4 some are still to come,
// because it was interrupted or found Wise not well: start it again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/wise-partner/usersecurity"
)

func main() {
	os.Exit(run(interruptible(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// interruptible is a context that the first interrupt ends. A second one ends the
// program at once.
func interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// run returns the exit code. What it has to say meanwhile it says on messages.
func run(ctx context.Context, args []string, env func(string) string, out, messages io.Writer) int {
	s, err := parseFlags(args, messages)
	if errors.Is(err, flag.ErrHelp) {
		return exitAll
	}
	if err != nil {
		return exitUsage // the flag package has said why
	}
	var code int
	if s.demo {
		code, err = runDemo(ctx, s, out, messages)
	} else {
		code, err = runForPartner(ctx, s, env, out, messages)
	}
	if err != nil {
		fmt.Fprintln(messages, "bulk:", err)
	}
	return code
}

// runForPartner connects to Wise as the partner's backend does.
func runForPartner(ctx context.Context, s settings, env func(string) string, out, messages io.Writer) (int, error) {
	store, closeStore, err := openStore(ctx, env("DATABASE_URL"), env("TOKEN_KEYS"))
	if err != nil {
		return exitFailed, err
	}
	defer closeStore()
	return enrol(ctx, s, out, messages,
		usersecurity.WithBaseURL(s.baseURL),
		// The secret comes from the environment: arguments show in the process list.
		usersecurity.WithClientCredentials(s.clientID, env("WISE_CLIENT_SECRET")),
		usersecurity.WithUserTokenStore(store),
		usersecurity.WithJWE())
}
