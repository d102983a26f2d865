package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The stubs are those of the interfaces as they are now, and the list of errors is
// that of the errors.
func TestStubsAreUpToDate(t *testing.T) {
	files, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../../usersecuritytest", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what api.go and sentinels.go say: run go generate ./usersecuritytest", name)
		}
	}
}

// An interface that isn't there is no stub without methods.
func TestMissingInterface(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "api.go"), []byte("package usersecurity\n\ntype API interface{ DeletePin() error }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := generate(root); err == nil {
		t.Errorf("%d files without the other interfaces", len(files))
	}
}

// A list without errors in it would let every test of it pass.
func TestMissingSentinels(t *testing.T) {
	source := filepath.Join(t.TempDir(), "sentinels.go")
	if err := os.WriteFile(source, []byte("package usersecurity\n\ntype sentinel struct{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := sentinels(source); err == nil {
		t.Errorf("it is %s", text)
	}
}
