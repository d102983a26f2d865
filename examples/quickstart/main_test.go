package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const user usersecurity.UserID = 1001

func noEnv(string) string { return "" }

func TestQuickstart(t *testing.T) {
	both := []string{"set the PIN again ", "409  refused, as it should be", "clear its challenges ", "delete the face map ", "add a phone number ", "all that was created is removed"}
	for _, c := range []struct {
		args        []string
		want, never []string
	}{
		{nil, append(both, "CreatePin: the user already", "SCA.CreatePin: the user already", "list the devices", "list the phone numbers"), nil},
		{[]string{"-version", "2026Q4"}, append(both, "in its place comes SCA.CreatePin"), []string{"list the", "change the phone number"}},
	} {
		var out strings.Builder
		if err := run(t.Context(), c.args, noEnv, &out); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q: the output lacks %q:\n%s", c.args, want, out.String())
			}
		}
		for _, never := range append(c.never, "0417", "+65", "Bearer", "trace", "may be retired") {
			if strings.Contains(out.String(), never) {
				t.Errorf("%q: the output has %q", c.args, never)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-h"}, noEnv, &out); err != nil || !strings.Contains(out.String(), "-version") {
		t.Errorf("-h: error %v, output %q", err, out.String())
	}
	for want, args := range map[string]string{
		"-h lists the flags":    "-nonsense",
		"there are flags only":  "-version 2026Q4 now",
		"give -base-url too":    "-client-id x",
		"say with -user":        "-base-url https://wise.example",
		"positive":              "-user -5",
		"is Production":         "-user 7 -base-url " + usersecurity.Production,
		"is Production, ":       "-user 7 -base-url " + usersecurity.ProductionMTLS,
		"WithClientCredentials": "-user 7 -base-url https://wise.example",
	} {
		out.Reset()
		if err := run(t.Context(), strings.Fields(args), noEnv, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
}

// sandbox is a Wise that the quickstart is pointed at with flags.
func sandbox(t *testing.T, opts ...usersecuritytest.ServerOption) (*usersecuritytest.Server, *usersecurity.Client) {
	t.Helper()
	wise := usersecuritytest.NewServer(opts...)
	t.Cleanup(wise.Close)
	wise.AddUser(user)
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return wise, client
}

func point(ctx context.Context, wise *usersecuritytest.Server, more ...string) (string, error) {
	var out strings.Builder
	env := map[string]string{"WISE_CLIENT_SECRET": wise.ClientSecret(), "WISE_USER_TOKEN": wise.UserToken(user)}
	args := append([]string{"-base-url", wise.URL(), "-client-id", wise.ClientID(), "-user", fmt.Sprint(int64(user))}, more...)
	err := run(ctx, args, func(name string) string { return env[name] }, &out)
	return out.String(), err
}

func state(t *testing.T, wise *usersecuritytest.Server) usersecuritytest.UserState {
	t.Helper()
	s, ok := wise.User(user)
	if !ok {
		t.Fatal("the user is gone")
	}
	return s
}

func TestAgainstASandbox(t *testing.T) {
	wise, _ := sandbox(t)
	before := state(t, wise)
	file := filepath.Join(t.TempDir(), "face")
	if err := os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString([]byte("a face map of FaceTec's"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := point(t.Context(), wise, "-face-map", file, "-profile", fmt.Sprint(int64(wise.Profile(user))))
	if err != nil || wise.Count(usersecurity.OpSCAEnrolFaceMap) != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = point(t.Context(), wise); err != nil || strings.Contains(out, "face map") {
		t.Errorf("without a face map: %v\n%s", err, out)
	}
	if after := state(t, wise); !reflect.DeepEqual(after, before) {
		t.Errorf("the user had %v, and has %v", before, after)
	}
}

func TestTheUsersOwnFactorsAreLeftAlone(t *testing.T) {
	own := map[string]func(context.Context, *usersecurity.Client) error{
		"a PIN": func(ctx context.Context, client *usersecurity.Client) error {
			pin, _ := usersecurity.NewPin("2580")
			return client.CreatePin(ctx, user, pin)
		},
		"a face map": func(ctx context.Context, client *usersecurity.Client) error {
			face, _ := usersecurity.NewFaceMap([]byte("the user's own"))
			return client.EnrolFaceMap(ctx, user, face)
		},
		"devices": func(ctx context.Context, client *usersecurity.Client) error {
			device, _ := usersecurity.NewFingerprint("the user's own")
			_, err := client.CreateDeviceFingerprint(ctx, user, device)
			return err
		},
	}
	file := filepath.Join(t.TempDir(), "face")
	if err := os.WriteFile(file, []byte("AAEC"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, enrol := range own {
		for _, version := range []string{"", "2026Q4"} {
			wise, client := sandbox(t)
			if err := enrol(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			before := state(t, wise)
			out, err := point(t.Context(), wise, "-face-map", file, "-version", version)
			if err == nil || !strings.Contains(err.Error(), "user 1001 has "+name+" already, and is left alone") {
				t.Errorf("%s: error %v\n%s", name, err, out)
			}
			if after := state(t, wise); !reflect.DeepEqual(after, before) {
				t.Errorf("%s: the user had %v, and has %v", name, before, after)
			}
		}
	}
}

func TestWhatWasCreatedIsRemovedAfterAFailure(t *testing.T) {
	for _, at := range []usersecurity.Operation{
		usersecurity.OpListDeviceFingerprints, usersecurity.OpCreateDeviceFingerprint, usersecurity.OpUpdatePhoneNumber,
		usersecurity.OpSCACreateDeviceFingerprint, usersecurity.OpSCAStartSession, usersecurity.OpOneTimeTokenStatus,
	} {
		wise, _ := sandbox(t)
		before := state(t, wise)
		wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Operation: at, Status: 403, Body: `{"errors":[{"code":"no"}]}`,
			Header: map[string][]string{"Content-Type": {"application/json"}}})
		out, err := point(t.Context(), wise)
		if err == nil || at != usersecurity.OpListDeviceFingerprints && !strings.Contains(out, "removed again: a PIN") {
			t.Errorf("%s: error %v\n%s", at, err, out)
		}
		if after := state(t, wise); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: the user had %v, and has %v", at, before, after)
		}
	}
}

// TestRemovedAfterAnInterrupt interrupts the quickstart while Wise is thinking.
func TestRemovedAfterAnInterrupt(t *testing.T) {
	wise, _ := sandbox(t)
	before := state(t, wise)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Operation: usersecurity.OpSCAStartSession, Status: 429, Header: map[string][]string{"Retry-After": {"20"}}})
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for wise.Count(usersecurity.OpSCAStartSession) == 0 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	out, err := point(ctx, wise)
	if err == nil || !strings.Contains(out, "removed again: a device") {
		t.Errorf("error %v\n%s", err, out)
	}
	if after := state(t, wise); !reflect.DeepEqual(after, before) {
		t.Errorf("the user had %v, and has %v", before, after)
	}
}

func TestAnUnknownOutcomeIsNotTakenForOurs(t *testing.T) {
	wise, _ := sandbox(t)
	wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Operation: usersecurity.OpCreatePin, Status: 500, After: true})
	_, err := point(t.Context(), wise)
	if err == nil || !strings.Contains(err.Error(), "nobody knows whether a PIN was created") || wise.Count(usersecurity.OpDeletePin) > 0 {
		t.Errorf("error %v, %d deletes", err, wise.Count(usersecurity.OpDeletePin))
	}
}
