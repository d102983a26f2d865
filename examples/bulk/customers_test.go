package main

import (
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

func TestReadCustomers(t *testing.T) {
	all, err := readCustomers(strings.NewReader("user,profile,pin\n1001,2001,0417\r\n\n1001,2002,7140\n"))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d customers, %v", len(all), err)
	}
	want, err := usersecurity.NewPin("7140")
	if err != nil {
		t.Fatal(err)
	}
	if c := all[1]; c.profile != (usersecurity.Profile{User: 1001, ID: 2002}) || !c.pin.Equal(want) {
		t.Errorf("the second is %+v", c)
	}
}

// A file with a mistake is refused as a whole, and nothing of it is repeated.
func TestMistakesInTheFile(t *testing.T) {
	const head = "user,profile,pin\n"
	for text, want := range map[string]string{
		"":                                       "must begin with the line",
		"1001,2001,0417\n":                       "must begin with the line",
		"pin,profile,user\n0417,2001,1001\n":     "must begin with the line",
		head + "1001,2001,0417\n1002,2002,417\n": "line 3",
		head + "1001,2001,0417\n\n1002,2002,071x\n": "line 4",
		head + "1001,2001\n":                        "line 2",
		head + "1001,2001,0417,0417\n":              "line 2",
		head + "1001,2001,\"0417\n":                 "line 2",
		head + "0,2001,0417\n":                      "line 2",
		head + "0417,x0417,0417\n":                  "line 2",
		head + "1001,-1,0417\n":                     "line 2",
		head + "1001,2001,0417\n1001,2001,7140\n":   "lines 2 and 3",
	} {
		all, err := readCustomers(strings.NewReader(text))
		if err == nil || all != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d customers, %v", text, len(all), err)
		}
		for _, secret := range []string{"0417", "7140", "417", "071"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error has %q: %v", secret, err)
			}
		}
	}
}
