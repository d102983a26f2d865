package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// consumers builds the programs of these names.
func consumers(names ...string) ([]binary, error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binaries := make([]binary, len(names))
	for i, name := range names {
		if binaries[i], err = build(dir, name); err != nil {
			return nil, err
		}
	}
	return binaries, nil
}

func binaryTable(settings) (table, error) {
	names := []string{"plain", "library", "retryablehttp", "resty", "gogithub", "azcore", "stripe", "openai"}
	binaries, err := consumers(names...)
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "bytes", "over net/http alone", "linked modules"}}
	for i, b := range binaries {
		t.lines = append(t.lines, []string{
			everyone[i],
			strconv.FormatInt(b.size, 10),
			fmt.Sprintf("%.3f", float64(b.size)/float64(binaries[0].size)),
			strconv.Itoa(len(b.modules)),
		})
	}
	return t, nil
}
