package usersecurity_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// simulated makes a client of a simulator that knows the user 1001.
func simulated(options ...usersecurity.Option) (client *usersecurity.Client, wise *usersecuritytest.Server, end func()) {
	wise = usersecuritytest.NewServer()
	wise.AddUser(1001)
	client, err := usersecurity.New(append(wise.Options(), options...)...)
	if err != nil {
		log.Fatal(err)
	}
	return client, wise, func() {
		client.CloseIdleConnections()
		wise.Close()
	}
}

func ExampleNew() {
	// Where tokens of users come from is the partner's: a database, a vault.
	refresh := func(context.Context, usersecurity.UserID) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "…"}, nil
	}
	client, err := usersecurity.New(
		usersecurity.WithBaseURL(usersecurity.Production),
		usersecurity.WithClientCredentials("my-client-id", "my-client-secret"),
		usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.TokenFunc(
			func(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
				return refresh(ctx, req.User)
			}))),
		usersecurity.WithJWE(),
		usersecurity.WithUserAgent("acme-bank/1.4"),
	)
	fmt.Println(client, err)
	// Output: usersecurity.Client(api.wise.com) <nil>
}

func ExampleNew_whatIsMissing() {
	_, err := usersecurity.New(usersecurity.WithJWE(), usersecurity.WithUnsealedBodies())
	fmt.Println(err)
	// Output:
	// usersecurity: WithBaseURL is missing: say Production, Sandbox or the URL of a gateway
	// usersecurity: WithJWE and WithUnsealedBodies contradict each other
}

func ExampleClient_CreatePin() {
	client, _, end := simulated()
	defer end()

	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		err := client.CreatePin(context.Background(), 1001, pin)
		switch {
		case err == nil:
			fmt.Println("set", pin)
		case errors.Is(err, usersecurity.ErrPinAlreadySet):
			fmt.Println("there is a PIN already")
		default:
			log.Fatal(err)
		}
	}
	// Output:
	// set ****
	// there is a PIN already
}

func ExampleClient_DeletePin() {
	client, _, end := simulated()
	defer end()

	err := client.DeletePin(context.Background(), 1001)
	fmt.Println(errors.Is(err, usersecurity.ErrPinNotSet))
	// Output: true
}

func ExampleClient_EnrolFaceMap() {
	client, _, end := simulated()
	defer end()

	faceMap, err := usersecurity.FaceMapFromBase64("RmFjZVRlYydzIGV4cG9ydA==")
	if err != nil {
		log.Fatal(err)
	}
	if err := client.EnrolFaceMap(context.Background(), 1001, faceMap); err != nil {
		log.Fatal(err)
	}
	err = client.EnrolFaceMap(context.Background(), 1001, faceMap)
	fmt.Println(errors.Is(err, usersecurity.ErrFaceMapAlreadyEnrolled))
	// Output: true
}

func ExampleClient_CreateDeviceFingerprint() {
	client, _, end := simulated()
	defer end()

	for n := range 4 {
		fingerprint, err := usersecurity.NewFingerprint(fmt.Sprint("device ", n))
		if err != nil {
			log.Fatal(err)
		}
		device, err := client.CreateDeviceFingerprint(context.Background(), 1001, fingerprint)
		if errors.Is(err, usersecurity.ErrFingerprintLimit) {
			fmt.Println("no room for device", n)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("device", n, "has an id:", device.ID != uuid.Nil)
	}
	devices, err := client.ListDeviceFingerprints(context.Background(), 1001)
	fmt.Println(len(devices), "devices,", err)
	// Output:
	// device 0 has an id: true
	// device 1 has an id: true
	// device 2 has an id: true
	// no room for device 3
	// 3 devices, <nil>
}

func ExampleClient_CreatePhoneNumber() {
	client, _, end := simulated()
	defer end()

	number, err := client.CreatePhoneNumber(context.Background(), 1001, "+6588880001")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("added", number.PhoneNumber)
	fmt.Printf("logs show %v\n", number)

	_, err = client.CreatePhoneNumber(context.Background(), 1001, "+6588880001")
	fmt.Println("again:", errors.Is(err, usersecurity.ErrPhoneRepeated))
	// Output:
	// added +6588880001
	// logs show {ID:5000001 PhoneNumber:****01 Type:PRIMARY Verified:true ClientID:simulated-partner}
	// again: true
}

func ExampleAPIError() {
	client, _, end := simulated()
	defer end()

	err := client.DeletePin(context.Background(), 1001)
	var answer *usersecurity.APIError
	if errors.As(err, &answer) {
		fmt.Println(answer.Op, answer.StatusCode, answer.Details[0].Code)
		fmt.Println("for Wise's support:", answer.TraceID != "")
	}
	// Output:
	// DeletePin 404 pin.not.setup
	// for Wise's support: true
}

// A write whose answer never came is not guessed at.
func ExampleOutcomeError() {
	client, wise, end := simulated(usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: 1}))
	defer end()
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter})

	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		log.Fatal(err)
	}
	err = client.CreatePin(context.Background(), 1001, pin)
	var unknown *usersecurity.OutcomeError
	if errors.As(err, &unknown) {
		fmt.Println(unknown.Op, "may have been done, in", unknown.Attempts, "attempt")
	}
	fmt.Println(errors.Is(err, usersecurity.ErrOutcomeUnknown))
	// Output:
	// CreatePin may have been done, in 1 attempt
	// true
}

