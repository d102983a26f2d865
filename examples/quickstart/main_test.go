package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQuickstart(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), nil, func(string) string { return "" }, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"set the PIN ", "the user already has a PIN (status 409",
		"register device 4 ", "the maximum number of device fingerprints",
		"delete device 3 of 3", "the phone number is in use already (status 422", "trace ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	for _, secret := range []string{"0417", "+65", "Bearer"} {
		if strings.Contains(out.String(), " "+secret) {
			t.Error("a secret was printed")
		}
	}
}

func TestAgainstWiseNeedsCredentials(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-base-url", "https://wise.example"}, func(string) string { return "" }, &out)
	if err == nil || !strings.Contains(err.Error(), "WithClientCredentials") {
		t.Errorf("error %v", err)
	}
}
