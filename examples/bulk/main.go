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
	"time"

	"github.com/wise-partner/usersecurity"
)

const (
	exitAll = iota
	exitFailed
	exitUsage
	exitNotAll
	exitUnfinished
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

// enrol is a run. wise says where Wise is, and where tokens come from.
func enrol(ctx context.Context, s settings, out, messages io.Writer, wise ...usersecurity.Option) (int, error) {
	file, err := os.Open(s.csv)
	if err != nil {
		return exitFailed, err
	}
	customers, err := readCustomers(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return exitFailed, err
	}
	journal, err := openJournal(s.journal)
	if err != nil {
		return exitFailed, err
	}
	code, err := enrolAll(ctx, s, customers, journal, out, messages, wise)
	return code, errors.Join(err, journal.close())
}

func enrolAll(ctx context.Context, s settings, customers []customer, journal *journal, out, messages io.Writer, wise []usersecurity.Option) (int, error) {
	limits := newLimits(s.perSecond, s.perMinute)
	for _, at := range journal.sent {
		limits.used(at)
	}
	client, err := usersecurity.New(append(wise,
		usersecurity.WithRateLimiter(limits),
		// The limit of a minute can keep a request waiting for as long.
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxRetryAfter: time.Minute}),
		usersecurity.WithTimeouts(10*time.Second, 10*time.Minute),
		usersecurity.WithUserAgent("example-bulk/1.0"))...)
	if err != nil {
		return exitFailed, err
	}
	defer client.CloseIdleConnections()
	if err := client.Warm(ctx); err != nil { // before thousands of calls find out
		return exitFailed, err
	}

	before, began := countDone(journal, customers), time.Now()
	n := night{client: client, journal: journal, concurrency: s.concurrency, again: s.again}
	due := n.due(customers)
	var finish func()
	n.ended, finish = progress(messages, len(due))
	defer context.AfterFunc(ctx, func() {
		fmt.Fprintln(messages, "\nbulk: interrupted: the calls that are under way come to their end, which can take a minute")
	})()
	stopped := n.run(ctx, due)
	finish()
	r := newReport(journal, customers, before)
	r.print(out, time.Since(began))
	if stopped != nil && !errors.Is(stopped, errNotWell) {
		return exitFailed, stopped
	}
	return r.exitCode(), stopped
}
