package usersecurity_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// TestRetryTable walks the table of the package text, cell by cell.
func TestRetryTable(t *testing.T) {
	t.Parallel()
	table := retryTableOfDoc(t)
	if len(table) != 6 {
		t.Fatalf("the table has %d rows: %v", len(table), table)
	}
	for line, cells := range table {
		for _, r := range contract {
			cell := cells[retryColumns[r.class]]
			show := shows[cell+" / "+line]
			if show == nil {
				t.Errorf("no test for %q in the row %q", cell, line)
				continue
			}
			for _, s := range show(&r) {
				scripted(t, line+"/"+string(r.op)+"/"+s.name, func(t *testing.T) { s.run(t, &r) })
			}
		}
	}
}

// scenario is what a call goes through and comes to. Waits are the longest that
// the drawing allows.
type scenario struct {
	name     string
	steps    []step
	readBack []step
	want     []error // all that it matches; none for success
	sent     string  // the methods
	took     time.Duration
	also     func(t *testing.T, err error)
}

func (s scenario) run(t *testing.T, r *row) {
	wise := play(t, s.steps...)
	wise.readBack = s.readBack
	client := longestWaits(bareClient(t, wise, append(oneSource(freshTokens), usersecurity.WithUnsealedBodies())...))
	began := time.Now()
	got, err := r.call(t.Context(), client)
	if took := time.Since(began); wise.methods() != s.sent || took != s.took {
		t.Errorf("sent %s in %s; want %s in %s", wise.methods(), took, s.sent, s.took)
	}
	if len(s.want) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		r.checkResult(t, got)
		return
	}
	checkMatches(t, "the error", err, s.want...)
	if s.also != nil {
		s.also(t, err)
	}
}

// isUncertain and isCertain look at what the error says of earlier attempts.
func isUncertain(t *testing.T, err error) { t.Helper(); checkUncertain(t, "the error", err, true) }
func isCertain(t *testing.T, err error)   { t.Helper(); checkUncertain(t, "the error", err, false) }

// The waits before the second, third and fourth attempt.
const (
	firstWait = 250 * time.Millisecond
	allWaits  = firstWait + 2*firstWait + 4*firstWait
)

const leftOpen = "no answer, 408, 500, 502, 503, 504"

// shows has the scenarios that show what a cell promises, by the words of the
// cell and of its row.
var shows = map[string]func(*row) []scenario{
	"repeat / nothing was written":                                   showUnsent,
	"repeat / 429":                                                   showThrottled,
	"repeat / " + leftOpen:                                           func(r *row) []scenario { return showLeftOpen(r, repeatedOnce) },
	"repeat 1 / " + leftOpen:                                         func(r *row) []scenario { return showLeftOpen(r, repeatedOnce, deletedBefore) },
	"repeat 2 / " + leftOpen:                                         func(r *row) []scenario { return showLeftOpen(r, repeatedOnce, setBefore) },
	"look, repeat 3 / " + leftOpen:                                   func(r *row) []scenario { return showLeftOpen(r, lookedAt) },
	"one fresh token, one repeat / 401":                              showRejected,
	"is the answer / any other answer":                               showAnswers,
	"error / attempts used up":                                       showUsedUp,
	"ErrOutcomeUnknown if one may have been done / attempts used up": showUsedUpUnknown,
}

func (r *row) twice() string { return r.method + " " + r.method }

// times are the methods of so many attempts, with what follows each.
func (r *row) times(n int, after string) string {
	return strings.TrimSpace(strings.Repeat(r.method+after+" ", n))
}

func showUnsent(r *row) []scenario {
	return []scenario{
		{name: "once", steps: []step{refused, r.answersWell()}, sent: r.twice(), took: firstWait},
		{name: "always", steps: []step{refused}, want: []error{usersecurity.ErrTransport}, sent: r.times(4, ""), took: allWaits},
	}
}

func showThrottled(r *row) []scenario {
	limited := []error{usersecurity.ErrRateLimited}
	shown := []scenario{
		{name: "once", steps: []step{answers(429, ""), r.answersWell()}, sent: r.twice(), took: firstWait},
		{name: "always", steps: []step{answers(429, "")}, want: limited, sent: r.times(4, ""), took: allWaits},
		{name: "in 7 s", steps: []step{answers(429, "", "Retry-After", "7"), r.answersWell()}, sent: r.twice(), took: 7 * time.Second},
	}
	for _, absurd := range []string{"31", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		shown = append(shown, scenario{
			name: "much later, " + absurd, steps: []step{answers(429, "", "Retry-After", absurd), r.answersWell()}, want: limited, sent: r.method,
			also: func(t *testing.T, err error) {
				var api *usersecurity.APIError
				if !errors.As(err, &api) || api.RetryAfter <= 30*time.Second {
					t.Errorf("the error doesn't tell how long to wait: %v", err)
				}
			},
		})
	}
	return shown
}

