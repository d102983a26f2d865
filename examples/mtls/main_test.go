package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wise-partner/usersecurity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMTLS(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if got := strings.Count(out.String(), `certificate "acme-bank, 2026"`); got != 1 {
		t.Errorf("the first certificate was seen %d times:\n%s", got, out.String())
	}
	if got := strings.Count(out.String(), `certificate "acme-bank, 2027"`); got != 2 {
		t.Errorf("the second certificate was seen %d times:\n%s", got, out.String())
	}
	if !strings.Contains(out.String(), "With the first one again: ") {
		t.Errorf("the output:\n%s", out.String())
	}
}

// TestNoOtherClientIsTaken sees that the server isn't content with less.
func TestNoOtherClientIsTaken(t *testing.T) {
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	wise, err := startWise(ca)
	if err != nil {
		t.Fatal(err)
	}
	defer wise.close()
	stranger, err := other.issue("acme-bank, 2026")
	if err != nil {
		t.Fatal(err)
	}
	var unknown, none rotating
	unknown.Store(stranger)
	for name, certificate := range map[string]*rotating{"a stranger's": &unknown, "none": &none} {
		client, err := newClient(wise, ca, certificate)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.ListPhoneNumbers(t.Context(), customer, usersecurity.WithMaxAttempts(1)); err == nil || wise.seen() != "" {
			t.Errorf("%s: error %v, Wise has seen %q", name, err, wise.seen())
		}
		client.CloseIdleConnections()
	}
}
