package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// childVariable makes this test's binary a run of the program, in a process of its own.
const childVariable = "BULK_TEST_CHILD"

// child is what the process is told.
type child struct{ URL, ClientID, Secret, CSV, Journal string }

// tokenPath is where the simulator gives the child the tokens of customers.
const tokenPath = "/_token/"

func childMain(text string) int {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	tokens := usersecurity.TokenFunc(func(ctx context.Context, r usersecurity.TokenRequest) (*oauth2.Token, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+tokenPath+strconv.FormatInt(int64(r.User), 10), nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		token, err := io.ReadAll(resp.Body)
		return &oauth2.Token{AccessToken: string(token)}, err
	})
	s := settings{csv: c.CSV, journal: c.Journal, perSecond: 2000, perMinute: 20_000, concurrency: 32}
	code, err := enrol(interruptible(), s, os.Stdout, os.Stderr,
		usersecurity.WithBaseURL(c.URL), usersecurity.WithClientCredentials(c.ClientID, c.Secret),
		usersecurity.WithUserTokens(usersecurity.CacheTokens(tokens)), usersecurity.WithJWE())
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
	}
	return code
}

// process is a run in a process of its own.
type process struct {
	*exec.Cmd
	out bytes.Buffer
}

func (w *world) start(t *testing.T) *process {
	t.Helper()
	w.wise.Mount(tokenPath, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, _ := strconv.ParseInt(path.Base(r.URL.Path), 10, 64)
		_, _ = io.WriteString(rw, w.wise.UserToken(usersecurity.UserID(user)))
	}))
	told, err := json.Marshal(child{w.wise.URL(), w.wise.ClientID(), w.wise.ClientSecret(), w.settings.csv, w.settings.journal})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.CommandContext(t.Context(), self)}
	p.Env = append(os.Environ(), childVariable+"="+string(told))
	p.Stdout, p.Stderr = &p.out, &p.out
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// wait returns the exit code, which is -1 where a signal has ended it.
func (p *process) wait() (code int, out string) {
	_ = p.Wait()
	return p.ProcessState.ExitCode(), p.out.String()
}

func waitUntil(t *testing.T, what func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !what(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it doesn't come to this within a minute")
		}
	}
}

// Killed in the middle, with ten calls that hang: five of them have been carried out,
// and their answers haven't arrived. The next run asks again for what was under way, and
// for nobody else, and doesn't claim to know whose PINs the five are.
func TestKilledAndStartedAgain(t *testing.T) {
	const customers, hanging = 3000, 5
	w := newWorld(t, customers, usersecuritytest.WithRateLimits(20))
	began := time.Now()
	first := w.start(t)
	requests := func() int { return w.wise.Count(usersecurity.OpSCACreatePin) }
	waitUntil(t, func() bool { return requests() > customers/3 })
	fault := usersecuritytest.Fault{Kind: usersecuritytest.Delay, Operation: usersecurity.OpSCACreatePin, Delay: time.Hour, Times: hanging}
	w.wise.Inject(fault)
	fault.After = true
	w.wise.Inject(fault)
	waitUntil(t, func() bool { return w.wise.Faults()[usersecuritytest.Delay] == 2*hanging && requests() > customers/2 })
	if _, err := openJournal(w.settings.journal); err == nil || !strings.Contains(err.Error(), "another run has it") {
		t.Errorf("two runs at once: %v", err)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if code, out := first.wait(); code != -1 || out != "" {
		t.Fatalf("exit code %d before it was killed\n%s", code, out)
	}
	underWay, ended := 0, map[usersecurity.UserID]bool{}
	j := journalAt(t, w.settings.journal)
	for p, s := range j.standings {
		if s.state == begun {
			underWay++
		} else {
			ended[p.User] = true
		}
	}
	_ = j.close()
	if underWay < 2*hanging || underWay > w.settings.concurrency {
		t.Errorf("%d calls were under way, of %d at a time", underWay, w.settings.concurrency)
	}

	code, out := w.start(t).wait()
	t.Logf("both runs took %s; %d calls were under way when the first one was killed", time.Since(began), underWay)
	twice := 0
	for user, n := range w.requestsByUser() {
		if n > 1 && ended[user] || n > 2 {
			t.Errorf("%d requests for user %d, whose call had ended: %t", n, user, ended[user])
		}
		twice += n - 1
	}
	if twice < 2*hanging || twice > underWay {
		t.Errorf("%d customers were asked for twice, and %d calls were under way", twice, underWay)
	}
	w.checkPins(t)
	conflicts := w.statuses()[409]
	if code != exitNotAll || conflicts < hanging || !strings.Contains(out, "0 are not done, "+strconv.Itoa(conflicts)+" unknown, 0 still to come") {
		t.Errorf("exit code %d, %d answers of 409\n%s", code, conflicts, out)
	}
	if got := strings.Count(out, "an earlier call may have done it"); got != conflicts {
		t.Errorf("the report explains %d of %d", got, conflicts)
	}
	w.checkNoSecret(t, out)
	if refused := w.statuses()[429]; refused*100 > requests() {
		t.Errorf("%d of %d requests were answered 429", refused, requests())
	}
}

// An interrupt leaves nothing under way, so that the next run has nothing to doubt.
func TestInterruptedAndStartedAgain(t *testing.T) {
	const customers = 600
	w := newWorld(t, customers, usersecuritytest.WithLatency(100*time.Millisecond)) // or the signal comes too late
	first := w.start(t)
	waitUntil(t, func() bool { return w.wise.Count(usersecurity.OpSCACreatePin) > customers/4 })
	if err := first.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	code, out := first.wait()
	if code != exitUnfinished || !strings.Contains(out, "are done (0 of them before), 0 are not done, 0 unknown") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out = w.start(t).wait()
	if code != exitAll || !strings.Contains(out, "600 customers are done (") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if n := w.wise.Count(usersecurity.OpSCACreatePin); n != customers {
		t.Errorf("%d requests for %d customers", n, customers)
	}
	w.checkPins(t)
}
