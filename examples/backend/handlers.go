package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// wise is what this service needs of a usersecurity.Client. Naming its own
// methods, it can be tested with a stub, and isn't touched by methods that the
// library adds.
type wise interface {
	CreatePin(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, opts ...usersecurity.CallOption) error
	DeletePin(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) error
	CreateDeviceFingerprint(ctx context.Context, user usersecurity.UserID, fingerprint usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error)
	ListDeviceFingerprints(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error)
	DeleteDeviceFingerprint(ctx context.Context, user usersecurity.UserID, id uuid.UUID, opts ...usersecurity.CallOption) error
	ListPhoneNumbers(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error)
	CreatePhoneNumber(ctx context.Context, user usersecurity.UserID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	UpdatePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	DeletePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, opts ...usersecurity.CallOption) error
}

// api answers the requests of the partner's app.
type api struct {
	wise     wise
	sessions sessions
	log      *slog.Logger
	changing changing
}

func newAPI(w wise, s sessions, logger *slog.Logger) *api {
	return &api{wise: w, sessions: s, log: logger, changing: changing{customers: map[string]bool{}}}
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range map[string]action{
		"PUT /me/pin":             a.setPin,
		"DELETE /me/pin":          a.deletePin,
		"POST /me/devices":        a.addDevice,
		"GET /me/devices":         a.listDevices,
		"DELETE /me/devices/{id}": a.deleteDevice,
		"PUT /me/phone":           a.setPhone,
		"GET /me/phone":           a.showPhone,
		"DELETE /me/phone":        a.deletePhone,
	} {
		mux.Handle(pattern, a.serve(do))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// exchange is one request of a customer, and what is to be logged of it.
type exchange struct {
	request  *http.Request
	writer   http.ResponseWriter
	id       uuid.UUID
	customer customer
	meta     usersecurity.Meta // of the last call at Wise
}

// wiseOptions ties the calls at Wise to the request: the id that the app shows
// its customer, this service logs, and Wise gets as correlation id, is one.
func (x *exchange) wiseOptions() []usersecurity.CallOption {
	return []usersecurity.CallOption{usersecurity.WithCorrelationID(x.id), usersecurity.WithMeta(&x.meta)}
}

// action does what one route is for.
type action func(ctx context.Context, x *exchange) (answer, error)

type answer struct {
	status   int
	location string
	body     any // nil for none
}

// serve is the one way in: everything that all routes have in common.
func (a *api) serve(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		x := &exchange{request: r, writer: w, id: uuid.New()}
		ans, err := a.act(x, do)
		code := ""
		if err != nil {
			p := problemOf(err)
			p.RequestID = x.id.String()
			code = p.Code
			ans = answer{status: p.Status, body: p}
			p.setHeaders(w.Header())
		}
		h := w.Header()
		h.Set("X-Request-Id", x.id.String())
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if ans.location != "" {
			h.Set("Location", ans.location)
		}
		if ans.body != nil && h.Get("Content-Type") == "" {
			h.Set("Content-Type", "application/json")
		}
		w.WriteHeader(ans.status)
		if ans.body != nil {
			_ = json.NewEncoder(w).Encode(ans.body) // fails if nobody listens any more
		}
		a.logRequest(x, ans.status, code, time.Since(began), err)
	})
}

// act lets in who has a session, and one change of a customer at a time.
func (a *api) act(x *exchange, do action) (answer, error) {
	ctx := x.request.Context()
	change := x.request.Method != http.MethodGet && x.request.Method != http.MethodHead
	if change {
		// A phone that loses its network must not leave a change half done, with
		// nobody to tell the outcome: it is carried on without the customer.
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, actionTime)
	defer cancel()

	session := bearer(x.request)
	if session == "" {
		return answer{}, errNoSession
	}
	var err error
	if x.customer, err = a.sessions.Customer(ctx, session); err != nil {
		return answer{}, err
	}
	if change {
		done, ok := a.changing.begin(x.customer.ID)
		if !ok {
			return answer{}, problemChanging
		}
		defer done()
	}
	return do(ctx, x)
}

