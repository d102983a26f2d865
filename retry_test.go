package usersecurity

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"
)

// script is a transport that plays one answer after the other, and the last one
// for ever.
type script struct {
	answers []played
	sent    []string // methods
}

// played is an answer, or an error. With a number in list, it is one of a user
// who has that number.
type played struct {
	status int
	body   string
	header http.Header
	err    error
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	s.sent = append(s.sent, req.Method)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if a.err != nil {
		return nil, a.err
	}
	header := a.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Request: req,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

// What goes wrong, by the words of the table in the package text.
var (
	notWritten = played{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}
	noAnswer   = played{err: errors.New("reset")}
)

const listedNumber = "+6588880001"

// ways are the operations, by the columns of the table.
var ways = map[string]map[Operation]func(context.Context, *Client) error{
	"lists": {
		OpListPhoneNumbers: func(ctx context.Context, c *Client) error {
			_, err := c.ListPhoneNumbers(ctx, 7)
			return err
		},
		OpListDeviceFingerprints: func(ctx context.Context, c *Client) error {
			_, err := c.ListDeviceFingerprints(ctx, 7)
			return err
		},
	},
	"deletes": {
		OpDeletePin:     func(ctx context.Context, c *Client) error { return c.DeletePin(ctx, 7) },
		OpDeleteFaceMap: func(ctx context.Context, c *Client) error { return c.DeleteFaceMap(ctx, 7) },
		OpDeleteDeviceFingerprint: func(ctx context.Context, c *Client) error {
			return c.DeleteDeviceFingerprint(ctx, 7, uuid.Max)
		},
		OpDeletePhoneNumber: func(ctx context.Context, c *Client) error { return c.DeletePhoneNumber(ctx, 7, 9) },
	},
	"set-once": {
		OpCreatePin: func(ctx context.Context, c *Client) error {
			pin, _ := NewPin("0417")
			return c.CreatePin(ctx, 7, pin)
		},
		OpEnrolFaceMap: func(ctx context.Context, c *Client) error {
			faceMap, _ := NewFaceMap([]byte{1})
			return c.EnrolFaceMap(ctx, 7, faceMap)
		},
		OpCreateDeviceFingerprint: func(ctx context.Context, c *Client) error {
			fingerprint, _ := NewFingerprint("device")
			_, err := c.CreateDeviceFingerprint(ctx, 7, fingerprint)
			return err
		},
	},
	"phone numbers": {
		OpCreatePhoneNumber: func(ctx context.Context, c *Client) error {
			_, err := c.CreatePhoneNumber(ctx, 7, listedNumber)
			return err
		},
		OpUpdatePhoneNumber: func(ctx context.Context, c *Client) error {
			_, err := c.UpdatePhoneNumber(ctx, 7, 9, listedNumber)
			return err
		},
	},
}

// worked is the documented success of an operation.
func worked(op Operation) played {
	switch op {
	case OpListPhoneNumbers, OpListDeviceFingerprints:
		return played{status: http.StatusOK, body: "[]"}
	case OpCreateDeviceFingerprint:
		return played{status: http.StatusOK, body: `{"deviceFingerprintId":"0b9de7c7-3f0c-4a52-9ab1-7a1b1f5a9d11","createdAt":"2026-01-02T03:04:05.123456789Z"}`}
	case OpCreatePhoneNumber, OpUpdatePhoneNumber:
		return played{status: http.StatusOK, body: `{"id":9,"phoneNumber":"` + listedNumber + `"}`}
	}
	return played{status: http.StatusNoContent}
}

// run makes a call against a script under a clock of its own, with the longest
// waits that the drawing allows. It returns what was sent and how long that took.
func (s *script) run(t *testing.T, call func(context.Context, *Client) error) (sent string, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, newErr := New(WithBaseURL(Sandbox), WithUnsealedBodies(), WithHTTPClient(&http.Client{Transport: s}),
			WithApplicationTokens(freshTokens()), WithUserTokens(freshTokens()))
		if newErr != nil {
			t.Fatal(newErr)
		}
		c.jitter = func(bound time.Duration) time.Duration { return bound }
		began := time.Now()
		err = call(t.Context(), c)
		took = time.Since(began)
	})
	return strings.Join(s.sent, " "), took, err
}

