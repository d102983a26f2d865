package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// fakeWorld is a world whose network and clock are the test's.
func fakeWorld(t *testing.T, customers int, opts ...usersecuritytest.ServerOption) *world {
	t.Helper()
	network := newPipes()
	w := newWorld(t, customers, append(opts, usersecuritytest.WithListener(network))...)
	w.options = append(w.options, usersecurity.WithHTTPClient(network.client()))
	return w
}

// On a clock that only waits move on, customers take no more than 5% longer than they
// must, and none is answered 429: 3,000 under twenty times Wise's limits, and 1,200, which
// is more than a minute may have, under these themselves and at a distance from Wise.
func TestAsFastAsTheLimitsAllow(t *testing.T) {
	for _, test := range []struct {
		customers, faster int
		latency           time.Duration
	}{
		{3000, 20, 0},
		{1200, 1, 200 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { asFastAsAllowed(t, test.customers, test.faster, test.latency) })
		})
	}
}

func asFastAsAllowed(t *testing.T, customers, faster int, latency time.Duration) {
	w := fakeWorld(t, customers, usersecuritytest.WithRateLimits(float64(faster)), usersecuritytest.WithLatency(latency))
	w.settings.perSecond, w.settings.perMinute = 100*faster, 1000*faster
	code, out, err := w.enrol(t.Context())
	if err != nil || code != exitAll {
		t.Fatalf("exit code %d, %v\n%.2000s", code, err, out)
	}
	requests := w.wise.Requests()
	took := requests[len(requests)-1].Time.Sub(requests[0].Time)
	least := shortest(len(requests), w.settings.perSecond, w.settings.perMinute)
	t.Logf("%d requests in %s, and %s is possible; by status %v", len(requests), took, least, w.statuses())
	if took > least*105/100 {
		t.Errorf("it took %s, and %s is possible", took, least)
	}
	if got := w.statuses(); got[200] != customers || len(got) != 1 {
		t.Errorf("answers by status: %v", got)
	}
	if want := fmt.Sprintf("%d customers are done (0 of them before), 0 are not done, 0 unknown, 0 still to come.", customers); !strings.HasPrefix(out, want) {
		t.Errorf("the report says\n%s", out)
	}
	w.checkPins(t)
}

// What a run has sent counts for the next one: together they keep to the limits.
func TestLimitsOverTwoRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fakeWorld(t, 300, usersecuritytest.WithRateLimits(0.2))
		w.settings.perSecond, w.settings.perMinute = 20, 196 // of the requests for token and key no journal knows
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if code, out, err := w.enrol(ctx); err != nil || code != exitUnfinished {
			t.Fatalf("exit code %d, %v\n%s", code, err, out)
		}
		if code, out, err := w.enrol(t.Context()); err != nil || code != exitAll {
			t.Fatalf("exit code %d, %v\n%s", code, err, out)
		}
		if got := w.statuses(); got[200] != 300 || len(got) != 1 {
			t.Errorf("answers by status: %v", got)
		}
		w.checkPins(t)
	})
}

// Those who are in the way of others: what became of each stands in the report, and
// what passes by is done by the next run.
func TestReport(t *testing.T) {
	w := newWorld(t, 8)
	const hasOne, lost, refused, offline = 1002, 1003, 1004, 1005
	if err := w.wise.EnrolPin(hasOne, "0417"); err != nil {
		t.Fatal(err)
	}
	w.pins[hasOne] = usersecuritytest.DigestOf("0417")
	w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, User: lost, Times: 1})
	w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 403, User: refused, Times: 1})
	w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, User: offline, Times: 4})

	code, out, err := w.enrol(t.Context())
	if err != nil || code != exitNotAll {
		t.Errorf("exit code %d, %v", code, err)
	}
	checkReport(t, out, "4 customers are done (0 of them before), 2 are not done, 2 unknown, 0 still to come.",
		"user 1002, profile", "user 1004, profile", "Unknown:", "user 1003, profile", "user 1005, profile", "SCA.VerifyPin")

	code, again, err := w.enrol(t.Context())
	if err != nil || code != exitNotAll || strings.Count(again, "user 100") != 4 {
		t.Errorf("a second run: exit code %d, %v\n%s", code, err, again)
	}
	if n := w.wise.Count(usersecurity.OpSCACreatePin); n != 8+1+3 {
		t.Errorf("%d requests: the second run has sent some", n)
	}

	w.settings.again = true
	code, out, err = w.enrol(t.Context())
	if err != nil || code != exitNotAll {
		t.Errorf("again: exit code %d, %v", code, err)
	}
	checkReport(t, out, "6 customers are done (4 of them before), 1 are not done, 1 unknown, 0 still to come.",
		"user 1002, profile", "user 1003, profile", "an earlier call may have done it")
	w.checkPins(t)
	w.checkNoSecret(t, again+out)
}

