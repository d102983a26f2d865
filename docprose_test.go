package usersecurity_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// packageText is the text of doc.go, in lines.
func packageText() string {
	text, _, _ := strings.Cut(string(must(os.ReadFile("doc.go"))), "\npackage ")
	return regexp.MustCompile(`(?m)^// ?`).ReplaceAllString(text, "")
}

// namesWhat reports whether a word of the package text stands for an operation:
// its name, which stands for the successor too, or the group that it is of.
func namesWhat(word string, f usersecurity.Fact) bool {
	name := string(f.Name)
	method := name[strings.LastIndex(name, ".")+1:]
	switch word {
	case "the deletes":
		return f.Class == "deletes"
	case "verifies":
		return strings.HasPrefix(name, "SCA.Verify") || strings.HasPrefix(name, "OneTimeTokens.Verify")
	case "triggers":
		return method == "Trigger"
	}
	return word == strings.TrimPrefix(name, "SCA.") || word == name
}

// Every operation that writes has one line of the text on what to do where it is
// unknown whether it was done, and no other operation has.
func TestUnknownOutcomesInText(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(packageText(), "What to do then, once nothing can be on its way any more, in a minute say:\n\n")
	table, _, ended := strings.Cut(table, "\n\n")
	if !found || !ended {
		t.Fatal("doc.go has no table of what to do where the outcome is unknown")
	}
	gap := regexp.MustCompile(`\s{2,}`)
	var words []string
	for line := range strings.Lines(table) {
		label := gap.Split(strings.TrimRight(strings.TrimPrefix(line, "\t"), "\n"), 2)[0]
		for word := range strings.SplitSeq(label, ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, word)
			}
		}
	}
	lines := map[string]int{}
	for _, f := range usersecurity.Facts() {
		named := 0
		for _, word := range words {
			if namesWhat(word, f) {
				lines[word]++
				named++
			}
		}
		if writes := f.Name.Writes(); writes && named != 1 || !writes && named > 0 {
			t.Errorf("%s writes: %t; of the lines of doc.go on unknown outcomes %d are about it", f.Name, writes, named)
		}
	}
	for _, word := range words {
		if lines[word] == 0 {
			t.Errorf("doc.go says what to do after an unknown outcome of %q, which is no operation", word)
		}
	}
}

// The text says of every operation whose token it needs, and whether the extra
// grant too.
func TestTokensInText(t *testing.T) {
	t.Parallel()
	text := strings.Join(strings.Fields(packageText()), " ")
	for _, sentence := range []struct {
		begins, ends string
		token        string
		grant        bool
	}{
		{"speaks for one end customer: ", " need it, and act on whoever", "user", false},
		{"speaks for the partner: ", " need it, and an extra grant", "application", true},
		{"end with [ErrForbidden]; ", " need it alone.", "application", false},
	} {
		_, list, found := strings.Cut(text, sentence.begins)
		list, _, ended := strings.Cut(list, sentence.ends)
		if !found || !ended {
			t.Errorf("doc.go doesn't say %q … %q", sentence.begins, sentence.ends)
			continue
		}
		named := regexp.MustCompile(`, | and `).Split(strings.ReplaceAll(list, "all of ", ""), -1)
		needed := map[string]bool{}
		for _, f := range usersecurity.Facts() {
			service, _, _ := strings.Cut(string(f.Name), ".")
			own := strings.HasPrefix(string(f.Name), "Fetch") // what the client does for its own needs
			needs := f.Token == sentence.token && f.Grant == sentence.grant && !own
			says := slices.Contains(named, string(f.Name)) || slices.Contains(named, service)
			if needs != says {
				t.Errorf("%s needs the token of the %s (extra grant: %t): %t, and doc.go says: %t", f.Name, sentence.token, sentence.grant, needs, says)
			}
			needed[string(f.Name)], needed[service] = true, true
		}
		for _, name := range named {
			if !needed[name] {
				t.Errorf("doc.go names %q, which is no operation", name)
			}
		}
	}
}
