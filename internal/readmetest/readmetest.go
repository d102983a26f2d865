// Package readmetest compiles the snippet of a module's README, for the module's
// tests.
package readmetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var snippets = regexp.MustCompile("(?s)```go\n(.*?)```")

// Compiles fails t unless the README.md beside the test has one snippet, and that
// compiles in package snippet between the two texts. The compiler is told of a file in
// a folder that isn't there, so that the module's own go.mod counts.
func Compiles(t *testing.T, before, after string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := snippets.FindAllSubmatch(readme, -1)
	if len(found) != 1 {
		t.Fatalf("README.md has %d snippets, want 1", len(found))
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file, overlay := filepath.Join(folder, "snippet.go"), filepath.Join(folder, "overlay.json")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "snippet", "snippet.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{file: before + string(found[0][1]) + after, overlay: string(replaced)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./snippet") //nolint:gosec // a file of this test's own
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
