package usersecuritytest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func newClient(t *testing.T, srv *usersecuritytest.Server, more ...usersecurity.Option) *usersecurity.Client {
	t.Helper()
	client, err := usersecurity.New(append(srv.Options(),
		append([]usersecurity.Option{usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: 1, MaxWait: time.Millisecond})}, more...)...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func mustPin(t *testing.T, digits string) usersecurity.Pin {
	t.Helper()
	pin, err := usersecurity.NewPin(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

func mustFingerprint(t *testing.T, value string) usersecurity.Fingerprint {
	t.Helper()
	fingerprint, err := usersecurity.NewFingerprint(value)
	if err != nil {
		t.Fatal(err)
	}
	return fingerprint
}

// The client of Options performs every operation, however the server is set up.
func TestOptionsMakeAWorkingClient(t *testing.T) {
	for name, opts := range map[string][]usersecuritytest.ServerOption{
		"plain":          nil,
		"TLS":            {usersecuritytest.WithTLS()},
		"prefix":         {usersecuritytest.WithPathPrefix("/gateway")},
		"clear replies":  {usersecuritytest.WithClearReplies()},
		"sealed errors":  {usersecuritytest.WithSealedErrors()},
		"list by GET":    {usersecuritytest.WithFingerprintListMethod("GET")},
		"list by POST":   {usersecuritytest.WithFingerprintListMethod("POST")},
		"everything off": {usersecuritytest.WithRecordLimit(0), usersecuritytest.WithLatency(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, opts...)
			performAll(t, srv, newClient(t, srv))
		})
	}
}

func performAll(t *testing.T, srv *usersecuritytest.Server, client *usersecurity.Client) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mustMatch := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("error = %v, want %v", err, want)
		}
	}

	must(client.CreatePin(ctx, user, mustPin(t, "0420")))
	if state(t, srv, user).PinDigest != usersecuritytest.DigestOf("0420") {
		t.Error("the PIN is another one")
	}
	mustMatch(client.CreatePin(ctx, user, mustPin(t, "0420")), usersecurity.ErrPinAlreadySet)
	must(client.DeletePin(ctx, user))
	mustMatch(client.DeletePin(ctx, user), usersecurity.ErrPinNotSet)

	faceMap, err := usersecurity.FaceMapFromBase64("Zm9v")
	must(err)
	must(client.EnrolFaceMap(ctx, user, faceMap))
	if state(t, srv, user).FaceMapDigest != usersecuritytest.DigestOf("Zm9v") {
		t.Error("the face map is another one")
	}
	mustMatch(client.EnrolFaceMap(ctx, user, faceMap), usersecurity.ErrFaceMapAlreadyEnrolled)
	must(client.DeleteFaceMap(ctx, user))
	mustMatch(client.DeleteFaceMap(ctx, user), usersecurity.ErrFaceMapNotEnrolled)

	var made []usersecurity.DeviceFingerprint
	for _, value := range []string{"a", `"\ü`, "c"} {
		created, err := client.CreateDeviceFingerprint(ctx, user, mustFingerprint(t, value))
		must(err)
		made = append(made, *created)
		if state(t, srv, user).FingerprintDigests[created.ID] != usersecuritytest.DigestOf(value) {
			t.Error("the fingerprint is another one")
		}
	}
	_, err = client.CreateDeviceFingerprint(ctx, user, mustFingerprint(t, "a"))
	mustMatch(err, usersecurity.ErrFingerprintExists)
	_, err = client.CreateDeviceFingerprint(ctx, user, mustFingerprint(t, "d"))
	mustMatch(err, usersecurity.ErrFingerprintLimit)
	listed, err := client.ListDeviceFingerprints(ctx, user)
	must(err)
	if !slices.Equal(listed, made) || !slices.Equal(listed, state(t, srv, user).Fingerprints) {
		t.Errorf("listed %v, want %v", listed, made)
	}
	must(client.DeleteDeviceFingerprint(ctx, user, made[0].ID))
	mustMatch(client.DeleteDeviceFingerprint(ctx, user, made[0].ID), usersecurity.ErrFingerprintNotFound)
	_, err = client.ListDeviceFingerprints(ctx, stranger)
	mustMatch(err, usersecurity.ErrUserNotFound)

	phone, err := client.CreatePhoneNumber(ctx, user, "+6588888888")
	must(err)
	_, err = client.CreatePhoneNumber(ctx, otherUser, "+6588888888")
	mustMatch(err, usersecurity.ErrPhoneRepeated)
	phone, err = client.UpdatePhoneNumber(ctx, user, phone.ID, "+6599999999")
	must(err)
	numbers, err := client.ListPhoneNumbers(ctx, user)
	must(err)
	if !slices.Equal(numbers, []usersecurity.PhoneNumber{*phone}) || !slices.Equal(numbers, state(t, srv, user).PhoneNumbers) {
		t.Errorf("listed %v, want %v", numbers, *phone)
	}
	must(client.DeletePhoneNumber(ctx, user, phone.ID))
	mustMatch(client.DeletePhoneNumber(ctx, user, phone.ID), usersecurity.ErrNotFound)

	must(client.VerifyJWE(ctx))
	if n := srv.Count(usersecurity.OpFetchToken); n != 1 {
		t.Errorf("%d application tokens were fetched, want 1", n)
	}
	if n := srv.Count(usersecurity.OpFetchWiseKey); n != 1 {
		t.Errorf("Wise's key was fetched %d times, want once", n)
	}
	for _, r := range srv.Requests() {
		if r.Status >= 400 && r.Status != 405 && !slices.Contains([]int{400, 404, 409, 422}, r.Status) {
			t.Errorf("%s was answered %d", r.Operation, r.Status)
		}
	}
}

