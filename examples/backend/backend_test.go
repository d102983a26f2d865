package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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

var _ wise = (*usersecuritytest.Stub)(nil)

// testCustomers has one customer, without a grant.
func testCustomers() *directory {
	d := newDirectory()
	d.add(sha256.Sum256([]byte(testSession)), customer{ID: "c-1", WiseUser: testUser, VerifiedPhones: []string{testPhone}}, "")
	return d
}

// call makes a request of the customer to the service with that stub.
func call(t *testing.T, stub *usersecuritytest.Stub, route, body string) *httptest.ResponseRecorder {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testSession)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	newAPI(stub, testCustomers(), slog.New(slog.DiscardHandler)).handler().ServeHTTP(w, r)
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

// uncertain is a refusal after an attempt that may have been carried out.
func uncertain(op usersecurity.Operation, status int) error {
	var e *usersecurity.APIError
	if !errors.As(usersecuritytest.NewError(op, status, ""), &e) {
		panic("not an APIError")
	}
	e.Uncertain = true
	return e
}

// causedBy is what the library makes of a failure on the way to a call: it
// matches all of its causes.
type causedBy []error

func (causedBy) Error() string     { return "caused" }
func (c causedBy) Unwrap() []error { return c }

func TestEveryErrorHasAnAnswer(t *testing.T) {
	const (
		setPin    = usersecurity.OpCreatePin
		deletePin = usersecurity.OpDeletePin
		addDevice = usersecurity.OpCreateDeviceFingerprint
		newPhone  = usersecurity.OpCreatePhoneNumber
		fetch     = usersecurity.OpFetchToken
	)
	newError := usersecuritytest.NewError
	for _, c := range []struct {
		err  error
		want string
	}{
		{newError(setPin, 409, ""), "409 pin_already_set"},
		{newError(deletePin, 404, "pin.not.setup"), "404 pin_not_set"},
		{newError(addDevice, 409, ""), "409 device_already_registered"},
		{newError(addDevice, 400, ""), "409 device_limit_reached"},
		{newError(usersecurity.OpDeleteDeviceFingerprint, 404, ""), "404 device_not_found"},
		{newError(newPhone, 422, "phone.number.repeated"), "422 phone_number_unavailable"},
		{newError(newPhone, 422, "phone.number.invalid"), "422 invalid_phone_number"},
		{newError(newPhone, 400, ""), "422 invalid_phone_number"},
		{newError(usersecurity.OpUpdatePhoneNumber, 404, ""), "409 phone_changed"},

		// What became of the change, before anything else.
		{newError(setPin, 503, ""), "504 outcome_unknown"},
		{usersecurity.ErrOutcomeUnknown, "504 outcome_unknown"},
		{&usersecurity.OutcomeError{Op: deletePin, Err: newError(deletePin, 429, "")}, "504 outcome_unknown"},
		{uncertain(setPin, 409), "409 pin_unconfirmed"},
		{uncertain(addDevice, 409), "409 device_already_registered"},
		{uncertain(addDevice, 400), "504 outcome_unknown"},
		{uncertain(setPin, 403), "504 outcome_unknown"},
		{uncertain(newPhone, 422), "504 outcome_unknown"},
		{causedBy{uncertain(setPin, 401), errNotLinked}, "504 outcome_unknown"},
		{usersecurity.ErrDecrypt, "502 done_but_unreadable"},
		{usersecurity.ErrMalformedReply, "502 done_but_unreadable"},
		{usersecurity.ErrPlaintextReply, "502 done_but_unreadable"},
		{usersecurity.ErrReplyTooLarge, "502 done_but_unreadable"},

		// On the way to a call: what was answered was something else.
		{causedBy{usersecurity.ErrNoToken, errNotLinked}, "403 wise_link_required"},
		{causedBy{newError(setPin, 401, ""), errNotLinked}, "403 wise_link_required"},
		{causedBy{usersecurity.ErrNoToken, newError(fetch, 401, "")}, "503 wise_unavailable"},
		{causedBy{usersecurity.ErrNoToken, newError(fetch, 500, "")}, "503 wise_unavailable"},
		{causedBy{usersecurity.ErrNoToken, newError(fetch, 429, "")}, "503 wise_busy"},
		{causedBy{usersecurity.ErrNoToken, usersecurity.ErrMalformedReply}, "503 wise_unavailable"},
		{causedBy{usersecurity.ErrNoKey, newError(usersecurity.OpFetchWiseKey, 404, "")}, "503 wise_unavailable"},

		{newError(setPin, 401, ""), "403 wise_link_required"},
		{newError(addDevice, 401, ""), "403 wise_link_required"},
		{newError(deletePin, 401, ""), "502 wise_refused"},
		{usersecurity.ErrUnauthorized, "502 wise_refused"},
		{newError(deletePin, 403, ""), "502 wise_refused"},
		{usersecurity.NewAPIError(setPin, 403, http.Header{"X-2fa-Approval": {"token"}}, nil), "403 wise_verification_required"},
		{newError(setPin, 422, ""), "502 wise_refused"},
		{newError(setPin, 302, ""), "502 wise_refused"},
		{newError(setPin, 418, ""), "502 wise_refused"},
		{newError(usersecurity.OpListDeviceFingerprints, 404, ""), "502 wise_refused"},
		{newError(usersecurity.OpListPhoneNumbers, 404, ""), "502 wise_refused"},
		{newError(usersecurity.OpListPhoneNumbers, 500, ""), "503 wise_unavailable"},
		{newError(setPin, 429, ""), "503 wise_busy"},
		{usersecurity.ErrTransport, "503 wise_unavailable"},
		{usersecurity.ErrAttemptTimeout, "503 wise_unavailable"},
		{context.DeadlineExceeded, "503 wise_unavailable"},
		{context.Canceled, "503 wise_unavailable"},
		{usersecurity.ErrJWERequired, "500 internal_error"},
		{usersecurity.ErrInvalidArgument, "500 internal_error"},
		{errors.New("a defect"), "500 internal_error"},
	} {
		p := problemOf(c.err)
		if got := fmt.Sprint(p.Status, " ", p.Code); got != c.want {
			t.Errorf("%v\n got %s\nwant %s", c.err, got, c.want)
		}
		if p.Title != http.StatusText(p.Status) || p.Status == http.StatusServiceUnavailable && p.retryAfter == 0 {
			t.Errorf("%+v", p)
		}
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0:                       "1",
		1500 * time.Millisecond: "2",
		time.Minute:             "60",
	} {
		w := call(t, &usersecuritytest.Stub{DeletePinFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) error {
			return &usersecurity.APIError{Op: usersecurity.OpDeletePin, StatusCode: 429, RetryAfter: wait}
		}}, "DELETE /me/pin", "")
		if got := w.Header().Get("Retry-After"); got != want || outcome(t, w) != "503 wise_busy" {
			t.Errorf("%v: Retry-After %q, want %q", wait, got, want)
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
		if got := outcome(t, call(t, &usersecuritytest.Stub{}, c.route, c.body)); got != c.want {
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
		stub := &usersecuritytest.Stub{CreatePinFunc: func(context.Context, usersecurity.UserID, usersecurity.Pin, ...usersecurity.CallOption) error {
			return nil
		}}
		newAPI(stub, testCustomers(), slog.New(slog.DiscardHandler)).handler().ServeHTTP(w, r)
		if got := outcome(t, w); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestNoSessionNoAnswer(t *testing.T) {
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer other", "Basic " + testSession, testSession} {
		for _, route := range []string{
			"PUT /me/pin", "DELETE /me/pin", "POST /me/devices", "GET /me/devices",
			"DELETE /me/devices/7", "PUT /me/phone", "GET /me/phone", "DELETE /me/phone",
		} {
			method, path, _ := strings.Cut(route, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			newAPI(&usersecuritytest.Stub{}, testCustomers(), slog.New(slog.DiscardHandler)).handler().ServeHTTP(w, r)
			if got := outcome(t, w); got != "401 unauthenticated" || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %q: %s", route, header, got)
			}
		}
	}
}

func TestPinGoesToTheCustomersOwnUser(t *testing.T) {
	called := false
	w := call(t, &usersecuritytest.Stub{
		CreatePinFunc: func(ctx context.Context, user usersecurity.UserID, _ usersecurity.Pin, opts ...usersecurity.CallOption) error {
			called = true
			if user != testUser || len(opts) != 2 {
				t.Errorf("user %d, %d options", user, len(opts))
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > actionTime {
				t.Error("the call has no deadline")
			}
			return nil
		},
	}, "PUT /me/pin", `{"pin":"0417"}`)
	if !called || outcome(t, w) != "204" || w.Header().Get("Cache-Control") != "no-store" {
		t.Error(called, w.Code, w.Header())
	}
}

func TestPinIsSetAlthoughTheReplyCannotBeRead(t *testing.T) {
	w := call(t, &usersecuritytest.Stub{
		CreatePinFunc: func(context.Context, usersecurity.UserID, usersecurity.Pin, ...usersecurity.CallOption) error {
			return usersecurity.ErrDecrypt
		},
	}, "PUT /me/pin", `{"pin":"0417"}`)
	if got := outcome(t, w); got != "204" {
		t.Error(got)
	}
}

func TestUnreadableListIsNotDone(t *testing.T) {
	stub := &usersecuritytest.Stub{
		ListPhoneNumbersFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error) {
			return nil, usersecurity.ErrMalformedReply
		},
		ListDeviceFingerprintsFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
			return nil, usersecurity.ErrMalformedReply
		},
	}
	for _, route := range []string{"GET /me/devices", "GET /me/phone", "DELETE /me/phone", "PUT /me/phone"} {
		if got := outcome(t, call(t, stub, route, `{"phoneNumber":"`+testPhone+`"}`)); got != "502 wise_refused" {
			t.Errorf("%s: %s", route, got)
		}
	}
}

func TestDevices(t *testing.T) {
	id, created := uuid.New(), time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	device := usersecurity.DeviceFingerprint{ID: id, CreatedAt: created}
	asJSON := `{"id":"` + id.String() + `","createdAt":"2026-03-01T12:00:00.123456789Z"}`
	var listed []usersecurity.DeviceFingerprint
	stub := &usersecuritytest.Stub{
		CreateDeviceFingerprintFunc: func(context.Context, usersecurity.UserID, usersecurity.Fingerprint, ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error) {
			return &device, nil
		},
		ListDeviceFingerprintsFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
			return listed, nil
		},
		DeleteDeviceFingerprintFunc: func(_ context.Context, user usersecurity.UserID, got uuid.UUID, _ ...usersecurity.CallOption) error {
			if user != testUser || got != id {
				t.Errorf("delete of %v of %d", got, user)
			}
			return nil
		},
	}
	check := func(route, body, want, wantBody string) *httptest.ResponseRecorder {
		t.Helper()
		w := call(t, stub, route, body)
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

// phoneBook is a stub with phone numbers in it, and what was asked of it.
type phoneBook struct {
	usersecuritytest.Stub
	asked []string
}

func newPhoneBook(numbers ...string) *phoneBook {
	b := &phoneBook{}
	b.ListPhoneNumbersFunc = func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) (list []usersecurity.PhoneNumber, _ error) {
		for n, number := range numbers {
			list = append(list, usersecurity.PhoneNumber{ID: usersecurity.PhoneNumberID(n + 1), PhoneNumber: number, Verified: true})
		}
		return list, nil
	}
	b.CreatePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, number string, _ ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
		b.asked = append(b.asked, "create")
		return &usersecurity.PhoneNumber{ID: 100, PhoneNumber: number, Verified: true}, nil
	}
	b.UpdatePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, id usersecurity.PhoneNumberID, number string, _ ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error) {
		b.asked = append(b.asked, fmt.Sprint("update ", id))
		return &usersecurity.PhoneNumber{ID: id, PhoneNumber: number, Verified: true}, nil
	}
	b.DeletePhoneNumberFunc = func(_ context.Context, _ usersecurity.UserID, id usersecurity.PhoneNumberID, _ ...usersecurity.CallOption) error {
		b.asked = append(b.asked, fmt.Sprint("delete ", id))
		if id == 2 { // gone in the meantime
			return usersecuritytest.NewError(usersecurity.OpDeletePhoneNumber, 404, "")
		}
		return nil
	}
	return b
}

