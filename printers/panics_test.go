package printers

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

const childVariable = "PRINTERS_PANIC"

// What the runtime prints of a panic ends the program: a process of its own
// panics with every value.
func TestPanics(t *testing.T) {
	if name := os.Getenv(childVariable); name != "" {
		panicWith(t, name)
		return
	}
	t.Parallel()
	for _, v := range append(append(secrets(), others(t)...), plain()...) {
		out := panicked(t, v.name)
		if !strings.Contains(out, "goroutine ") || !strings.Contains(out, "panic: ") {
			t.Fatalf("%s: the child did not panic: %s", v.name, out)
		}
		for _, found := range findMarks(out) {
			t.Errorf("the panic of %s shows %q", v.name, found)
		}
	}
	for _, name := range []string{inCallback, inError} {
		out := panicked(t, name)
		if !strings.Contains(out, "CreatePin") || !strings.Contains(out, "panic: ") {
			t.Fatalf("%s: the child did not panic in a call: %s", name, out)
		}
		for _, found := range findMarks(out) {
			t.Errorf("the panic %s shows %q", name, found)
		}
	}
}

const (
	inCallback = "in a callback"
	inError    = "with the error of a call"
)

func panicked(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanics$")
	cmd.Env = append(os.Environ(), childVariable+"="+name, "GOTRACEBACK=system")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%s: the child did not fail", name)
	}
	return string(out)
}

func panicWith(t *testing.T, name string) {
	for _, v := range append(append(secrets(), others(t)...), plain()...) {
		if v.name == name {
			// Not on the test's goroutine, whose panics the testing package prints.
			go panic(v.value)
			select {}
		}
	}
	done := make(chan error)
	go func() {
		client := must(usersecurity.New(options(roundTripper(func(*http.Request) (*http.Response, error) {
			if name == inCallback {
				panic("the callback's own words")
			}
			return challenging{}.RoundTrip(&http.Request{})
		}), tokens)...))
		err := client.CreatePin(context.Background(), 1, pin, usersecurity.WithToken(markUserToken))
		if name == inError {
			panic(err)
		}
		done <- err
	}()
	<-done
}

// Dumps of goroutines in the middle of a call.
func TestStacks(t *testing.T) {
	t.Parallel()
	var dumps bytes.Buffer
	client := must(usersecurity.New(options(roundTripper(func(r *http.Request) (*http.Response, error) {
		all := make([]byte, 1<<20)
		dumps.Write(all[:runtime.Stack(all, true)])
		dumps.Write(debug.Stack())
		for _, level := range []int{0, 1, 2} {
			_ = pprof.Lookup("goroutine").WriteTo(&dumps, level)
		}
		return challenging{}.RoundTrip(r)
	}), tokens)...))
	for _, call := range calls {
		if call(t.Context(), client, usersecurity.WithToken(markUserToken)) == nil {
			t.Error("the call did not fail")
		}
	}
	if !strings.Contains(dumps.String(), "CreatePin") {
		t.Fatal("no call is in the dumps")
	}
	for _, found := range findMarks(dumps.String()) {
		t.Errorf("a dump shows %q", found)
	}
}
