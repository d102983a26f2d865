package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const (
	testSession = "session-of-customer-one"
	testUser    = usersecurity.UserID(1001)
	testPhone   = "+6588884242"
)

// wiseStub is all of Wise that the service calls. Every customer has a personal
// profile, unless profiles says otherwise.
type wiseStub struct {
	usersecuritytest.Stub
	sca      usersecuritytest.SCAStub
	profiles func(usersecurity.UserID) ([]usersecurity.ProfileInfo, error)
}

const testProfile = usersecurity.ProfileID(7000001)

func (s *wiseStub) ListProfiles(_ context.Context, user usersecurity.UserID, _ ...usersecurity.CallOption) ([]usersecurity.ProfileInfo, error) {
	if s.profiles != nil {
		return s.profiles(user)
	}
	return []usersecurity.ProfileInfo{{ID: 6, User: user, Type: "BUSINESS"}, {ID: testProfile, User: user, Type: "PERSONAL", State: "VISIBLE"}}, nil
}

// testCustomers has one customer.
func testCustomers() *directory {
	d := newDirectory()
	d.add(testSession, customer{ID: "c-1", WiseUser: testUser, VerifiedPhones: []string{testPhone}})
	return d
}

// stubbed is the service with that stub.
func stubbed(stub *wiseStub, customers sessions) http.Handler {
	store := usersecurity.NewMemoryTokenStore()
	_, err := store.Update(context.Background(), testUser, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "token"}, nil
	})
	if err != nil {
		panic(err)
	}
	linking, err := newLinking(nil, store, "https://app.example", "secret")
	if err != nil {
		panic(err)
	}
	return newAPI(stub, &stub.sca, linking, customers, slog.New(slog.DiscardHandler)).handler()
}

// send makes a request of the customer to the service with that stub.
func send(t *testing.T, stub *wiseStub, route, body string) *httptest.ResponseRecorder {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testSession)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	stubbed(stub, testCustomers()).ServeHTTP(w, r)
	return w
}

// outcome is the status of an answer and its code.
func outcome(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Header().Get("Content-Type") != "application/problem+json" {
		return fmt.Sprint(w.Code)
	}
	var p struct {
		Status          int
		Code, RequestID string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != w.Code || p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("%d, request %q: %s", w.Code, w.Header().Get("X-Request-Id"), w.Body)
	}
	return fmt.Sprint(w.Code, " ", p.Code)
}

// What Wise asks for counts, unless the backend itself asks for more.
func TestRetryAfterIsPassedOn(t *testing.T) {
	const deletePin, listProfiles = usersecurity.OpSCADeletePin, usersecurity.OpListProfiles
	for _, test := range []struct {
		err        error
		want, wait string
	}{
		{&usersecurity.APIError{Op: deletePin, StatusCode: 429}, "503 wise_busy", "1"},
		{&usersecurity.APIError{Op: deletePin, StatusCode: 429, RetryAfter: 1500 * time.Millisecond}, "503 wise_busy", "2"},
		{&usersecurity.APIError{Op: deletePin, StatusCode: 429, RetryAfter: time.Minute}, "503 wise_busy", "60"},
		{&usersecurity.APIError{Op: listProfiles, StatusCode: 503, RetryAfter: time.Second}, "503 wise_unavailable", "10"},
		{&usersecurity.APIError{Op: listProfiles, StatusCode: 503, RetryAfter: time.Minute}, "503 wise_unavailable", "60"},
		{usersecuritytest.NewError(deletePin, 503, ""), "504 outcome_unknown", "60"},
		{usersecuritytest.NewError(deletePin, 403, ""), "502 wise_refused", ""},
	} {
		w := send(t, &wiseStub{sca: usersecuritytest.SCAStub{DeletePinFunc: func(context.Context, usersecurity.Profile, ...usersecurity.CallOption) error {
			return test.err
		}}}, "DELETE /me/pin", "")
		if got := w.Header().Get("Retry-After"); got != test.wait || outcome(t, w) != test.want {
			t.Errorf("%v: %s, Retry-After %q, want %s and %q", test.err, outcome(t, w), got, test.want, test.wait)
		}
	}
}

