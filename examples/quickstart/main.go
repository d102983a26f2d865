// Quickstart sets up and takes down every factor of a user, first with the eleven
// calls that Wise had at first and then with their successors: PIN, face map, device
// and phone number. Without flags it does so against a simulator of Wise in its own process:
//
//	go run ./examples/quickstart
//
// -version 2026Q4 does it under a calendar version of Wise's API, which has the
// successors only. With -base-url it does the same against a real Wise sandbox. The
// secrets come from the environment, so that they are in no shell history:
//
//	WISE_CLIENT_SECRET=… WISE_USER_TOKEN=… go run ./examples/quickstart \
//		-base-url https://api.wise-sandbox.com -client-id … -user …
//
// It refuses Production and a user who has factors already, and removes what it has
// created, also when it fails half way.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/examples/internal/trial"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	s, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	var options []usersecurity.Option
	if s.baseURL == "" {
		wise := usersecuritytest.NewServer()
		defer wise.Close()
		wise.AddUser(usersecurity.UserID(s.user))
		options = wise.Options()
		fmt.Fprintln(out, "a simulator of Wise is at", wise.URL())
	} else {
		if err := trial.RefuseProduction(s.baseURL); err != nil {
			return err
		}
		token := usersecurity.StaticToken(env("WISE_USER_TOKEN"))
		options = []usersecurity.Option{
			usersecurity.WithBaseURL(s.baseURL),
			usersecurity.WithClientCredentials(s.clientID, env("WISE_CLIENT_SECRET")),
			usersecurity.WithUserTokens(usersecurity.ForUser(usersecurity.UserID(s.user), token)),
			usersecurity.WithJWE(),
		}
	}
	t := tour{ctx: ctx, out: out}
	return t.take(s, options)
}