func checkReport(t *testing.T, out string, want ...string) {
	t.Helper()
	at := 0
	for _, text := range want {
		i := strings.Index(out[at:], text)
		if i < 0 {
			t.Errorf("the report doesn't say %q there:\n%s", text, out)
			return
		}
		at += i
	}
}

// checkNoSecret looks for the PINs in what was printed, and in the journal.
func (w *world) checkNoSecret(t *testing.T, out string) {
	t.Helper()
	journal := w.text(t, w.settings.journal)
	for _, line := range strings.Fields(w.text(t, w.settings.csv))[1:] {
		pin := `"` + line[len(line)-4:] + `"`
		if strings.Contains(journal, pin) || strings.Contains(out, pin) || strings.Contains(out, line) {
			t.Errorf("a PIN was written down")
		}
	}
	for _, secret := range []string{w.wise.ClientSecret(), w.wise.UserToken(1001), w.wise.ApplicationToken(), w.wise.URL()} {
		if strings.Contains(journal+out, secret) {
			t.Error("a token, secret or address was written down")
		}
	}
}

// A Wise that isn't well stops the run, and what it hasn't come to is not touched.
func TestStopsWhereWiseIsNotWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fakeWorld(t, 300)
		w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, Operation: usersecurity.OpSCACreatePin})
		code, out, err := w.enrol(t.Context())
		if !errors.Is(err, errNotWell) || code != exitUnfinished {
			t.Errorf("exit code %d, %v", code, err)
		}
		if begun := strings.Count(w.text(t, w.settings.journal), `"begun"`); begun >= maxInARow+w.settings.concurrency {
			t.Errorf("%d calls were begun\n%s", begun, out)
		}
		w.wise.ClearFaults()
		w.settings.again = true
		if code, out, err := w.enrol(t.Context()); err != nil || code != exitAll {
			t.Errorf("again: exit code %d, %v\n%s", code, err, out)
		}
		w.checkPins(t)
	})
}

// Customers who are refused, one after the other, don't stop it.
func TestGoesOnWhereCustomersAreRefused(t *testing.T) {
	w := newWorld(t, 2*maxInARow)
	for user := range w.pins {
		if err := w.wise.EnrolPin(user, "0417"); err != nil {
			t.Fatal(err)
		}
	}
	code, out, err := w.enrol(t.Context())
	if err != nil || code != exitNotAll || !strings.Contains(out, "40 are not done, 0 unknown, 0 still to come") {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
}

// Nor does what fails now and then, however often.
func TestGoesOnWhereCallsFailNowAndThen(t *testing.T) {
	w := newWorld(t, 4*maxInARow)
	w.settings.concurrency = 1
	for user := range w.pins {
		if user%2 == 0 {
			w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Status: 403, User: user})
		}
	}
	code, out, err := w.enrol(t.Context())
	if err != nil || code != exitNotAll || !strings.HasPrefix(out, "40 customers are done (0 of them before), 40 are not done") {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
}

// Without a journal no call is made.
func TestJournalThatCannotBeWritten(t *testing.T) {
	w := newWorld(t, 100)
	client, err := usersecurity.New(w.options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	j := journalAt(t, w.settings.journal)
	n := night{client: client, journal: j, concurrency: 4, ended: func() {}}
	customers := make([]customer, 0, len(w.pins))
	for user := range w.pins {
		customers = append(customers, customer{profile: usersecurity.Profile{User: user, ID: w.wise.Profile(user)}})
	}
	_ = j.file.Close()
	if err := n.run(t.Context(), customers); err == nil || !strings.Contains(err.Error(), "can't be written") {
		t.Errorf("%v", err)
	}
	if sent := w.wise.Count(usersecurity.OpSCACreatePin); sent != 0 {
		t.Errorf("%d calls were made", sent)
	}
}

// What is wrong with credentials is found out before any customer's turn.
func TestWrongSecret(t *testing.T) {
	w := newWorld(t, 3)
	w.options = append(w.options, usersecurity.WithClientCredentials(w.wise.ClientID(), "wrong"))
	code, out, err := w.enrol(t.Context())
	if code != exitFailed || err == nil || w.text(t, w.settings.journal) != "" {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
}
