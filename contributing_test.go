package usersecurity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The map in CONTRIBUTING.md has every file of the package, and none besides.
func TestContributingMap(t *testing.T) {
	t.Parallel()
	text := string(must(os.ReadFile("CONTRIBUTING.md")))
	for _, file := range must(filepath.Glob("*.go")) {
		if !strings.HasSuffix(file, "_test.go") && !strings.Contains(text, "`"+file+"`") {
			t.Errorf("%s has no place in the map", file)
		}
	}
	for i, word := range strings.Split(text, "`") {
		if i%2 == 0 || !strings.HasSuffix(word, ".go") {
			continue
		}
		if _, err := os.Stat(word); err != nil {
			t.Errorf("the map has %s, which isn't there", word)
		}
	}
}