func TestRequestsThatGetNoFurther(t *testing.T) {
	// No field of the stub is set: a call at Wise would end in 500.
	for _, c := range []struct{ route, body, want string }{
		{"PUT /me/pin", `{"pin":"12345"}`, "422 invalid_pin"},
		{"PUT /me/pin", `{"pin":"१२३४"}`, "422 invalid_pin"},
		{"PUT /me/pin", `{}`, "422 invalid_pin"},
		{"PUT /me/pin", `{"pin":1234}`, "400 invalid_body"},
		{"PUT /me/pin", `{"pin":"0417","user":7}`, "400 invalid_body"},
		{"PUT /me/pin", `{"pin":"0417"}{}`, "400 invalid_body"},
		{"PUT /me/pin", `{"pin":"0417"`, "400 invalid_body"},
		{"PUT /me/pin", ``, "400 invalid_body"},
		{"PUT /me/pin", `{"pin":"` + strings.Repeat("0", maxBody) + `"}`, "413 body_too_large"},
		{"PUT /me/pin", `{"pin":"0417"}` + strings.Repeat(" ", maxBody), "413 body_too_large"},
		{"PUT /me/face-map", `{"faceMap":"not base64"}`, "422 invalid_face_map"},
		{"PUT /me/face-map", `{"faceMap":"` + strings.Repeat("A", maxFaceMapBody) + `"}`, "413 body_too_large"},
		{"POST /me/devices", `{"fingerprint":""}`, "422 invalid_fingerprint"},
		{"POST /me/devices", `{"fingerprint":"` + strings.Repeat("x", 4097) + `"}`, "422 invalid_fingerprint"},
		{"DELETE /me/devices/7", "", "404 device_not_found"},
		{"DELETE /me/devices/00000000-0000-0000-0000-000000000000", "", "404 device_not_found"},
		{"PUT /me/phone", `{"phoneNumber":"88884242"}`, "422 invalid_phone_number"},
		{"PUT /me/phone", `{"phoneNumber":"+6599999999"}`, "422 phone_number_unverified"},
		{"GET /me/pin", "", "405"},
		{"GET /users/1001/pin", "", "404"},
		{"GET /healthz", "", "204"},
	} {
		if got := outcome(t, send(t, &wiseStub{}, c.route, c.body)); got != c.want {
			t.Errorf("%s %.40s: %s, want %s", c.route, c.body, got, c.want)
		}
	}
}

func TestContentTypeIsNeeded(t *testing.T) {
	for value, want := range map[string]string{
		"":                                "415 unsupported_media_type",
		"text/plain":                      "415 unsupported_media_type", // a form of another site can send that
		"application/json; charset=utf-8": "204",
	} {
		r := httptest.NewRequest(http.MethodPut, "/me/pin", strings.NewReader(`{"pin":"0417"}`))
		r.Header.Set("Authorization", "bearer "+testSession)
		r.Header.Set("Content-Type", value)
		w := httptest.NewRecorder()
		stub := &wiseStub{sca: usersecuritytest.SCAStub{CreatePinFunc: func(context.Context, usersecurity.Profile, usersecurity.Pin, ...usersecurity.CallOption) error {
			return nil
		}}}
		stubbed(stub, testCustomers()).ServeHTTP(w, r)
		if got := outcome(t, w); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestNoSessionNoAnswer(t *testing.T) {
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer other", "Basic " + testSession, testSession} {
		for _, route := range []string{
			"PUT /me/pin", "DELETE /me/pin", "POST /me/devices", "GET /me/devices",
			"PUT /me/face-map", "DELETE /me/face-map", "POST /me/wise-link", "DELETE /me/devices/7", "PUT /me/phone", "GET /me/phone", "DELETE /me/phone",
		} {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			stubbed(&wiseStub{}, testCustomers()).ServeHTTP(w, r)
			if got := outcome(t, w); got != "401 unauthenticated" || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %q: %s", route, header, got)
			}
		}
	}
}

