package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// felt are the rows that a user would feel, for the README of the library.
var felt = []struct {
	row, column, what string
	own               bool // of the lines that have a pool, those with the client's own
}{
	{"whole-call", "over the floor", "time of a whole sealed call on loopback, over the same by hand", false},
	{"pool", "of tuned", "calls per second of 256 goroutines over TLS, each client with its own pool, over a pool tuned by hand", true},
	{"pool-failing", "of tuned", "the same with one call in ten failing, all with a good pool", false},
	{"facemap", "bytes over the payload", "bytes allocated to send a face map of 300 KiB, over its size", false},
	{"binary", "over net/http alone", "size of a program, over one with `net/http` and `encoding/json`", false},
}

// Around the summary stand comments, by which a test of the library's README finds it.
const (
	summaryBegins = "<!-- felt: written by benchmarks -->\n"
	summaryEnds   = "<!-- felt end -->\n"
)

// summary is a table of the rows that a user would feel. It is empty where one of
// them was not measured.
func summary(measured map[string]table) string {
	var b strings.Builder
	b.WriteString(summaryBegins + "| | usersecurity | go-retryablehttp | SDKs and general clients |\n|---|---:|---:|---:|\n")
	for _, f := range felt {
		t, ok := measured[f.row]
		if !ok {
			return ""
		}
		var ours, bare string
		var others []float64
		for _, line := range t.lines {
			cell := line[slices.Index(t.columns, f.column)]
			switch {
			case f.own && line[1] != "its own", strings.Contains(line[0], byHand), line[0] == "by hand":
			case line[0] == library:
				ours = cell
			case strings.Contains(line[0], "go-retryablehttp"):
				bare = cell
			default:
				value, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					panic(f.row + ": " + cell + " is no number")
				}
				others = append(others, value)
			}
		}
		fmt.Fprintf(&b, "| %s | **%s** | %s | %s |\n", f.what, ours, bare, between(others))
	}
	return b.String() + summaryEnds
}

func between(values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f to %.2f", slices.Min(values), slices.Max(values))
}
