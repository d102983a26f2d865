package usersecurity_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// retryColumns are the columns of the retry table, by the class of an operation.
var retryColumns = []string{aRead: "lists", aDelete: "deletes", aSetOnce: "set-once", aNumber: "phone numbers"}

// retryTableOfDoc reads the table of the package text: row, column, cell.
func retryTableOfDoc(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]map[string]string{}
	gap := regexp.MustCompile(`\s{2,}`)
	var in bool
	var half string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
		cells := gap.Split(line, -1)
		switch {
		case slices.Equal(cells, retryColumns):
			in = true
		case in && line == "":
			return table
		case in && len(cells) == 1 && strings.HasSuffix(line, ","):
			half = line + " "
		case in && len(cells) > 1:
			row := table[half+cells[0]]
			if row == nil {
				row = map[string]string{}
				table[half+cells[0]] = row
			}
			for i, column := range retryColumns {
				row[column] = cells[min(i+1, len(cells)-1)]
			}
			half = ""
		}
	}
	t.Fatal("doc.go has no retry table")
	return nil
}
