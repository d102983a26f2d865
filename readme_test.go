package usersecurity_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

var updateReadme = flag.Bool("readme.update", false, "TestReadmeTable writes the table of operations into README.md")

// The README's table of operations is made of the rows:
// go test -run TestReadmeTable -readme.update writes it.
func TestReadmeTable(t *testing.T) {
	const begin, end = "<!-- operations: made of the rows by a test -->\n", "<!-- operations end -->\n"
	text := string(must(os.ReadFile("README.md")))
	before, rest, found := strings.Cut(text, begin)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("README.md has no table of operations")
	}
	want := operationTable()
	if *updateReadme {
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("the table in README.md is not that of the rows, which is\n%s", want)
	}
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
