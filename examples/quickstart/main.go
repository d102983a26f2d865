// Quickstart sets up and takes down every factor of a user: PIN, face map,
// device fingerprints and phone number. Without flags it does so against a
// simulator of Wise in its own process:
//
//	go run ./examples/quickstart
//
// With -base-url it does the same against a real Wise sandbox. The secrets come
// from the environment, so that they are in no shell history:
//
//	WISE_CLIENT_SECRET=… WISE_USER_TOKEN=… go run ./examples/quickstart \
//		-base-url https://api.wise-sandbox.com -client-id … -user …
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	baseURL := flags.String("base-url", "", "Wise's address; the simulator if empty")
	clientID := flags.String("client-id", "", "the partner's client id; its secret is WISE_CLIENT_SECRET")
	user := flags.Int64("user", 1001, "the user to act on; the user's access token is WISE_USER_TOKEN")
	phone := flags.String("phone", "+6588880001", "a phone number that nobody uses")
	otherPhone := flags.String("other-phone", "+6588880002", "another one")
	faceMapFile := flags.String("face-map", "", "a file with a face map from FaceTec's export, in base64; random bytes if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}

	id := usersecurity.UserID(*user)
	options := []usersecurity.Option{
		usersecurity.WithBaseURL(*baseURL),
		usersecurity.WithClientCredentials(*clientID, env("WISE_CLIENT_SECRET")),
		usersecurity.WithUserTokens(usersecurity.StaticToken(env("WISE_USER_TOKEN"))),
		usersecurity.WithJWE(),
	}
	if *baseURL == "" {
		wise := usersecuritytest.NewServer()
		defer wise.Close()
		wise.AddUser(id)
		options = wise.Options()
		fmt.Fprintln(out, "simulator at", wise.URL())
	}
	client, err := usersecurity.New(options...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	faceMap, err := readFaceMap(*faceMapFile)
	if err != nil {
		return err
	}
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		return err
	}

	t := tour{ctx: ctx, out: out}
	t.expect(nil, t.step("check the sealing", func(o usersecurity.CallOption) error {
		return client.VerifyJWE(ctx, o)
	}))
	t.expect(nil, t.step("set the PIN", func(o usersecurity.CallOption) error {
		return client.CreatePin(ctx, id, pin, o)
	}))
	t.expect(usersecurity.ErrPinAlreadySet, t.step("set the PIN again", func(o usersecurity.CallOption) error {
		return client.CreatePin(ctx, id, pin, o)
	}))
	t.expect(nil, t.step("enrol the face map", func(o usersecurity.CallOption) error {
		return client.EnrolFaceMap(ctx, id, faceMap, o)
	}))
	t.fingerprints(client, id)
	t.phoneNumbers(client, id, *phone, *otherPhone)
	t.expect(nil, t.step("delete the face map", func(o usersecurity.CallOption) error {
		return client.DeleteFaceMap(ctx, id, o)
	}))
	t.expect(nil, t.step("delete the PIN", func(o usersecurity.CallOption) error {
		return client.DeletePin(ctx, id, o)
	}))
	t.expect(usersecurity.ErrPinNotSet, t.step("delete the PIN again", func(o usersecurity.CallOption) error {
		return client.DeletePin(ctx, id, o)
	}))
	if t.surprises > 0 {
		return fmt.Errorf("%d steps did not end as they should", t.surprises)
	}
	return nil
}

func readFaceMap(file string) (usersecurity.FaceMap, error) {
	if file == "" {
		// No simulator can tell a face map from noise.
		noise := make([]byte, 4096)
		_, _ = rand.Read(noise)
		return usersecurity.NewFaceMap(noise)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return usersecurity.FaceMap{}, err
	}
	return usersecurity.FaceMapFromBase64(strings.TrimSpace(string(text)))
}

// tour takes the steps and says how each went.
type tour struct {
	ctx       context.Context
	out       io.Writer
	surprises int
}

// step makes one call and prints what came of it.
func (t *tour) step(name string, do func(usersecurity.CallOption) error) error {
	var meta usersecurity.Meta
	err := do(usersecurity.WithMeta(&meta))
	outcome := "done"
	if err != nil {
		outcome = err.Error() // it names the trace id again, as it would in a log
	}
	fmt.Fprintf(t.out, "%-26s  status %3d  trace %s  %s\n", name, meta.StatusCode, meta.TraceID, outcome)
	return err
}

// expect counts a step that did not end as it should.
func (t *tour) expect(want, err error) {
	if !errors.Is(err, want) {
		t.surprises++
		fmt.Fprintln(t.out, "  ^ that is not how this step should end")
	}
}

// maxDevices ends the search for the limit, three by default, at a Wise that
// has none.
const maxDevices = 10

// fingerprints registers devices up to the limit, lists and deletes them.
func (t *tour) fingerprints(client usersecurity.FingerprintAPI, user usersecurity.UserID) {
	for n := 1; n <= maxDevices; n++ {
		fingerprint, err := usersecurity.NewFingerprint(uuid.NewString())
		t.expect(nil, err)
		err = t.step(fmt.Sprintf("register device %d", n), func(o usersecurity.CallOption) error {
			_, err := client.CreateDeviceFingerprint(t.ctx, user, fingerprint, o)
			return err
		})
		if errors.Is(err, usersecurity.ErrFingerprintLimit) {
			break
		}
		t.expect(nil, err)
	}
	var devices []usersecurity.DeviceFingerprint
	t.expect(nil, t.step("list the devices", func(o usersecurity.CallOption) (err error) {
		devices, err = client.ListDeviceFingerprints(t.ctx, user, o)
		return err
	}))
	for n, d := range devices {
		t.expect(nil, t.step(fmt.Sprintf("delete device %d of %d", n+1, len(devices)), func(o usersecurity.CallOption) error {
			return client.DeleteDeviceFingerprint(t.ctx, user, d.ID, o)
		}))
	}
}

// phoneNumbers adds a phone number, tries it twice, changes and removes it.
func (t *tour) phoneNumbers(client usersecurity.PhoneNumberAPI, user usersecurity.UserID, phone, other string) {
	var added *usersecurity.PhoneNumber
	err := t.step("add a phone number", func(o usersecurity.CallOption) (err error) {
		added, err = client.CreatePhoneNumber(t.ctx, user, phone, o)
		return err
	})
	if t.expect(nil, err); err != nil {
		return
	}
	t.expect(usersecurity.ErrPhoneRepeated, t.step("add the same number again", func(o usersecurity.CallOption) error {
		_, err := client.CreatePhoneNumber(t.ctx, user, phone, o)
		return err
	}))
	t.expect(nil, t.step("change the phone number", func(o usersecurity.CallOption) error {
		_, err := client.UpdatePhoneNumber(t.ctx, user, added.ID, other, o)
		return err
	}))
	t.expect(nil, t.step("list the phone numbers", func(o usersecurity.CallOption) error {
		_, err := client.ListPhoneNumbers(t.ctx, user, o)
		return err
	}))
	t.expect(nil, t.step("remove the phone number", func(o usersecurity.CallOption) error {
		return client.DeletePhoneNumber(t.ctx, user, added.ID, o)
	}))
}
