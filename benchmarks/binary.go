package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const libraryModule = "github.com/wise-partner/usersecurity"

// binary is a stripped binary: its size, and the modules linked into it besides
// the library.
type binary struct {
	size    int64
	modules []string
}

// build builds one of the consumers, as a release would be built.
func build(dir, name string) (binary, error) {
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./consumer/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return binary{}, fmt.Errorf("%w: run this in the folder of the benchmarks\n%s", err, text)
	}
	file, err := os.Stat(out)
	if err != nil {
		return binary{}, err
	}
	info, err := buildinfo.ReadFile(out)
	if err != nil {
		return binary{}, err
	}
	b := binary{size: file.Size()}
	for _, m := range info.Deps {
		if m.Path != libraryModule {
			b.modules = append(b.modules, m.Path)
		}
	}
	slices.Sort(b.modules)
	return b, nil
}

// consumers builds both consumers.
func consumers() (plain, withLibrary binary, err error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return plain, withLibrary, err
	}
	defer os.RemoveAll(dir)
	plain, err1 := build(dir, "plain")
	withLibrary, err2 := build(dir, "library")
	return plain, withLibrary, errors.Join(err1, err2)
}

func binaryTable(settings) (table, error) {
	plain, withLibrary, err := consumers()
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "bytes", "over net/http alone", "linked modules"}}
	for _, line := range []struct {
		name string
		binary
	}{{"net/http", plain}, {library, withLibrary}} {
		modules := strconv.Itoa(len(line.modules))
		if len(line.modules) > 0 {
			modules += ": " + strings.Join(line.modules, " ")
		}
		t.lines = append(t.lines, []string{
			line.name,
			strconv.FormatInt(line.size, 10),
			fmt.Sprintf("%.3f", float64(line.size)/float64(plain.size)),
			modules,
		})
	}
	return t, nil
}
