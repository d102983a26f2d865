package usersecurity_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

var updateReadme = flag.Bool("readme.update", false, "TestReadmeTables writes the tables of README.md that are made elsewhere")

// Two of the README's tables are made elsewhere: that of the operations of the
// rows, and that of the costs by a run of the benchmarks.
// go test -run TestReadmeTables -readme.update writes them.
func TestReadmeTables(t *testing.T) {
	report := string(must(os.ReadFile("benchmarks/report/README.md")))
	for _, table := range []struct{ begin, end, want string }{
		{"<!-- operations: made of the rows by a test -->\n", "<!-- operations end -->\n", operationTable()},
		{feltBegins, feltEnds, between(t, report, feltBegins, feltEnds)},
	} {
		text := string(must(os.ReadFile("README.md")))
		got := between(t, text, table.begin, table.end)
		if *updateReadme {
			text = strings.Replace(text, table.begin+got+table.end, table.begin+table.want+table.end, 1)
			if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != table.want {
			t.Errorf("a table in README.md is not as it should be:\n%s", table.want)
		}
	}
}

const (
	feltBegins = "<!-- felt: written by benchmarks -->\n"
	feltEnds   = "<!-- felt end -->\n"
)

// between is what stands between two lines.
func between(t *testing.T, text, begin, end string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, begin)
	inside, _, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("nothing stands between %q and %q", begin, end)
	}
	return inside
}

func operationTable() string {
	var b strings.Builder
	b.WriteString("| Method | Request | Calendar versions | Token | Sealed | Errors of its own |\n|---|---|---|---|---|---|\n")
	for _, r := range usersecurity.Facts() {
		if r.Token == "client id and secret" || strings.HasPrefix(string(r.Name), "Fetch") {
			continue // what the client does for its own needs
		}
		method := strings.Join(r.Methods, " or ")
		calendar, token, sealed := r.Calendar, r.Token, ""
		if calendar == "" {
			calendar = strings.Replace("none: "+r.Instead, "none: nothing", "none", 1)
			if name, ok := strings.CutPrefix(r.Instead, "SCA."); ok {
				calendar = "none: `SCA." + name + "`"
			}
		} else if calendar != r.Legacy {
			calendar = "`" + calendar + "`"
		}
		if r.Grant {
			token += ", extra grant"
		}
		if r.Sealed {
			sealed = "yes"
		}
		var errs []string
		for _, a := range r.Answers {
			errs = append(errs, "`"+nameOf(a.Sentinel)+"`")
		}
		b.WriteString("| `" + string(r.Name) + "` | `" + method + " " + r.Legacy + "` | " + calendar + " | " + token + " | " + sealed + " | " + strings.Join(errs, ", ") + " |\n")
	}
	return b.String()
}

func nameOf(sentinel error) string {
	for name, s := range sentinels {
		if s == sentinel {
			return name
		}
	}
	return "?"
}
