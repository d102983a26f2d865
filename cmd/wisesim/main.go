// Wisesim serves a simulator of Wise's User Security API, for programs in any
// language, with a page for people and JSON for scripts:
//
//	go run ./cmd/wisesim
//
// README.md, beside this file, tells the rest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wisesim:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. What it prints it prints once all is ready.
func run(ctx context.Context, args []string, out io.Writer) error {
	conf, err := parse(args, out)
	if err != nil {
		return err
	}
	first, err := readSeed(conf.seed)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", conf.addr)
	if err != nil {
		return err
	}
	if first.ClientSecret != "" {
		conf.options = append(conf.options, usersecuritytest.WithClientSecret(first.ClientSecret))
	}
	srv := usersecuritytest.NewServer(append(conf.options, usersecuritytest.WithListener(listener))...)
	defer srv.Close()
	loaded, err := loadState(srv, conf.state)
	if err != nil {
		return err
	}
	if !loaded {
		if err := first.plant(srv); err != nil {
			return fmt.Errorf("-seed: %w", err)
		}
	}
	g, err := newGuard(conf)
	if err != nil {
		return err
	}
	c := newConsole(srv, first, conf.state)
	srv.Mount(consolePath, g.protect(c.routes()))
	if err := printHints(out, srv, conf, g.token); err != nil {
		return err
	}
	<-ctx.Done()
	srv.Close()
	return saveState(srv, conf.state)
}