func ExampleWithMeta() {
	client, _, end := simulated()
	defer end()

	var meta usersecurity.Meta
	_, err := client.ListPhoneNumbers(context.Background(), 1001, usersecurity.WithMeta(&meta))
	fmt.Println(meta.StatusCode, meta.Attempts, meta.TraceID != "", err)
	// Output: 200 1 true <nil>
}

// httpmock in the place of Wise, with the two endpoints that a sealed call needs
// besides its own.
func ExampleWithHTTPClient() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		log.Fatal(err)
	}
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("POST", "https://wise.test/oauth/token", httpmock.NewJsonResponderOrPanic(200, map[string]any{
		"access_token": "application-token", "token_type": "bearer", "expires_in": 43200,
	}))
	mock.RegisterResponder("GET", "https://wise.test/v1/auth/jose/response/public-keys", httpmock.NewJsonResponderOrPanic(200, map[string]any{
		"version": 1, "keyId": "key", "scope": "PAYLOAD_ENCRYPTION",
		"keyMaterial": map[string]any{"algorithm": "RSA_OAEP_256", "keyMaterial": der},
	}))
	mock.RegisterResponder("POST", "https://wise.test/v1/user/pin", httpmock.NewStringResponder(409, ""))

	client, err := usersecurity.New(
		usersecurity.WithBaseURL("https://wise.test"),
		usersecurity.WithHTTPClient(&http.Client{Transport: mock}),
		usersecurity.WithClientCredentials("id", "secret"),
		usersecurity.WithUserTokens(usersecurity.ForUser(1001, usersecurity.StaticToken("token"))),
		usersecurity.WithJWE(),
	)
	if err != nil {
		log.Fatal(err)
	}
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		log.Fatal(err)
	}
	err = client.CreatePin(context.Background(), 1001, pin)
	fmt.Println(errors.Is(err, usersecurity.ErrPinAlreadySet))
	// Output: true
}

func ExampleWithLogger() {
	plain := &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // what changes from run to run
			switch a.Key {
			case slog.TimeKey, "duration", "wise_trace_id", "correlation_id":
				return slog.Attr{}
			}
			return a
		},
	}
	client, _, end := simulated(usersecurity.WithLogger(slog.New(slog.NewTextHandler(os.Stdout, plain))))
	defer end()

	_ = client.DeletePin(context.Background(), 1001)
	// Output:
	// level=INFO msg="usersecurity call" operation=DeletePin attempts=1 status=404 error=pin_not_set
}

// The device seals, the backend passes on what it can't read.
func ExampleSeal() {
	backend, _, end := simulated()
	defer end()
	key, err := backend.WiseKey(context.Background())
	if err != nil {
		log.Fatal(err)
	}

	// On the device:
	fingerprint, err := usersecurity.NewFingerprint("this device")
	if err != nil {
		log.Fatal(err)
	}
	sealed, err := usersecurity.Seal(key, fingerprint)
	if err != nil {
		log.Fatal(err)
	}
	defer sealed.Wipe()

	// In the backend:
	request, err := usersecurity.ParseSealedRequest(sealed.Compact())
	if err != nil {
		log.Fatal(err)
	}
	reply, err := backend.CreateDeviceFingerprintSealed(context.Background(), 1001, request)
	if err != nil {
		log.Fatal(err)
	}

	// On the device again:
	_, err = sealed.OpenReply(reply.Body())
	fmt.Println("opened:", err == nil)
	// Output: opened: true
}

// Enrolling on a profile, as Wise's successors of the first calls do.
func ExampleSCAService_CreatePin() {
	client, _, end := simulated(usersecurity.WithVersion("2026Q4"))
	defer end()
	ctx := context.Background()

	profiles, err := client.ListProfiles(ctx, 1001)
	if err != nil {
		log.Fatal(err)
	}
	profile := usersecurity.Profile{User: 1001, ID: profiles[0].ID}

	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("PIN:", client.SCA.CreatePin(ctx, profile, pin))

	fingerprint, err := usersecurity.NewFingerprint("this device")
	if err != nil {
		log.Fatal(err)
	}
	device, err := client.SCA.CreateDeviceFingerprint(ctx, profile, fingerprint)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("keep the device's id:", device.ID != uuid.Nil) // no list has it afterwards
	// Output:
	// PIN: <nil>
	// keep the device's id: true
}

