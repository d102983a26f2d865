package usersecurity_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// sealedAs is a success whose body is made from the request.
func sealedAs(replyOf func(request string) string, contentType string) step {
	return func(req *http.Request, body string) (*http.Response, error) {
		return answers(200, replyOf(body), "Content-Type", contentType, "X-Trace-Id", "trace-1")(req, body)
	}
}

func foreign(string) string { return foreignReply }

const noID = `{"createdAt":"2024-05-06T07:08:09Z"}`

var (
	tooLarge      = "[" + strings.Repeat(" ", 1<<20) + "]"
	requireSealed = usersecurity.WithJWE(usersecurity.JWERequireSealedReplies())
)

// replies are successes, and what is wrong with them.
var replies = []struct {
	name   string
	op     usersecurity.Operation
	answer step
	option usersecurity.Option
	want   error
}{
	{"PIN, no body", usersecurity.OpCreatePin, answers(204, ""), requireSealed, nil},
	{"PIN, 200 without a body", usersecurity.OpCreatePin, answers(200, ""), requireSealed, nil},
	{"PIN, sealed", usersecurity.OpCreatePin, sealsDirect(200, "{}"), requireSealed, nil},
	{"PIN, sealed by another key", usersecurity.OpCreatePin, sealedAs(foreign, "application/jose+json"), nil, usersecurity.ErrDecrypt},
	{"PIN, unencrypted", usersecurity.OpCreatePin, answers(200, "{}"), nil, nil},
	{"PIN, unencrypted, refused", usersecurity.OpCreatePin, answers(200, "{}"), requireSealed, usersecurity.ErrPlaintextReply},

	{"device, sealed", usersecurity.OpCreateDeviceFingerprint, sealsDirect(200, deviceReply), requireSealed, nil},
	{"device, unknown fields", usersecurity.OpCreateDeviceFingerprint, answers(200, strings.Replace(deviceReply, "{", `{"new":[{}],`, 1)), nil, nil},
	{"device, sealed by another key", usersecurity.OpCreateDeviceFingerprint, sealedAs(foreign, "application/jose+json"), nil, usersecurity.ErrDecrypt},
	{"device, sealed by another key, in disguise", usersecurity.OpCreateDeviceFingerprint, sealedAs(foreign, "application/json"), nil, usersecurity.ErrDecrypt},
	{"device, cut", usersecurity.OpCreateDeviceFingerprint, sealedAs(func(request string) string {
		sealed := sealDirect(request, deviceReply)
		return sealed[:len(sealed)-1]
	}, "application/jose+json"), nil, usersecurity.ErrDecrypt},
	{"device, the request echoed", usersecurity.OpCreateDeviceFingerprint, sealedAs(func(request string) string { return request }, "application/jose+json"), nil, usersecurity.ErrDecrypt},
	{"device, unencrypted, refused", usersecurity.OpCreateDeviceFingerprint, answers(200, deviceReply, "Content-Type", "application/json"), requireSealed, usersecurity.ErrPlaintextReply},
	{"device, no body", usersecurity.OpCreateDeviceFingerprint, answers(200, ""), nil, usersecurity.ErrMalformedReply},
	{"device, sealed, no JSON", usersecurity.OpCreateDeviceFingerprint, sealsDirect(200, "<html>"), nil, usersecurity.ErrMalformedReply},
	{"device, no id", usersecurity.OpCreateDeviceFingerprint, answers(200, noID), nil, usersecurity.ErrMalformedReply},
	{"device, a strange id", usersecurity.OpCreateDeviceFingerprint, answers(200, `{"deviceFingerprintId":"x","createdAt":"2024-05-06T07:08:09Z"}`), nil, usersecurity.ErrMalformedReply},
	{"device, broken off", usersecurity.OpCreateDeviceFingerprint, breaksOff(deviceReply), nil, usersecurity.ErrMalformedReply},
	{"device, too large", usersecurity.OpCreateDeviceFingerprint, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},

	{"devices, no body", usersecurity.OpListDeviceFingerprints, answers(200, ""), nil, usersecurity.ErrMalformedReply},
	{"devices, an object", usersecurity.OpListDeviceFingerprints, answers(200, deviceReply), nil, usersecurity.ErrMalformedReply},
	{"devices, one without id", usersecurity.OpListDeviceFingerprints, answers(200, "["+deviceReply+","+noID+"]"), nil, usersecurity.ErrMalformedReply},
	{"devices, too large", usersecurity.OpListDeviceFingerprints, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},

	{"numbers, one without id", usersecurity.OpListPhoneNumbers, answers(200, `[{"phoneNumber":"+6588888888"}]`), nil, usersecurity.ErrMalformedReply},
	{"numbers, an id as text", usersecurity.OpListPhoneNumbers, answers(200, `[{"id":"77"}]`), nil, usersecurity.ErrMalformedReply},
	{"numbers, too large", usersecurity.OpListPhoneNumbers, answers(200, tooLarge), nil, usersecurity.ErrReplyTooLarge},
	{"number, no body", usersecurity.OpCreatePhoneNumber, answers(200, ""), nil, usersecurity.ErrMalformedReply},
	{"number, an array", usersecurity.OpUpdatePhoneNumber, answers(200, "["+numberReply+"]"), nil, usersecurity.ErrMalformedReply},
	{"number, no id", usersecurity.OpUpdatePhoneNumber, answers(200, "{}"), nil, usersecurity.ErrMalformedReply},

	{"delete, 204", usersecurity.OpDeletePhoneNumber, answers(204, ""), nil, nil},
	{"delete, 200", usersecurity.OpDeletePhoneNumber, answers(200, `{"any":"thing"}`), nil, nil},
	{"face map, 201", usersecurity.OpEnrolFaceMap, answers(201, ""), nil, nil},
	{"number, 201", usersecurity.OpCreatePhoneNumber, answers(201, numberReply), nil, nil},
	{"number, 204", usersecurity.OpCreatePhoneNumber, answers(204, numberReply), nil, nil},
	{"devices, 202", usersecurity.OpListDeviceFingerprints, answers(202, "["+deviceReply+"]"), nil, nil},
}

