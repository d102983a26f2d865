package main

import "strconv"

// growthTable is how calls per second and their times grow with the number of
// goroutines, once each of them has made its first calls.
func growthTable(s settings) (table, error) {
	p, err := newPoolServer(false)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	clients := []poolClient{floor, ours, {retryable, false}, {restyV3, false}, {azCore, false}, untouched}
	t := table{columns: []string{"goroutines", "", "calls/s", "of tuned", "runs", "p50 ms", "p99 ms", "runs", "dials", "failed"}}
	rates := panel{title: "Calls per second over TLS, HTTP/1.1", x: "goroutines", y: "calls per second", logX: true, logY: true}
	times := panel{title: "99 of 100 calls took at most", x: "goroutines", y: "milliseconds", logX: true, logY: true}
	rates.curves, times.curves = curvesOf(clients), curvesOf(clients)
	for goroutines := 1; goroutines <= 1024; goroutines *= 4 {
		l := load{Goroutines: goroutines, Warm: 3, Requests: max(8, min(80, 5120/goroutines)), Attempts: 4}
		samples, err := inRuns(p, min(s.runs, 3), clients, l, answersAll)
		if err != nil {
			return table{}, err
		}
		x := float64(goroutines)
		rates.marks, times.marks = append(rates.marks, x), append(times.marks, x)
		for i, c := range clients {
			rates.curves[i].add(x, median(samples[i], poolSample.rate))
			times.curves[i].add(x, median(samples[i], poolSample.slow))
			line := []string{strconv.Itoa(goroutines), c.label(), whole(median(samples[i], poolSample.rate))}
			line = append(line, spanned("%.2f", over(samples[i], samples[0], poolSample.rate))...)
			line = append(line, whole(median(samples[i], func(s poolSample) float64 { return s.P50 })))
			line = append(line, spannedOf("%.0f", samples[i], poolSample.slow)...)
			t.lines = append(t.lines, append(line, counts(samples[i])...))
		}
	}
	t.panels = []panel{rates, times}
	return t, nil
}
