package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// report is what is printed, as Markdown, with a chart of its curves.
type report struct {
	head, text bytes.Buffer
	panels     []panel
	tables     map[string]table
}

const chartFile = "curves.svg"

// machine says where and with what the figures were made.
func machine(s settings) []string {
	cpu := "an unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(info), "model name"); found {
			line, _, _ := strings.Cut(after, "\n")
			cpu = strings.TrimLeft(line, "\t :")
		}
	}
	lines := []string{
		fmt.Sprintf("%s, %d cores of %s, %s/%s, %s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), cpu, runtime.GOOS, runtime.GOARCH, runtime.Version()),
		fmt.Sprintf("%d rounds, %d runs of each process; median (lowest to highest)", s.rounds, s.runs),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		lines = append(lines, "load average at the start: "+strings.Join(strings.Fields(string(load))[:3], ", "))
	}
	if versions := versions(); versions != "" {
		lines = append(lines, versions)
	}
	return lines
}

// compared are the modules that stand in the tables.
var compared = []string{
	"github.com/hashicorp/go-retryablehttp", "resty.dev/v3", "github.com/google/go-github/", "github.com/Azure/azure-sdk-for-go/sdk/azcore",
	"github.com/stripe/stripe-go/", "github.com/openai/openai-go/", "github.com/go-jose/go-jose/", "github.com/lestrrat-go/jwx/",
}

// versions are those of the modules that the library is compared with.
func versions() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var found []string
	for _, path := range compared {
		for _, dep := range info.Deps {
			if strings.HasPrefix(dep.Path, path) {
				found = append(found, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
			}
		}
	}
	return strings.Join(found, ", ")
}

func (r *report) begin(s settings) {
	r.tables = map[string]table{}
	r.head.WriteString("# As measured\n\nWritten by `go run . -report`; [what the rows compare](../README.md).\n\n")
	for _, line := range machine(s) {
		fmt.Fprintf(&r.head, "- %s\n", line)
	}
	fmt.Fprintf(&r.head, "\n![The curves of growth, waiting, facemap-growth, cached-tokens and failing](%s)\n", chartFile)
}

func (r *report) add(of row, t table) {
	fmt.Fprintf(&r.text, "\n## %s\n\n%s\n\n", of.name, of.about)
	separators := make([]string, len(t.columns))
	for i := range separators {
		separators[i] = "---:"
		if t.columns[i] == "" || t.columns[i] == "pool" {
			separators[i] = "---"
		}
	}
	for _, line := range append([][]string{t.columns, separators}, t.lines...) {
		r.text.WriteString("| " + strings.Join(line, " | ") + " |\n")
	}
	r.panels = append(r.panels, t.panels...)
	r.tables[of.name] = t
}

func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if felt := summary(r.tables); felt != "" {
		r.head.WriteString("\n## What a user would feel\n\n" + felt)
	}
	r.head.Write(r.text.Bytes())
	if err := os.WriteFile(filepath.Join(dir, "README.md"), r.head.Bytes(), 0o644); err != nil {
		return err
	}
	if len(r.panels) == 0 {
		return nil
	}
	svg, err := chart(r.panels)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, chartFile), svg, 0o644)
}