// freshTokens gives another token after each that was rejected.
func freshTokens() TokenSource {
	return TokenFunc(func(_ context.Context, req TokenRequest) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "token" + req.Rejected}, nil
	})
}

// retryTable reads the table of the package text: row, column, cell.
func retryTable(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]map[string]string{}
	columns := []string{"lists", "deletes", "set-once", "phone numbers"}
	gap := regexp.MustCompile(`\s{2,}`)
	var in bool
	var half string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//"))
		cells := gap.Split(line, -1)
		switch {
		case slices.Equal(cells, columns):
			in = true
		case in && line == "":
			return table
		case in && len(cells) == 1 && strings.HasSuffix(line, ","):
			half = line + " "
		case in && len(cells) > 1:
			row := table[half+cells[0]]
			if row == nil {
				row = map[string]string{}
				table[half+cells[0]] = row
			}
			for i, column := range columns {
				row[column] = cells[min(i+1, len(cells)-1)]
			}
			half = ""
		}
	}
	t.Fatal("doc.go has no retry table")
	return nil
}

// TestRetryTable walks the table of the package text, cell by cell.
func TestRetryTable(t *testing.T) {
	table := retryTable(t)
	if len(table) != 6 {
		t.Fatalf("the table has %d rows: %v", len(table), table)
	}
	const (
		first  = defaultMinWait
		second = 2 * defaultMinWait
		third  = 4 * defaultMinWait
	)
	for row, cells := range table {
		for column, cell := range cells {
			for op, call := range ways[column] {
				method := operations[op].method
				check := func(what string, s script, want error, sent string, took time.Duration) error {
					t.Helper()
					gotSent, gotTook, err := s.run(t, call)
					if (want == nil) != (err == nil) || want != nil && !errors.Is(err, want) || gotSent != sent || gotTook != took {
						t.Errorf("%s / %s / %s, %s: error %v, sent %s in %s; want %v, %s in %s", row, column, op, what, err, gotSent, gotTook, want, sent, took)
					}
					return err
				}
				twice := method + " " + method
				times := func(n int) string { return strings.TrimSpace(strings.Repeat(method+" ", n)) }
				none := played{status: http.StatusOK, body: "[]"}
				there := played{status: http.StatusOK, body: `[{"id":9,"phoneNumber":"` + listedNumber + `"}]`}

				switch cell + " / " + row {
				case "repeat / nothing was written":
					check("once", script{answers: []played{notWritten, worked(op)}}, nil, twice, first)
					check("always", script{answers: []played{notWritten}}, ErrTransport, times(4), first+second+third)
				case "repeat / 429":
					limited := played{status: http.StatusTooManyRequests}
					check("once", script{answers: []played{limited, worked(op)}}, nil, twice, first)
					check("always", script{answers: []played{limited}}, ErrRateLimited, times(4), first+second+third)
					limited.header = http.Header{"Retry-After": {"7"}}
					check("in 7 s", script{answers: []played{limited, worked(op)}}, nil, twice, 7*time.Second)
					for _, absurd := range []string{"31", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
						limited.header = http.Header{"Retry-After": {absurd}}
						err := check("much later", script{answers: []played{limited, worked(op)}}, ErrRateLimited, method, 0)
						var api *APIError
						if !errors.As(err, &api) || api.RetryAfter <= defaultMaxRetryAfter {
							t.Errorf("%s: the error doesn't tell how long to wait: %v", op, err)
						}
					}
				case "repeat / no answer, 408, 500, 502, 503, 504",
					"repeat 1 / no answer, 408, 500, 502, 503, 504",
					"repeat 2 / no answer, 408, 500, 502, 503, 504",
					"look, repeat 3 / no answer, 408, 500, 502, 503, 504":
					for _, lost := range []played{noAnswer, {status: 408}, {status: 500}, {status: 502}, {status: 503}, {status: 504}} {
						what := strconv.Itoa(lost.status)
						if !strings.HasPrefix(cell, "look") {
							check(what, script{answers: []played{lost, worked(op)}}, nil, twice, first)
						}
						switch cell {
						case "repeat 1":
							check(what+", 404", script{answers: []played{lost, {status: 404}}}, nil, twice, first)
							err := check(what+", 403", script{answers: []played{lost, {status: 403}}}, ErrForbidden, twice, first)
							uncertain(t, op, err, true)
						case "repeat 2":
							err := check(what+", 409", script{answers: []played{lost, {status: 409}}}, operations[op].answers[0].sentinel, twice, first)
							uncertain(t, op, err, true)
						case "look, repeat 3":
							check(what+", it is there", script{answers: []played{lost, there}}, nil, method+" GET", first)
							check(what+", it isn't", script{answers: []played{lost, none, worked(op)}}, nil, method+" GET "+method, first)
							check(what+", 422, it is there", script{answers: []played{lost, none, {status: 422}, there}}, nil, method+" GET "+method+" GET", first)
							repeated := played{status: 422, body: `{"errors":[{"code":"phone.number.repeated"}]}`}
							err := check(what+", 422, it isn't", script{answers: []played{lost, none, repeated, none}}, ErrPhoneRepeated, method+" GET "+method+" GET", first)
							uncertain(t, op, err, false)
							check(what+", nobody can tell", script{answers: []played{lost, {status: 403}}}, ErrOutcomeUnknown, method+" GET", first)
						}
					}
				case "one fresh token, one repeat / 401":
					rejected := played{status: http.StatusUnauthorized}
					check("once", script{answers: []played{rejected, worked(op)}}, nil, twice, 0)
					check("always", script{answers: []played{rejected}}, ErrUnauthorized, twice, 0)
				case "is the answer / any other answer":
					for _, status := range []int{400, 403, 404, 409, 418, 422, 501, 505, 302, 203} {
						err := check(strconv.Itoa(status), script{answers: []played{{status: status}}}, operations[op].sentinelOf(status), method, 0)
						uncertain(t, op, err, false)
					}
				case "error / attempts used up":
					check("no answer", script{answers: []played{noAnswer}}, ErrTransport, times(4), first+second+third)
					check("503", script{answers: []played{{status: 503}}}, ErrServer, times(4), first+second+third)
				case "ErrOutcomeUnknown if one may have been done / attempts used up":
					sent := times(4)
					var answers, later []played
					for n := range 4 {
						answers = append(answers, played{status: 503})
						later = append(later, notWritten)
						if column == "phone numbers" {
							answers = append(answers, none)
							sent = strings.TrimSpace(strings.Repeat(method+" GET ", 4))
							if n == 0 {
								later = append(later[:0], noAnswer, none)
							}
						} else if n == 0 {
							later[0] = noAnswer
						}
					}
					err := check("503", script{answers: answers}, ErrOutcomeUnknown, sent, first+second+third)
					if !errors.Is(err, ErrServer) {
						t.Errorf("%s: the cause can't be told from %v", op, err)
					}
					if column != "phone numbers" {
						check("no answer, then nothing written", script{answers: later}, ErrOutcomeUnknown, sent, first+second+third)
					}
				default:
					t.Errorf("no test for %q in the row %q", cell, row)
				}
			}
		}
	}
}

