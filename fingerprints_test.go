package usersecurity_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

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
