package usersecuritytest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// documented is what the table of the agreement with Wise says of an operation:
// method and path, the status of success, and the refusals, each a status or a
// status:code.
type documented struct {
	call     string
	success  string
	refusals []string
}

// documents reads the table, which stands in a test of the root package.
func documents() map[usersecurity.Operation]documented {
	table := map[usersecurity.Operation]documented{}
	for line := range strings.Lines(textOf(declaredIn("contracttable_test.go")["contractTable"])) {
		cells := regexp.MustCompile(`  +`).Split(strings.TrimSpace(line), -1)
		if len(cells) != 8 {
			continue // between the groups
		}
		d := documented{call: cells[1] + " " + cells[2]}
		d.success, _, _ = strings.Cut(cells[6], ":")
		for _, refusal := range strings.Fields(strings.Trim(cells[7], "-")) {
			answer, _, _ := strings.Cut(refusal, "=")
			d.refusals = append(d.refusals, answer)
		}
		table[usersecurity.Operation(cells[0])] = d
	}
	if len(table) < 30 {
		panic(fmt.Sprintf("the table has only %d operations", len(table)))
	}
	return table
}

// documentedCodes are those of all operations.
func documentedCodes() (codes []string) {
	for _, d := range documents() {
		for _, refusal := range d.refusals {
			if _, code, ok := strings.Cut(refusal, ":"); ok {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
