package usersecurity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// class is what may follow an attempt whose answer was lost.
type class int

const (
	aRead    class = iota // repeat
	aDelete               // repeat; a later 404 is success
	aSetOnce              // repeat; a later 409 is uncertain
	aNumber               // look before repeating
	aOnce                 // leave it
)

// row is what is agreed with Wise about one operation.
type row struct {
	op    usersecurity.Operation
	class class
	do    func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error)

	// What arrives of a call with the usual inputs.
	method, path string
	token        string
	sealed       bool
	body         string // unencrypted; empty for none

	calendar string // the path in a calendar version; empty where there is none
	instead  string // what the refusal names then
	oneTime  bool   // the one-time token comes in a header
	accept   string // JSON if empty; of sealed ones JOSE

	success int // the documented one
	reply   string
	want    any // what the method makes of the reply

	answers map[int]error  // documented
	codes   map[int]string // documented with them
}

const (
	tokenOfUser        = "token-of-user-1001"
	tokenOfApplication = "token-of-application"
	deviceReply        = `{"deviceFingerprintId":"5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11","createdAt":"2024-05-06T07:08:09.123456789Z"}`
	numberReply        = `{"id":77,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}`
)

var (
	deviceID = uuid.MustParse("5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11")
	device   = usersecurity.DeviceFingerprint{ID: deviceID, CreatedAt: time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)}
	number   = usersecurity.PhoneNumber{ID: 77, PhoneNumber: "+6588888888", Type: "PRIMARY", Verified: true, ClientID: "acme"}
)

// inputs are what the calls of one test are made with.
type inputs struct {
	user        usersecurity.UserID
	pin         usersecurity.Pin
	faceMap     usersecurity.FaceMap
	fingerprint usersecurity.Fingerprint
	device      uuid.UUID
	number      string
	numberID    usersecurity.PhoneNumberID
	profile     usersecurity.ProfileID
	oneTime     usersecurity.OneTimeToken
	code        usersecurity.OTP
}

// of is the profile that the calls of the successors are about.
func (in inputs) of() usersecurity.Profile {
	return usersecurity.Profile{User: in.user, ID: in.profile}
}

// usual are those of a test that needs none of its own.
var usual = inputs{
	user:        1001,
	pin:         must(usersecurity.NewPin("0417")),
	faceMap:     must(usersecurity.NewFaceMap([]byte{0xfb, 0xff, 0xbf, 0x00})),
	fingerprint: must(usersecurity.NewFingerprint("device-1")),
	device:      deviceID,
	number:      "+6588888888",
	numberID:    77,
	profile:     2002,
	oneTime:     must(usersecurity.NewOneTimeToken(oneTimeText)),
	code:        must(usersecurity.NewOTP("074026")),
}

// contract is the one table that tests of all operations go through.
var contract = slices.Concat(eleven, successors, oneTimeTokens, profiles)

