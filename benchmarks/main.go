// Command benchmarks measures the library side by side with the standard
// library alone, written by hand for the same work, and with other libraries.
// It prints ratios: what a machine does in a second is its own business.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

var rows = []row{
	timed(getRow),
	timed(postRow),
	{"writes", "writes to the socket per POST", writesTable},
	timed(sealRow),
	timed(openDirectRow),
	timed(openRSARow),
	timed(wholeCallRow),
	timed(userTokensRow),
	{"pool", "many goroutines, TLS, HTTP/1.1, a server that answers after 10 ms", func(s settings) (table, error) { return poolTable(s, false) }},
	{"pool-http2", "the same over HTTP/2", func(s settings) (table, error) { return poolTable(s, true) }},
	{"pool-failing", "as pool, with one call in ten finally failing", poolFailingTable},
	{"facemap", "bytes allocated to send a face map of 300 KiB", faceMapTable},
	{"binary", "what a consumer's stripped binary gains", binaryTable},
	{"growth", "calls per second and their times from 1 to 1,024 goroutines, TLS, HTTP/1.1, the clients' own pools", growthTable},
	{"waiting", "memory of a call that waits for its answer, TLS, HTTP/1.1", waitingTable},
	{"facemap-growth", "face maps from 1 KiB to 1 MiB, stub transport", faceMapGrowth},
	{"cached-tokens", "tokens of 1 to 100,000 users in the cache", cachedTokensTable},
	{"failing", "many goroutines while attempts fail, which are repeated after a millisecond", failingTable},
	{"cold", "the first sealed call of a client, TLS, HTTP/2, Wise a round trip of 20 ms away", coldTable},
	{"rotation", "sealed calls of many goroutines, one in two seconds each, while Wise's key changes", rotationTable},
}

func main() {
	if isChild() {
		childMain()
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var s settings
	only := flag.String("rows", ".", "regexp: which rows to run")
	flag.IntVar(&s.rounds, "rounds", 8, "rounds of the rows that run in one process; the order of the contestants alternates")
	flag.DurationVar(&s.slice, "slice", 150*time.Millisecond, "how long one contestant runs in a round")
	flag.IntVar(&s.runs, "runs", 5, "how often the other rows start each process; growth, waiting and rotation at most three times")
	flag.IntVar(&s.goroutines, "goroutines", 256, "goroutines of the rows pool, failing and rotation")
	flag.IntVar(&s.requests, "requests", 20, "calls of each goroutine of the rows pool and failing")
	list := flag.Bool("list", false, "print the rows' names and do nothing")
	dir := flag.String("report", "", "a folder: write README.md and "+chartFile+" there too")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if s.rounds < 1 || s.slice <= 0 || s.runs < 1 || s.goroutines < 1 || s.requests < 1 {
		return errors.New("rounds, slice, runs, goroutines and requests must be positive")
	}
	chosen := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !pattern.MatchString(r.name) })
	if len(chosen) == 0 {
		return errors.New("there is no row of that name; -list prints them")
	}
	if *list {
		for _, r := range chosen {
			fmt.Printf("%s: %s\n", r.name, r.about)
		}
		return nil
	}
	return measureRows(chosen, s, *dir)
}

func measureRows(chosen []row, s settings, dir string) error {
	fmt.Println(strings.Join(machine(s), "\n"))
	var r report
	r.begin(s)
	for _, row := range chosen {
		fmt.Printf("\n%s: %s\n", row.name, row.about)
		t, err := row.run(s)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		t.print()
		r.add(row, t)
	}
	if dir == "" {
		return nil
	}
	return r.write(dir)
}

func (t table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{t.columns}, t.lines...) {
		for _, cell := range line {
			fmt.Fprint(w, cell, "\t")
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}
