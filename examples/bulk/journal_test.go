package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

var (
	ada  = usersecurity.Profile{User: 1001, ID: 2001}
	bert = usersecurity.Profile{User: 1002, ID: 2002}
)

func journalAt(t *testing.T, path string) *journal {
	t.Helper()
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	return j
}

// written is a journal of these lines, opened.
func written(t *testing.T, text string) (*journal, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(path)
	if err == nil {
		t.Cleanup(func() { _ = j.close() })
	}
	return j, path, err
}

// story writes what happens to one customer: b begun, d done, n not done, u unknown,
// and | for a run that is killed.
func story(t *testing.T, what string) standing {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j := journalAt(t, path)
	for _, event := range what {
		var err error
		switch event {
		case 'b':
			_, err = j.begin(ada)
		case '|':
			if err = j.close(); err == nil {
				j = journalAt(t, path)
			}
		default:
			err = j.end(ada, map[rune]state{'d': done, 'n': notDone, 'u': unknown}[event], "why")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	inMemory := j.standing(ada)
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if onDisk := journalAt(t, path).standing(ada); onDisk != inMemory {
		t.Errorf("%s: %+v, and read again %+v", what, inMemory, onDisk)
	}
	return inMemory
}

func TestStandings(t *testing.T) {
	for what, want := range map[string]standing{
		"":       {},
		"b":      {state: begun},
		"bd":     {state: done},
		"bn":     {state: notDone, why: "why"},
		"bu":     {state: unknown, why: "why"},
		"bn|b":   {state: begun},
		"b|b":    {state: begun, doubt: true},
		"bu|b":   {state: begun, doubt: true},
		"bu|bn":  {state: notDone, why: "why", doubt: true},
		"b|b|bd": {state: done},
		"bu|b|b": {state: begun, doubt: true},
	} {
		if got := story(t, what); got != want {
			t.Errorf("%q: %+v, want %+v", what, got, want)
		}
	}
}

const (
	adaBegun  = `{"time":"2027-01-31T02:00:00Z","user":1001,"profile":2001,"state":"begun"}` + "\n"
	adaDone   = `{"time":"2027-01-31T02:00:01Z","user":1001,"profile":2001,"state":"done"}` + "\n"
	bertBegun = `{"time":"2027-01-31T02:00:00Z","user":1002,"profile":2002,"state":"begun"}` + "\n"
)

// However much of the last line is missing, what is before it counts, and what is
// written afterwards can be read.
func TestTornLine(t *testing.T) {
	for n := range len(adaDone) {
		j, path, err := written(t, adaBegun+bertBegun+adaDone[:n])
		if err != nil {
			t.Fatalf("%d bytes of the last line: %v", n, err)
		}
		if j.standing(ada).state != begun || j.standing(bert).state != begun {
			t.Errorf("%d bytes of the last line: %+v", n, j.standings)
		}
		if err := j.end(ada, done, ""); err != nil {
			t.Fatal(err)
		}
		_ = j.close()
		if s := journalAt(t, path).standing(ada); s.state != done {
			t.Errorf("%d bytes of the last line: then %+v", n, s)
		}
	}
}

func TestWhatIsNoJournal(t *testing.T) {
	for _, text := range []string{"user,profile,pin\n1001,2001,0417\n", adaBegun + "\x00\x00\n" + adaDone, "{}\n", adaBegun[:40] + "\n"} {
		if _, _, err := written(t, text); err == nil || !strings.Contains(err.Error(), "none of a journal's") || strings.Contains(err.Error(), "0417") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOneRunAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	first := journalAt(t, path)
	if _, err := openJournal(path); err == nil || !strings.Contains(err.Error(), "another run") {
		t.Errorf("two runs at once: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	journalAt(t, path)
}

// The limits want to know of the last minute: a call's request was sent when the call
// ended, at the latest, and that of a call that was under way a moment ago.
func TestWhatWasSentInTheLastMinute(t *testing.T) {
	ended := func(ago time.Duration) string {
		return strings.Replace(adaDone, "2027-01-31T02:00:01Z", time.Now().Add(-ago).Format(time.RFC3339Nano), 1)
	}
	j, _, err := written(t, ended(time.Hour)+ended(61*time.Second)+ended(20*time.Second)+ended(time.Second)+ended(-time.Hour)+bertBegun)
	if err != nil {
		t.Fatal(err)
	}
	if len(j.sent) != 3 || time.Since(j.sent[2]) > 10*time.Second {
		t.Errorf("sent in the last minute: %v, want three", j.sent)
	}
}
