package usersecurity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// checkRefused checks an error for an argument that can't be valid; none of the
// words, where they are long enough to tell, may be in it.
func checkRefused(t *testing.T, what string, err error, hidden ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted", what)
		return
	}
	checkMatches(t, what, err, usersecurity.ErrInvalidArgument)
	for form, text := range printed(t, err) {
		for _, word := range hidden {
			if len(word) > 3 && strings.Contains(text, word) {
				t.Errorf("%s: %s repeats what was given: %s", what, form, text)
			}
		}
	}
}

func TestPinRules(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"0000", "0417", "9999"} {
		if _, err := usersecurity.NewPin(digits); err != nil {
			t.Errorf("%q: %v", digits, err)
		}
	}
	for _, digits := range []string{
		"", "417", "04170", "041", "04171717", "041a", "O417", "04 7", " 417", "417 ", "0417\n", "\x00417", "-417", "+417", "4.17", "0x1f",
		"٠٤١٧",       // Arabic-Indic
		"０４１７",       // full width
		"٠٤",         // two characters of four bytes
		"\xff\xff41", // no UTF-8
	} {
		pin, err := usersecurity.NewPin(digits)
		checkRefused(t, fmt.Sprintf("%q", digits), err, digits, fmt.Sprintf("%q", digits))
		if err := newClient(t, nothingSent{t}).CreatePin(t.Context(), 1001, pin); !errors.Is(err, usersecurity.ErrInvalidArgument) {
			t.Errorf("what came of %q was used: %v", digits, err)
		}
	}
}

func TestFingerprintRules(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"x", " ", "5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11", "日本", "\x00", strings.Repeat("x", 4096)} {
		if _, err := usersecurity.NewFingerprint(value); err != nil {
			t.Errorf("%.20q: %v", value, err)
		}
	}
	for _, value := range []string{"", "hidden\xff", "\xffhidden", "hidden\xed\xa0\x80", strings.Repeat("hidden", 1000), strings.Repeat("x", 4097)} {
		_, err := usersecurity.NewFingerprint(value)
		checkRefused(t, fmt.Sprintf("%.20q", value), err, value, "hidden")
	}
}

