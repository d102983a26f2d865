package usersecurity_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// What the key endpoint answers is looked at before anything is sealed to it.
func TestKeyEndpointAnswers(t *testing.T) {
	t.Parallel()
	good := string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", publicKey()))
	for name, test := range map[string]struct {
		answer   step
		works    bool
		requests int // for the key, where it isn't one
	}{
		"good":              {answers(200, good), true, 0},
		"without ids":       {answers(200, strings.Replace(good, `"version":3,`, "", 1)), true, 0},
		"for signing":       {answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_SIGNING", publicKey()))), false, 0},
		"another algorithm": {answers(200, string(keyAnswer("PS256", "PAYLOAD_ENCRYPTION", publicKey()))), false, 0},
		"not RSA":           {answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", &elliptical.PublicKey))), false, 0},
		"too short":         {answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", &shortKey.PublicKey))), false, 0},
		"no base64":         {answers(200, `{"keyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":"%%%"}}`), false, 0},
		"no DER":            {answers(200, `{"keyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":"AAAA"}}`), false, 0},
		"empty":             {answers(200, ""), false, 0},
		"HTML":              {answers(200, "<html>"), false, 4},
		"a list":            {answers(200, "["+good+"]"), false, 0},
		"403":               {answers(403, ""), false, 0},
		"404":               {answers(404, ""), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := []step{test.answer}
			if test.works {
				steps = append(steps, answers(204, ""))
			}
			wise := play(t, steps...)
			client := bareClient(t, wise, usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(userTokens), usersecurity.WithJWE(), briefWaits)
			err := client.CreatePin(t.Context(), 1001, usual.pin)
			if test.works {
				if err != nil || wise.count() != 2 {
					t.Fatalf("%d requests, %v", wise.count(), err)
				}
				return
			}
			if !errors.Is(err, usersecurity.ErrNoKey) || errors.Is(err, usersecurity.ErrOutcomeUnknown) || errors.Is(err, usersecurity.ErrMalformedReply) {
				t.Errorf("the error is %v", err)
			}
			if wise.count() != cmp.Or(test.requests, 1) {
				t.Errorf("%d requests", wise.count())
			}
		})
	}
}

func TestKeyIsFetchedOnceAndKept(t *testing.T) {
	wise, client := newPair(t, nil)
	var calls sync.WaitGroup
	for n := range 50 {
		user := usersecurity.UserID(2001 + n)
		wise.AddUser(user)
		calls.Go(func() {
			if err := client.CreatePin(t.Context(), user, usual.pin); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	key, err := client.WiseKey(t.Context())
	if err != nil || !key.PublicKey.Equal(wise.EncryptionKey()) || key.Version == 0 {
		t.Errorf("the key in use: %v, %v", key, err)
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1 {
		t.Errorf("the key was fetched %d times", n)
	}
}

// 200 calls are in flight each time the key changes.
func TestKeyRotatesUnderTraffic(t *testing.T) {
	const inFlight, rotations = 200, 3
	wise, client := newPair(t, []usersecuritytest.ServerOption{usersecuritytest.WithLatency(50 * time.Millisecond)},
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
	for n := range inFlight {
		wise.AddUser(usersecurity.UserID(n + 1))
	}
	if _, err := client.WiseKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	for rotation := range rotations {
		fetched := wise.Count(usersecurity.OpFetchWiseKey)
		sent := wise.Count(usersecurity.OpCreatePin)
		var calls sync.WaitGroup
		for n := range inFlight {
			user := usersecurity.UserID(n + 1)
			calls.Go(func() {
				if err := client.CreatePin(t.Context(), user, usual.pin); err != nil {
					t.Errorf("rotation %d: %v", rotation, err)
				}
			})
		}
		for wise.Count(usersecurity.OpCreatePin)-sent < inFlight/10 {
			time.Sleep(time.Millisecond)
		}
		wise.RotateKey() // the rest arrives sealed to the old one
		calls.Wait()
		if n := wise.Count(usersecurity.OpFetchWiseKey) - fetched; n > 1 {
			t.Errorf("rotation %d: the key was fetched %d times", rotation, n)
		}
		if n := wise.Count(usersecurity.OpCreatePin) - sent; n < inFlight {
			t.Errorf("rotation %d: %d requests for %d calls", rotation, n, inFlight)
		}
		for n := range inFlight {
			calls.Go(func() {
				if err := client.DeletePin(t.Context(), usersecurity.UserID(n+1)); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		// If all had been opened before the rotation, nobody knows of it yet.
		if err := client.VerifyJWE(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1+rotations {
		t.Errorf("the key was fetched %d times for %d rotations", n, rotations)
	}
}

// A 500 under the same key is any 500: the call ends with it.
func TestSameKeyAfterFailureEndsWithThe500(t *testing.T) {
	wise, client := newPair(t, nil, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Unreadable, Operation: usersecurity.OpCreatePin})
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			err := client.CreatePin(t.Context(), 1001, usual.pin)
			var api *usersecurity.APIError
			if !errors.As(err, &api) || api.StatusCode != http.StatusInternalServerError || !errors.Is(err, usersecurity.ErrServer) || !errors.Is(err, usersecurity.ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
		})
	}
	calls.Wait()
	if n := wise.Count(usersecurity.OpCreatePin); n != 20 {
		t.Errorf("%d requests for 20 calls that had one attempt each", n)
	}
	if n := wise.Count(usersecurity.OpFetchWiseKey); n > 21 {
		t.Errorf("the key was fetched %d times", n)
	}
}

// Each waiter for the one fetch leaves when its own context ends.
func TestKeyWaitersKeepTheirContexts(t *testing.T) {
	wise, client := newPair(t, nil)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Delay, Delay: 200 * time.Millisecond, Operation: usersecurity.OpFetchWiseKey})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var calls sync.WaitGroup
	calls.Go(func() {
		err := client.CreatePin(short, 1001, usual.pin)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, usersecurity.ErrOutcomeUnknown) {
			t.Errorf("the one with the short deadline: %v", err)
		}
	})
	calls.Go(func() {
		wise.AddUser(7)
		if err := client.CreatePin(t.Context(), 7, usual.pin); err != nil {
			t.Errorf("the one with time: %v", err)
		}
	})
	calls.Wait()
	if n := wise.Count(usersecurity.OpFetchWiseKey); n != 1 {
		t.Errorf("the key was fetched %d times", n)
	}
}

func TestVerifyJWE(t *testing.T) {
	wise, client := newPair(t, nil)
	if err := client.VerifyJWE(t.Context()); err != nil {
		t.Fatal(err)
	}
	wise.RotateKey()
	if err := client.VerifyJWE(t.Context()); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	echo := usersecuritytest.Fault{
		Kind: usersecuritytest.Status, Operation: usersecurity.OpVerifyJWE, Status: 200, Times: 1,
		Header: map[string][]string{"Content-Type": {"application/json"}}, Body: `{"message":"jose-playground-response-"}`,
	}
	wise.Inject(echo)
	if err := client.VerifyJWE(t.Context()); !errors.Is(err, usersecurity.ErrPlaintextReply) {
		t.Errorf("an echo unencrypted: %v", err)
	}
	echo.Header = map[string][]string{"Content-Type": {"application/jose+json"}}
	echo.Body = foreignReply
	wise.Inject(echo)
	if err := client.VerifyJWE(t.Context()); !errors.Is(err, usersecurity.ErrDecrypt) {
		t.Errorf("an echo that doesn't open: %v", err)
	}
}

// After some 500s that were no rotation's, the client asks for the key less and
// less often. A request that Wise can open ends that: the next 500 may be a
// rotation's.
func TestServingKeyEndsTheRestraint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opened step // the answer to what Wise could open; nil: there was none
		asks   bool // for the key anew, two seconds later
	}{
		"a success":          {answers(204, ""), true},
		"a refusal":          {answers(409, `{"errors":[{"code":"x"}]}`), true},
		"a foreign refusal":  {answers(409, "<html>"), false},
		"a failure":          {answers(503, ""), false},
		"another call's 200": {nil, false},
		"nothing in between": {nil, false},
	} {
		scripted(t, name, func(t *testing.T) {
			wise := &brokenWise{key: endpoint{answer: givesKey()}}
			client := bareClient(t, wise, append(withTokens(), usersecurity.WithJWE())...)
			call := func(answer step, want error) {
				t.Helper()
				wise.api.answer = answer
				err := client.CreatePin(t.Context(), 1001, usual.pin, usersecurity.WithMaxAttempts(1))
				if !errors.Is(err, want) {
					t.Fatalf("the call ended with %v, not %v", err, want)
				}
			}
			for wise.key.count.Load() < 5 { // the fetch, and four that found the key unchanged: 8 seconds
				call(answers(500, ""), usersecurity.ErrServer)
				time.Sleep(100 * time.Millisecond)
			}
			switch {
			case test.opened != nil:
				wise.api.answer = test.opened
				_ = client.CreatePin(t.Context(), 1001, usual.pin, usersecurity.WithMaxAttempts(1))
			case name == "another call's 200": // what isn't sealed proves nothing
				wise.api.answer = answers(204, "")
				if err := client.DeletePin(t.Context(), 1001); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(2 * time.Second)
			call(answers(500, ""), usersecurity.ErrServer)
			if asked := wise.key.count.Load() == 6; asked != test.asks {
				t.Errorf("the key was asked for: %t, want %t", asked, test.asks)
			}
		})
	}
}

// However often a request can be opened, the key is asked for once a second, and
// a failed fetch stands.
func TestServingKeyIsNoInvitation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		again step // the answer of the key endpoint after the first one
		most  int64
	}{
		"unchanged": {givesKey(), 1 + 60},
		"limited":   {answers(429, "", "Retry-After", "60"), 1 + 1},
	} {
		scripted(t, name, func(t *testing.T) {
			wise := &brokenWise{key: endpoint{answer: givesKey()}}
			client := bareClient(t, wise, append(withTokens(), usersecurity.WithJWE())...)
			for range 600 { // of a tenth of a second
				wise.api.answer = answers(204, "")
				if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil {
					t.Fatal(err)
				}
				wise.key.answer, wise.api.answer = test.again, answers(500, "")
				_ = client.CreatePin(t.Context(), 1001, usual.pin, usersecurity.WithMaxAttempts(1))
				time.Sleep(100 * time.Millisecond)
			}
			wise.key.atMost(t, "keys", test.most)
		})
	}
}
