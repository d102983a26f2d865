package printers

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// secretTypes can't be compared but by Equal. A new type of secret gets a line.
var secretTypes = []string{"Pin", "Fingerprint", "FaceMap", "OneTimeToken", "Sealed", "SealedRequest", "SealedReply", "APIError", "ErrorDetail", "TokenCache", "Client"}

// What compares two values without Equal doesn't compile.
func TestSecretsAreNotComparable(t *testing.T) {
	t.Parallel()
	exported := exportData(t)
	for _, name := range secretTypes {
		for what, body := range map[string]string{
			"==":         "_ = a == b",
			"a field":    "_ = struct{ v usersecurity." + name + " }{} == struct{ v usersecurity." + name + " }{}",
			"an array":   "_ = [1]usersecurity." + name + "{} == [1]usersecurity." + name + "{}",
			"switch":     "switch a { case b: }",
			"map key":    "_ = map[usersecurity." + name + "]int{}",
			"comparable": "compare(a, b)",
		} {
			if err := typeCheck(t, exported, name, body); err == nil {
				t.Errorf("%s: %s compiles", name, what)
			} else if text := err.Error(); !strings.Contains(text, "compar") && !strings.Contains(text, "invalid map key") {
				t.Errorf("%s: %s fails for another reason: %v", name, what, err)
			}
		}
		if err := typeCheck(t, exported, name, "_, _ = any(a), any(b)"); err != nil {
			t.Errorf("%s: what should compile doesn't: %v", name, err)
		}
	}
}

func typeCheck(t *testing.T, exported map[string]string, name, body string) error {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "snippet.go", `package snippet

import "github.com/wise-partner/usersecurity"

func compare[T comparable](_, _ T) {}

func _(a, b usersecurity.`+name+`) { `+body+` }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	from := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exported[path]) })
	_, err = (&types.Config{Importer: from}).Check("snippet", fset, []*ast.File{file}, nil)
	return err
}

// exportData is what the compiler knows of the package and all that it imports,
// by import path.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "github.com/wise-partner/usersecurity").Output()
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exported[path] = file
	}
	return exported
}
