package usersecurity_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// In calendar versions the paths are the same, without /v1 and /v2.
func TestCalendarPaths(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`^/v[12]/`)
	for _, f := range usersecurity.Facts() {
		if f.Calendar != "" && f.Calendar != version.ReplaceAllString(f.Legacy, "/") {
			t.Errorf("%s: %s, and %s in calendar versions", f.Name, f.Legacy, f.Calendar)
		}
	}
}

// documentedErrors are the errors of operations as texts: operation, status, code, name.
func documentedErrors() map[string]bool {
	all := map[string]bool{}
	for _, f := range usersecurity.Facts() {
		for _, a := range f.Answers {
			for name, s := range sentinels {
				if s == a.Sentinel { //nolint:errorlint // the very sentinel
					all[strings.TrimSpace(fmt.Sprint(f.Name, " ", a.Status, " ", a.Code))+" "+name] = true
				}
			}
		}
	}
	return all
}

// checkErrorTable compares the rows of a table, operations, status with code and
// name, with the code; those for any operation with what a response comes to.
func checkErrorTable(t *testing.T, where string, rows [][]string) {
	t.Helper()
	named, general := map[string]bool{}, map[string]string{}
	for _, cells := range rows {
		if cells[0] == "any" {
			general[cells[1]] = cells[2]
			continue
		}
		for op := range strings.SplitSeq(cells[0], ", ") {
			named[op+" "+cells[1]+" "+cells[2]] = true
		}
	}
	want := documentedErrors()
	for what := range named {
		if !want[what] {
			t.Errorf("%s says %q, and the code doesn't", where, what)
		}
	}
	for what := range want {
		if !named[what] {
			t.Errorf("%s doesn't say %q", where, what)
		}
	}
	checkGeneralErrors(t, where, general)
}

func checkGeneralErrors(t *testing.T, where string, general map[string]string) {
	t.Helper()
	other := general["any other"]
	delete(general, "any other")
	told := map[int]string{}
	for statuses, names := range general {
		for status := range statusesIn(statuses) {
			told[status] = names
		}
	}
	for status := range 1000 {
		names, ok := told[status]
		if !ok {
			names = other
		}
		e := usersecurity.NewAPIError(usersecurity.OpListPhoneNumbers, status, nil, nil)
		if !slices.ContainsFunc(strings.FieldsFunc(names, func(r rune) bool { return r == ' ' || r == ',' || r == '`' }), func(name string) bool {
			return sentinels[name] != nil && errors.Is(e, sentinels[name])
		}) {
			t.Errorf("%s has %q for %d, which is %v", where, names, status, e)
		}
	}
}

// blocksOf are the lines of the package text that are printed as they stand.
func blocksOf(t *testing.T) (lines [][]string) {
	t.Helper()
	gap := regexp.MustCompile(`\s{2,}`)
	for line := range strings.Lines(string(must(os.ReadFile("doc.go")))) {
		if block, found := strings.CutPrefix(strings.TrimRight(line, "\n"), "//\t"); found {
			lines = append(lines, gap.Split(block, -1))
		}
	}
	return lines
}

func TestErrorsInText(t *testing.T) {
	t.Parallel()
	var rows [][]string
	for _, cells := range blocksOf(t) {
		switch last := cells[len(cells)-1]; {
		case len(cells) == 2 && sentinels[strings.Split(last, ",")[0]] != nil:
			rows = append(rows, []string{"any", cells[0], last})
		case len(cells) == 3 && sentinels[last] != nil:
			rows = append(rows, cells)
		}
	}
	checkErrorTable(t, "the package text", rows)
}

// The package text says of which class an operation is.
func TestClassesInText(t *testing.T) {
	t.Parallel()
	told, class := map[string]string{}, ""
	for _, cells := range blocksOf(t) {
		switch {
		case len(cells) == 2 && slices.Contains(usersecurity.RetryColumns(), cells[0]):
			class = cells[0]
		case len(cells) != 2 || cells[0] != "":
			class = ""
		}
		if class != "" {
			for op := range strings.SplitSeq(strings.TrimSuffix(cells[1], ","), ", ") {
				told[op] = class
			}
		}
	}
	want := map[string]string{}
	for _, f := range usersecurity.Facts() {
		want[string(f.Name)] = f.Class
	}
	if !maps.Equal(told, want) {
		t.Errorf("the text has %v, the code %v", told, want)
	}
}

// And what comes in the place of an operation that calendar versions don't have.
func TestSuccessorsInText(t *testing.T) {
	t.Parallel()
	told := map[string]string{}
	for _, cells := range blocksOf(t) {
		if len(cells) == 2 && (strings.HasPrefix(cells[1], "SCA.") || strings.HasPrefix(cells[1], "nothing (") || strings.Contains(cells[1], ", then ")) &&
			!strings.Contains(cells[0], ",") && !slices.Contains(usersecurity.RetryColumns(), cells[0]) && cells[0] != "" {
			told[cells[0]] = cells[1]
		}
	}
	want := map[string]string{}
	for _, f := range usersecurity.Facts() {
		if f.Calendar == "" {
			want[string(f.Name)] = f.Instead
		}
	}
	if !maps.Equal(told, want) {
		t.Errorf("the text has %v, the code %v", told, want)
	}
}