// logRequest logs ids and outcomes: no path, whose parameters are the customer's,
// no header, no body. The library's errors are safe to log as they are.
func (a *api) logRequest(x *exchange, status int, code string, took time.Duration, err error) {
	attrs := []slog.Attr{
		slog.String("route", x.request.Pattern),
		slog.Int("status", status),
		slog.Duration("duration", took),
		slog.String("request_id", x.id.String()), // the correlation id at Wise
		slog.String("customer", x.customer.ID),
	}
	if x.meta.Attempts > 0 {
		attrs = append(attrs, slog.Group("wise",
			slog.Int("status", x.meta.StatusCode),
			slog.Int("attempts", x.meta.Attempts),
			slog.String("trace_id", x.meta.TraceID), // what Wise's support asks for
		))
	}
	level := slog.LevelInfo
	if err != nil {
		level = levelOf(status)
		attrs = append(attrs, slog.String("code", code), slog.Any("error", err))
	}
	a.log.LogAttrs(x.request.Context(), level, "request", attrs...)
}

// changing holds the customers of whom something is being changed. A second
// change at the same time, by a finger that taps twice or a second device, is
// refused: its outcome would depend on which of the two is faster. This works
// within one process; several instances need a lock in their database.
type changing struct {
	mu        sync.Mutex
	customers map[string]bool
}

func (c *changing) begin(id string) (done func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.customers[id] {
		return nil, false
	}
	c.customers[id] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.customers, id)
	}, true
}

// maxBody bounds a request. The most there is in one is a fingerprint of 4 KiB,
// of which every byte may be escaped with six.
const maxBody = 32 << 10