// sentinelOf is the error of a status alone.
func (o *operation) sentinelOf(status int) error {
	return (&APIError{Op: o.name, StatusCode: status}).classify()
}

func uncertain(t *testing.T, op Operation, err error, want bool) {
	t.Helper()
	var api *APIError
	if !errors.As(err, &api) || api.Uncertain != want {
		t.Errorf("%s: uncertain is not %v: %v", op, want, err)
	}
}

func TestWaitsAreDrawnBelowTheBound(t *testing.T) {
	c, err := New(WithBaseURL(Sandbox))
	if err != nil {
		t.Fatal(err)
	}
	lowest, highest := time.Second, time.Duration(0)
	for range 1000 {
		w := c.jitter(time.Second)
		lowest, highest = min(lowest, w), max(highest, w)
	}
	if lowest < 0 || lowest > 100*time.Millisecond || highest > time.Second || highest < 900*time.Millisecond {
		t.Errorf("waits from %s to %s", lowest, highest)
	}
}

func TestWaitsStopDoublingAtTheHighest(t *testing.T) {
	s := &script{answers: []played{{status: 503}}}
	sent, took, _ := s.run(t, func(ctx context.Context, c *Client) error {
		_, err := c.ListPhoneNumbers(ctx, 7, WithMaxAttempts(8))
		return err
	})
	want := 250*time.Millisecond + 500*time.Millisecond + time.Second + 2*time.Second + 4*time.Second + 2*5*time.Second
	if n := len(strings.Fields(sent)); n != 8 || took != want {
		t.Errorf("%d attempts in %s, want 8 in %s", n, took, want)
	}
}