func TestPhoneIsTheOnlyOne(t *testing.T) {
	const older, oldest = "+6588881111", "+6588880000"
	for name, c := range map[string]struct {
		route string
		has   []string
		want  string
		asked []string
	}{
		"the first":               {"PUT /me/phone", nil, "200", []string{"create"}},
		"there already":           {"PUT /me/phone", []string{"+65 8888-4242"}, "200", nil},
		"another":                 {"PUT /me/phone", []string{older}, "200", []string{"update 1"}},
		"another, several there":  {"PUT /me/phone", []string{older, oldest, "+6588882222"}, "200", []string{"update 1", "delete 2", "delete 3"}},
		"there already, not only": {"PUT /me/phone", []string{older, testPhone, oldest}, "200", []string{"delete 1", "delete 3"}},
		"shown":                   {"GET /me/phone", []string{testPhone}, "200", nil},
		"none to show":            {"GET /me/phone", nil, "404 phone_not_set", nil},
		"all deleted":             {"DELETE /me/phone", []string{older, oldest}, "204", []string{"delete 1", "delete 2"}},
		"none to delete":          {"DELETE /me/phone", nil, "404 phone_not_set", nil},
	} {
		t.Run(name, func(t *testing.T) {
			book := newPhoneBook(c.has...)
			w := call(t, &book.Stub, c.route, `{"phoneNumber":"`+testPhone+`"}`)
			if got := outcome(t, w); got != c.want || !slices.Equal(book.asked, c.asked) {
				t.Errorf("%s after %q", got, book.asked)
			}
			if w.Code == http.StatusOK && digits(w.Body.String()) != digits(testPhone) {
				t.Errorf("the answer is %s", w.Body)
			}
		})
	}
}

