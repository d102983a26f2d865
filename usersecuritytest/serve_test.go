package usersecuritytest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestRequestThatBreaksOffIsNotProcessed(t *testing.T) {
	srv := newServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"faceMap":"Zm9v"}`
	_, err = fmt.Fprintf(conn, "POST /v1/user/facemap/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", srv.UserToken(user), len(body)+1, body)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for srv.Count(usersecurity.OpEnrolFaceMap) == 0 {
		time.Sleep(time.Millisecond)
	}
	srv.Close()
	if r := srv.Requests()[0]; r.Status != 0 || state(t, srv, user).FaceMapEnrolled {
		t.Errorf("half a request was answered %d", r.Status)
	}
}

func TestDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	for _, after := range []bool{false, true} {
		srv := newServer(t)
		srv.Inject(fault{Kind: usersecuritytest.Delay, Delay: delay, After: after, Times: 1})
		start := time.Now()
		mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
		if took := time.Since(start); took < delay {
			t.Errorf("answered after %v", took)
		}

		srv.Inject(fault{Kind: usersecuritytest.Delay, Delay: time.Hour, After: after})
		ctx, cancel := context.WithTimeout(t.Context(), delay)
		req, err := http.NewRequestWithContext(ctx, "POST", srv.URL()+"/v1/user/facemap/enrol", strings.NewReader(`{"faceMap":"Zm9v"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = asUser(srv, "POST", "", "{}").header
		if resp, err := srv.HTTPClient().Do(req); err == nil {
			_ = resp.Body.Close()
			t.Error("answered an hour early")
		}
		cancel()
		srv.Close() // waits for the request, which must not wait for an hour
		if state(t, srv, user).FaceMapEnrolled != after {
			t.Errorf("with After %v the face map is enrolled: %v", after, !after)
		}
	}
}

func TestRotateKeyFault(t *testing.T) {
	srv := newServer(t)
	m := createPin(t, srv, "1234")
	srv.Inject(fault{Kind: usersecuritytest.RotateKey, Operation: usersecurity.OpCreatePin, Times: 1})
	mustUnreadable(t, send(t, srv, m))
	mustStatus(t, send(t, srv, createPin(t, srv, "1234")), 204)
	if key, _ := fetchKey(t, srv, ""); key.Version != 2 {
		t.Errorf("version %d, want 2", key.Version)
	}
}

// Under load every request is answered or broken, counted once, and belongs to
// its own user.
func TestManyRequestsAtOnce(t *testing.T) {
	const goroutines, each = 32, 25
	srv := newServer(t, usersecuritytest.WithRecordLimit(100))
	srv.Inject(fault{Kind: usersecuritytest.ResetAfter, Rate: 0.05})
	srv.Inject(fault{Kind: usersecuritytest.TooManyRequests, Rate: 0.05})
	srv.Inject(fault{Kind: usersecuritytest.RotateKey, Rate: 0.05, Times: 1, Operation: usersecurity.OpCreatePin})
	var wg sync.WaitGroup
	for g := range goroutines {
		id := usersecurity.UserID(1000 + g)
		srv.AddUser(id)
		wg.Go(func() {
			for i := range each {
				m := asApplication(srv, "POST", phones(int(id)), fmt.Sprintf(`{"phoneNumber":"+1%04d%04d"}`, g, i))
				if i%5 == 0 {
					m = asSealed(message{"POST", "/v1/user/pin", bearer(srv.UserToken(id)), ""}, seal(t, srv, `{"pin":"1234"}`))
				}
				r, err := trySend(t, srv, m)
				if err == nil && !slices.Contains([]int{200, 204, 409, 429, 500}, r.status) {
					t.Errorf("status %d: %s", r.status, r.body)
				}
				srv.User(id)
			}
		})
	}
	wg.Wait()
	if got := len(srv.Requests()); got != 100 {
		t.Errorf("%d requests are recorded, want the last 100", got)
	}
	total := srv.Count(usersecurity.OpCreatePhoneNumber) + srv.Count(usersecurity.OpCreatePin)
	if total != goroutines*each {
		t.Errorf("%d requests counted, want %d", total, goroutines*each)
	}
	for g := range goroutines {
		for _, p := range state(t, srv, usersecurity.UserID(1000+g)).PhoneNumbers {
			if !strings.HasPrefix(p.PhoneNumber, fmt.Sprintf("+1%04d", g)) {
				t.Errorf("user %d has a number of another's", 1000+g)
			}
		}
	}
}
