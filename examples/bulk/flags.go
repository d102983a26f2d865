package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/wise-partner/usersecurity"
)

// settings are what the flags say.
type settings struct {
	baseURL, clientID    string
	csv, journal         string
	perSecond, perMinute int
	concurrency          int
	again                bool
	demo                 bool
}

func parseFlags(args []string, messages io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("bulk", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.BoolVar(&s.demo, "demo", false, "run against a simulator of Wise whose limits are 20 times Wise's, with 3,000 made-up customers")
	flags.StringVar(&s.baseURL, "base-url", "", "Wise's address, such as "+usersecurity.Sandbox)
	flags.StringVar(&s.clientID, "client-id", "", "the partner's client id; its secret is WISE_CLIENT_SECRET")
	flags.StringVar(&s.csv, "csv", "", "a CSV of the customers, which begins with the line user,profile,pin; how PINs get there is your business, and so is removing the file")
	flags.StringVar(&s.journal, "journal", "", "a file that says how far it is; made if it isn't there")
	flags.IntVar(&s.perSecond, "per-second", 100, "how many requests to send in a second; less than Wise allows where your other programs call Wise meanwhile")
	flags.IntVar(&s.perMinute, "per-minute", 1000, "how many in a minute")
	flags.IntVar(&s.concurrency, "concurrency", 32, "how many calls to make at a time")
	flags.BoolVar(&s.again, "again", false, "call again for those who are not done or unknown by the journal")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		err = errors.New("there are flags only")
	case s.perSecond < 1 || s.perMinute < 1 || s.concurrency < 1:
		err = errors.New("-per-second, -per-minute and -concurrency must be positive")
	case !s.demo && (s.baseURL == "" || s.clientID == "" || s.csv == "" || s.journal == ""):
		err = errors.New("-base-url, -client-id, -csv and -journal are needed, or -demo")
	}
	if err != nil {
		fmt.Fprintf(messages, "bulk: %v; -h lists the flags\n", err)
	}
	return s, err
}