func TestPhoneThatCannotBeRemovedIsNotForgotten(t *testing.T) {
	book := newPhoneBook("+6588881111", "+6588882222")
	book.DeletePhoneNumberFunc = func(context.Context, usersecurity.UserID, usersecurity.PhoneNumberID, ...usersecurity.CallOption) error {
		return usersecuritytest.NewError(usersecurity.OpDeletePhoneNumber, 429, "")
	}
	for _, route := range []string{"PUT /me/phone", "DELETE /me/phone"} {
		if got := outcome(t, call(t, &book.Stub, route, `{"phoneNumber":"`+testPhone+`"}`)); got != "503 wise_busy" {
			t.Errorf("%s: %s", route, got)
		}
	}
	// A 404 of the token endpoint is not the number's.
	book.DeletePhoneNumberFunc = func(context.Context, usersecurity.UserID, usersecurity.PhoneNumberID, ...usersecurity.CallOption) error {
		return causedBy{usersecurity.ErrNoToken, usersecuritytest.NewError(usersecurity.OpFetchToken, 404, "")}
	}
	if got := outcome(t, call(t, &book.Stub, "DELETE /me/phone", "")); got != "503 wise_unavailable" {
		t.Error(got)
	}
}

func TestOneChangeAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	stub := &usersecuritytest.Stub{
		DeletePinFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) error {
			close(entered)
			<-leave
			return nil
		},
		ListDeviceFingerprintsFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error) {
			return nil, nil
		},
	}
	customers := testCustomers()
	customers.add(sha256.Sum256([]byte("other")), customer{ID: "c-2", WiseUser: 1002}, "")
	h := newAPI(stub, customers, slog.New(slog.DiscardHandler)).handler()
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
	stub := &usersecuritytest.Stub{
		DeletePinFunc: func(ctx context.Context, _ usersecurity.UserID, _ ...usersecurity.CallOption) error { return ctx.Err() },
		ListPhoneNumbersFunc: func(ctx context.Context, _ usersecurity.UserID, _ ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error) {
			return nil, ctx.Err()
		},
	}
	for route, want := range map[string]string{
		"DELETE /me/pin": "204",
		"GET /me/phone":  "503 wise_unavailable", // which nobody reads
	} {
		method, path, _ := strings.Cut(route, " ")
		r := httptest.NewRequestWithContext(gone, method, path, nil)
		r.Header.Set("Authorization", "Bearer "+testSession)
		w := httptest.NewRecorder()
		newAPI(stub, testCustomers(), slog.New(slog.DiscardHandler)).handler().ServeHTTP(w, r)
		if got := outcome(t, w); got != want {
			t.Errorf("%s: %s, want %s", route, got, want)
		}
	}
}

