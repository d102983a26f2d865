package main

import (
	"errors"
	"flag"
	"io"

	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

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
	switch err := trial.Parse(flags, args, out); {
	case err != nil:
		return s, err
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
