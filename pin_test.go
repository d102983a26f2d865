package usersecurity_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/wise-partner/usersecurity"
)

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
