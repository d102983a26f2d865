package usersecurityotel_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

const beforeSnippet = `package snippet

import (
	"github.com/wise-partner/usersecurity"
	usersecurityotel "github.com/wise-partner/usersecurity/otel"
)

func _() error {
`

const afterSnippet = `
	_ = client
	return err
}
`

// The snippet of README.md compiles, as the body of a function. The compiler is told
// of a file in a folder that isn't there, so that the module's own go.mod counts.
func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(found) != 1 {
		t.Fatalf("README.md has %d snippets, want 1", len(found))
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(t.TempDir(), "snippet.go"), filepath.Join(t.TempDir(), "overlay.json")
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "snippet", "snippet.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{file: beforeSnippet + string(found[0][1]) + afterSnippet, overlay: string(replaced)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./snippet").CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