// A success whose reply can't be used is a success all the same: the error
// says what is wrong with the reply, and never that the outcome is unknown.
func TestReplies(t *testing.T) {
	t.Parallel()
	for _, test := range replies {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := rowOf(test.op)
			options := []usersecurity.Option{}
			if test.option != nil {
				options = append(options, test.option)
			}
			mock := mocked(t, r, test.answer)
			var meta usersecurity.Meta
			got, err := r.call(t.Context(), newClient(t, mock, options...), usersecurity.WithMeta(&meta))
			if n := mock.GetCallCountInfo()[r.method+" "+testHost+r.path]; n != 1 || meta.Attempts != 1 {
				t.Errorf("%d requests, %d attempts", n, meta.Attempts)
			}
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				r.checkResult(t, got)
				return
			}
			checkMatches(t, "the error", err, test.want)
			if got != nil {
				t.Fatalf("a result next to an error: %v", got)
			}
			if meta.StatusCode != http.StatusOK || !strings.Contains(err.Error(), string(test.op)) || !strings.Contains(err.Error(), "200") {
				t.Errorf("status %d, error %v", meta.StatusCode, err)
			}
			for form, text := range printed(t, err) {
				if strings.Contains(text, "wise.example") || strings.Contains(text, "device") && !strings.Contains(test.name, "device") {
					t.Errorf("%s: %s", form, text)
				}
			}
		})
	}
	largest := "[" + strings.Repeat(" ", 1<<20-2) + "]"
	list, err := newClient(t, play(t, answers(200, largest))).ListPhoneNumbers(t.Context(), 1001)
	if err != nil || len(list) != 0 {
		t.Errorf("the largest reply: %v", err)
	}
}

