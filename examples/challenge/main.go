// Command challenge shows what factors are enrolled for: Wise refuses a call
// until the customer has proved who they are, the customer does so with the PIN
// and the device enrolled a moment ago and with a code, and the call goes
// through. It does it twice: with ClearChallenges after a call of its own, and
// with ChallengeTransport beneath a partner's other Wise calls.
//
// It needs nothing: a simulator of Wise runs in the same process.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const customer usersecurity.UserID = 1001

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(customer)
	// A balance statement wants the PIN and the device; a transfer a code besides.
	statement := "/v1/profiles/" + fmt.Sprint(int64(wise.Profile(customer))) + "/balance-statements"
	transfer := "/v3/profiles/" + fmt.Sprint(int64(wise.Profile(customer))) + "/transfers"
	wise.Protect(http.MethodGet, statement, usersecurity.ChallengePin, usersecurity.ChallengeDeviceFingerprint)
	wise.Protect(http.MethodPost, transfer, usersecurity.ChallengePin, usersecurity.ChallengeSMS)

	client, err := usersecurity.New(append(wise.Options(), usersecurity.WithUserTokenStore(usersecurity.NewMemoryTokenStore()))...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	// The customer has been sent to Wise's page, and has come back with a code.
	if _, err := client.UserTokens.ExchangeAuthorizationCode(ctx, wise.AuthorizationCode(customer), "https://partner.example/wise"); err != nil {
		return err
	}
	who := usersecurity.Profile{User: customer, ID: wise.Profile(customer)}
	if err := enrol(ctx, client, who); err != nil {
		return err
	}
	fmt.Fprintln(out, "enrolled: a PIN, a device and a phone number")

	// A web backend sees the refusal, asks the customer, and repeats the call.
	call := partnersCalls{base: wise.URL(), tokens: client.UserTokens}
	if err := call.byHand(ctx, client, who, statement, out); err != nil {
		return err
	}
	// A service that can wait for the customer lets the transport do all that.
	return call.byTransport(ctx, client, who, transfer, out)
}

// enrol sets what the customer will prove themselves with.
func enrol(ctx context.Context, client *usersecurity.Client, who usersecurity.Profile) error {
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		return err
	}
	device, err := usersecurity.NewFingerprint("the customer's phone")
	if err != nil {
		return err
	}
	if err := client.SCA.CreatePin(ctx, who, pin); err != nil {
		return err
	}
	if _, err := client.SCA.CreateDeviceFingerprint(ctx, who, device); err != nil {
		return err
	}
	_, err = client.CreatePhoneNumber(ctx, who.User, "+447700900123")
	return err
}

// customerAnswers is where a real service asks its customer.
func customerAnswers(out io.Writer) usersecurity.Challenger {
	return usersecurity.Challenger{
		Pin: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Pin, error) {
			fmt.Fprintln(out, "  the customer types the PIN")
			return usersecurity.NewPin("0417")
		},
		DeviceFingerprint: func(context.Context, usersecurity.ChallengeRequest) (usersecurity.Fingerprint, error) {
			fmt.Fprintln(out, "  the customer's app names the device")
			return usersecurity.NewFingerprint("the customer's phone")
		},
		OTP: func(_ context.Context, r usersecurity.ChallengeRequest) (usersecurity.OTP, error) {
			fmt.Fprintln(out, "  the customer types the code sent to", r.SentTo)
			return usersecurity.NewOTP("111111") // what Wise's sandbox always expects
		},
	}
}

// partnersCalls are calls of Wise's API that this library knows nothing of. They
// carry the customer's token, which the client keeps fresh.
type partnersCalls struct {
	base   string
	tokens usersecurity.TokenSource
}

func (p partnersCalls) request(ctx context.Context, method, path string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, nil)
	if err != nil {
		return nil, err
	}
	token, err := p.tokens.Token(ctx, usersecurity.TokenRequest{User: customer})
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(req)
	return req, nil
}

func (p partnersCalls) byHand(ctx context.Context, client *usersecurity.Client, who usersecurity.Profile, path string, out io.Writer) error {
	req, err := p.request(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	token, asked := usersecurity.ChallengeOf(resp)
	if !asked {
		return fmt.Errorf("the statement was not protected: %s", resp.Status)
	}
	fmt.Fprintln(out, "the statement:", resp.Status)
	if err := client.ClearChallenges(ctx, who, token, customerAnswers(out)); err != nil {
		return err
	}
	again, err := p.request(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	again.Header.Set("X-2fa-Approval", token.Reveal())
	resp, err = http.DefaultClient.Do(again)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Fprintln(out, "the statement, with the cleared token:", resp.Status)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the statement was refused: %s", resp.Status)
	}
	return nil
}

func (p partnersCalls) byTransport(ctx context.Context, client *usersecurity.Client, who usersecurity.Profile, path string, out io.Writer) error {
	wise := &http.Client{Transport: client.ChallengeTransport(nil, customerAnswers(out))}
	defer wise.CloseIdleConnections()
	req, err := p.request(usersecurity.ContextWithProfile(ctx, who), http.MethodPost, path)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "the transfer")
	resp, err := wise.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Fprintln(out, "the transfer, by way of ChallengeTransport:", resp.Status)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the transfer was refused: %s", resp.Status)
	}
	return nil
}
