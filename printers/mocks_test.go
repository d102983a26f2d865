package printers

import (
	"context"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.uber.org/mock/gomock"

	"github.com/wise-partner/usersecurity"
)

// enroller is the part of usersecurity.API that a program under test calls.
type enroller interface {
	CreatePin(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, opts ...usersecurity.CallOption) error
	CreateDeviceFingerprint(ctx context.Context, user usersecurity.UserID, f usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error)
	EnrolFaceMap(ctx context.Context, user usersecurity.UserID, m usersecurity.FaceMap, opts ...usersecurity.CallOption) error
}

var (
	_ enroller = (*usersecurity.Client)(nil)
	_ enroller = goMock{}
	_ enroller = &testifyMock{}
)

// goMock is what mockgen generates, without the recorder.
type goMock struct{ ctrl *gomock.Controller }

func (m goMock) CreatePin(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, opts ...usersecurity.CallOption) error {
	err, _ := m.ctrl.Call(m, "CreatePin", goArgs(ctx, user, pin, opts)...)[0].(error)
	return err
}

func (m goMock) CreateDeviceFingerprint(ctx context.Context, user usersecurity.UserID, f usersecurity.Fingerprint, opts ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error) {
	results := m.ctrl.Call(m, "CreateDeviceFingerprint", goArgs(ctx, user, f, opts)...)
	device, _ := results[0].(*usersecurity.DeviceFingerprint)
	err, _ := results[1].(error)
	return device, err
}

func (m goMock) EnrolFaceMap(ctx context.Context, user usersecurity.UserID, f usersecurity.FaceMap, opts ...usersecurity.CallOption) error {
	err, _ := m.ctrl.Call(m, "EnrolFaceMap", goArgs(ctx, user, f, opts)...)[0].(error)
	return err
}

func goArgs(ctx context.Context, user usersecurity.UserID, secret any, opts []usersecurity.CallOption) []any {
	args := []any{ctx, user, secret}
	for _, o := range opts {
		args = append(args, o)
	}
	return args
}

// expect records a call, as a generated recorder does.
func (m goMock) expect(method string, args ...any) *gomock.Call {
	return m.ctrl.RecordCall(m, method, args...)
}

// testifyMock is what mockery generates.
type testifyMock struct{ mock.Mock }

func (m *testifyMock) CreatePin(ctx context.Context, user usersecurity.UserID, pin usersecurity.Pin, _ ...usersecurity.CallOption) error {
	return m.Called(ctx, user, pin).Error(0)
}

func (m *testifyMock) CreateDeviceFingerprint(ctx context.Context, user usersecurity.UserID, f usersecurity.Fingerprint, _ ...usersecurity.CallOption) (*usersecurity.DeviceFingerprint, error) {
	args := m.Called(ctx, user, f)
	device, _ := args.Get(0).(*usersecurity.DeviceFingerprint)
	return device, args.Error(1)
}

func (m *testifyMock) EnrolFaceMap(ctx context.Context, user usersecurity.UserID, f usersecurity.FaceMap, _ ...usersecurity.CallOption) error {
	return m.Called(ctx, user, f).Error(0)
}

var (
	otherPin         = must(usersecurity.NewPin("0000"))
	otherFingerprint = must(usersecurity.NewFingerprint("other"))
	otherFaceMap     = must(usersecurity.NewFaceMap([]byte("other")))
)

// expectation is a call that a mock awaits with one argument, and gets with
// others. A new type of secret gets an entry.
type expectation struct {
	method  string
	is      any                  // the secret itself, as an argument
	matcher gomock.Matcher       // its Equal
	matches any                  // the same for testify
	call    func(enroller) error // with an equal secret
	miss    func(enroller) error // with a marked other one
}

var expectations = []expectation{
	{
		"CreatePin", otherPin, gomock.Cond(otherPin.Equal), mock.MatchedBy(otherPin.Equal),
		func(e enroller) error {
			return e.CreatePin(context.Background(), 1, must(usersecurity.NewPin("0000")), usersecurity.WithToken(markUserToken))
		},
		func(e enroller) error {
			return e.CreatePin(context.Background(), 1, pin, usersecurity.WithToken(markUserToken))
		},
	},
	{
		"CreateDeviceFingerprint", otherFingerprint, gomock.Cond(otherFingerprint.Equal), mock.MatchedBy(otherFingerprint.Equal),
		func(e enroller) error {
			_, err := e.CreateDeviceFingerprint(context.Background(), 1, must(usersecurity.NewFingerprint("other")))
			return err
		},
		func(e enroller) error {
			_, err := e.CreateDeviceFingerprint(context.Background(), 1, fingerprint, usersecurity.WithToken(markUserToken))
			return err
		},
	},
	{
		"EnrolFaceMap", otherFaceMap, gomock.Cond(otherFaceMap.Equal), mock.MatchedBy(otherFaceMap.Equal),
		func(e enroller) error {
			return e.EnrolFaceMap(context.Background(), 1, must(usersecurity.NewFaceMap([]byte("other"))))
		},
		func(e enroller) error {
			return e.EnrolFaceMap(context.Background(), 1, faceMap, usersecurity.WithToken(markUserToken))
		},
	},
}

// Equal matches in mocks, where the value itself matches nothing; and what a
// mock says of a call that it didn't expect shows no secret.
func TestMocks(t *testing.T) {
	t.Parallel()
	for _, e := range expectations {
		t.Run(e.method, func(t *testing.T) {
			t.Parallel()
			for _, test := range []struct {
				name            string
				gomock, testify any
				call            func(enroller) error
				fails           bool
			}{
				{"Equal, the same", e.matcher, e.matches, e.call, false},
				{"Equal, another", e.matcher, e.matches, e.miss, true},
				{"the value", e.is, e.is, e.call, true},
				{"another value", gomock.Eq(e.is), e.is, e.miss, true},
			} {
				said := spoken(func(l *listener) {
					m := goMock{gomock.NewController(l)}
					m.expect(e.method, gomock.Any(), usersecurity.UserID(1), test.gomock, gomock.Any()).AnyTimes()
					_ = test.call(m)
				})
				checkMock(t, "gomock, "+test.name, said, test.fails)
				said = spoken(func(l *listener) {
					m := &testifyMock{}
					m.Test(l)
					m.On(e.method, mock.Anything, usersecurity.UserID(1), test.testify).Return(nil, nil)
					_ = test.call(m)
					m.AssertExpectations(l)
				})
				checkMock(t, "testify, "+test.name, said, test.fails)
			}
		})
	}
}

func checkMock(t *testing.T, what, said string, fails bool) {
	t.Helper()
	if fails != (said != "") {
		t.Errorf("%s: the mock says %q", what, said)
	}
	if found := findMarks(said); found != nil {
		t.Errorf("%s: the mock shows %q", what, found)
	}
}