func TestFaceMapRules(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{{0}, {1, 2}, {1, 2, 3}, make([]byte, 1<<20)} {
		if _, err := usersecurity.NewFaceMap(raw); err != nil {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
		if _, err := usersecurity.FaceMapFromBase64(base64.StdEncoding.EncodeToString(raw)); err != nil {
			t.Errorf("%d bytes in base64: %v", len(raw), err)
		}
	}
	for _, raw := range [][]byte{nil, {}} {
		_, err := usersecurity.NewFaceMap(raw)
		checkRefused(t, "no bytes", err)
	}
	for _, text := range []string{
		"", "aGlkZGVu\n", "aGlk\nZGVu", "aGlk ZGVu", "aGlkZGVu\r\n", " aGlkZGVu",
		"aGlkZA", "aGlkZA=", "aGlkZA===", "aGlkZ===", "=", "==", "====", "aGl=ZGVu", "aG==ZGVu",
		"-_-_hidden", "-_-_", "aGlkZG-u", "aGlkZG_u", "data:image/png;base64,aGlkZGVu", "aGlkZGVü", "\"}hidden", `aGlkZG"u`,
	} {
		_, err := usersecurity.FaceMapFromBase64(text)
		checkRefused(t, fmt.Sprintf("%q", text), err, text, "hidden", "aGlk")
	}
	// The bytes are copied: what the caller does with them later is of no matter.
	raw := []byte{0xfb, 0xff, 0xbf, 0x00}
	faceMap := must(usersecurity.NewFaceMap(raw))
	clear(raw)
	wise := play(t, answers(204, ""))
	if err := newClient(t, wise).EnrolFaceMap(t.Context(), 1001, faceMap); err != nil {
		t.Fatal(err)
	}
	if got := wise.requests[0].body; got != `{"faceMap":"+/+/AA=="}` {
		t.Errorf("sent was %s", got)
	}
}

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
	pin, faceMap := somePin(t), must(usersecurity.NewFaceMap([]byte{1}))
	fingerprint := someFingerprint(t, "device-1")
	sealed := must(usersecurity.ParseSealedRequest(must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: testKeyOf(t)}, pin)).Compact()))
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
		"a reply key with the zero id": func() error { return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{PublicKey: testKeyOf(t)}) },
		"a reply key without a key":    func() error { return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID}) },
		"a reply key with an empty key": func() error {
			return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: &rsa.PublicKey{}})
		},
		"a reply key that ends before it begins": func() error {
			return c.RegisterReplyKey(ctx, usersecurity.ReplyKey{ID: deviceID, PublicKey: testKeyOf(t), ValidFrom: time.Now(), ValidTill: time.Now().Add(-time.Hour)})
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

// Options of a call are checked before anything is asked or sent.
func TestCallOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for what, option := range map[string]usersecurity.CallOption{
			"nil":                  nil,
			"zero correlation id":  usersecurity.WithCorrelationID(uuid.Nil),
			"empty token":          usersecurity.WithToken(""),
			"token with a space":   usersecurity.WithToken("hidden token"),
			"token with a newline": usersecurity.WithToken("hidden\r\nX-Header: y"),
			"token beyond ASCII":   usersecurity.WithToken("hiddenü"),
			"no attempts":          usersecurity.WithMaxAttempts(0),
			"negative attempts":    usersecurity.WithMaxAttempts(-1),
			"no meta":              usersecurity.WithMeta(nil),
		} {
			_, err := r.call(t.Context(), newClient(t, nothingSent{t}), option)
			checkRefused(t, fmt.Sprint(r.op, ", ", what), err, "hidden")
			// A later, valid one of another kind doesn't make up for it.
			_, err = r.call(t.Context(), newClient(t, nothingSent{t}), option, usersecurity.WithMeta(&usersecurity.Meta{}))
			checkRefused(t, fmt.Sprint(r.op, ", ", what, ", and meta"), err, "hidden")
		}
		_, err := r.call(nil, newClient(t, nothingSent{t}))
		checkRefused(t, fmt.Sprint(r.op, ", no context"), err)
	}
}

// ecKey is a decrypter that isn't RSA.
type ecKey struct{ *ecdsa.PrivateKey }

