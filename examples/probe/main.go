// Probe asks a Wise sandbox what Wise's documents leave open, and prints a line for
// each question: what was seen, and which option of the client to set because of it.
// Without flags it asks a simulator of Wise in its own process:
//
//	go run ./examples/probe
//
// Against a real sandbox it needs a user without factors, and -yes; without -yes it
// says what it would do:
//
//	WISE_CLIENT_SECRET=… WISE_USER_TOKEN=… go run ./examples/probe \
//		-base-url https://api.wise-sandbox.com -client-id … -user … -yes
//
// It refuses Production and a user who has factors, and removes what it has created.
// What it prints, also with -json, holds no secret, id or address: it can be sent to
// the maintainers of this library, who want to know.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

// run prints findings to out, and what it is doing to progress.
func run(ctx context.Context, args []string, env func(string) string, out, progress io.Writer) error {
	s, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	address := addressName(s.baseURL)
	if s.baseURL == "" {
		var end func()
		s, env, end = simulator(s)
		defer end()
		fmt.Fprintln(progress, "There is no -base-url: a simulator of Wise in this process is asked.")
	} else {
		fmt.Fprint(progress, plan(s))
	}
	if !s.yes {
		return errors.New("nothing was done: give -yes to do this")
	}
	w, err := newWise(ctx, s, env)
	if err != nil {
		return err
	}
	defer w.close()
	p := probe{settings: s, wise: w, progress: progress}
	err = p.askAll(ctx)
	r := report{Wise: address, CalendarVersion: s.version, Findings: p.findings}
	return errors.Join(err, r.print(out, s.json))
}
