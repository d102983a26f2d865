package main

// poolClient is one of everyone with the pool that it has by itself, or with the
// floor's.
type poolClient struct {
	name       string
	floorsPool bool
}

var (
	floor     = poolClient{byHand, true}
	ours      = poolClient{library, false}
	untouched = poolClient{byHand, false} // http.DefaultTransport as it is
)

func (c poolClient) pool() string {
	switch {
	case c == floor:
		return "tuned"
	case c.floorsPool:
		return "the floor's"
	}
	return "its own"
}

// label names a client where no column does it for the pool.
func (c poolClient) label() string {
	switch c {
	case floor:
		return "net/http, tuned"
	case untouched:
		return "http.DefaultTransport"
	}
	return c.name
}

// everyPool is everyone, with both pools.
func everyPool() []poolClient {
	clients := []poolClient{floor, ours, untouched}
	for _, name := range everyone[2:] {
		clients = append(clients, poolClient{name, false}, poolClient{name, true})
	}
	return clients
}

// inRuns runs each client as often as the settings say, in alternating order.
func inRuns(p *poolServer, runs int, clients []poolClient, l load, now func() *mood) ([][]poolSample, error) {
	samples := make([][]poolSample, len(clients))
	for run := range runs {
		for i := range clients {
			if run%2 == 1 {
				i = len(clients) - 1 - i
			}
			l.Client, l.FloorsPool = clients[i].name, clients[i].floorsPool
			got, err := p.measure(l, now())
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], got)
		}
	}
	return samples, nil
}

func poolTable(s settings, h2 bool) (table, error) {
	p, err := newPoolServer(h2)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	clients := everyPool()
	samples, err := inRuns(p, s.runs, clients, load{Goroutines: s.goroutines, Requests: s.requests, Attempts: 4}, answersAll)
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "pool", "calls/s", "of tuned", "runs", "p50 ms", "p99 ms", "dials", "failed"}}
	for i, c := range clients {
		line := []string{c.name, c.pool(), whole(median(samples[i], poolSample.rate))}
		line = append(line, spanned("%.2f", over(samples[i], samples[0], poolSample.rate))...)
		line = append(line, whole(median(samples[i], func(s poolSample) float64 { return s.P50 })), whole(median(samples[i], poolSample.slow)))
		t.lines = append(t.lines, append(line, counts(samples[i])...))
	}
	return t, nil
}

// repeating are the clients that repeat, and whose waits between attempts can be
// set: stripe-go waits half a second at least, and go-github doesn't repeat.
func repeating(floorsPool bool) []poolClient {
	clients := []poolClient{floor, ours}
	for _, name := range []string{retryable, restyV3, azCore, openAIGo} {
		clients = append(clients, poolClient{name, floorsPool})
	}
	return clients
}

func poolFailingTable(s settings) (table, error) {
	p, err := newPoolServer(false)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	clients := repeating(true)
	l := load{Goroutines: s.goroutines, Requests: s.requests, Attempts: 2}
	well, err := inRuns(p, s.runs, clients, l, answersAll)
	if err != nil {
		return table{}, err
	}
	ill, err := inRuns(p, s.runs, clients, l, failsSome)
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "pool", "calls/s", "of tuned", "runs", "dials", "failed besides", "dials without failures", "over those", "runs"}}
	dials := func(s poolSample) float64 { return s.dials }
	for i, c := range clients {
		line := []string{c.name, c.pool(), whole(median(ill[i], poolSample.rate))}
		line = append(line, spanned("%.2f", over(ill[i], ill[0], poolSample.rate))...)
		line = append(append(line, counts(ill[i])...), whole(median(well[i], dials)))
		t.lines = append(t.lines, append(line, spanned("%.2f", over(ill[i], well[i], dials))...))
	}
	return t, nil
}

// curvesOf begins a curve for each client.
func curvesOf(clients []poolClient) []curve {
	curves := make([]curve, len(clients))
	for i, c := range clients {
		curves[i].name = c.label()
	}
	return curves
}
