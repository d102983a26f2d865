// Quickstart sets up and takes down every factor of a user, first with the eleven
// operations and then with their successors: PIN, face map, device and phone
// number. Without flags it does so against a simulator of Wise in its own process:
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

// settings are what the flags say.
type settings struct {
	baseURL, clientID, version string
	user, profile              int64
	phone, otherPhone          string
	faceMapFile                string
}

func parse(args []string, out io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&s.baseURL, "base-url", "", "Wise's address; a simulator of Wise if empty")
	flags.StringVar(&s.clientID, "client-id", "", "the partner's client id; its secret is WISE_CLIENT_SECRET")
	flags.Int64Var(&s.user, "user", 0, "the user to act on, who has no factors; the user's access token is WISE_USER_TOKEN")
	flags.Int64Var(&s.profile, "profile", 0, "the profile to act on, where the user has several")
	flags.StringVar(&s.version, "version", "", "a calendar version such as 2026Q4, which has the successors only; both generations if empty")
	flags.StringVar(&s.phone, "phone", "+6588880001", "a phone number that nobody uses")
	flags.StringVar(&s.otherPhone, "other-phone", "+6588880002", "another one")
	flags.StringVar(&s.faceMapFile, "face-map", "", "a file with a face map from FaceTec's export, in base64; without it a real Wise gets none")
	flags.SetOutput(io.Discard) // main prints the error
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		flags.Usage()
		return s, err
	case err != nil:
		return s, fmt.Errorf("%w; -h lists the flags", err)
	case flags.NArg() > 0:
		return s, errors.New("there are flags only; -h lists them")
	case s.baseURL == "" && s.clientID != "":
		return s, errors.New("-client-id is for a real Wise: give -base-url too")
	case s.baseURL != "" && s.user == 0:
		return s, errors.New("say with -user whom to act on")
	case s.user == 0:
		s.user = 1001 // anybody, in the simulator
	case s.user < 0:
		return s, errors.New("-user is a positive number")
	}
	return s, nil
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
