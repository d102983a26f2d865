package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// uncertain is a refusal after an attempt that may have been carried out.
func uncertain(op usersecurity.Operation, status int) error {
	var e *usersecurity.APIError
	if !errors.As(usersecuritytest.NewError(op, status, ""), &e) {
		panic("not an APIError")
	}
	e.Uncertain = true
	return e
}

func TestEveryErrorHasAnAnswer(t *testing.T) {
	const (
		setPin    = usersecurity.OpSCACreatePin
		deletePin = usersecurity.OpSCADeletePin
		addDevice = usersecurity.OpSCACreateDeviceFingerprint
		newPhone  = usersecurity.OpCreatePhoneNumber
		enrolFace = usersecurity.OpSCAEnrolFaceMap
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
		{newError(usersecurity.OpSCADeleteDeviceFingerprint, 404, ""), "404 device_not_found"},
		{newError(newPhone, 422, "phone.number.repeated"), "422 phone_number_unavailable"},
		{newError(enrolFace, 409, ""), "409 face_map_already_enrolled"},
		{newError(usersecurity.OpSCADeleteFaceMap, 404, "facemap.not.setup"), "404 face_map_not_enrolled"},
		{fmt.Errorf("more: %w", problemPhoneNotSet), "404 phone_not_set"},

		// What became of the change, before anything else.
		{newError(setPin, 503, ""), "504 outcome_unknown"},
		{usersecurity.ErrOutcomeUnknown, "504 outcome_unknown"},
		{&usersecurity.OutcomeError{Op: deletePin, Err: newError(deletePin, 429, "")}, "504 outcome_unknown"},
		{uncertain(setPin, 409), "409 pin_unconfirmed"},
		{uncertain(addDevice, 409), "409 device_already_registered"},
		{uncertain(addDevice, 400), "504 outcome_unknown"},
		{uncertain(setPin, 403), "504 outcome_unknown"},
		{uncertain(newPhone, 422), "504 outcome_unknown"},
		{uncertain(enrolFace, 409), "409 face_map_unconfirmed"},
		{usersecurity.ErrTransport, "504 outcome_unknown"},
		{errors.New("nobody knows what"), "504 outcome_unknown"},
		{usersecurity.ErrDecrypt, "502 done_but_unreadable"},
		{usersecurity.ErrMalformedReply, "502 done_but_unreadable"},
		{usersecurity.ErrPlaintextReply, "502 done_but_unreadable"},
		{usersecurity.ErrReplyTooLarge, "502 done_but_unreadable"},

		// Nothing was done.
		{usersecurity.ErrReauthorise, "403 wise_link_required"},
		{usersecurity.ErrNoToken, "503 wise_unavailable"},
		{usersecurity.ErrNoKey, "503 wise_unavailable"},
		{newError(setPin, 401, ""), "502 wise_refused"},
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
		{usersecurity.ErrJWERequired, "500 internal_error"},
		{usersecurity.ErrInvalidArgument, "500 internal_error"},
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

// A call that the client holds back, because Wise has had enough of an earlier one,
// is no response of Wise's, and tells for how long all the same.
func TestCallsThatAreHeldBackSayForHowLong(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(testUser)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.TooManyRequests, RetryAfter: "25", Operation: usersecurity.OpListProfiles, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than Wise asks for
	defer cancel()
	for range 2 {
		_, err = client.ListProfiles(ctx, testUser)
	}
	var response *usersecurity.APIError
	if !errors.Is(err, usersecurity.ErrRateLimited) || errors.As(err, &response) {
		t.Fatalf("not held back: %v", err)
	}
	if p := problemOf(err); p.Code != "wise_busy" || p.retryAfter <= time.Second || p.retryAfter != usersecurity.RetryAfterOf(err) {
		t.Errorf("%+v, want %v", p, usersecurity.RetryAfterOf(err))
	}
}