// eleven are the operations of the User Security API.
var eleven = []row{
	{
		op: usersecurity.OpCreatePin, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.CreatePin(ctx, in.user, in.pin, o...)
		},
		method: "POST", path: "/v1/user/pin", token: tokenOfUser, sealed: true, body: `{"pin":"0417"}`,
		instead: "SCA.CreatePin",
		success: 204,
		answers: map[int]error{409: usersecurity.ErrPinAlreadySet},
	},
	{
		op: usersecurity.OpDeletePin, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeletePin(ctx, in.user, o...)
		},
		method: "DELETE", path: "/v1/users/1001/pin", token: tokenOfApplication,
		instead: "SCA.DeletePin",
		success: 204,
		answers: map[int]error{404: usersecurity.ErrPinNotSet},
		codes:   map[int]string{404: "pin.not.setup"},
	},
	{
		op: usersecurity.OpEnrolFaceMap, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.EnrolFaceMap(ctx, in.user, in.faceMap, o...)
		},
		method: "POST", path: "/v1/user/facemap/enrol", token: tokenOfUser, body: `{"faceMap":"+/+/AA=="}`,
		instead: "SCA.EnrolFaceMap",
		success: 204,
		answers: map[int]error{409: usersecurity.ErrFaceMapAlreadyEnrolled},
	},
	{
		op: usersecurity.OpDeleteFaceMap, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeleteFaceMap(ctx, in.user, o...)
		},
		method: "DELETE", path: "/v1/users/1001/facemap/enrol", token: tokenOfApplication,
		instead: "SCA.DeleteFaceMap",
		success: 204,
		answers: map[int]error{404: usersecurity.ErrFaceMapNotEnrolled},
		codes:   map[int]string{404: "facemap.not.setup"},
	},
	{
		op: usersecurity.OpCreateDeviceFingerprint, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.CreateDeviceFingerprint(ctx, in.user, in.fingerprint, o...))
		},
		method: "POST", path: "/v1/user/partner-device-fingerprints", token: tokenOfUser, sealed: true, body: `{"deviceFingerprint":"device-1"}`,
		instead: "SCA.CreateDeviceFingerprint",
		success: 200, reply: deviceReply, want: &device,
		answers: map[int]error{400: usersecurity.ErrFingerprintLimit, 409: usersecurity.ErrFingerprintExists},
	},
	{
		op: usersecurity.OpListDeviceFingerprints, class: aRead,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.ListDeviceFingerprints(ctx, in.user, o...))
		},
		method: "POST", path: "/v1/users/1001/partner-device-fingerprints", token: tokenOfApplication,
		instead: "keep the ids",
		success: 200, reply: "[" + deviceReply + "]", want: []usersecurity.DeviceFingerprint{device},
		answers: map[int]error{404: usersecurity.ErrUserNotFound},
	},
	{
		op: usersecurity.OpDeleteDeviceFingerprint, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeleteDeviceFingerprint(ctx, in.user, in.device, o...)
		},
		method: "DELETE", path: "/v1/users/1001/partner-device-fingerprints/5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11", token: tokenOfApplication,
		instead: "SCA.DeleteDeviceFingerprint",
		success: 204,
		answers: map[int]error{404: usersecurity.ErrFingerprintNotFound},
	},
	{
		op: usersecurity.OpListPhoneNumbers, class: aRead,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.ListPhoneNumbers(ctx, in.user, o...))
		},
		method: "GET", path: "/v1/application/users/1001/phone-numbers", token: tokenOfApplication,
		instead: "keep the id",
		success: 200, reply: "[" + numberReply + "]", want: []usersecurity.PhoneNumber{number},
	},
	{
		op: usersecurity.OpCreatePhoneNumber, class: aNumber,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.CreatePhoneNumber(ctx, in.user, in.number, o...))
		},
		method: "POST", path: "/v1/application/users/1001/phone-numbers", token: tokenOfApplication, body: `{"phoneNumber":"+6588888888"}`,
		calendar: "/application/users/1001/phone-numbers",
		success:  200, reply: numberReply, want: &number,
		answers: map[int]error{422: usersecurity.ErrPhoneRepeated},
		codes:   map[int]string{422: "phone.number.repeated"},
	},
	{
		op: usersecurity.OpUpdatePhoneNumber, class: aNumber,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.UpdatePhoneNumber(ctx, in.user, in.numberID, in.number, o...))
		},
		method: "PUT", path: "/v1/application/users/1001/phone-numbers/77", token: tokenOfApplication, body: `{"phoneNumber":"+6588888888"}`,
		instead: "DeletePhoneNumber, then CreatePhoneNumber",
		success: 200, reply: numberReply, want: &number,
		answers: map[int]error{422: usersecurity.ErrPhoneRepeated},
		codes:   map[int]string{422: "phone.number.repeated"},
	},
	{
		op: usersecurity.OpDeletePhoneNumber, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.DeletePhoneNumber(ctx, in.user, in.numberID, o...)
		},
		method: "DELETE", path: "/v1/application/users/1001/phone-numbers/77", token: tokenOfApplication,
		calendar: "/application/users/1001/phone-numbers/77",
		success:  204,
	},
}