func (ecKey) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	return nil, errors.New("not this kind of key")
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	key := testKeyOf(t)
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	elliptical := ecKey{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	base := usersecurity.WithBaseURL(testHost)
	tokens := usersecurity.WithApplicationTokens(usersecurity.StaticToken("token"))
	type options = []usersecurity.Option
	for name, test := range map[string]struct {
		options options
		says    string // in the error
	}{
		"nothing":                  {nil, "WithBaseURL"},
		"no base URL":              {options{tokens}, "WithBaseURL"},
		"a nil option":             {options{base, nil}, "nil"},
		"two base URLs":            {options{base, usersecurity.WithBaseURL(usersecurity.Sandbox)}, "WithBaseURL"},
		"base URL empty":           {options{usersecurity.WithBaseURL("")}, "WithBaseURL"},
		"base URL no host":         {options{usersecurity.WithBaseURL("https://")}, "WithBaseURL"},
		"base URL no scheme":       {options{usersecurity.WithBaseURL("hidden.example")}, "WithBaseURL"},
		"base URL relative":        {options{usersecurity.WithBaseURL("/hidden")}, "WithBaseURL"},
		"base URL http":            {options{usersecurity.WithBaseURL("http://hidden.example")}, "https"},
		"base URL http, private":   {options{usersecurity.WithBaseURL("http://10.0.0.1")}, "https"},
		"base URL http, lookalike": {options{usersecurity.WithBaseURL("http://localhost.hidden.example")}, "https"},
		"base URL http, number":    {options{usersecurity.WithBaseURL("http://127.0.0.1.hidden.example")}, "https"},
		"base URL ftp":             {options{usersecurity.WithBaseURL("ftp://hidden.example")}, "https"},
		"base URL file":            {options{usersecurity.WithBaseURL("file:///hidden")}, "https"},
		"base URL opaque":          {options{usersecurity.WithBaseURL("https:hidden.example")}, "WithBaseURL"},
		"base URL with user":       {options{usersecurity.WithBaseURL("https://hidden:hidden@wise.example")}, "user"},
		"base URL with query":      {options{usersecurity.WithBaseURL("https://wise.example/?hidden=1")}, "query"},
		"base URL with ?":          {options{usersecurity.WithBaseURL("https://wise.example/?")}, "query"},
		"base URL with fragment":   {options{usersecurity.WithBaseURL("https://wise.example/#hidden")}, "fragment"},
		"base URL unparsable":      {options{usersecurity.WithBaseURL("https://hidden\x7f.example")}, "WithBaseURL"},
		"base URL bad port":        {options{usersecurity.WithBaseURL("https://hidden.example:port")}, "WithBaseURL"},
		"base URL with a newline":  {options{usersecurity.WithBaseURL("https://wise.example\nhidden")}, "WithBaseURL"},

		"nil application tokens":   {options{base, usersecurity.WithApplicationTokens(nil)}, "WithApplicationTokens"},
		"nil user tokens":          {options{base, usersecurity.WithUserTokens(nil)}, "WithUserTokens"},
		"no client id":             {options{base, usersecurity.WithClientCredentials("", "hidden")}, "WithClientCredentials"},
		"no client secret":         {options{base, usersecurity.WithClientCredentials("hidden", "")}, "WithClientCredentials"},
		"two application tokens":   {options{base, tokens, usersecurity.WithClientCredentials("hidden", "hidden")}, "WithClientCredentials"},
		"application tokens twice": {options{base, tokens, tokens}, "WithApplicationTokens"},

		"sealed and unsealed":               {options{base, usersecurity.WithJWE(), usersecurity.WithUnsealedBodies()}, "WithUnsealedBodies"},
		"a nil JWE option":                  {options{base, usersecurity.WithJWE(nil)}, "WithJWE"},
		"nil keys":                          {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(nil))}, "JWEKeys"},
		"a nil key":                         {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(nil)))}, "StaticKey"},
		"an empty key":                      {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&rsa.PublicKey{})))}, "StaticKey"},
		"a short key":                       {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&short.PublicKey)))}, "2048"},
		"a reply key with the zero id":      {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(uuid.Nil, sealingKey))}, "JWEReplyKey"},
		"a nil reply key":                   {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, nil))}, "JWEReplyKey"},
		"a nil RSA reply key":               {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, (*rsa.PrivateKey)(nil)))}, "JWEReplyKey"},
		"an empty reply key":                {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, &rsa.PrivateKey{}))}, "JWEReplyKey"},
		"a short reply key":                 {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, short))}, "2048"},
		"a reply key that isn't RSA":        {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, elliptical))}, "RSA"},
		"a reply key's id without one":      {options{base, usersecurity.WithJWE(usersecurity.JWESendReplyKeyID())}, "JWESendReplyKeyID"},
		"a nil HTTP client":                 {options{base, usersecurity.WithHTTPClient(nil)}, "WithHTTPClient"},
		"negative attempts":                 {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: -1})}, "WithRetry"},
		"a negative lowest wait":            {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: -1})}, "WithRetry"},
		"a negative highest wait":           {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxWait: -1})}, "WithRetry"},
		"a negative Retry-After":            {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxRetryAfter: -1})}, "WithRetry"},
		"waits the wrong way round":         {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: 2, MaxWait: 1})}, "MinWait"},
		"a negative attempt timeout":        {options{base, usersecurity.WithTimeouts(-1, 0)}, "WithTimeouts"},
		"a negative total timeout":          {options{base, usersecurity.WithTimeouts(0, -1)}, "WithTimeouts"},
		"a nil logger":                      {options{base, usersecurity.WithLogger(nil)}, "WithLogger"},
		"a nil observer":                    {options{base, usersecurity.WithObserver(nil)}, "WithObserver"},
		"no user agent":                     {options{base, usersecurity.WithUserAgent("")}, "WithUserAgent"},
		"a user agent with a newline":       {options{base, usersecurity.WithUserAgent("hidden\r\nX: y")}, "WithUserAgent"},
		"a user agent beyond ASCII":         {options{base, usersecurity.WithUserAgent("hiddenü")}, "WithUserAgent"},
		"a user agent of spaces":            {options{base, usersecurity.WithUserAgent("  ")}, "WithUserAgent"},
		"the list by PUT":                   {options{base, usersecurity.WithFingerprintListMethod("PUT")}, "WithFingerprintListMethod"},
		"the list by get in small":          {options{base, usersecurity.WithFingerprintListMethod("get")}, "WithFingerprintListMethod"},
		"the list by nothing":               {options{base, usersecurity.WithFingerprintListMethod("")}, "WithFingerprintListMethod"},
		"what follows a mistake is no cure": {options{usersecurity.WithUserTokens(nil), base, usersecurity.WithUserTokens(usersecurity.StaticToken("x"))}, "WithUserTokens"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("New panicked: %v", p)
				}
			}()
			client, err := usersecurity.New(test.options...)
			if client != nil {
				t.Error("a client next to an error")
			}
			checkRefused(t, name, err, "hidden")
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q doesn't say %q", err, test.says)
			}
		})
	}

	_, err := usersecurity.New(usersecurity.WithUserTokens(nil), usersecurity.WithTimeouts(-1, 0), usersecurity.WithJWE(usersecurity.JWEKeys(nil)), usersecurity.WithUnsealedBodies())
	for _, word := range []string{"WithBaseURL", "WithUserTokens", "WithTimeouts", "JWEKeys", "WithUnsealedBodies"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("all mistakes are to be named, %s too: %v", word, err)
		}
	}

	for name, options := range map[string]options{
		"a base URL alone":     {base},
		"Production":           {usersecurity.WithBaseURL(usersecurity.Production)},
		"Sandbox":              {usersecurity.WithBaseURL(usersecurity.Sandbox)},
		"localhost":            {usersecurity.WithBaseURL("http://localhost:8080/prefix")},
		"loopback":             {usersecurity.WithBaseURL("http://127.0.0.53:8080")},
		"loopback, IPv6":       {usersecurity.WithBaseURL("http://[::1]:8080")},
		"zeroes mean defaults": {base, usersecurity.WithRetry(usersecurity.RetryPolicy{}), usersecurity.WithTimeouts(0, 0)},
		"a high lowest wait":   {base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Minute})},
		"two reply keys":       {base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(key)), usersecurity.JWEReplyKey(uuid.New(), sealingKey), usersecurity.JWEReplyKey(uuid.New(), sealingKey))},
		"observers":            {base, usersecurity.WithLogger(slog.New(slog.DiscardHandler)), usersecurity.WithLogger(slog.New(slog.DiscardHandler))},
		"an HTTP client":       {base, usersecurity.WithHTTPClient(&http.Client{})},
		"a user agent":         {base, usersecurity.WithUserAgent("acme-bank/1.4 (build 7)")},
	} {
		if _, err := usersecurity.New(options...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client that can't seal doesn't send what must be sealed.
func TestSealingIsRequired(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		transport := http.RoundTripper(nothingSent{t})
		if !r.sealed {
			transport = play(t, r.answersWell())
		}
		client := bareClient(t, transport, usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(userTokens))
		_, err := r.call(t.Context(), client)
		if r.sealed {
			checkMatches(t, string(r.op), err, usersecurity.ErrJWERequired)
		} else if err != nil {
			t.Errorf("%s: %v", r.op, err)
		}
	}
	client := bareClient(t, nothingSent{t}, usersecurity.WithApplicationTokens(applicationTokens))
	checkMatches(t, "VerifyJWE", client.VerifyJWE(t.Context()), usersecurity.ErrJWERequired)
	_, err := client.WiseKey(t.Context())
	checkMatches(t, "WiseKey", err, usersecurity.ErrJWERequired)
}

// Without a usable key nothing is sent.
func TestNoKeyNothingSent(t *testing.T) {
	t.Parallel()
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, source := range map[string]keyFunc{
		"an error": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return nil, io.ErrClosedPipe
		},
		"nil": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) { return nil, nil },
		"no key": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return &usersecurity.WiseKey{}, nil
		},
		"a short key": func(context.Context, *usersecurity.WiseKey) (*usersecurity.WiseKey, error) {
			return &usersecurity.WiseKey{PublicKey: &short.PublicKey}, nil
		},
	} {
		for _, op := range []usersecurity.Operation{usersecurity.OpCreatePin, usersecurity.OpCreateDeviceFingerprint} {
			_, err := rowOf(op).call(t.Context(), newClient(t, nothingSent{t}, usersecurity.WithJWE(usersecurity.JWEKeys(source))))
			checkMatches(t, fmt.Sprint(op, ", ", name), err, usersecurity.ErrNoKey)
			if name == "an error" && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: the source's error is lost: %v", op, err)
			}
		}
	}
}

