package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// Each goroutine makes a sealed call every two seconds, which leaves most of the
// machine idle: what is seen is the wait for the new key, not the queue for a core.
const (
	rotationPace   = 2 * time.Second
	rotationWindow = 4 * time.Second // before and after the rotation
)

// sealedTime is when a call began, and how long it took.
type sealedTime struct {
	begun time.Time
	took  time.Duration
}

// rotationTable gives Wise a new key while sealed calls are under way.
func rotationTable(s settings) (table, error) {
	wise := usersecuritytest.NewServer(usersecuritytest.WithTLS(), usersecuritytest.WithLatency(10*time.Millisecond),
		usersecuritytest.WithFingerprintLimit(1_000_000), usersecuritytest.WithRecordLimit(1))
	defer wise.Close()
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		return table{}, err
	}
	for g := range s.goroutines {
		wise.AddUser(usersecurity.UserID(1 + g))
	}
	if _, _, err := sealedCalls(client, s.goroutines, rotationPace); err != nil { // connections, tokens, the first key
		return table{}, err
	}
	t := table{columns: []string{"rotation", "calls", "failed", "key requests", "p50 ms before", "p99 ms before", "p50 ms in the second after", "p99 ms in the second after", "p99 after over before"}}
	for run := range min(s.runs, 3) {
		keys := wise.Count(usersecurity.OpFetchWiseKey)
		var rotated time.Time
		time.AfterFunc(rotationWindow, func() {
			rotated = time.Now()
			wise.RotateKey()
		})
		times, failed, err := sealedCalls(client, s.goroutines, 2*rotationWindow)
		if err != nil {
			return table{}, fmt.Errorf("%d calls failed: %w", failed, err)
		}
		p50, p99 := percentiles(times, rotated.Add(-rotationWindow), rotated.Add(-100*time.Millisecond))
		p50After, p99After := percentiles(times, rotated.Add(-10*time.Millisecond), rotated.Add(time.Second))
		t.lines = append(t.lines, []string{strconv.Itoa(run + 1), strconv.Itoa(len(times)), strconv.Itoa(failed),
			strconv.Itoa(wise.Count(usersecurity.OpFetchWiseKey) - keys), whole(p50), whole(p99), whole(p50After), whole(p99After),
			fmt.Sprintf("%.1f", p99After/p99)})
	}
	return t, nil
}

// sealedCalls makes sealed calls for so long, spread evenly. err is the last
// failure.
func sealedCalls(client *usersecurity.Client, goroutines int, long time.Duration) (all []sealedTime, failed int, err error) {
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	end := time.Now().Add(long)
	for g := range goroutines {
		wg.Go(func() {
			time.Sleep(rotationPace * time.Duration(g) / time.Duration(goroutines))
			for n := 0; time.Now().Before(end); n++ {
				begun := time.Now()
				callErr := createFingerprint(client, g, begun)
				took := time.Since(begun)
				mu.Lock()
				all = append(all, sealedTime{begun, took})
				if callErr != nil {
					failed, err = failed+1, callErr
				}
				mu.Unlock()
				time.Sleep(rotationPace - took)
			}
		})
	}
	wg.Wait()
	return all, failed, err
}

func createFingerprint(client *usersecurity.Client, g int, now time.Time) error {
	fingerprint, err := usersecurity.NewFingerprint(fmt.Sprintf("a device of customer %d at %d", g, now.UnixNano()))
	if err != nil {
		return err
	}
	_, err = client.CreateDeviceFingerprint(context.Background(), usersecurity.UserID(1+g), fingerprint)
	return err
}

// percentiles of the calls that began between two moments, in milliseconds.
func percentiles(times []sealedTime, from, to time.Time) (p50, p99 float64) {
	var took []time.Duration
	for _, t := range times {
		if !t.begun.Before(from) && t.begun.Before(to) {
			took = append(took, t.took)
		}
	}
	slices.Sort(took)
	at := func(percent int) float64 { return took[(len(took)-1)*percent/100].Seconds() * 1000 }
	return at(50), at(99)
}