// A wait that can't end before the deadline is not begun.
func TestNoWaitPastTheDeadline(t *testing.T) {
	s := &script{answers: []played{{status: 503, header: http.Header{"Retry-After": {"20"}}}}}
	_, took, err := s.run(t, func(ctx context.Context, c *Client) error {
		ctx, cancel := context.WithTimeout(ctx, 19*time.Second)
		defer cancel()
		return ways["deletes"][OpDeletePin](ctx, c)
	})
	var api *APIError
	if took != 0 || !errors.Is(err, ErrOutcomeUnknown) || !errors.As(err, &api) || api.RetryAfter != 20*time.Second {
		t.Errorf("error %v after %s", err, took)
	}
}

// hang is a transport that waits for the end of its request.
type hang struct{}

func (hang) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		deadline time.Duration
		want     error
		not      error
		took     time.Duration
	}{
		"an attempt's":         {time.Hour, ErrAttemptTimeout, context.DeadlineExceeded, 4*defaultAttemptTime + 1750*time.Millisecond},
		"the caller's":         {3 * time.Second, context.DeadlineExceeded, ErrAttemptTimeout, 3 * time.Second},
		"the call's own total": {0, ErrAttemptTimeout, context.DeadlineExceeded, 4*defaultAttemptTime + 1750*time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, err := New(WithBaseURL(Sandbox), WithHTTPClient(&http.Client{Transport: hang{}}), WithApplicationTokens(StaticToken("token")))
			if err != nil {
				t.Fatal(err)
			}
			client.jitter = func(bound time.Duration) time.Duration { return bound }
			ctx := t.Context()
			if c.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.deadline)
				defer cancel()
			}
			began := time.Now()
			err = client.DeletePin(ctx, 7)
			if took := time.Since(began); took != c.took || !errors.Is(err, c.want) || errors.Is(err, c.not) || !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("%s: error %v after %s, want %v after %s", name, err, took, c.want, c.took)
			}
		})
	}
}

func TestTotalBoundsACallWithoutDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, err := New(WithBaseURL(Sandbox), WithHTTPClient(&http.Client{Transport: hang{}}),
			WithApplicationTokens(StaticToken("token")), WithTimeouts(40*time.Second, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		client.jitter = func(bound time.Duration) time.Duration { return bound }
		began := time.Now()
		_, err = client.ListPhoneNumbers(t.Context(), 7)
		if took := time.Since(began); took != time.Minute || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v after %s", err, took)
		}
	})
}

func TestCancelledWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for op, want := range map[Operation]bool{OpListPhoneNumbers: false, OpDeletePin: true} {
			client, err := New(WithBaseURL(Sandbox), WithApplicationTokens(StaticToken("token")),
				WithHTTPClient(&http.Client{Transport: &script{answers: []played{{status: 503, header: http.Header{"Retry-After": {"9"}}}}}}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			began := time.Now()
			if op == OpDeletePin {
				err = client.DeletePin(ctx, 7)
			} else {
				_, err = client.ListPhoneNumbers(ctx, 7)
			}
			if time.Since(began) != time.Second || !errors.Is(err, context.Canceled) || !errors.Is(err, ErrServer) || errors.Is(err, ErrOutcomeUnknown) != want {
				t.Errorf("%s: error %v after %s", op, err, time.Since(began))
			}
		}
	})
}
