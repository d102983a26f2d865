package usersecurity_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

const (
	otherNumber    = `{"id":76,"phoneNumber":"+6577777777","type":"PRIMARY","verified":true,"clientId":"acme"}`
	oldNumber      = `{"id":77,"phoneNumber":"+6577777777","type":"PRIMARY","verified":true,"clientId":"acme"}`
	spacedNumber   = `{"id":77,"phoneNumber":"+65 8888-8888","type":"PRIMARY","verified":true,"clientId":"acme"}`
	similarNumber  = `{"id":76,"phoneNumber":"88888888","type":"PRIMARY","verified":true,"clientId":"acme"}`
	underAnotherID = `{"id":76,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}`
)

// listing answers with a list of these numbers.
func listing(numbers ...string) step { return answers(200, "["+strings.Join(numbers, ",")+"]") }

// refusesAsDocumented is Wise's word for a number that another user has: the refusal
// that is documented for the operation whose request comes.
func refusesAsDocumented(req *http.Request, body string) (*http.Response, error) {
	for _, r := range rowsOf(aNumber) {
		if r.method == req.Method && r.path == req.URL.Path {
			status, _ := r.refusal()
			return r.itself(status)(req, body)
		}
	}
	return nil, errors.New("no operation has the request " + req.Method + " " + req.URL.Path)
}

// readBacks are what follows a write whose outcome is open.
var readBacks = []struct {
	name       string
	steps      []step
	readBack   []step
	only       usersecurity.Operation // both if empty
	writes     int
	lists      int
	refused    bool    // as the operation is documented to refuse
	want       []error // any other error; none for success
	uncertain  bool
	listedAs76 bool
}{
	{name: "listed after a lost answer", steps: []step{lost}, readBack: []step{listing(otherNumber, numberReply)}, writes: 1, lists: 1},
	{name: "listed after 500", steps: []step{answers(500, "")}, readBack: []step{listing(numberReply)}, writes: 1, lists: 1},
	{name: "listed after 408", steps: []step{answers(408, "")}, readBack: []step{listing(numberReply)}, writes: 1, lists: 1},
	{name: "not listed, written again", steps: []step{lost, answers(200, numberReply)}, readBack: []step{listing(otherNumber)}, writes: 2, lists: 1},
	{name: "listed the second time", steps: []step{lost, lost}, readBack: []step{listing(), listing(numberReply)}, writes: 2, lists: 2},
	{name: "listed at the end", steps: []step{lost}, readBack: []step{listing(), listing(), listing(), listing(numberReply)}, writes: 4, lists: 4},
	{name: "listed in another spelling", steps: []step{lost}, readBack: []step{listing(spacedNumber)}, writes: 1, lists: 1},
	{name: "listed under another id", only: usersecurity.OpCreatePhoneNumber, steps: []step{lost}, readBack: []step{listing(underAnotherID)}, writes: 1, lists: 1, listedAs76: true},
	{name: "another id has the number", only: usersecurity.OpUpdatePhoneNumber, steps: []step{lost, answers(200, numberReply)}, readBack: []step{listing(underAnotherID)}, writes: 2, lists: 1},
	{name: "the id has the old number", only: usersecurity.OpUpdatePhoneNumber, steps: []step{lost, answers(200, numberReply)}, readBack: []step{listing(oldNumber)}, writes: 2, lists: 1},

	{name: "a later refusal, listed", steps: []step{lost, refusesAsDocumented}, readBack: []step{listing(), listing(numberReply)}, writes: 2, lists: 2},
	{name: "a later refusal, not listed", steps: []step{lost, refusesAsDocumented}, readBack: []step{listing()}, writes: 2, lists: 2, refused: true, uncertain: true},
	{name: "a later refusal after 500, not listed", steps: []step{answers(500, ""), refusesAsDocumented}, readBack: []step{listing()}, writes: 2, lists: 2, refused: true},
	{name: "a later refusal after a page with 500, not listed", steps: []step{answers(500, "<html>"), refusesAsDocumented}, readBack: []step{listing()}, writes: 2, lists: 2, refused: true, uncertain: true},
	{
		name: "a later refusal, under another id", only: usersecurity.OpUpdatePhoneNumber, steps: []step{answers(500, ""), refusesAsDocumented},
		readBack: []step{listing(underAnotherID)}, writes: 2, lists: 2, refused: true, uncertain: true,
	},
	{name: "a later refusal, no telling", steps: []step{lost, refusesAsDocumented}, readBack: []step{listing(), answers(403, "")}, writes: 2, lists: 2, refused: true, uncertain: true},
	{name: "refused at once", steps: []step{refusesAsDocumented}, writes: 1, refused: true},
	{name: "refused after 429", steps: []step{answers(429, ""), refusesAsDocumented}, writes: 2, refused: true},
	{name: "refused after no connection", steps: []step{refused, refusesAsDocumented}, writes: 2, refused: true},

	{name: "no telling", steps: []step{lost}, readBack: []step{answers(403, "")}, writes: 1, want: []error{usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown}, lists: -1},
	{name: "no telling from a strange list", steps: []step{answers(503, "")}, readBack: []step{answers(200, "<html>")}, writes: 1, want: []error{usersecurity.ErrServer, usersecurity.ErrOutcomeUnknown}, lists: -1},
	{name: "the list needs a second attempt", steps: []step{lost}, readBack: []step{answers(503, ""), listing(numberReply)}, writes: 1, lists: 2},
	{name: "the reply breaks off, listed", steps: []step{breaksOff(numberReply)}, readBack: []step{listing(numberReply)}, writes: 1, lists: 1},
}