// protected is a simulator that lets user 1001, whose PIN is 0417, transfer money
// after a PIN only.
func protected() (client *usersecurity.Client, transfer *http.Request, profile usersecurity.Profile, end func()) {
	client, wise, end := simulated()
	wise.Protect("POST", "/v3/transfers", usersecurity.ChallengePin)
	if err := wise.EnrolPin(1001, "0417"); err != nil {
		log.Fatal(err)
	}
	transfer, err := http.NewRequest("POST", wise.URL()+"/v3/transfers", strings.NewReader(`{"amount":5}`))
	if err != nil {
		log.Fatal(err)
	}
	transfer.Header.Set("Authorization", "Bearer "+wise.UserToken(1001))
	return client, transfer, usersecurity.Profile{User: 1001, ID: wise.Profile(1001)}, end
}

// A call to Wise is refused, the challenge cleared, and the call repeated.
func ExampleClient_ClearChallenges() {
	client, transfer, profile, end := protected()
	defer end()
	defer http.DefaultClient.CloseIdleConnections()

	resp, err := http.DefaultClient.Do(transfer)
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	token, asked := usersecurity.ChallengeOf(resp)
	fmt.Println(resp.Status, asked)

	customer := usersecurity.Challenger{
		Pin: func(_ context.Context, asked usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			fmt.Println("the customer is asked for", asked.Kind)
			return usersecurity.NewPin("0417")
		},
	}
	if err := client.ClearChallenges(context.Background(), profile, token, customer); err != nil {
		log.Fatal(err)
	}
	again := transfer.Clone(context.Background())
	again.Body, _ = transfer.GetBody()
	again.Header.Set("X-2fa-Approval", token.Reveal())
	resp, err = http.DefaultClient.Do(again)
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// 403 Forbidden true
	// the customer is asked for PIN
	// 200 OK
}

// The transport does the same for all of a partner's calls.
func ExampleClient_ChallengeTransport() {
	client, transfer, profile, end := protected()
	defer end()

	customer := usersecurity.Challenger{
		Pin: func(_ context.Context, asked usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			fmt.Println("the customer is asked for", asked.Kind)
			return usersecurity.NewPin("0417")
		},
	}
	wise := &http.Client{Transport: client.ChallengeTransport(nil, customer)}
	defer wise.CloseIdleConnections()
	resp, err := wise.Do(transfer.WithContext(usersecurity.ContextWithProfile(context.Background(), profile)))
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// the customer is asked for PIN
	// 200 OK
}

// A customer who is none of Wise's yet.
func ExampleUserTokenService_SignUp() {
	client, _, end := simulated(usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))
	defer end()
	ctx := context.Background()

	// A password of the partner's making, one per customer, to be kept encrypted.
	code, err := usersecurity.NewRegistrationCode(rand.Text() + rand.Text())
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.UserTokens.SignUp(ctx, "ada@example.com", code)
	if err != nil {
		log.Fatal(err)
	}
	owner, err := client.UserTokens.ExchangeRegistrationCode(ctx, "ada@example.com", code)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the tokens are the user's:", owner == user)

	// From now on calls for this user find a token, and renew it when it is time.
	profiles, err := client.ListProfiles(ctx, user)
	fmt.Println(len(profiles), "profile,", err)

	_, err = client.UserTokens.SignUp(ctx, "ada@example.com", code)
	fmt.Println("again:", errors.Is(err, usersecurity.ErrUserExists))
	// Output:
	// the tokens are the user's: true
	// 1 profile, <nil>
	// again: true
}

// A customer of Wise's, who authorises the partner in the browser.
func ExampleUserTokenService_ExchangeAuthorizationCode() {
	client, wise, end := simulated(
		usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()),
		usersecurity.WithAuthorizationPage("https://wise.example/oauth/authorize"), // Wise's own, unless it is said
	)
	defer end()

	const back, state = "https://bank.example/linked", "tied-to-the-session"
	page, err := client.UserTokens.AuthorizationURL(back, state)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page)

	// Wise's page sends it back with the state, to be checked, and a code.
	user, err := client.UserTokens.ExchangeAuthorizationCode(context.Background(), wise.AuthorizationCode(1001), back)
	fmt.Println(user, err) // is that the customer who is logged in?
	// Output:
	// https://wise.example/oauth/authorize?client_id=simulated-partner&redirect_uri=https%3A%2F%2Fbank.example%2Flinked&state=tied-to-the-session
	// 1001 <nil>
}

func ExampleClient_RegisterReplyKey() {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		log.Fatal(err)
	}
	id := uuid.New()
	client, _, end := simulated(usersecurity.WithJWE(usersecurity.JWEReplyKey(id, key)))
	defer end()

	err = client.RegisterReplyKey(context.Background(), usersecurity.ReplyKey{ID: id, PublicKey: &key.PublicKey})
	fmt.Println("registered:", err == nil)
	// Output: registered: true
}

func ExampleClient_VerifyJWE() {
	client, _, end := simulated()
	defer end()

	fmt.Println(client.VerifyJWE(context.Background()))
	// Output: <nil>
}
