package main

import (
	"strings"
	"testing"
)

func TestChallenge(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{
		"the statement: 403", "the customer types the PIN", "the customer's app names the device",
		"the statement, with the cleared token: 200", "the code sent to *", "by way of ChallengeTransport: 200",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it doesn't say %q:\n%s", want, out.String())
		}
	}
}
