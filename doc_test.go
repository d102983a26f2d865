package usersecurity_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// The package text prints the retry table as it is in the code.
func TestRetryTableInText(t *testing.T) {
	t.Parallel()
	table, labels := retryTableOfDoc(t)
	if len(table) != len(usersecurity.RetryRows()) {
		t.Fatalf("the text has %d rows: %v", len(table), labels)
	}
	for i, kind := range usersecurity.RetryRows() {
		for j, class := range usersecurity.RetryColumns() {
			if want := usersecurity.RetryTable()[kind][class]; table[i][j] != want {
				t.Errorf("after %q the text has %q for %s, the code %q", labels[i], table[i][j], class, want)
			}
		}
		named := statusesIn(labels[i])
		for status := range 1000 {
			if named[status] && usersecurity.KindOfStatus(status) != kind {
				t.Errorf("%d stands in the row %q and is %s", status, labels[i], usersecurity.KindOfStatus(status))
			}
			if !named[status] && usersecurity.KindOfStatus(status) == kind && kind != "answered" {
				t.Errorf("%d is %s and not named in the row %q", status, kind, labels[i])
			}
		}
	}
}

// statusesIn are those that a text names, as "408, 500, 502 to 504".
func statusesIn(text string) map[int]bool {
	named := map[int]bool{}
	for _, m := range regexp.MustCompile(`([1-9]\d\d)(?: to (\d\d\d))?`).FindAllStringSubmatch(text, -1) {
		first := must(strconv.Atoi(m[1]))
		last := first
		if m[2] != "" {
			last = must(strconv.Atoi(m[2]))
		}
		for status := first; status <= last; status++ {
			named[status] = true
		}
	}
	return named
}

// retryTableOfDoc reads the table of the package text: the cells of its rows,
// and how the rows are called there.
func retryTableOfDoc(t *testing.T) (table [][]string, labels []string) {
	t.Helper()
	text := must(os.ReadFile("doc.go"))
	gap := regexp.MustCompile(`\s{2,}`)
	var in bool
	var label string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
		cells := gap.Split(line, -1)
		switch {
		case slices.Equal(cells, usersecurity.RetryColumns()):
			in = true
		case in && line == "":
			return table, labels
		case in && len(cells) == 1:
			label += line + " "
		case in:
			table, labels = append(table, cells[1:]), append(labels, label+cells[0])
			label = ""
		}
	}
	t.Fatal("doc.go has no retry table")
	return nil, nil
}
