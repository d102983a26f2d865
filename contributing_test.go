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

// So are the programs and the modules of their own.
func TestContributingMapsFolders(t *testing.T) {
	t.Parallel()
	text := string(must(os.ReadFile("CONTRIBUTING.md")))
	folders := must(filepath.Glob("cmd/*"))
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod", "*/*/*/go.mod"} {
		for _, file := range must(filepath.Glob(pattern)) {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if len(folders) < 8 {
		t.Fatal("there are too few folders: ", folders)
	}
	for _, folder := range folders {
		if name := filepath.ToSlash(folder); !strings.Contains(text, "`"+name+"/`") {
			t.Errorf("%s has no place in the map", name)
		}
	}
}

// The table of the examples has each of them.
func TestExamplesTable(t *testing.T) {
	t.Parallel()
	text := string(must(os.ReadFile("examples/README.md")))
	for _, entry := range must(os.ReadDir("examples")) {
		name := entry.Name()
		if entry.IsDir() && name != "internal" && !strings.Contains(text, "\n| ["+name+"]("+name) {
			t.Errorf("examples/%s has no row", name)
		}
	}
}
