package main

import (
	"fmt"
	"runtime"
	"time"
)

// contestant does a row's work in its own way, once per call.
type contestant struct {
	name string
	once func() error
}

// timedRow is a row whose contestants are timed against the first of them, the
// floor.
type timedRow struct {
	name  string
	about string
	// setup makes the contestants, and what is to be called when they are done.
	setup func() ([]contestant, func(), error)
}

func timed(r timedRow) row {
	return row{r.name, r.about, func(s settings) (table, error) {
		contestants, done, err := r.setup()
		if err != nil {
			return table{}, err
		}
		defer done()
		return compare(contestants, s)
	}}
}

// sample is what one contestant did in one round, per operation.
type sample struct{ ns, allocs, bytes float64 }

func (s sample) time() float64 { return s.ns }

// turns is how often each contestant comes in one round. Its best turn counts:
// the others were disturbed, by this machine's other business.
const turns = 5

// compare prints what measure brings. A ratio is taken within a round, where all
// contestants met the same machine.
func compare(contestants []contestant, s settings) (table, error) {
	samples, err := measure(contestants, s)
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "time/op", "over the floor", "rounds", "allocs/op", "bytes/op"}}
	for i, c := range contestants {
		line := []string{c.name, time.Duration(median(samples[i], sample.time)).String()}
		line = append(line, spanned("%.2f", over(samples[i], samples[0], sample.time))...)
		t.lines = append(t.lines, append(line,
			whole(median(samples[i], func(s sample) float64 { return s.allocs })),
			whole(median(samples[i], func(s sample) float64 { return s.bytes }))))
	}
	return t, nil
}

// measure runs the contestants in rounds, in alternating order, and returns
// what each did in each round.
func measure(contestants []contestant, s settings) ([][]sample, error) {
	counts := make([]int, len(contestants))
	for i, c := range contestants {
		n, err := calibrate(c.once, s.slice/turns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		counts[i] = n
	}
	samples := make([][]sample, len(contestants))
	for round := range s.rounds {
		for turn := range turns {
			for i := range contestants {
				if (round+turn)%2 == 1 {
					i = len(contestants) - 1 - i
				}
				got, err := take(contestants[i].once, counts[i])
				if err != nil {
					return nil, fmt.Errorf("%s: %w", contestants[i].name, err)
				}
				switch {
				case turn == 0:
					samples[i] = append(samples[i], got)
				case got.ns < samples[i][round].ns:
					samples[i][round] = got
				}
			}
		}
	}
	return samples, nil
}

// calibrate finds how often once can be called in a slice of time.
func calibrate(once func() error, slice time.Duration) (int, error) {
	if err := once(); err != nil { // what is done but once is no part of it
		return 0, err
	}
	for n := 1; ; n *= 2 {
		start := time.Now()
		for range n {
			if err := once(); err != nil {
				return 0, err
			}
		}
		if took := time.Since(start); took > slice/4 {
			return max(1, int(float64(n)*float64(slice)/float64(took))), nil
		}
	}
}

func take(once func() error, n int) (sample, error) {
	runtime.GC() // one contestant's garbage is not another's time
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if err := once(); err != nil {
			return sample{}, err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return sample{
		ns:     float64(took) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, nil
}
