package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// TestPageNamesTheSuccessors holds the page's table against what the client says of
// an operation that a calendar version doesn't have.
func TestPageNamesTheSuccessors(t *testing.T) {
	page, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	client, err := usersecurity.New(append(wise.Options(), usersecurity.WithVersion(version))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	said := whatTheClientSays(t, client)
	for _, op := range ended {
		text := said[op]
		_, instead, _ := strings.Cut(text, "in its place comes ")
		instead, _, _ = strings.Cut(instead, " (")
		var named []string
		for name := range strings.SplitSeq(instead, ", then ") {
			named = append(named, strings.TrimSpace(name))
		}
		if !hasRow(string(page), "| `"+string(op)+"` | ", named) {
			t.Errorf("the page's row of %s doesn't name %q", op, named)
		}
		if rest := string(page); strings.Count(rest, string(op)) < 2 && !strings.HasPrefix(string(op), "OneTimeTokens.") {
			t.Errorf("%s isn't among what to watch", op)
		}
	}
}

func hasRow(page, begin string, names []string) bool {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, begin) {
			continue
		}
		for _, name := range names {
			if name == "" || !strings.Contains(line, name) {
				return false
			}
		}
		return true
	}
	return false
}

// whatTheClientSays calls every operation that has ended.
func whatTheClientSays(t *testing.T, client *usersecurity.Client) map[usersecurity.Operation]string {
	t.Helper()
	ctx, c := t.Context(), &customer{user: 1001}
	face, err := usersecurity.NewFaceMap([]byte("a face map"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := usersecurity.NewOneTimeToken(uuid.NewString())
	if err != nil {
		t.Fatal(err)
	}
	_, createDevice := client.CreateDeviceFingerprint(ctx, c.user, deviceOf(c, "phone"))
	_, listDevices := client.ListDeviceFingerprints(ctx, c.user)
	_, listPhones := client.ListPhoneNumbers(ctx, c.user)
	_, updatePhone := client.UpdatePhoneNumber(ctx, c.user, 1, "+6588880001")
	_, verifyPin := client.OneTimeTokens.VerifyPin(ctx, c.user, token, pinOf(c))
	_, verifyDevice := client.OneTimeTokens.VerifyDeviceFingerprint(ctx, c.user, token, deviceOf(c, "phone"))
	_, verifyFace := client.OneTimeTokens.VerifyFaceMap(ctx, c.user, token, face)
	said := map[usersecurity.Operation]string{}
	for op, err := range map[usersecurity.Operation]error{
		usersecurity.OpCreatePin:                           client.CreatePin(ctx, c.user, pinOf(c)),
		usersecurity.OpDeletePin:                           client.DeletePin(ctx, c.user),
		usersecurity.OpEnrolFaceMap:                        client.EnrolFaceMap(ctx, c.user, face),
		usersecurity.OpDeleteFaceMap:                       client.DeleteFaceMap(ctx, c.user),
		usersecurity.OpCreateDeviceFingerprint:             createDevice,
		usersecurity.OpListDeviceFingerprints:              listDevices,
		usersecurity.OpDeleteDeviceFingerprint:             client.DeleteDeviceFingerprint(ctx, c.user, uuid.New()),
		usersecurity.OpListPhoneNumbers:                    listPhones,
		usersecurity.OpUpdatePhoneNumber:                   updatePhone,
		usersecurity.OpOneTimeTokenVerifyPin:               verifyPin,
		usersecurity.OpOneTimeTokenVerifyDeviceFingerprint: verifyDevice,
		usersecurity.OpOneTimeTokenVerifyFaceMap:           verifyFace,
	} {
		if !errors.Is(err, usersecurity.ErrNotInVersion) {
			t.Fatalf("%s: %v", op, err)
		}
		said[op] = err.Error()
	}
	return said
}
