package usersecuritytest_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// heard are the answers that requests written by hand have got in the whole run,
// as documented has them.
var heard struct {
	mu      sync.Mutex
	answers map[usersecurity.Operation][]string
}

// hear takes from a server what it has answered. Requests of the client prove
// nothing here: it is wrong where the simulator is. Nor do faults, and refusals
// of what breaks the contract.
func hear(srv *usersecuritytest.Server) {
	heard.mu.Lock()
	defer heard.mu.Unlock()
	if heard.answers == nil {
		heard.answers = map[usersecurity.Operation][]string{}
	}
	for _, r := range srv.Requests() {
		if strings.Contains(r.Header.Get("User-Agent"), "usersecurity") || r.Fault != "" || r.Refusal != "" {
			continue
		}
		status := strconv.Itoa(r.Status)
		heard.answers[r.Operation] = append(heard.answers[r.Operation], status)
		if code, _, ok := strings.Cut(r.Reason, ": "); ok {
			heard.answers[r.Operation] = append(heard.answers[r.Operation], status+":"+code)
		}
	}
}

// wholeRun runs the tests, and then sees what none of them alone can: that every
// answer that is documented was given to a test of the simulator's.
type wholeRun struct{ *testing.M }

func (r wholeRun) Run() int {
	if code := r.M.Run(); code != 0 {
		return code // what has failed may be why
	}
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return 0 // only some were run
		}
	}
	list := unheard()
	for _, what := range list {
		fmt.Fprintln(os.Stderr, what)
	}
	return min(len(list), 1)
}

// unheard names what no test has got.
func unheard() (list []string) {
	table := documents()
	// Grants are told apart by their form, so that a request for one counts for all.
	byCall := map[string][]string{}
	for op, d := range table {
		byCall[d.call] = append(byCall[d.call], heard.answers[op]...)
	}
	for op, d := range table {
		for _, answer := range append(d.refusals, d.success) {
			if !slices.Contains(byCall[d.call], answer) {
				list = append(list, fmt.Sprintf("FAIL: %s: contracttable_test.go documents %s, and no test of the simulator's has got it from it by a request of its own", op, answer))
			}
		}
	}
	slices.Sort(list)
	return list
}

// The simulator serves whatever the client can send.
func TestServesEveryOperation(t *testing.T) {
	t.Parallel()
	table, served := documents(), map[string]bool{}
	for _, op := range newServer(t).Operations() {
		served[table[op].call] = true
	}
	for _, op := range operationsOfClient() {
		if op == usersecurity.OpClearChallenges {
			continue // whose calls are others
		}
		if d, ok := table[op]; !ok || !served[d.call] {
			t.Errorf("%s: contracttable_test.go has it: %t; the simulator serves it: %t, which takes a handler, and a route in newRouter", op, ok, served[d.call])
		}
	}
}
