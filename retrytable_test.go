package usersecurity_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// TestRetryTable walks the table, cell by cell: what an attempt brings is
// followed by what stands there.
func TestRetryTable(t *testing.T) {
	t.Parallel()
	for kind, cells := range usersecurity.RetryTable() {
		for class, cell := range cells {
			show := shows[kind+": "+cell]
			if show == nil {
				t.Errorf("no test for %q after %q", cell, kind)
				continue
			}
			for _, r := range append(rowsOf(classes[class]), rowsOnce(classes[class])...) {
				for _, s := range show(r) {
					scripted(t, kind+"/"+string(r.op)+"/"+s.name, func(t *testing.T) { s.run(t, r) })
				}
			}
		}
	}
}

// classes are the columns.
var classes = map[string]class{"reads": aRead, "deletes": aDelete, "set once": aSetOnce, "numbers": aNumber, "once": aOnce}

// registration is an operation of the class that is never repeated once it may
// have arrived.
var registration = &row{
	op: usersecurity.OpRegisterReplyKey, class: aOnce, method: "POST", success: 201,
	do: func(ctx context.Context, c *usersecurity.Client, _ inputs, o ...usersecurity.CallOption) (any, error) {
		return nil, c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: publicKey()}, o...)
	},
}

func rowsOnce(c class) []*row {
	if c == aOnce {
		return []*row{registration}
	}
	return nil
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
	script := play(t, s.steps...)
	script.readBack = s.readBack
	client := longestWaits(bareClient(t, script, append(oneSource(freshTokens), usersecurity.WithUnsealedBodies())...))
	began := time.Now()
	got, err := r.call(t.Context(), client)
	if took := time.Since(began); script.methods() != s.sent || took != s.took {
		t.Errorf("sent %s in %s; want %s in %s", script.methods(), took, s.sent, s.took)
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

// shows has the scenarios that show what a cell promises, by what the attempt
// brought and the word of the cell.
var shows = map[string]func(*row) []scenario{
	"unsent: repeat":       showUnsent,
	"throttled: repeat":    showThrottled,
	"unanswered: repeat":   showRepeated,
	"unanswered: look":     showLooked,
	"unanswered: stop":     showLeft,
	"correctable: correct": showCorrected,
	"brokenReply: repeat":  showReadAgain,
	"brokenReply: stop":    showBroken,
	"answered: stop":       showAnswers,
}

// times are the methods of so many attempts, with what follows each.
func (r *row) times(n int, after string) string {
	return strings.TrimSpace(strings.Repeat(r.method+after+" ", n))
}

func (r *row) twice() string { return r.times(2, "") }

func showUnsent(r *row) []scenario {
	return []scenario{
		{name: "once", steps: []step{refused, r.answersWell()}, sent: r.twice(), took: firstWait},
		{name: "always", steps: []step{refused}, want: []error{usersecurity.ErrTransport}, sent: r.times(4, ""), took: allWaits},
	}
}

func showThrottled(r *row) (shown []scenario) {
	limited := []error{usersecurity.ErrRateLimited}
	for _, status := range []int{429, 425} {
		shown = append(shown,
			scenario{name: strconv.Itoa(status), steps: []step{answers(status, "<html>"), r.answersWell()}, sent: r.twice(), took: firstWait},
			scenario{name: strconv.Itoa(status) + " always", steps: []step{answers(status, "")}, want: limited, sent: r.times(4, ""), took: allWaits, also: isCertain},
		)
	}
	shown = append(shown, scenario{name: "in 7 s", steps: []step{answers(429, "", "Retry-After", "7"), r.answersWell()}, sent: r.twice(), took: 7 * time.Second})
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
	name   string
	step   step
	cause  error
	isOver bool // it may be done, but isn't being done any more: Wise itself says so
}

func openings() []opening {
	open := []opening{
		{name: "no response", step: lost, cause: usersecurity.ErrTransport},
		{name: "a page with 200", step: answers(200, "<html>blocked</html>"), cause: usersecurity.ErrUnexpectedReply},
		{name: "a page with 206", step: answers(206, "blocked"), cause: usersecurity.ErrUnexpectedReply},
		{name: "an error with 200", step: answers(200, `{"errors":[{"code":"x"}]}`), cause: usersecurity.ErrUnexpectedReply},
		{name: "Spring's error with 201", step: answers(201, `{"status":503,"error":"Service Unavailable","message":"m"}`), cause: usersecurity.ErrUnexpectedReply},
		{name: "a page with 500", step: answers(500, "<html>"), cause: usersecurity.ErrServer},
		{name: "another layer's 500", step: answers(500, `{"message":"x"}`), cause: usersecurity.ErrServer},
		{name: "an error with 500", step: answers(500, `{"errors":[{"code":"x"}]}`), cause: usersecurity.ErrServer, isOver: true},
	}
	for status := range 1000 {
		if mayPass(status) {
			open = append(open, opening{name: strconv.Itoa(status), step: answers(status, ""), cause: byStatusOr(status), isOver: status == 500})
		}
	}
	return open
}

func byStatusOr(status int) error {
	if means := byStatus[status]; means != nil {
		return means
	}
	return usersecurity.ErrUnexpectedStatus
}

// showOpenings shows what follows each of them.
func showOpenings(r *row, follows func(*row, opening) []scenario) (shown []scenario) {
	for _, o := range openings() {
		for _, s := range follows(r, o) {
			s.name = o.name + ", " + s.name
			shown = append(shown, s)
		}
	}
	return shown
}

// unknown is what a call matches that ends with an opening.
func (o opening) unknown(r *row) []error {
	if !r.writes() {
		return []error{o.cause}
	}
	return []error{o.cause, usersecurity.ErrOutcomeUnknown}
}

func showRepeated(r *row) []scenario {
	return showOpenings(r, func(r *row, o opening) []scenario {
		shown := []scenario{
			{name: "repeated", steps: []step{o.step, r.answersWell()}, sent: r.twice(), took: firstWait},
			{name: "always", steps: []step{o.step}, want: o.unknown(r), sent: r.times(4, ""), took: allWaits},
		}
		if !r.writes() {
			return shown
		}
		later := func(name string, s step, also func(*testing.T, error), want ...error) {
			shown = append(shown, scenario{name: name, steps: []step{o.step, s}, want: want, sent: r.twice(), took: firstWait, also: also})
		}
		later("403", answers(403, ""), isUncertain, usersecurity.ErrForbidden)
		later("a page with 403", answers(403, "<html>"), isUncertain, usersecurity.ErrForbidden)
		shown = append(shown, scenario{
			name: "then nothing written", steps: []step{o.step, refused}, want: []error{usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown},
			sent: r.times(4, ""), took: allWaits,
		})
		if r.class == aSetOnce {
			refusal, documented := r.refusal()
			later("refused", r.itself(refusal), isUncertain, documented)
			later("409", answers(409, ""), isUncertain, r.means(409, noBody))
			later("409 of another layer", answers(409, `{"message":"x"}`), isUncertain, r.means(409, shape{speaks: byAnother}))
			later("a page with 409", answers(409, "error code: 1001"), isUncertain, usersecurity.ErrUnexpectedStatus)
			return shown
		}
		own := r.means(404, noBody)
		later("404 in Wise's words", answers(404, `{"errors":[{"code":"x"}]}`), nil)
		later("404 with its code", r.itself(404), nil)
		if r.codes[404] == "" { // then it is empty
			shown[len(shown)-1].want, shown[len(shown)-1].also = []error{own}, isUncertain
		}
		later("404 with a trace id", answers(404, "", "X-Trace-Id", "t-1"), nil)
		later("404, empty", answers(404, ""), isUncertain, own)
		later("404 of another layer", answers(404, `{"status":404,"error":"Not Found"}`, "X-Trace-Id", "t-1"), isUncertain, usersecurity.ErrNotFound)
		later("a page with 404", answers(404, "default backend - 404", "X-Trace-Id", "t-1"), isUncertain, usersecurity.ErrNotFound)
		return shown
	})
}

func showLooked(r *row) []scenario {
	none, there := answers(200, "[]"), answers(200, "["+numberReply+"]")
	look, repeat := r.times(1, " GET"), r.times(1, " GET")+" "+r.method
	return showOpenings(r, func(r *row, o opening) []scenario {
		decided := isUncertain
		if o.isOver {
			decided = isCertain
		}
		_, documented := r.refusal()
		repeated := []error{documented}
		return []scenario{
			{name: "it is there", steps: []step{o.step}, readBack: []step{there}, sent: look, took: firstWait},
			{name: "it isn't", steps: []step{o.step, r.answersWell()}, readBack: []step{none}, sent: repeat, took: firstWait},
			{name: "it never is", steps: []step{o.step}, readBack: []step{none}, want: o.unknown(r), sent: r.times(4, " GET"), took: allWaits},
			{name: "422, it is there", steps: []step{o.step, answers(422, "")}, readBack: []step{none, there}, sent: repeat + " GET", took: firstWait},
			{name: "refused, it isn't", steps: []step{o.step, refusesAsDocumented}, readBack: []step{none}, want: repeated, sent: repeat + " GET", took: firstWait, also: decided},
			{
				name: "refused, something like it is", steps: []step{o.step, refusesAsDocumented}, readBack: []step{none, listing(similarNumber)}, want: repeated,
				sent: repeat + " GET", took: firstWait, also: isUncertain,
			},
			{name: "nobody can tell", steps: []step{o.step}, readBack: []step{answers(403, "")}, want: o.unknown(r), sent: look, took: firstWait},
		}
	})
}

func showLeft(r *row) []scenario {
	return showOpenings(r, func(r *row, o opening) []scenario {
		return []scenario{{name: "left", steps: []step{o.step}, want: o.unknown(r), sent: r.method}}
	})
}

func showCorrected(r *row) []scenario {
	unauthorized := []error{usersecurity.ErrUnauthorized}
	shown := []scenario{
		{name: "401", steps: []step{answers(401, ""), r.answersWell()}, sent: r.twice()},
		{name: "401 of another layer", steps: []step{answers(401, `{"error":"invalid_token"}`), r.answersWell()}, sent: r.twice()},
		{name: "401 always", steps: []step{answers(401, "")}, want: unauthorized, sent: r.twice(), also: isCertain},
		{name: "a page with 401", steps: []step{answers(401, "<html>")}, want: unauthorized, sent: r.method, also: isCertain},
	}
	if r.op == usersecurity.OpListDeviceFingerprints {
		wrong := []error{usersecurity.ErrUnexpectedStatus}
		shown = append(shown,
			scenario{name: "405", steps: []step{answers(405, ""), r.answersWell()}, sent: "POST GET"},
			scenario{name: "405 always", steps: []step{answers(405, "")}, want: wrong, sent: "POST GET"},
			scenario{name: "a page with 405", steps: []step{answers(405, "<html>")}, want: wrong, sent: "POST"},
		)
	}
	return shown
}

func showReadAgain(r *row) []scenario {
	broken := []error{usersecurity.ErrMalformedReply, usersecurity.ErrTransport}
	return []scenario{
		{name: "once", steps: []step{breaksOff(r.reply), r.answersWell()}, sent: r.twice(), took: firstWait},
		{name: "always", steps: []step{breaksOff(r.reply)}, want: broken, sent: r.times(4, ""), took: allWaits},
	}
}

func showBroken(r *row) []scenario {
	malformed := []error{usersecurity.ErrMalformedReply}
	switch {
	case r.reply == "": // nothing of it is needed
		return []scenario{{name: "of no use", steps: []step{breaksOff(`{"a":"b"}`)}, sent: r.method}}
	case r.class == aNumber:
		return []scenario{
			{name: "it is there", steps: []step{breaksOff(r.reply)}, readBack: []step{answers(200, "["+numberReply+"]")}, sent: r.times(1, " GET")},
			{name: "it isn't", steps: []step{breaksOff(r.reply)}, readBack: []step{answers(200, "[]")}, want: malformed, sent: r.times(1, " GET")},
		}
	}
	return []scenario{{name: "done", steps: []step{breaksOff(r.reply)}, want: malformed, sent: r.method}}
}

func showAnswers(r *row) (shown []scenario) {
	for _, status := range statuses {
		if throttles(status) || mayPass(status) || status == 401 || status == 405 && r.class == aRead {
			continue // which other rows of the table are about
		}
		want, uncertain, _ := r.comesTo(status, noBody)
		s := scenario{name: strconv.Itoa(status), steps: []step{answers(status, "")}, want: want, sent: r.method}
		switch {
		case uncertain:
			s.also = isUncertain
		case !slices.Contains(want, usersecurity.ErrMalformedReply):
			s.also = isCertain
		}
		if r.class == aNumber && (leavesOpen(status) || uncertain) {
			s.sent, s.readBack = r.times(1, " GET"), []step{answers(200, "[]")}
		}
		if status == r.success && len(want) > 0 {
			continue // an empty reply
		}
		shown = append(shown, s)
	}
	return shown
}