// body reads the JSON of a request. What is wrong with it is not said in detail:
// the decoder's texts repeat what it stumbled over.
func (x *exchange) body(into any) error {
	if t, _, err := mime.ParseMediaType(x.request.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return problemMediaType
	}
	decoder := json.NewDecoder(http.MaxBytesReader(x.writer, x.request.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return nil // one value, and nothing behind it
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return problemTooLarge
	}
	return problemBody
}

// setPin sets a first PIN. It never replaces one: that is two steps for the
// customer, DELETE and PUT, so that a PIN is never lost to a lapse, and so that
// the partner can ask for more before the first of them.
func (a *api) setPin(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		Pin string `json:"pin"`
	}
	if err := x.body(&body); err != nil {
		return answer{}, err
	}
	pin, err := usersecurity.NewPin(body.Pin)
	if err != nil {
		return answer{}, problemPin
	}
	err = a.wise.CreatePin(ctx, x.customer.WiseUser, pin, x.wiseOptions()...)
	if isDone(err) {
		// The PIN is set. Only the reply, in which nothing is, could not be read.
		a.log.WarnContext(ctx, "the reply to a PIN can't be read", slog.Any("error", err), slog.String("request_id", x.id.String()))
		err = nil
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *api) deletePin(ctx context.Context, x *exchange) (answer, error) {
	if err := a.wise.DeletePin(ctx, x.customer.WiseUser, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

type device struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
}

func (a *api) addDevice(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		Fingerprint string `json:"fingerprint"`
	}
	if err := x.body(&body); err != nil {
		return answer{}, err
	}
	fingerprint, err := usersecurity.NewFingerprint(body.Fingerprint)
	if err != nil {
		return answer{}, problemFingerprint
	}
	created, err := a.wise.CreateDeviceFingerprint(ctx, x.customer.WiseUser, fingerprint, x.wiseOptions()...)
	if err != nil {
		return answer{}, err
	}
	return answer{
		status:   http.StatusCreated,
		location: "/me/devices/" + created.ID.String(),
		body:     device{created.ID, created.CreatedAt},
	}, nil
}

func (a *api) listDevices(ctx context.Context, x *exchange) (answer, error) {
	list, err := a.wise.ListDeviceFingerprints(ctx, x.customer.WiseUser, x.wiseOptions()...)
	if err != nil {
		return answer{}, readFailure(err)
	}
	devices := make([]device, 0, len(list)) // an empty list is [], not null
	for _, d := range list {
		devices = append(devices, device{d.ID, d.CreatedAt})
	}
	return answer{status: http.StatusOK, body: map[string]any{"devices": devices}}, nil
}

func (a *api) deleteDevice(ctx context.Context, x *exchange) (answer, error) {
	id, err := uuid.Parse(x.request.PathValue("id"))
	if err != nil || id == uuid.Nil {
		return answer{}, problemDeviceNotFound
	}
	if err := a.wise.DeleteDeviceFingerprint(ctx, x.customer.WiseUser, id, x.wiseOptions()...); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

type phone struct {
	PhoneNumber string `json:"phoneNumber"`
	Verified    bool   `json:"verified"`
}

// international is E.164. Wise judges numbers for itself; here it makes sure
// that one number is always written in one way.
var international = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// setPhone makes the number the customer's only one. Wise knows several numbers
// per user, and would send one-time passwords to a number that the customer
// believes replaced. A repeat finishes what an earlier request left half done.
func (a *api) setPhone(ctx context.Context, x *exchange) (answer, error) {
	var body struct {
		PhoneNumber string `json:"phoneNumber"`
	}
	if err := x.body(&body); err != nil {
		return answer{}, err
	}
	number := body.PhoneNumber
	switch {
	case !international.MatchString(number):
		return answer{}, problemPhone
	case !slices.Contains(x.customer.VerifiedPhones, number):
		return answer{}, problemPhoneUnverified
	}
	numbers, err := a.listPhones(ctx, x)
	if err != nil {
		return answer{}, err
	}
	var set *usersecurity.PhoneNumber
	n := slices.IndexFunc(numbers, func(p usersecurity.PhoneNumber) bool { return digits(p.PhoneNumber) == digits(number) })
	switch {
	case n >= 0:
		set = &numbers[n]
	case len(numbers) == 0:
		set, err = a.wise.CreatePhoneNumber(ctx, x.customer.WiseUser, number, x.wiseOptions()...)
	default:
		set, err = a.wise.UpdatePhoneNumber(ctx, x.customer.WiseUser, numbers[0].ID, number, x.wiseOptions()...)
	}
	if err != nil {
		return answer{}, err
	}
	for _, p := range numbers {
		if p.ID == set.ID {
			continue
		}
		if err := a.removePhone(ctx, x, p.ID); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusOK, body: phone{set.PhoneNumber, set.Verified}}, nil
}

func (a *api) showPhone(ctx context.Context, x *exchange) (answer, error) {
	numbers, err := a.listPhones(ctx, x)
	switch {
	case err != nil:
		return answer{}, err
	case len(numbers) == 0:
		return answer{}, problemPhoneNotSet
	}
	return answer{status: http.StatusOK, body: phone{numbers[0].PhoneNumber, numbers[0].Verified}}, nil
}

// deletePhone leaves the customer without any number.
func (a *api) deletePhone(ctx context.Context, x *exchange) (answer, error) {
	numbers, err := a.listPhones(ctx, x)
	switch {
	case err != nil:
		return answer{}, err
	case len(numbers) == 0:
		return answer{}, problemPhoneNotSet
	}
	for _, p := range numbers {
		if err := a.removePhone(ctx, x, p.ID); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusNoContent}, nil
}

func (a *api) listPhones(ctx context.Context, x *exchange) ([]usersecurity.PhoneNumber, error) {
	numbers, err := a.wise.ListPhoneNumbers(ctx, x.customer.WiseUser, x.wiseOptions()...)
	return numbers, readFailure(err)
}

// removePhone is content if the number is gone already: it was listed a moment
// ago.
func (a *api) removePhone(ctx context.Context, x *exchange, id usersecurity.PhoneNumberID) error {
	err := a.wise.DeletePhoneNumber(ctx, x.customer.WiseUser, id, x.wiseOptions()...)
	var answered *usersecurity.APIError
	if errors.Is(err, usersecurity.ErrNotFound) && errors.As(err, &answered) && answered.Op == usersecurity.OpDeletePhoneNumber {
		return nil
	}
	return err
}

// digits compares numbers that may be written with spaces or dashes.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}

// seconds is a Retry-After, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
