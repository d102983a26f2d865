package usersecuritytest_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// A client against the simulator: state is kept, as Wise keeps it.
func ExampleServer() {
	srv := usersecuritytest.NewServer()
	defer srv.Close()
	srv.AddUser(42)

	client, err := usersecurity.New(srv.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	pin, err := usersecurity.NewPin("0420")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	fmt.Println(client.CreatePin(ctx, 42, pin))
	fmt.Println(errors.Is(client.CreatePin(ctx, 42, pin), usersecurity.ErrPinAlreadySet))

	state, _ := srv.User(42)
	fmt.Println(state.PinSet, state.PinDigest == usersecuritytest.DigestOf("0420"))
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, r.Header.Get("Authorization"))
	}
	// Output:
	// <nil>
	// true
	// true true
	// POST /oauth/token 200 Basic ****
	// GET /v1/auth/jose/response/public-keys 200 Bearer ****
	// POST /v1/user/pin 204 Bearer ****
	// POST /v1/user/pin 409 Bearer ****
}

// The answer to the first attempt is lost, after Wise has done what was asked.
// The client finds out.
func ExampleServer_Inject() {
	srv := usersecuritytest.NewServer()
	defer srv.Close()
	srv.AddUser(42)
	srv.Inject(usersecuritytest.Fault{
		Kind:      usersecuritytest.ResetAfter,
		Operation: usersecurity.OpCreatePhoneNumber,
		Times:     1,
	})

	client, err := usersecurity.New(srv.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	number, err := client.CreatePhoneNumber(context.Background(), 42, "+6588888888")
	if err != nil {
		log.Fatal(err)
	}
	state, _ := srv.User(42)
	fmt.Println(number.PhoneNumber, len(state.PhoneNumbers))
	fmt.Println(srv.Faults())
	// Output:
	// +6588888888 1
	// map[reset-after:1]
}

// Code that uses the client is tested without one.
func ExampleStub() {
	var api usersecurity.API = &usersecuritytest.Stub{
		DeletePinFunc: func(context.Context, usersecurity.UserID, ...usersecurity.CallOption) error {
			return usersecuritytest.NewError(usersecurity.OpDeletePin, 404, "pin.not.setup")
		},
	}

	fmt.Println(errors.Is(api.DeletePin(context.Background(), 42), usersecurity.ErrPinNotSet))
	fmt.Println(api.DeleteFaceMap(context.Background(), 42))
	// Output:
	// true
	// usersecuritytest: DeleteFaceMap was called, but Stub.DeleteFaceMapFunc is not set
}

// Each error is the one that the client returns for such an answer.
func ExampleNewError() {
	err := usersecuritytest.NewError(usersecurity.OpCreatePhoneNumber, 422, "phone.number.repeated")
	fmt.Println(errors.Is(err, usersecurity.ErrPhoneRepeated))

	err = usersecuritytest.NewError(usersecurity.OpCreatePin, 503, "")
	fmt.Println(errors.Is(err, usersecurity.ErrServer), errors.Is(err, usersecurity.ErrOutcomeUnknown))
	// Output:
	// true
	// true true
}
