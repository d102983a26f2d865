package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// config is what the command line says.
type config struct {
	addr      string
	tls       bool
	names     []string // by which other machines reach it; nil where none may
	tokenFile string
	seed      string
	state     string
	prefix    string
	options   []usersecuritytest.ServerOption
}

// readings are what Wise's documents leave open, by the name that -readings takes.
var readings = map[string]usersecuritytest.ServerOption{
	"bare-verify-replies":     usersecuritytest.WithBareVerifyReplies(),
	"challenge-body":          usersecuritytest.WithChallengeBody(),
	"challenge-kind-hint":     usersecuritytest.WithChallengeKindHint(),
	"clear-bodies":            usersecuritytest.WithClearBodies(),
	"clear-replies":           usersecuritytest.WithClearReplies(),
	"cleared-tokens-shown":    usersecuritytest.WithClearedTokensShown(),
	"factors-per-profile":     usersecuritytest.WithFactorsPerProfile(),
	"gradual-challenges":      usersecuritytest.WithGradualChallenges(),
	"low-risk-window":         usersecuritytest.WithLowRiskWindow(),
	"reply-key-named":         usersecuritytest.WithReplyKeyNamed(),
	"reply-key-replies":       usersecuritytest.WithReplyKeyReplies(),
	"rotating-refresh-tokens": usersecuritytest.WithRotatingRefreshTokens(),
	"sealed-errors":           usersecuritytest.WithSealedErrors(),
	"verify-messages":         usersecuritytest.WithVerifyMessages(),
	"without-grant":           usersecuritytest.WithoutGrant(),
	"wrapped-verify-replies":  usersecuritytest.WithWrappedVerifyReplies(),
}

func parse(args []string, out io.Writer) (*config, error) {
	c := &config{}
	var expose, open string
	var latency time.Duration
	var limits float64
	flags := flag.NewFlagSet("wisesim", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8080", "the `address` to listen on; port 0 is any that is free")
	flags.BoolVar(&c.tls, "tls", false, "serve https, with a certificate made at each start")
	flags.StringVar(&c.prefix, "prefix", "", "a `path` before all of Wise's, such as /gateway")
	flags.StringVar(&c.seed, "seed", "", "a JSON `file` of users and factors; without it there is user 1001, who has none")
	flags.StringVar(&c.state, "state", "", "a `file` that the state is read from, if it is there, and written to at the end")
	flags.DurationVar(&latency, "latency", 0, "answer each request this much later")
	flags.Float64Var(&limits, "limits", 0, "enforce Wise's limits, times this `factor`; 0 is for none, 1 for Wise's own")
	flags.StringVar(&open, "readings", "", "how Wise is read where its documents leave it open, separated by commas:\n"+
		strings.Join(slices.Sorted(maps.Keys(readings)), ", "))
	flags.StringVar(&expose, "expose", "", "let other machines in, by these host `names` or addresses, separated by commas.\n"+
		"Then "+consolePath+" takes a token")
	flags.StringVar(&c.tokenFile, "token-file", "", "a `file` with the token that -expose asks for; without it there is a new one at each start")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag; -h tells what there is", flags.Arg(0))
	}
	c.names = split(expose)
	if err := errors.Join(c.checkAddress(), c.checkPrefix()); err != nil {
		return nil, err
	}
	return c, c.choose(split(open), latency, limits)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// checkAddress keeps other machines out, unless they are let in by name.
func (c *config) checkAddress() error {
	host, _, err := net.SplitHostPort(c.addr)
	switch {
	case err != nil:
		return fmt.Errorf("-addr: %q is not written like 127.0.0.1:8080", c.addr)
	case len(c.names) > 0 || isLoopback(host):
		return nil
	}
	return fmt.Errorf("-addr: other machines reach %q; -expose says under which names they may", c.addr)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *config) checkPrefix() error {
	if c.prefix == "" {
		return nil
	}
	if !strings.HasPrefix(c.prefix, "/") || strings.HasSuffix(c.prefix, "/") || strings.ContainsAny(c.prefix, "?#%") {
		return fmt.Errorf("-prefix: %q is not written like /gateway", c.prefix)
	}
	c.options = append(c.options, usersecuritytest.WithPathPrefix(c.prefix))
	return nil
}

// choose turns the rest into options of the simulator's.
func (c *config) choose(open []string, latency time.Duration, limits float64) error {
	if latency < 0 {
		return errors.New("-latency: it is negative")
	}
	c.options = append(c.options, usersecuritytest.WithLatency(latency))
	if limits != 0 {
		if limits < 0.01 || limits > 1e6 {
			return errors.New("-limits: the factor is from 0.01 to 1000000")
		}
		c.options = append(c.options, usersecuritytest.WithRateLimits(limits))
	}
	for _, name := range open {
		option, known := readings[name]
		if !known {
			return fmt.Errorf("-readings: there is no %q; -h tells what there is", name)
		}
		c.options = append(c.options, option)
	}
	if c.tls {
		c.options = append(c.options, usersecuritytest.WithTLS(c.names...))
	}
	return nil
}