// When the caller's context ends, the error matches its error, and says
// whether a write may have been done.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for _, test := range []struct {
			name  string
			steps []step
			open  bool
			cause error // matches as well
		}{
			{"in the attempt", []step{hangs}, true, nil},
			{"in the second attempt, the first refused", []step{refused, hangs}, true, nil},
			{"in the wait after 429", []step{answers(429, "", "Retry-After", "20")}, false, usersecurity.ErrRateLimited},
			{"in the wait after 503", []step{answers(503, "", "Retry-After", "20")}, true, usersecurity.ErrServer},
		} {
			for _, how := range []error{context.Canceled, context.DeadlineExceeded} {
				if (how == context.DeadlineExceeded || r.class == aOnce && test.open) && test.cause != nil {
					continue // such a wait isn't begun
				}
				scripted(t, string(r.op)+"/"+test.name+"/"+how.Error(), func(t *testing.T) {
					wise := r.script(t, test.steps...)
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					if how == context.Canceled {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(5*time.Second, cancel)
					}
					defer cancel()
					start := time.Now()
					_, err := r.call(ctx, newClient(t, wise))
					if !errors.Is(err, how) {
						t.Errorf("the error %v doesn't match %v", err, how)
					}
					if open := errors.Is(err, usersecurity.ErrOutcomeUnknown); open != (test.open && r.writes()) {
						t.Errorf("outcome unknown: %t, in %v", open, err)
					}
					if test.cause != nil && !errors.Is(err, test.cause) {
						t.Errorf("the error %v doesn't match %v", err, test.cause)
					}
					if errors.Is(err, usersecurity.ErrAttemptTimeout) {
						t.Errorf("the error %v blames the attempt", err)
					}
					if took := time.Since(start); took != 5*time.Second {
						t.Errorf("it took %s", took)
					}
					if wise.count() != len(test.steps) {
						t.Errorf("%d attempts", wise.count())
					}
				})
			}
		}
		scripted(t, string(r.op)+"/before the call", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := r.call(ctx, newClient(t, nothingSent{t}))
			checkMatches(t, "the error", err, context.Canceled)
		})
	}
}

// An attempt's timeout is not the caller's deadline.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		var open []error
		if r.writes() {
			open = []error{usersecurity.ErrOutcomeUnknown}
		}
		run := func(name string, limit time.Duration, attempts int, took time.Duration, want error, options ...usersecurity.Option) {
			scripted(t, string(r.op)+"/"+name, func(t *testing.T) {
				wise := r.script(t, hangs)
				ctx := t.Context()
				if limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, limit)
					defer cancel()
				}
				if name == "the HTTP client's limit" {
					options = []usersecurity.Option{usersecurity.WithHTTPClient(&http.Client{Transport: wise, Timeout: 7 * time.Second})}
				}
				start := time.Now()
				_, err := r.call(ctx, longestWaits(newClient(t, wise, options...)))
				checkMatches(t, "the error", err, append(open, want)...)
				if got := time.Since(start); got != took || wise.count() != attempts {
					t.Errorf("%d attempts in %s, want %d in %s", wise.count(), got, attempts, took)
				}
			})
		}
		timeout, deadline := usersecurity.ErrAttemptTimeout, context.DeadlineExceeded
		run("the deadline in the first", 5*time.Second, 1, 5*time.Second, deadline)
		run("the call's own limit", 0, 1, 7*time.Second, deadline, usersecurity.WithTimeouts(10*time.Second, 7*time.Second))
		if r.class == aOnce {
			run("the attempt", 0, 1, 10*time.Second, timeout)
			run("the HTTP client's limit", 0, 1, 7*time.Second, timeout)
			continue
		}
		run("each attempt", 0, 4, 40*time.Second+allWaits, timeout)
		run("each attempt, under a deadline", time.Hour, 4, 40*time.Second+allWaits, timeout)
		run("each attempt, own limits", 0, 4, 8*time.Second+allWaits, timeout, usersecurity.WithTimeouts(2*time.Second, 0))
		run("the deadline in the second", 15*time.Second, 2, 15*time.Second, deadline)
		run("the call's own limit in the second", 0, 2, 15*time.Second, deadline, usersecurity.WithTimeouts(10*time.Second, 15*time.Second))
		run("the default limit in the second", 0, 2, time.Minute, deadline, usersecurity.WithTimeouts(40*time.Second, 0))
		run("the HTTP client's limit", 0, 4, 28*time.Second+allWaits, timeout)
	}
}