// result makes one type of the methods' results.
func result(v any, err error) (any, error) {
	if reflect.ValueOf(v).IsZero() {
		return nil, err
	}
	return v, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func rowOf(op usersecurity.Operation) *row {
	for i := range contract {
		if contract[i].op == op {
			return &contract[i]
		}
	}
	panic("no such operation: " + op)
}

// rowsOf are the operations of a class.
func rowsOf(c class) (rows []*row) {
	for i := range contract {
		if contract[i].class == c {
			rows = append(rows, &contract[i])
		}
	}
	return rows
}

// sealedRows are the operations whose bodies are sealed.
func sealedRows() (rows []*row) {
	for i := range contract {
		if contract[i].sealed {
			rows = append(rows, &contract[i])
		}
	}
	return rows
}

// call makes a call with the usual inputs.
func (r *row) call(ctx context.Context, c *usersecurity.Client, o ...usersecurity.CallOption) (any, error) {
	return r.do(ctx, c, usual, o...)
}

func (r *row) writes() bool { return r.class != aRead }

// answersWell is Wise's documented success.
func (r *row) answersWell() step { return answers(r.success, r.reply) }

// tokensFrom are the sources of a client that has the operation's tokens from
// src.
func (r *row) tokensFrom(src usersecurity.TokenSource) []usersecurity.Option {
	if r.token == tokenOfUser {
		return []usersecurity.Option{usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(src)}
	}
	return []usersecurity.Option{usersecurity.WithApplicationTokens(src), usersecurity.WithUserTokens(userTokens)}
}

// play puts the operation's success where the steps have none.
func (r *row) play(steps []step) []step {
	steps = slices.Clone(steps)
	for i := range steps {
		if steps[i] == nil {
			steps[i] = r.answersWell()
		}
	}
	return steps
}

// checkResult compares what a method returned with what it should.
func (r *row) checkResult(t *testing.T, got any) {
	t.Helper()
	if !r.isResult(got) {
		t.Errorf("%s returned %#v", r.op, got)
	}
}

// isResult reports whether a method returned what it should.
func (r *row) isResult(got any) bool {
	if state, ok := got.(*usersecurity.OneTimeTokenState); ok {
		got = shown(state)
	}
	return reflect.DeepEqual(got, r.want)
}

// applicationTokens and userTokens give tokens that say whose they are, and
// refuse what they should not be asked for.
var (
	applicationTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		if req.User != 0 {
			return nil, errors.New("the source of application tokens was asked for a user's")
		}
		return &oauth2.Token{AccessToken: tokenOfApplication}, nil
	})
	userTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		if req.User == 0 {
			return nil, errors.New("the source of user tokens was asked for the application's")
		}
		return &oauth2.Token{AccessToken: fmt.Sprint("token-of-user-", int64(req.User))}, nil
	})
)

const testHost = "https://wise.example"

// clientOf is a client with these options and no other.
func clientOf(t testing.TB, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	client, err := usersecurity.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// bareClient has a base URL and a transport, and otherwise what options say.
func bareClient(t testing.TB, transport http.RoundTripper, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	return clientOf(t, append([]usersecurity.Option{
		usersecurity.WithBaseURL(testHost),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
	}, options...)...)
}

// newClient has both sources of tokens, and seals.
func newClient(t testing.TB, transport http.RoundTripper, options ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	return bareClient(t, transport, append(complete(), options...)...)
}

// complete are the options of a client that can make every call.
func complete() []usersecurity.Option {
	return append(withTokens(), sealing())
}

// withTokens are both sources.
func withTokens() []usersecurity.Option {
	return []usersecurity.Option{usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(userTokens)}
}

// oneSource is a source for both kinds of token.
func oneSource(src usersecurity.TokenSource) []usersecurity.Option {
	return []usersecurity.Option{usersecurity.WithApplicationTokens(src), usersecurity.WithUserTokens(src)}
}

// sealing makes a client seal to a key whose other half the tests have.
func sealing(more ...usersecurity.JWEOption) usersecurity.Option {
	return usersecurity.WithJWE(append([]usersecurity.JWEOption{usersecurity.JWEKeys(usersecurity.StaticKey(&sealingKey().PublicKey))}, more...)...)
}

// longestWaits makes a client wait for as long as the drawing allows.
func longestWaits(client *usersecurity.Client) *usersecurity.Client {
	usersecurity.SetJitter(client, func(bound time.Duration) time.Duration { return bound })
	return client
}

// briefWaits are for calls under the real clock.
var briefWaits = usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond})

// freshTokens gives another token after each that was rejected.
var freshTokens = usersecurity.TokenFunc(func(_ context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "token" + req.Rejected}, nil
})

// idEndingWith is a UUID whose last twelve digits are n.
func idEndingWith(n int64) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}
