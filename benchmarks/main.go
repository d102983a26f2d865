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
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// row is one thing that is measured.
type row struct {
	name  string
	about string
	// run measures the row and returns its table.
	run func(s settings) (table, error)
}

// settings are the flags.
type settings struct {
	rounds     int
	slice      time.Duration
	goroutines int
	requests   int
}

// table is what a row prints: a heading, and a line for each contestant, the
// floor first.
type table struct {
	columns []string
	lines   [][]string
}

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
	{"pool-failing", "the same, with one call in ten finally failing", func(s settings) (table, error) { return poolTable(s, true) }},
	{"facemap", "bytes allocated to send a face map of 300 KiB", faceMapTable},
	{"binary", "what a consumer's stripped binary gains", binaryTable},
}

func main() {
	if isChild() {
		childMain()
		return
	}
	var s settings
	only := flag.String("rows", ".", "regexp: which rows to run")
	flag.IntVar(&s.rounds, "rounds", 8, "rounds; the order of the contestants alternates")
	flag.DurationVar(&s.slice, "slice", 150*time.Millisecond, "how long one contestant runs in a round")
	flag.IntVar(&s.goroutines, "goroutines", 256, "goroutines of the pool rows")
	flag.IntVar(&s.requests, "requests", 40, "calls of each goroutine of the pool rows")
	list := flag.Bool("list", false, "print the rows' names and do nothing")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err == nil && !slices.ContainsFunc(rows, func(r row) bool { return pattern.MatchString(r.name) }) {
		err = errors.New("there is no row of that name; -list prints them")
	}
	if err == nil && (s.rounds < 1 || s.slice <= 0 || s.goroutines < 1 || s.requests < 1) {
		err = errors.New("rounds, slice, goroutines and requests must be positive")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%s, %s/%s, %d cores, %d rounds, %s\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), s.rounds, time.Now().UTC().Format(time.DateOnly))
	for _, r := range rows {
		if !pattern.MatchString(r.name) {
			continue
		}
		fmt.Printf("\n%s: %s\n", r.name, r.about)
		if *list {
			continue
		}
		t, err := r.run(s)
		if err != nil {
			fmt.Fprintln(os.Stderr, r.name+":", err)
			os.Exit(1)
		}
		t.print()
	}
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
