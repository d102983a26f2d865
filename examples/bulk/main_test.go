package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDemo(t *testing.T) {
	var out, messages strings.Builder
	if code := run(t.Context(), []string{"-demo"}, func(string) string { return "" }, &out, &messages); code != exitAll {
		t.Fatalf("exit code %d\n%s%s", code, messages.String(), out.String())
	}
	t.Log(out.String())
	if messages.Len() > 0 {
		t.Errorf("no terminal, but there is a bar:\n%s", messages.String())
	}
	checkReport(t, out.String(), "2998 customers are done (0 of them before), 1 are not done, 1 unknown, 0 still to come.",
		"Not done;", "user 2501, profile", "Unknown:", "user 2001, profile", "The simulator has seen 3001 requests to set a PIN")
}

func TestWhatIsWrongWithTheFlags(t *testing.T) {
	partner := func(more ...string) []string {
		return append([]string{"-base-url", "https://wise.example", "-client-id", "acme", "-csv", "no-such-file", "-journal", filepath.Join(t.TempDir(), "journal")}, more...)
	}
	for _, test := range []struct {
		args, env []string
		code      int
		want      string
	}{
		{[]string{"-h"}, nil, exitAll, "how PINs get there is your business"},
		{nil, nil, exitUsage, "or -demo"},
		{[]string{"-nonsense"}, nil, exitUsage, "-nonsense"},
		{[]string{"-demo", "now"}, nil, exitUsage, "flags only"},
		{[]string{"-demo", "-per-minute", "0"}, nil, exitUsage, "must be positive"},
		{partner(), nil, exitFailed, "DATABASE_URL"},
		{partner(), []string{"postgres://partner:pw-5c91e0@127.0.0.1:1/tokens"}, exitFailed, "TOKEN_KEYS"},
		{partner(), []string{"postgres://partner:pw-5c91e0@127.0.0.1:1/tokens", "1:" + strings.Repeat("a2tr", 10) + "a2s="}, exitFailed, "store"},
	} {
		env := func(name string) string {
			for i, known := range []string{"DATABASE_URL", "TOKEN_KEYS"} {
				if name == known && i < len(test.env) {
					return test.env[i]
				}
			}
			return ""
		}
		var out, messages strings.Builder
		code := run(t.Context(), test.args, env, &out, &messages)
		if code != test.code || !strings.Contains(messages.String(), test.want) || out.Len() > 0 {
			t.Errorf("%q: exit code %d\n%s%s", test.args, code, messages.String(), out.String())
		}
		if strings.Contains(messages.String(), "pw-5c91e0") {
			t.Errorf("%q: it says the password", test.args)
		}
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	w := newWorld(t, 1)
	w.settings.journal = filepath.Join(t.TempDir(), "no", "such", "folder")
	if code, _, err := w.enrol(t.Context()); code != exitFailed || err == nil {
		t.Errorf("exit code %d, %v", code, err)
	}
	if err := os.Remove(w.settings.csv); err != nil {
		t.Fatal(err)
	}
	if code, _, err := w.enrol(t.Context()); code != exitFailed || err == nil {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// slowWriter writes as slowly as a terminal that has been stopped.
type slowWriter struct{ strings.Builder }

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return w.Builder.Write(p)
}

// What is said of an interrupt is said before the report, not into it.
func TestInterruptIsSaidBeforeTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var messages slowWriter
		ctx, interrupt := context.WithCancel(t.Context())
		watched := sayInterrupted(ctx, &messages)
		interrupt()
		synctest.Wait() // it is being written
		watched()
		if !strings.Contains(messages.String(), "interrupted") {
			t.Errorf("%q when nobody watches any more", messages.String())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var messages strings.Builder
		ctx, interrupt := context.WithCancel(t.Context())
		sayInterrupted(ctx, &messages)()
		interrupt()
		synctest.Wait()
		if messages.Len() > 0 {
			t.Errorf("%q after the end", messages.String())
		}
	})
}
