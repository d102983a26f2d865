package usersecurity_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// asksNothing is for a client that must refuse a call before it asks for a token or
// a key, or sends anything.
func asksNothing(t *testing.T) []usersecurity.Option {
	t.Helper()
	noTokens := usersecurity.TokenFunc(func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) {
		t.Error("a token was asked for")
		return nil, errors.New("no token")
	})
	noKeys := keyFunc(func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
		t.Error("a key was asked for")
		return nil, errors.New("no key")
	})
	return append(oneSource(noTokens), usersecurity.WithJWE(usersecurity.JWEKeys(noKeys)),
		usersecurity.WithBaseURL(testHost), usersecurity.WithHTTPClient(&http.Client{Transport: nothingSent{t}}))
}

// refusesAll is that client.
func refusesAll(t *testing.T) *usersecurity.Client {
	t.Helper()
	return clientOf(t, asksNothing(t)...)
}

// sealedPin is a PIN as a device seals it.
func sealedPin() usersecurity.SealedRequest {
	_, request := sealedBy(&usersecurity.WiseKey{PublicKey: publicKey()}, usual.pin)
	return request
}

// relayed are the calls with what a device has sealed, by the operation that
// they are.
var relayed = map[usersecurity.Operation]func(context.Context, *usersecurity.Client, inputs, usersecurity.SealedRequest) (any, error){
	usersecurity.OpCreatePin: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.CreatePinSealed(ctx, in.user, r))
	},
	usersecurity.OpCreateDeviceFingerprint: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.CreateDeviceFingerprintSealed(ctx, in.user, r))
	},
	usersecurity.OpSCACreatePin: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.SCA.CreatePinSealed(ctx, in.of(), r))
	},
	usersecurity.OpSCACreateDeviceFingerprint: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.SCA.CreateDeviceFingerprintSealed(ctx, in.of(), r))
	},
	usersecurity.OpSCAVerifyPin: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.SCA.VerifyPinSealed(ctx, in.of(), in.oneTime, r))
	},
	usersecurity.OpSCAVerifyDeviceFingerprint: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.SCA.VerifyDeviceFingerprintSealed(ctx, in.of(), in.oneTime, r))
	},
	usersecurity.OpOneTimeTokenVerifyPin: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.OneTimeTokens.VerifyPinSealed(ctx, in.user, in.oneTime, r))
	},
	usersecurity.OpOneTimeTokenVerifyDeviceFingerprint: func(ctx context.Context, c *usersecurity.Client, in inputs, r usersecurity.SealedRequest) (any, error) {
		return result(c.OneTimeTokens.VerifyDeviceFingerprintSealed(ctx, in.user, in.oneTime, r))
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
				got, err := r.do(t.Context(), refusesAll(t), in)
				check(t, r.op, user, got, err)
			})
		}
		for op, call := range relayed {
			t.Run(fmt.Sprint(op, "Sealed ", int64(user)), func(t *testing.T) {
				in := usual
				in.user = user
				got, err := call(t.Context(), refusesAll(t), in, sealedPin())
				check(t, op, user, got, err)
			})
		}
	}
}

// spoilt are inputs that can't be.
var spoilt = map[string]func(in *inputs){
	"the zero PIN":            func(in *inputs) { in.pin = usersecurity.Pin{} },
	"the zero face map":       func(in *inputs) { in.faceMap = usersecurity.FaceMap{} },
	"the zero fingerprint":    func(in *inputs) { in.fingerprint = usersecurity.Fingerprint{} },
	"the zero UUID":           func(in *inputs) { in.device = uuid.Nil },
	"phone number 0":          func(in *inputs) { in.numberID = 0 },
	"phone number -1":         func(in *inputs) { in.numberID = -1 },
	"profile 0":               func(in *inputs) { in.profile = 0 },
	"profile -1":              func(in *inputs) { in.profile = -1 },
	"the zero one-time token": func(in *inputs) { in.oneTime = usersecurity.OneTimeToken{} },
	"the zero code":           func(in *inputs) { in.code = usersecurity.OTP{} },
}

// needs reports whether the operation takes what a name of spoilt is about.
func (r *row) needs(what string) bool {
	holds := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(r.path+r.body, text) })
	}
	switch strings.TrimPrefix(what, "the zero ") {
	case "PIN":
		return holds(`"pin"`)
	case "face map":
		return holds(`"faceMap"`)
	case "fingerprint":
		return holds(`"deviceFingerprint"`)
	case "UUID":
		return holds(deviceID.String())
	case "one-time token":
		return r.oneTime
	case "code":
		return holds(`"otpCode"`)
	}
	return strings.HasPrefix(what, "phone number") && holds("/phone-numbers/77") || strings.HasPrefix(what, "profile") && holds("/profiles/2002")
}

// So are zero values and ids that can't be, by all operations that need them;
// the others don't look.
func TestArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	for what, spoil := range spoilt {
		refused := 0
		for _, r := range contract {
			in := usual
			spoil(&in)
			name := string(r.op) + ", " + what
			if !r.needs(what) {
				if _, err := r.do(t.Context(), newClient(t, play(t, r.answersWell())), in); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			refused++
			got, err := r.do(t.Context(), refusesAll(t), in)
			checkRefused(t, name, err, "+6588888888", oneTimeText)
			if got != nil {
				t.Errorf("%s: a result next to an error: %v", name, got)
			}
		}
		if refused == 0 {
			t.Errorf("nothing refuses %s", what)
		}
	}
	for op, call := range relayed {
		if !rowOf(op).oneTime {
			continue
		}
		in := usual
		in.oneTime = usersecurity.OneTimeToken{}
		_, err := call(t.Context(), refusesAll(t), in, sealedPin())
		checkRefused(t, string(op)+", relayed without a one-time token", err)
	}
	for _, kind := range []usersecurity.ChallengeKind{"", usersecurity.ChallengePin, usersecurity.ChallengeFaceMap, "sms", "SIGNATURE", "SMS/../../x"} {
		_, err := refusesAll(t).OneTimeTokens.Trigger(t.Context(), 1001, usual.oneTime, kind)
		checkRefused(t, "to trigger "+string(kind), err, "../x")
		_, err = refusesAll(t).OneTimeTokens.VerifyOTP(t.Context(), 1001, usual.oneTime, kind, usual.code)
		checkRefused(t, "to verify "+string(kind), err, "../x", "074026")
	}
	for op, call := range relayed {
		t.Run("the zero sealed request, "+string(op), func(t *testing.T) {
			_, err := call(t.Context(), refusesAll(t), usual, usersecurity.SealedRequest{})
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
			checkRefused(t, "it", refusesAll(t).RegisterReplyKey(t.Context(), key))
		})
	}
}