func TestClientOvercomesWhatTheServerDoes(t *testing.T) {
	srv := newServer(t)
	client := newClient(t, srv)
	ctx := t.Context()
	if err := client.CreatePin(ctx, user, mustPin(t, "1111")); err != nil {
		t.Fatal(err)
	}
	srv.ExpireTokens()
	if err := client.DeletePin(ctx, user); err != nil {
		t.Fatalf("with expired tokens: %v", err)
	}
	srv.RotateKey()
	if err := client.CreatePin(ctx, user, mustPin(t, "2222")); err != nil {
		t.Fatalf("after a rotation: %v", err)
	}
	if state(t, srv, user).PinDigest != usersecuritytest.DigestOf("2222") {
		t.Error("the PIN is another one")
	}
	rejected := asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)
	srv.Inject(fault{Kind: usersecuritytest.Unauthorized, Operation: usersecurity.OpEnrolFaceMap, Times: 1})
	faceMap, err := usersecurity.NewFaceMap([]byte("foo"))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnrolFaceMap(ctx, user, faceMap); err != nil {
		t.Fatalf("with one token rejected: %v", err)
	}
	mustStatus(t, send(t, srv, rejected), 401) // it was given up for a new one
	err = client.CreatePin(ctx, stranger, mustPin(t, "1111"))
	if !errors.Is(err, usersecurity.ErrNoToken) {
		t.Errorf("for a stranger: %v, want ErrNoToken", err)
	}
}

func TestReplyKeyWithClient(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithReplyKeyReplies())
	id := uuid.New()
	key := partnerKey()
	client := newClient(t, srv, usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key)))
	if err := client.RegisterReplyKey(t.Context(), usersecurity.ReplyKey{ID: id, PublicKey: &key.PublicKey, ValidTill: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDeviceFingerprint(t.Context(), user, mustFingerprint(t, "a")); err != nil {
		t.Fatal(err)
	}
}

func TestClearBodiesWithClient(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearBodies())
	client, err := usersecurity.New(
		usersecurity.WithBaseURL(srv.URL()),
		usersecurity.WithUserTokens(usersecurity.ForUser(user, usersecurity.StaticToken(srv.UserToken(user)))),
		usersecurity.WithUnsealedBodies(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	if err := client.CreatePin(t.Context(), user, mustPin(t, "1111")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDeviceFingerprint(t.Context(), user, mustFingerprint(t, "a")); err != nil {
		t.Fatal(err)
	}
}