// What the key endpoint answers is looked at before anything is sealed to it.
func TestKeyEndpointAnswers(t *testing.T) {
	t.Parallel()
	good := string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_ENCRYPTION", testKeyOf(t)))
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	elliptical := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for name, test := range map[string]struct {
		answer step
		works  bool
	}{
		"good":              {answers(200, good), true},
		"without ids":       {answers(200, strings.Replace(good, `"version":3,`, "", 1)), true},
		"for signing":       {answers(200, string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_SIGNING", testKeyOf(t)))), false},
		"another algorithm": {answers(200, string(keyAnswer(t, "PS256", "PAYLOAD_ENCRYPTION", testKeyOf(t)))), false},
		"not RSA":           {answers(200, string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_ENCRYPTION", &elliptical.PublicKey))), false},
		"too short":         {answers(200, string(keyAnswer(t, "RSA_OAEP_256", "PAYLOAD_ENCRYPTION", &short.PublicKey))), false},
		"no base64":         {answers(200, `{"keyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":"%%%"}}`), false},
		"no DER":            {answers(200, `{"keyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":"AAAA"}}`), false},
		"empty":             {answers(200, ""), false},
		"HTML":              {answers(200, "<html>"), false},
		"a list":            {answers(200, "["+good+"]"), false},
		"403":               {answers(403, ""), false},
		"404":               {answers(404, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wise := play(t, test.answer, answers(204, ""))
			client := bareClient(t, wise, usersecurity.WithApplicationTokens(applicationTokens), usersecurity.WithUserTokens(userTokens), usersecurity.WithJWE())
			err := client.CreatePin(t.Context(), 1001, somePin(t))
			if test.works {
				if err != nil || wise.count() != 2 {
					t.Fatalf("%d requests, %v", wise.count(), err)
				}
				return
			}
			if !errors.Is(err, usersecurity.ErrNoKey) || errors.Is(err, usersecurity.ErrOutcomeUnknown) || errors.Is(err, usersecurity.ErrMalformedReply) {
				t.Errorf("the error is %v", err)
			}
			if wise.count() != 1 {
				t.Errorf("%d requests", wise.count())
			}
		})
	}
}
