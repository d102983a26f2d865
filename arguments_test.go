package usersecurity_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// Ids and values that can't be valid are refused before a token is asked for.
func TestArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	noTokens := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		t.Error("a token was asked for")
		return nil, errors.New("no token")
	})
	noKeys := keyFunc(func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
		t.Error("a key was asked for")
		return nil, errors.New("no key")
	})
	c := bareClient(t, nothingSent{t}, usersecurity.WithApplicationTokens(noTokens), usersecurity.WithUserTokens(noTokens),
		usersecurity.WithJWE(usersecurity.JWEKeys(noKeys)))
	pin, faceMap := usual.pin, must(usersecurity.NewFaceMap([]byte{1}))
	fingerprint := must(usersecurity.NewFingerprint("device-1"))
	sealed := must(usersecurity.ParseSealedRequest(must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: publicKey()}, pin)).Compact()))
	ctx := t.Context()

	for _, user := range []usersecurity.UserID{0, -1, math.MinInt64} {
		for what, call := range map[string]func() (any, error){
			"CreatePin":               func() (any, error) { return nil, c.CreatePin(ctx, user, pin) },
			"CreatePinSealed":         func() (any, error) { return result(c.CreatePinSealed(ctx, user, sealed)) },
			"DeletePin":               func() (any, error) { return nil, c.DeletePin(ctx, user) },
			"EnrolFaceMap":            func() (any, error) { return nil, c.EnrolFaceMap(ctx, user, faceMap) },
			"DeleteFaceMap":           func() (any, error) { return nil, c.DeleteFaceMap(ctx, user) },
			"CreateDeviceFingerprint": func() (any, error) { return result(c.CreateDeviceFingerprint(ctx, user, fingerprint)) },
			"CreateDeviceFingerprintSealed": func() (any, error) {
				return result(c.CreateDeviceFingerprintSealed(ctx, user, sealed))
			},
			"ListDeviceFingerprints":  func() (any, error) { return result(c.ListDeviceFingerprints(ctx, user)) },
			"DeleteDeviceFingerprint": func() (any, error) { return nil, c.DeleteDeviceFingerprint(ctx, user, deviceID) },
			"ListPhoneNumbers":        func() (any, error) { return result(c.ListPhoneNumbers(ctx, user)) },
			"CreatePhoneNumber":       func() (any, error) { return result(c.CreatePhoneNumber(ctx, user, "+6588888888")) },
			"UpdatePhoneNumber":       func() (any, error) { return result(c.UpdatePhoneNumber(ctx, user, 77, "+6588888888")) },
			"DeletePhoneNumber":       func() (any, error) { return nil, c.DeletePhoneNumber(ctx, user, 77) },
		} {
			got, err := call()
			checkRefused(t, fmt.Sprint(what, " for user ", int64(user)), err, "0417", "+6588888888")
			if got != nil {
				t.Errorf("%s: a result next to an error: %v", what, got)
			}
			if op := strings.TrimSuffix(what, "Sealed"); !strings.Contains(fmt.Sprint(err), op) {
				t.Errorf("%s: the error doesn't name it: %v", what, err)
			}
		}
	}

	for what, call := range map[string]func() error{
		"the zero PIN":         func() error { return c.CreatePin(ctx, 1001, usersecurity.Pin{}) },
		"the zero face map":    func() error { return c.EnrolFaceMap(ctx, 1001, usersecurity.FaceMap{}) },
		"the zero fingerprint": func() error { _, err := c.CreateDeviceFingerprint(ctx, 1001, usersecurity.Fingerprint{}); return err },
		"the zero sealed PIN":  func() error { _, err := c.CreatePinSealed(ctx, 1001, usersecurity.SealedRequest{}); return err },
		"the zero sealed fingerprint": func() error {
			_, err := c.CreateDeviceFingerprintSealed(ctx, 1001, usersecurity.SealedRequest{})
			return err
		},
		"the zero UUID":                func() error { return c.DeleteDeviceFingerprint(ctx, 1001, uuid.Nil) },
		"phone number 0":               func() error { return c.DeletePhoneNumber(ctx, 1001, 0) },
		"phone number -1":              func() error { return c.DeletePhoneNumber(ctx, 1001, -1) },
		"phone number 0 to update":     func() error { _, err := c.UpdatePhoneNumber(ctx, 1001, 0, "+6588888888"); return err },
		"phone number -1 to update":    func() error { _, err := c.UpdatePhoneNumber(ctx, 1001, -1, "+6588888888"); return err },
		"a reply key with the zero id": func() error { return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{PublicKey: publicKey()}) },
		"a reply key without a key":    func() error { return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID}) },
		"a reply key with an empty key": func() error {
			return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: &rsa.PublicKey{}})
		},
		"a reply key that ends before it begins": func() error {
			return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: publicKey(), ValidFrom: time.Now(), ValidTill: time.Now().Add(-time.Hour)})
		},
	} {
		checkRefused(t, what, call(), "+6588888888")
	}

	for _, number := range []string{"", " ", "\t\n", "+65hidden\n", "+65hidden\x00", "hidden\xff", "+65\u0085hidden", "\r\n+65hidden"} {
		_, err := c.CreatePhoneNumber(ctx, 1001, number)
		checkRefused(t, fmt.Sprintf("creating %q", number), err, "hidden")
		_, err = c.UpdatePhoneNumber(ctx, 1001, 77, number)
		checkRefused(t, fmt.Sprintf("updating to %q", number), err, "hidden")
	}
	// All others are Wise's to judge.
	for _, number := range []string{"+6588888888", "6588888888", "+65 8888-8888", "hello", "+1"} {
		if _, err := newClient(t, play(t, answers(200, numberReply))).CreatePhoneNumber(ctx, 1001, number); err != nil {
			t.Errorf("%q: %v", number, err)
		}
	}
}
