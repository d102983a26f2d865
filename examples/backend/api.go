package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// wise is what this service needs of a usersecurity.Client. Naming its own
// methods, it can be tested with a stub, and isn't touched by methods that the
// library adds.
type wise interface {
	ListProfiles(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.ProfileInfo, error)
	ListDeviceFingerprints(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.DeviceFingerprint, error)
	ListPhoneNumbers(ctx context.Context, user usersecurity.UserID, opts ...usersecurity.CallOption) ([]usersecurity.PhoneNumber, error)
	CreatePhoneNumber(ctx context.Context, user usersecurity.UserID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	UpdatePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, phoneNumber string, opts ...usersecurity.CallOption) (*usersecurity.PhoneNumber, error)
	DeletePhoneNumber(ctx context.Context, user usersecurity.UserID, id usersecurity.PhoneNumberID, opts ...usersecurity.CallOption) error
}

// sca is what it needs of the client's SCA.
type sca interface {
	CreatePin(ctx context.Context, p usersecurity.Profile, pin usersecurity.Pin, opts ...usersecurity.CallOption) error
	DeletePin(ctx context.Context, p usersecurity.Profile, opts ...usersecurity.CallOption) error
	EnrolFaceMap(ctx context.Context, p usersecurity.Profile, m usersecurity.FaceMap, opts ...usersecurity.CallOption) error
	DeleteFaceMap(ctx context.Context, p usersecurity.Profile, opts ...usersecurity.CallOption) error
	CreateDeviceFingerprint(ctx context.Context, p usersecurity.Profile, f usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error)
	DeleteDeviceFingerprint(ctx context.Context, p usersecurity.Profile, id uuid.UUID, opts ...usersecurity.CallOption) error
}

// api answers the requests of the partner's app.
type api struct {
	wise     wise
	sca      sca
	profiles profiles
	linking  *linking
	sessions sessions
	log      *slog.Logger
	changing changing
}

func newAPI(w wise, f sca, l *linking, s sessions, logger *slog.Logger) *api {
	return &api{
		wise: w, sca: f, profiles: profiles{byUser: map[usersecurity.UserID]usersecurity.ProfileID{}},
		linking: l, sessions: s, log: logger, changing: changing{customers: map[string]bool{}},
	}
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range map[string]action{
		"PUT /me/pin":             a.setPin,
		"DELETE /me/pin":          a.deletePin,
		"PUT /me/face-map":        a.enrolFaceMap,
		"DELETE /me/face-map":     a.deleteFaceMap,
		"POST /me/devices":        a.addDevice,
		"GET /me/devices":         a.listDevices,
		"DELETE /me/devices/{id}": a.deleteDevice,
		"PUT /me/phone":           a.setPhone,
		"GET /me/phone":           a.showPhone,
		"DELETE /me/phone":        a.deletePhone,
		"POST " + linkPath:        a.beginLink,
	} {
		mux.Handle(pattern, a.serve(a.withSession(do)))
	}
	// The browser comes from Wise's page, and has no session.
	mux.Handle("GET "+callbackPath, a.serve(a.finishLink))
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

// act gives the action its time. A phone that loses its network must not leave a
// change half done, with nobody to tell the outcome: it is carried on without the
// customer. So is what a code of Wise's brings, which can be used once.
func (a *api) act(x *exchange, do action) (answer, error) {
	ctx := x.request.Context()
	if x.changes() || x.request.URL.Path == callbackPath {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, actionTime)
	defer cancel()
	return do(ctx, x)
}

func (x *exchange) changes() bool {
	return x.request.Method != http.MethodGet && x.request.Method != http.MethodHead
}

// withSession lets in who has a session, and one change of a customer at a time.
func (a *api) withSession(do action) action {
	return func(ctx context.Context, x *exchange) (answer, error) {
		session := bearer(x.request)
		if session == "" {
			return answer{}, problemSession
		}
		var err error
		x.customer, err = a.sessions.Customer(ctx, session)
		switch {
		case errors.Is(err, errNoSession):
			return answer{}, problemSession
		case err != nil:
			return answer{}, errors.Join(problemUnavailable, err)
		}
		if x.changes() {
			done, ok := a.changing.begin(x.customer.ID)
			if !ok {
				return answer{}, problemChanging
			}
			defer done()
		}
		ans, err := do(ctx, x)
		return ans, a.orLink(ctx, x, err)
	}
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

// maxBody bounds a request. The most there is in one, but for a face map, is a
// fingerprint of 4 KiB, of which every byte may be escaped with six.
const (
	maxBody        = 32 << 10
	maxFaceMapBody = 2 << 20
)

// body reads the JSON of a request. What is wrong with it is not said in detail:
// the decoder's texts repeat what it stumbled over.
func (x *exchange) body(into any, most int64) error {
	if t, _, err := mime.ParseMediaType(x.request.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return problemMediaType
	}
	decoder := json.NewDecoder(http.MaxBytesReader(x.writer, x.request.Body, most))
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

// seconds is a Retry-After, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