// world is the whole service, but for its own listener, at a simulator.
type world struct {
	wise      *usersecuritytest.Server
	url       string
	logs      *lockedBuffer
	customers *directory
	refresh   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{wise: usersecuritytest.NewServer(), logs: &lockedBuffer{}, customers: newDirectory()}
	t.Cleanup(w.wise.Close)
	w.wise.AddUser(testUser)
	partner := partner{baseURL: w.wise.URL(), clientID: w.wise.ClientID(), clientSecret: w.wise.ClientSecret()}
	var err error
	if w.refresh, err = link(t.Context(), partner, w.wise.AuthorizationCode(testUser)); err != nil {
		t.Fatal(err)
	}
	w.customers.add(sha256.Sum256([]byte(testSession)),
		customer{ID: "c-1", WiseUser: testUser, VerifiedPhones: []string{testPhone}}, w.refresh)
	logger := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := newClient(partner, w.customers, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	service := httptest.NewServer(newAPI(client, w.customers, logger).handler())
	t.Cleanup(service.Close)
	w.url = service.URL
	return w
}

func (w *world) app(out io.Writer) *app { return &app{url: w.url, session: testSession, out: out} }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAgainstTheSimulator(t *testing.T) {
	w := newWorld(t)
	app := w.app(io.Discard)
	for _, step := range []struct {
		before            func()
		route, body, want string
	}{
		{nil, "PUT /me/pin", `{"pin":"0417"}`, "204"},
		{nil, "PUT /me/pin", `{"pin":"7140"}`, "409 pin_already_set"},
		{w.wise.ExpireTokens, "DELETE /me/pin", "", "204"},
		{w.wise.ExpireTokens, "PUT /me/pin", `{"pin":"0417"}`, "204"},
		{w.wise.RotateKey, "POST /me/devices", `{"fingerprint":"canary-fingerprint"}`, "201"},
		{nil, "GET /me/devices", "", "200"},
		{nil, "PUT /me/phone", `{"phoneNumber":"` + testPhone + `"}`, "200"},
		{nil, "GET /me/phone", "", "200"},
		{func() { w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter}) }, "DELETE /me/phone", "", "503 wise_unavailable"},
		{w.wise.ClearFaults, "DELETE /me/phone", "", "204"},
	} {
		if step.before != nil {
			step.before()
		}
		app.expect(t.Context(), step.route, step.body, step.want)
	}
	if len(app.failed) > 0 {
		t.Fatal(strings.Join(app.failed, "\n"))
	}
	state, _ := w.wise.User(testUser)
	if !state.PinSet || state.PinDigest != usersecuritytest.DigestOf("0417") || len(state.Fingerprints) != 1 || len(state.PhoneNumbers) != 0 {
		t.Errorf("Wise has %+v", state)
	}

	logs := w.logs.String()
	for _, secret := range []string{
		`"0417"`, `"7140"`, `"pin":`, "canary-fingerprint", testPhone[1:], testSession, w.refresh,
		w.wise.ClientSecret(), w.wise.UserToken(testUser), w.wise.ApplicationToken(), "/v1/", w.wise.URL(),
	} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	// From the id in an answer to the trace id that Wise's support asks for.
	_, header, _, err := app.send(t.Context(), "PUT /me/pin", `{"pin":"7140"}`)
	if err != nil {
		t.Fatal(err)
	}
	id := header.Get("X-Request-Id")
	requests := w.wise.Requests()
	if last := requests[len(requests)-1]; last.CorrelationID != id {
		t.Errorf("Wise got the correlation id %s, the app %s", last.CorrelationID, id)
	}
	for line := range strings.Lines(w.logs.String()) {
		var entry struct {
			Msg       string
			RequestID string `json:"request_id"`
			Wise      struct {
				TraceID string `json:"trace_id"`
			}
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Msg == "request" && entry.RequestID == id && entry.Wise.TraceID != "" {
			return
		}
	}
	t.Error("no line of the log leads from the request to Wise's trace id")
}

