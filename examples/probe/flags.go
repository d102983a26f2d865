package main

import (
	"errors"
	"flag"
	"io"

	"github.com/wise-partner/usersecurity/examples/internal/trial"
)

// settings are what the flags say.
type settings struct {
	baseURL, clientID, version       string
	user, profile                    int64
	certFile, keyFile                string
	refreshTokenFile                 string
	phone, protectedPath, replyKeyID string
	json, yes                        bool
}

func parse(args []string, out io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("probe", flag.ContinueOnError)
	flags.StringVar(&s.baseURL, "base-url", "", "Wise's address; a simulator of Wise if empty")
	flags.StringVar(&s.clientID, "client-id", "", "the partner's client id; its secret is WISE_CLIENT_SECRET")
	flags.Int64Var(&s.user, "user", 0, "a user without factors, whose access token is WISE_USER_TOKEN")
	flags.Int64Var(&s.profile, "profile", 0, "the profile to act on, where the user has several")
	flags.StringVar(&s.version, "version", "2026Q4", "the calendar version to try beside the legacy paths")
	flags.StringVar(&s.certFile, "cert", "", "a file with the client certificate, for mutual TLS")
	flags.StringVar(&s.keyFile, "key", "", "a file with its key")
	flags.StringVar(&s.refreshTokenFile, "refresh-token", "", "a file with the user's refresh token, in the place of WISE_USER_TOKEN: it is renewed once, and a new one is written to the file")
	flags.StringVar(&s.phone, "phone", "", "a phone number that nobody uses: phone numbers are tried with it")
	flags.StringVar(&s.protectedPath, "protected", "", "the path of a GET that Wise protects, such as a balance statement's: its 403 is looked at")
	flags.StringVar(&s.replyKeyID, "reply-key", "", "the id of a key of the partner's that is registered for replies")
	flags.BoolVar(&s.json, "json", false, "print the findings as JSON")
	flags.BoolVar(&s.yes, "yes", false, "do it, and don't only say what would be done")
	switch err := trial.Parse(flags, args, out); {
	case err != nil:
		return s, err
	case s.baseURL == "" && s.clientID != "":
		return s, errors.New("-client-id is for a real Wise: give -base-url too")
	case s.baseURL != "" && s.user <= 0:
		return s, errors.New("say with -user whom to act on: a user without factors")
	case s.baseURL == "":
		return s, nil
	}
	return s, trial.RefuseProduction(s.baseURL)
}