// After a write whose outcome is open the numbers are listed, before anything
// is written again.
func TestReadBackOfPhoneNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range readBacks {
		for _, r := range rowsOf(aNumber) {
			if test.only != "" && test.only != r.op {
				continue
			}
			scripted(t, string(r.op)+"/"+test.name, func(t *testing.T) {
				wise := play(t, test.steps...)
				wise.readBack = test.readBack
				id := uuid.New()
				got, err := r.call(t.Context(), newClient(t, wise), usersecurity.WithCorrelationID(id))
				want := test.want
				if test.refused {
					_, documented := r.refusal()
					want = []error{documented}
				}
				switch {
				case want != nil:
					checkMatches(t, "the error", err, want...)
				case err != nil:
					t.Fatal(err)
				default:
					checkReadBack(t, got, test.listedAs76)
				}
				var api *usersecurity.APIError
				if errors.As(err, &api) && api.Uncertain != test.uncertain {
					t.Errorf("uncertain: %t", api.Uncertain)
				}
				if wise.count() != test.writes {
					t.Errorf("%d writes, want %d", wise.count(), test.writes)
				}
				if n := len(wise.lists); n != test.lists && test.lists >= 0 {
					t.Errorf("%d lists, want %d", n, test.lists)
				}
				for _, a := range wise.lists {
					if a.method != "GET" || a.uri != "/v1/application/users/1001/phone-numbers" ||
						a.header.Get("Authorization") != "Bearer "+tokenOfApplication || a.header.Get("X-External-Correlation-Id") != id.String() {
						t.Errorf("the numbers were listed by %s %s with %q", a.method, a.uri, a.header)
					}
				}
			})
		}
	}
}

// checkReadBack looks at the number that a write has returned.
func checkReadBack(t *testing.T, got any, listedAs76 bool) {
	t.Helper()
	n, ok := got.(*usersecurity.PhoneNumber)
	switch {
	case !ok:
		t.Errorf("returned %T: a write that looks at other things than phone numbers needs a table of its own", got)
	case listedAs76:
		if n.ID != 76 || n.PhoneNumber != "+6588888888" {
			t.Errorf("returned %v", n)
		}
	case n.ID != 77 || !n.Verified || n.Type != "PRIMARY":
		t.Errorf("returned %v", n)
	}
}

// Text without a digit, which Wise alone judges, is not taken for any number
// that is listed without one.
func TestReadBackComparesMoreThanNoDigits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := play(t, lost, answers(422, ""))
		wise.readBack = []step{answers(200, `[{"id":5,"phoneNumber":"unknown"}]`)}
		got, err := newClient(t, wise).CreatePhoneNumber(t.Context(), 1001, "hello")
		checkMatches(t, "the error", err, usersecurity.ErrInvalidRequest)
		if got != nil || wise.count() != 2 {
			t.Errorf("%d writes gave %v", wise.count(), got)
		}
	})
}

// Text that can be no number is refused; all other text is Wise's to judge.
func TestPhoneNumberRules(t *testing.T) {
	t.Parallel()
	var takeOne []usersecurity.Operation
	for _, r := range contract {
		if !strings.Contains(r.body, usual.number) {
			continue
		}
		takeOne = append(takeOne, r.op)
		in := usual
		for _, in.number = range []string{"", " ", "\t\n", "+65hidden\n", "+65hidden\x00", "hidden\xff", "+65\u0085hidden", "\r\n+65hidden"} {
			_, err := r.do(t.Context(), refusesAll(t), in)
			checkRefused(t, fmt.Sprintf("%s with %q", r.op, in.number), err, "hidden")
		}
		for _, in.number = range []string{"+6588888888", "6588888888", "+65 8888-8888", "hello", "+1"} {
			if _, err := r.do(t.Context(), newClient(t, play(t, r.answersWell())), in); err != nil {
				t.Errorf("%s with %q: %v", r.op, in.number, err)
			}
		}
	}
	if len(takeOne) < 2 {
		t.Errorf("phone numbers are sent by no other operations than %q", takeOne)
	}
}

// A refusal stays a refusal, however large or broken its body, and though the
// number is there.
func TestRefusedNumberIsNotReadBack(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("<p>", 64<<10)
	for _, r := range rowsOf(aNumber) {
		documented, _ := r.refusal()
		for _, status := range slices.Compact([]int{400, 403, 422, documented}) {
			scripted(t, fmt.Sprint(r.op, " ", status), func(t *testing.T) {
				wise := play(t, answers(status, page))
				wise.readBack = []step{answers(200, "["+numberReply+"]")}
				_, err := r.call(t.Context(), newClient(t, wise))
				checkMatches(t, "the error", err, byStatusOr(status))
				if len(wise.order) != 1 {
					t.Errorf("sent were %s", wise.methods())
				}
			})
		}
	}
}

// A number that may be listed in another form leaves a refusal uncertain.
func TestSimilarNumberIsUncertain(t *testing.T) {
	t.Parallel()
	own := usual
	own.number = "00447700900123"
	for listed, want := range map[string]bool{
		"[]": false,
		`[{"id":9,"phoneNumber":"+447700111111"}]`: false,
		`[{"id":9,"phoneNumber":"+447700900123"}]`: true,
	} {
		scripted(t, listed, func(t *testing.T) {
			wise := play(t, answers(500, ""), refusesAsDocumented)
			wise.readBack = []step{answers(200, listed)}
			_, err := rowOf(usersecurity.OpCreatePhoneNumber).do(t.Context(), newClient(t, wise), own)
			checkMatches(t, "the error", err, usersecurity.ErrPhoneRepeated)
			checkUncertain(t, "the error", err, want)
			if sent := wise.methods(); sent != "POST GET POST GET" {
				t.Errorf("sent were %s", sent)
			}
		})
	}
}
