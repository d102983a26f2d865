package printers

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.uber.org/mock/gomock"

	"github.com/wise-partner/usersecurity"
)

// With gomock, Cond and the secret's Equal match an argument.
func Example_gomock() {
	t := &listener{} // in a test: t *testing.T
	wanted, _ := usersecurity.NewPin("0417")

	ctrl := gomock.NewController(t)
	m := goMock{ctrl}
	m.expect("CreatePin", gomock.Any(), usersecurity.UserID(1001), gomock.Cond(wanted.Equal)).Return(usersecurity.ErrPinAlreadySet)

	given, _ := usersecurity.NewPin("0417")
	fmt.Println(m.CreatePin(context.Background(), 1001, given))
	// Output: usersecurity: the user already has a PIN
}

// With testify, MatchedBy and the secret's Equal match an argument.
func Example_testify() {
	t := &listener{} // in a test: t *testing.T
	wanted, _ := usersecurity.NewFingerprint("device-1")

	m := &testifyMock{}
	m.Test(t)
	m.On("CreateDeviceFingerprint", mock.Anything, usersecurity.UserID(1001), mock.MatchedBy(wanted.Equal)).Return(nil, usersecurity.ErrFingerprintLimit)

	given, _ := usersecurity.NewFingerprint("device-1")
	_, err := m.CreateDeviceFingerprint(context.Background(), 1001, given)
	fmt.Println(err)
	// Output: usersecurity: the user has the maximum number of device fingerprints: delete one first
}

// go-cmp finds Equal by itself, also inside a request, and prints no secret
// where two differ.
func Example_goCmp() {
	type enrolment struct {
		User usersecurity.UserID
		Pin  usersecurity.Pin
	}
	var a, b enrolment
	_ = json.Unmarshal([]byte(`{"User":1001,"Pin":"0417"}`), &a)
	_ = json.Unmarshal([]byte(`{"User":1001,"Pin":"0417"}`), &b)
	fmt.Println(cmp.Equal(a, b))

	_ = json.Unmarshal([]byte(`{"Pin":"1234"}`), &b)
	fmt.Println(cmp.Equal(a, b))

	text, _ := json.Marshal(a)
	fmt.Println(string(text))
	// Output:
	// true
	// false
	// {"User":1001,"Pin":"****"}
}
