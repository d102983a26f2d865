package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/wise-partner/usersecurity"
)

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
	if closing := journal.close(); closing != nil {
		return exitFailed, errors.Join(err, closing)
	}
	return code, err
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
	watched := sayInterrupted(ctx, messages)
	stopped := n.run(ctx, due)
	watched()
	finish()
	r := newReport(journal, customers, before)
	r.print(out, time.Since(began))
	if stopped != nil && !errors.Is(stopped, errNotWell) {
		return exitFailed, stopped
	}
	return r.exitCode(), stopped
}

// sayInterrupted says so when ctx ends, until watched is called. After that nothing
// more is written.
func sayInterrupted(ctx context.Context, messages io.Writer) (watched func()) {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		fmt.Fprintln(messages, "\nbulk: interrupted: the calls that are under way come to their end, which can take a minute")
	})
	return func() {
		if !stop() {
			<-said
		}
	}
}