func TestPinGoesToTheCustomersOwnUser(t *testing.T) {
	called := false
	w := send(t, &wiseStub{sca: usersecuritytest.SCAStub{
		CreatePinFunc: func(ctx context.Context, p usersecurity.Profile, _ usersecurity.Pin, opts ...usersecurity.CallOption) error {
			called = true
			if p.User != testUser || p.ID != testProfile || len(opts) != 2 {
				t.Errorf("%+v, %d options", p, len(opts))
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > actionTime {
				t.Error("the call has no deadline")
			}
			return nil
		},
	}}, "PUT /me/pin", `{"pin":"0417"}`)
	if !called || outcome(t, w) != "204" || w.Header().Get("Cache-Control") != "no-store" {
		t.Error(called, w.Code, w.Header())
	}
}

func TestPinIsSetAlthoughTheReplyCannotBeRead(t *testing.T) {
	w := send(t, &wiseStub{sca: usersecuritytest.SCAStub{
		CreatePinFunc: func(context.Context, usersecurity.Profile, usersecurity.Pin, ...usersecurity.CallOption) error {
			return usersecurity.ErrDecrypt
		},
	}}, "PUT /me/pin", `{"pin":"0417"}`)
	if got := outcome(t, w); got != "204" {
		t.Error(got)
	}
}

func TestDevices(t *testing.T) {
	id, created := uuid.New(), time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	device := usersecurity.DeviceFingerprint{ID: id, CreatedAt: created}
	asJSON := `{"id":"` + id.String() + `","createdAt":"2026-03-01T12:00:00.123456789Z"}`
	var listed []usersecurity.DeviceFingerprint
	stub := &wiseStub{sca: usersecuritytest.SCAStub{
		CreateDeviceFingerprintFunc: func(context.Context, usersecurity.Profile, usersecurity.Fingerprint, ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error) {
			return &device, nil
		},
		DeleteDeviceFingerprintFunc: func(_ context.Context, p usersecurity.Profile, got uuid.UUID, _ ...usersecurity.CallOption) error {
			if p.User != testUser || p.ID != testProfile || got != id {
				t.Errorf("delete of %v of %+v", got, p)
			}
			return nil
		},
	}}
	stub.ListDeviceFingerprintsFunc = func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
		return listed, nil
	}
	check := func(route, body, want, wantBody string) *httptest.ResponseRecorder {
		t.Helper()
		w := send(t, stub, route, body)
		if got := strings.TrimSpace(w.Body.String()); outcome(t, w) != want || got != wantBody {
			t.Errorf("%s: %d %s", route, w.Code, got)
		}
		return w
	}
	w := check("POST /me/devices", `{"fingerprint":"x"}`, "201", asJSON)
	if got := w.Header().Get("Location"); got != "/me/devices/"+id.String() {
		t.Errorf("Location %q", got)
	}
	check("GET /me/devices", "", "200", `{"devices":[]}`)
	listed = append(listed, device)
	check("GET /me/devices", "", "200", `{"devices":[`+asJSON+`]}`)
	check("DELETE /me/devices/"+id.String(), "", "204", "")
}

func TestOneChangeAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	stub := &wiseStub{sca: usersecuritytest.SCAStub{DeletePinFunc: func(context.Context, usersecurity.Profile, ...usersecurity.CallOption) error {
		close(entered)
		<-leave
		return nil
	}}}
	stub.ListDeviceFingerprintsFunc = func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
		return nil, nil
	}
	customers := testCustomers()
	customers.add("other", customer{ID: "c-2", WiseUser: 1002})
	h := stubbed(stub, customers)
	send := func(session, method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer "+session)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := outcome(t, send(testSession, "DELETE", "/me/pin")); got != "204" {
			t.Errorf("the first: %s", got)
		}
	})
	<-entered
	if got := outcome(t, send(testSession, "PUT", "/me/pin")); got != "409 change_in_progress" {
		t.Errorf("the second: %s", got)
	}
	if got := outcome(t, send(testSession, "GET", "/me/devices")); got != "200" {
		t.Errorf("a look: %s", got)
	}
	if got := outcome(t, send("other", "PUT", "/me/pin")); got != "422 invalid_pin" {
		t.Errorf("another customer's: %s", got)
	}
	close(leave)
	wg.Wait()
	if got := outcome(t, send(testSession, "PUT", "/me/pin")); got != "422 invalid_pin" {
		t.Errorf("the next: %s", got)
	}
}

func TestChangesOutliveTheConnection(t *testing.T) {
	gone, leave := context.WithCancel(context.Background())
	leave()
	stub := &wiseStub{sca: usersecuritytest.SCAStub{
		DeletePinFunc: func(ctx context.Context, _ usersecurity.Profile, _ ...usersecurity.CallOption) error {
			return ctx.Err()
		},
	}}
	stub.ListPhoneNumbersFunc = func(ctx context.Context, _ usersecurity.UserID, _ ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error) {
		return nil, ctx.Err()
	}
	for route, want := range map[string]string{
		"DELETE /me/pin": "204",
		"GET /me/phone":  "504 outcome_unknown", // of the stub's bare error, and nobody reads it
	} {
		method, path, _ := strings.Cut(route, " ")
		r := httptest.NewRequestWithContext(gone, method, path, nil)
		r.Header.Set("Authorization", "Bearer "+testSession)
		w := httptest.NewRecorder()
		stubbed(stub, testCustomers()).ServeHTTP(w, r)
		if got := outcome(t, w); got != want {
			t.Errorf("%s: %s, want %s", route, got, want)
		}
	}
}
