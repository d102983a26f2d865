package main

import (
	"testing"
	"testing/synctest"
)

// On a clock that only waits move on, how long a call takes is how many round trips it
// has waited for: two for TCP and TLS, and one for each request that had to be answered
// before the next could be sent.
func TestRoundTripsOfTheFirstCall(t *testing.T) {
	want := map[firstCall][2]int{ // round trips, requests
		firstCalls[0]: {6, 4}, // TCP, TLS, the customer's token, the application's token, the key, the call
		firstCalls[1]: {5, 4}, // the customer's token beside the application's
		firstCalls[2]: {2, 2}, // the customer's token, the call
		firstCalls[3]: {1, 1},
	}
	synctest.Test(t, func(t *testing.T) {
		f, err := newFar()
		if err != nil {
			t.Fatal(err)
		}
		defer f.close()
		for _, c := range firstCalls {
			got, err := f.take(c)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			t.Logf("%s: %d round trips, %d requests, %d dials", c.name, got.roundTrips(), got.requests, got.dials)
			if got.took%roundTrip != 0 {
				t.Errorf("%s: %s is no number of round trips of %s", c.name, got.took, roundTrip)
			}
			if now := [2]int{got.roundTrips(), got.requests}; now != want[c] {
				t.Errorf("%s: %d round trips and requests, want %d", c.name, now, want[c])
			}
		}
	})
}
