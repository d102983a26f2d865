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

// asksNothing is a client that must refuse a call before it asks for a token or
// a key, or sends anything.
func asksNothing(t *testing.T) *usersecurity.Client {
	t.Helper()
	noTokens := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		t.Error("a token was asked for")
		return nil, errors.New("no token")
	})
	noKeys := keyFunc(func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
		t.Error("a key was asked for")
		return nil, errors.New("no key")
	})
	return bareClient(t, nothingSent{t}, append(oneSource(noTokens), usersecurity.WithJWE(usersecurity.JWEKeys(noKeys)))...)
}

// sealedPin is a PIN as a device seals it.
func sealedPin() usersecurity.SealedRequest {
	_, request := sealedBy(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
	return request
}

// relayed are the calls with what a device has sealed, by the operation that
// they are.
var relayed = map[usersecurity.Operation]func(context.Context, *usersecurity.Client, usersecurity.UserID, usersecurity.SealedRequest) (any, error){
	usersecurity.OpCreatePin: func(ctx context.Context, c *usersecurity.Client, user usersecurity.UserID, r usersecurity.SealedRequest) (any, error) {
		return result(c.CreatePinSealed(ctx, user, r))
	},
	usersecurity.OpCreateDeviceFingerprint: func(ctx context.Context, c *usersecurity.Client, user usersecurity.UserID, r usersecurity.SealedRequest) (any, error) {
		return result(c.CreateDeviceFingerprintSealed(ctx, user, r))
	},
}

// Users that can't be are refused before a token is asked for.
func TestUsersAreRefused(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, op usersecurity.Operation, user usersecurity.UserID, got any, err error) {
		t.Helper()
		checkRefused(t, fmt.Sprint("user ", int64(user)), err, "0417", "+6588888888")
		if got != nil {
			t.Errorf("a result next to an error: %v", got)
		}
		if !strings.Contains(fmt.Sprint(err), string(op)) {
			t.Errorf("the error doesn't name the operation: %v", err)
		}
	}
	for _, user := range []usersecurity.UserID{0, -1, math.MinInt64} {
		for _, r := range contract {
			t.Run(fmt.Sprint(r.op, " ", int64(user)), func(t *testing.T) {
				in := usual
				in.user = user
				got, err := r.do(t.Context(), asksNothing(t), in)
				check(t, r.op, user, got, err)
			})
		}
		for op, call := range relayed {
			t.Run(fmt.Sprint(op, "Sealed ", int64(user)), func(t *testing.T) {
				got, err := call(t.Context(), asksNothing(t), user, sealedPin())
				check(t, op, user, got, err)
			})
		}
	}
}

// So are zero values and ids that can't be.
func TestArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		op    usersecurity.Operation
		spoil func(in *inputs)
	}{
		{"the zero PIN", usersecurity.OpCreatePin, func(in *inputs) { in.pin = usersecurity.Pin{} }},
		{"the zero face map", usersecurity.OpEnrolFaceMap, func(in *inputs) { in.faceMap = usersecurity.FaceMap{} }},
		{"the zero fingerprint", usersecurity.OpCreateDeviceFingerprint, func(in *inputs) { in.fingerprint = usersecurity.Fingerprint{} }},
		{"the zero UUID", usersecurity.OpDeleteDeviceFingerprint, func(in *inputs) { in.device = uuid.Nil }},
		{"phone number 0", usersecurity.OpDeletePhoneNumber, func(in *inputs) { in.numberID = 0 }},
		{"phone number -1", usersecurity.OpDeletePhoneNumber, func(in *inputs) { in.numberID = -1 }},
		{"phone number 0 to update", usersecurity.OpUpdatePhoneNumber, func(in *inputs) { in.numberID = 0 }},
		{"phone number -1 to update", usersecurity.OpUpdatePhoneNumber, func(in *inputs) { in.numberID = -1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := usual
			test.spoil(&in)
			got, err := rowOf(test.op).do(t.Context(), asksNothing(t), in)
			checkRefused(t, test.name, err, "+6588888888")
			if got != nil {
				t.Errorf("a result next to an error: %v", got)
			}
		})
	}
	for op, call := range relayed {
		t.Run("the zero sealed request, "+string(op), func(t *testing.T) {
			_, err := call(t.Context(), asksNothing(t), 1001, usersecurity.SealedRequest{})
			checkRefused(t, "it", err)
		})
	}
	for name, key := range map[string]usersecurity.ReplyKey{
		"the zero id":  {PublicKey: publicKey()},
		"no key":       {ID: deviceID},
		"an empty key": {ID: deviceID, PublicKey: &rsa.PublicKey{}},
		"an end before its beginning": {
			ID: deviceID, PublicKey: publicKey(), ValidFrom: time.Now(), ValidTill: time.Now().Add(-time.Hour),
		},
	} {
		t.Run("a reply key with "+name, func(t *testing.T) {
			checkRefused(t, "it", asksNothing(t).RegisterReplyKey(t.Context(), key))
		})
	}
}
