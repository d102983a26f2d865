package usersecurity_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// consumer makes a module that requires the library as a user's would, and
// finds everything the library needs in the module cache.
func consumer(t *testing.T, files map[string]string) (run func(args ...string)) {
	t.Helper()
	checkout, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	module := strings.Replace(string(goMod), "module github.com/wise-partner/usersecurity", "module example.com/partner", 1) +
		"\nrequire github.com/wise-partner/usersecurity v0.0.0\n" +
		"\nreplace github.com/wise-partner/usersecurity => " + checkout + "\n"
	dir := t.TempDir()
	files["go.mod"], files["go.sum"] = module, string(sums)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// The first program of README.md does what README.md says, with the environment that
// README.md sets.
func TestReadmeFirstProgramRuns(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)<!-- first program.*?-->\n```go\n(.*?)```").FindSubmatch(readme)
	if found == nil {
		t.Fatal("README.md has no first program")
	}
	run := consumer(t, map[string]string{
		"main.go": string(found[1]),
		"main_test.go": `package main

import (
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestProgram(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(1001)
	t.Setenv("WISE_URL", wise.URL())
	t.Setenv("WISE_CLIENT_ID", "simulated-partner")
	t.Setenv("WISE_CLIENT_SECRET", wise.ClientSecret())
	t.Setenv("WISE_USER_TOKEN", wise.UserToken(1001))
	main()
	if customer, _ := wise.User(1001); customer.PinDigest != usersecuritytest.DigestOf("0417") {
		t.Errorf("Wise has %+v", customer)
	}
}
`,
	})
	run("vet", "./...")
	run("test", "./...")
}

func TestConsumerMocksAndSimulates(t *testing.T) {
	t.Parallel()
	run := consumer(t, map[string]string{
		"enrol.go": `package partner

import (
	"context"
	"errors"

	"github.com/wise-partner/usersecurity"
)

// Enrol sets a first PIN and reports whether there was one already.
func Enrol(ctx context.Context, wise usersecurity.PinAPI, user usersecurity.UserID, digits string) (had bool, err error) {
	pin, err := usersecurity.NewPin(digits)
	if err != nil {
		return false, err
	}
	err = wise.CreatePin(ctx, user, pin)
	if errors.Is(err, usersecurity.ErrPinAlreadySet) {
		return true, nil
	}
	return false, err
}
`,
		"enrol_test.go": `package partner

import (
	"context"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

type pins struct{ usersecurity.PinAPI }

func (pins) CreatePin(context.Context, usersecurity.UserID, usersecurity.Pin, ...usersecurity.CallOption) error {
	return usersecuritytest.NewError(usersecurity.OpCreatePin, 409, "")
}

func TestMock(t *testing.T) {
	if had, err := Enrol(context.Background(), pins{}, 7, "0417"); !had || err != nil {
		t.Fatal(had, err)
	}
}

func TestSimulator(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(7)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []bool{false, true} {
		if had, err := Enrol(context.Background(), client, 7, "0417"); had != want || err != nil {
			t.Fatal(n, had, err)
		}
	}
}
`,
	})
	run("vet", "./...")
	run("test", "./...")
}