func TestWithoutAGrantTheCustomerLinksAgain(t *testing.T) {
	w := newWorld(t)
	app := w.app(io.Discard)
	w.customers.grants[testUser].RefreshToken = "ended"
	app.expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required")
	delete(w.customers.grants, testUser)
	app.expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required")
	app.expect(t.Context(), "GET /me/phone", "", "404 phone_not_set") // needs the partner's token only
	if len(app.failed) > 0 {
		t.Error(strings.Join(app.failed, "\n"))
	}
}

func TestInstancesShareTheAccessToken(t *testing.T) {
	w := newWorld(t)
	partner := partner{baseURL: w.wise.URL(), clientID: w.wise.ClientID(), clientSecret: w.wise.ClientSecret()}
	one, two := newUserTokens(partner, w.customers), newUserTokens(partner, w.customers)
	get := func(from *userTokens, rejected string) *oauth2.Token {
		t.Helper()
		token, err := from.Token(t.Context(), usersecurity.TokenRequest{User: testUser, Rejected: rejected})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	before := w.wise.Count(usersecurity.OpFetchToken)
	first := get(one, "")
	if get(two, "").AccessToken != first.AccessToken {
		t.Error("the other instance has refreshed for itself")
	}
	second := get(two, first.AccessToken)
	if second.AccessToken == first.AccessToken {
		t.Error("a rejected token is given again")
	}
	if get(one, first.AccessToken).AccessToken != second.AccessToken {
		t.Error("a token that the other instance has refreshed is refreshed again")
	}
	w.customers.grants[testUser].Access.Expiry = time.Now().Add(earlyRefresh - time.Second)
	if get(one, "").AccessToken == second.AccessToken {
		t.Error("a token that is about to expire is given")
	}
	if n := w.wise.Count(usersecurity.OpFetchToken) - before; n != 3 {
		t.Errorf("%d refreshes, want 3", n)
	}
	w.wise.Close()
	if _, err := one.Token(t.Context(), usersecurity.TokenRequest{User: testUser, Rejected: w.customers.grants[testUser].Access.AccessToken}); err == nil || errors.Is(err, errNotLinked) {
		t.Errorf("Wise is away: %v", err)
	}
}

func TestShutdownWaitsForRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		w.WriteHeader(http.StatusNoContent)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, h, slog.New(slog.DiscardHandler)) }()
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	<-entered
	stop()
	select {
	case err := <-served:
		t.Fatalf("serve returned %v with a request under way", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestDemo(t *testing.T) {
	var out, logs lockedBuffer
	if err := run(t.Context(), []string{"-demo", "-logs"}, nil, &out, &logs); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, secret := range []string{"0417", demoPhone[1:], demoOtherPhone[1:]} {
		if strings.Contains(out.String(), secret) || strings.Contains(logs.String(), `"`+secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestRunServes(t *testing.T) {
	w := newWorld(t)
	hash := sha256.Sum256([]byte(testSession))
	file := filepath.Join(t.TempDir(), "customers.json")
	entry := fmt.Sprintf(`[{"customer":"c-1","wiseUser":%d,"sessionSHA256":"%x","refreshToken":"%s"}]`, testUser, hash, w.refresh)
	if err := os.WriteFile(file, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string { return map[string]string{"WISE_CLIENT_SECRET": w.wise.ClientSecret()}[name] }
	ctx, stop := context.WithCancel(t.Context())
	var logs lockedBuffer
	served := make(chan error, 1)
	go func() {
		served <- run(ctx, []string{"-addr", "127.0.0.1:0", "-base-url", w.wise.URL(), "-client-id", w.wise.ClientID(), "-customers", file}, env, io.Discard, &logs)
	}()
	addr := ""
	for addr == "" {
		select {
		case err := <-served:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
		for line := range strings.Lines(logs.String()) {
			var entry struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" {
				addr = entry.Addr
			}
		}
	}
	app := app{url: "http://" + addr, session: testSession, out: io.Discard}
	app.expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "204")
	app.http.CloseIdleConnections()
	if len(app.failed) > 0 {
		t.Error(app.failed)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if w.wise.Count(usersecurity.OpVerifyJWE) != 1 {
		t.Error("the way to Wise was not checked at the start")
	}
}

func TestRunRefuses(t *testing.T) {
	env := func(string) string { return "" }
	file := filepath.Join(t.TempDir(), "customers.json")
	if err := os.WriteFile(file, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{},
		{"-customers", file + ".missing"},
		{"-customers", file},
		{"-customers", file, "-base-url", "http://wise.example", "-client-id", "c"},
		{"-nonsense"},
	} {
		if err := run(t.Context(), args, env, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestLoadCustomers(t *testing.T) {
	hash := sha256.Sum256([]byte(testSession))
	good := `{"customer":"c-1","wiseUser":1001,"verifiedPhones":["` + testPhone + `"],"sessionSHA256":"` + hex.EncodeToString(hash[:]) + `","refreshToken":"canary"}`
	file := filepath.Join(t.TempDir(), "customers.json")
	load := func(text string) (*directory, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return loadCustomers(file)
	}
	d, err := load("[" + good + "]")
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Customer(t.Context(), testSession)
	if err != nil || c.ID != "c-1" || c.WiseUser != testUser || !slices.Equal(c.VerifiedPhones, []string{testPhone}) {
		t.Errorf("%+v, %v", c, err)
	}
	if d.grants[testUser].RefreshToken != "canary" {
		t.Error("no grant")
	}
	for _, text := range []string{
		"", "{}", "[" + good,
		"[" + strings.Replace(good, "1001", "0", 1) + "]",
		"[" + strings.Replace(good, "c-1", "", 1) + "]",
		"[" + strings.Replace(good, `SHA256":"`, `SHA256":"00`, 1) + "]",
		"[" + strings.Replace(good, `SHA256":"`, `SHA256":"xx`, 1) + "]",
		"[" + strings.Replace(good, "refreshToken", "refresh", 1) + "]",
		"[" + strings.Replace(good, `"canary"`, `canary`, 1) + "]",
	} {
		if _, err := load(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
