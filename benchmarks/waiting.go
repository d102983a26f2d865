package main

import (
	"fmt"
	"strconv"
)

// waitingTable is how much memory a call holds while Wise thinks, with the
// connection that it waits on.
func waitingTable(s settings) (table, error) {
	p, err := newPoolServer(false)
	if err != nil {
		return table{}, err
	}
	defer p.close()
	clients := []poolClient{floor, ours}
	for _, name := range everyone[2:] {
		clients = append(clients, poolClient{name, true})
	}
	t := table{columns: []string{"waiting calls", "", "KiB a call", "runs", "over the floor"}}
	memory := panel{title: "Memory of a waiting call with its connection", x: "waiting calls", y: "KiB", logX: true, curves: curvesOf(clients)}
	for waiting := 16; waiting <= 1024; waiting *= 4 {
		l := load{Goroutines: waiting, Attempts: 4, Waiting: true}
		samples, err := inRuns(p, min(s.runs, 3), clients, l, func() *mood {
			m := answersAll()
			m.first, m.never = int64(waiting), true
			return m
		})
		if err != nil {
			return table{}, err
		}
		held := func(s poolSample) float64 { return s.Bytes / 1024 }
		memory.marks = append(memory.marks, float64(waiting))
		for i, c := range clients {
			memory.curves[i].add(float64(waiting), median(samples[i], held))
			line := append([]string{strconv.Itoa(waiting), c.label()}, spannedOf("%.1f", samples[i], held)...)
			t.lines = append(t.lines, append(line, fmt.Sprintf("%.2f", median(samples[i], held)/median(samples[0], held))))
		}
	}
	t.panels = []panel{memory}
	return t, nil
}
