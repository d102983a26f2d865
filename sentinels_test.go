package usersecurity_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// declaration is how a sentinel is declared, alone or in a group.
var declaration = regexp.MustCompile(`(?m)^(?:var |\t)(Err[A-Z]\w*)(?: error)? += `)

// The list of sentinels in these tests is the package's.
func TestSentinelsAreAllKnown(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared [][]string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		declared = append(declared, declaration.FindAllStringSubmatch(string(source), -1)...)
	}
	if len(declared) != len(sentinels) {
		t.Errorf("%d are declared, %d are known", len(declared), len(sentinels))
	}
	for _, d := range declared {
		if sentinels[d[1]] == nil {
			t.Errorf("%s is not known", d[1])
		}
	}
}