// opening is a way to leave open what became of a call.
type opening struct {
	name  string
	step  step
	cause error
}

var openings = []opening{
	{"no answer", lost, usersecurity.ErrTransport},
	{"408", answers(408, ""), usersecurity.ErrUnexpectedStatus},
	{"500", answers(500, ""), usersecurity.ErrServer},
	{"502", answers(502, ""), usersecurity.ErrServer},
	{"503", answers(503, ""), usersecurity.ErrServer},
	{"504", answers(504, ""), usersecurity.ErrServer},
}

// showLeftOpen shows what follows each of them.
func showLeftOpen(r *row, follow ...func(*row, opening) []scenario) (shown []scenario) {
	for _, o := range openings {
		for _, f := range follow {
			for _, s := range f(r, o) {
				s.name = o.name + ", " + s.name
				shown = append(shown, s)
			}
		}
	}
	return shown
}

func repeatedOnce(r *row, o opening) []scenario {
	return []scenario{{name: "repeated", steps: []step{o.step, r.answersWell()}, sent: r.twice(), took: firstWait}}
}

func deletedBefore(r *row, o opening) []scenario {
	return []scenario{
		{name: "404", steps: []step{o.step, answers(404, "")}, sent: r.twice(), took: firstWait},
		{name: "403", steps: []step{o.step, answers(403, "")}, want: []error{usersecurity.ErrForbidden}, sent: r.twice(), took: firstWait, also: isUncertain},
	}
}

func setBefore(r *row, o opening) []scenario {
	return []scenario{
		{name: "409", steps: []step{o.step, answers(409, "")}, want: []error{r.answers[409]}, sent: r.twice(), took: firstWait, also: isUncertain},
	}
}

func lookedAt(r *row, o opening) []scenario {
	none, there := answers(200, "[]"), answers(200, "["+numberReply+"]")
	look, repeat := r.method+" GET", r.method+" GET "+r.method
	return []scenario{
		{name: "it is there", steps: []step{o.step}, readBack: []step{there}, sent: look, took: firstWait},
		{name: "it isn't", steps: []step{o.step, r.answersWell()}, readBack: []step{none}, sent: repeat, took: firstWait},
		{name: "422, it is there", steps: []step{o.step, answers(422, "")}, readBack: []step{none, there}, sent: repeat + " GET", took: firstWait},
		{
			name: "422, it isn't", steps: []step{o.step, numberRepeated}, readBack: []step{none}, want: []error{usersecurity.ErrPhoneRepeated},
			sent: repeat + " GET", took: firstWait, also: isCertain,
		},
		{
			name: "nobody can tell", steps: []step{o.step}, readBack: []step{answers(403, "")}, want: []error{o.cause, usersecurity.ErrOutcomeUnknown},
			sent: look, took: firstWait,
		},
	}
}

func showRejected(r *row) []scenario {
	return []scenario{
		{name: "once", steps: []step{answers(401, ""), r.answersWell()}, sent: r.twice()},
		{name: "always", steps: []step{answers(401, "")}, want: []error{usersecurity.ErrUnauthorized}, sent: r.twice()},
	}
}

func showAnswers(r *row) (shown []scenario) {
	for _, status := range []int{400, 403, 404, 409, 418, 422, 501, 505, 302, 203} {
		shown = append(shown, scenario{
			name: strconv.Itoa(status), steps: []step{answers(status, "")}, want: []error{r.errorOf(status)}, sent: r.method, also: isCertain,
		})
	}
	return shown
}

func showUsedUp(r *row) []scenario {
	return []scenario{
		{name: "no answer", steps: []step{lost}, want: []error{usersecurity.ErrTransport}, sent: r.times(4, ""), took: allWaits},
		{name: "503", steps: []step{answers(503, "")}, want: []error{usersecurity.ErrServer}, sent: r.times(4, ""), took: allWaits},
	}
}

func showUsedUpUnknown(r *row) []scenario {
	unknown := []error{usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown}
	if r.class == aNumber {
		return []scenario{{
			name: "503", steps: []step{answers(503, "")}, readBack: []step{answers(200, "[]")}, want: unknown, sent: r.times(4, " GET"), took: allWaits,
		}}
	}
	return []scenario{
		{name: "503", steps: []step{answers(503, "")}, want: unknown, sent: r.times(4, ""), took: allWaits},
		{
			name: "no answer, then nothing written", steps: []step{lost, refused},
			want: []error{usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown}, sent: r.times(4, ""), took: allWaits,
		},
	}
}
