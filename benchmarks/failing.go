package main

import "strconv"

// failingTable is what failing attempts cost. Each of them is repeated after a
// millisecond, and all calls succeed.
func failingTable(s settings) (table, error) {
	p, err := newPoolServer(false)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	clients := repeating(true)
	t := table{columns: []string{"attempts that fail", "", "calls/s", "of tuned", "runs", "p99 ms", "dials", "failed"}}
	rates := panel{title: "Calls per second while attempts fail, 256 goroutines", x: "% of attempts that fail", y: "calls per second", curves: curvesOf(clients)}
	for _, percent := range []int64{0, 10, 50} {
		l := load{Goroutines: s.goroutines, Warm: 1, Requests: s.requests, Attempts: 2}
		samples, err := inRuns(p, s.runs, clients, l, func() *mood { return failsFirst(percent) })
		if err != nil {
			return table{}, err
		}
		rates.marks = append(rates.marks, float64(percent))
		for i, c := range clients {
			rate := median(samples[i], poolSample.rate)
			rates.curves[i].add(float64(percent), rate)
			line := []string{strconv.FormatInt(percent, 10) + "%", c.label(), whole(rate)}
			line = append(line, spanned("%.2f", over(samples[i], samples[0], poolSample.rate))...)
			line = append(line, whole(median(samples[i], poolSample.slow)))
			t.lines = append(t.lines, append(line, counts(samples[i])...))
		}
	}
	t.panels = []panel{rates}
	return t, nil
}
