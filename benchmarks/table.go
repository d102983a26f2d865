package main

import (
	"fmt"
	"slices"
	"time"
)

// row is one thing that is measured.
type row struct {
	name  string
	about string
	// run measures the row and returns its table.
	run func(s settings) (table, error)
}

// settings are the flags.
type settings struct {
	rounds     int
	slice      time.Duration
	runs       int
	goroutines int
	requests   int
}

// table is what a row says: a heading, a line for each contestant, the floor
// first, and the curves that show the same.
type table struct {
	columns []string
	lines   [][]string
	panels  []panel
}

// panel is one field of the chart: curves over an x axis that has these marks.
type panel struct {
	title, x, y string
	marks       []float64
	logX, logY  bool
	curves      []curve
}

type curve struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

func (c *curve) add(x, y float64) { c.points = append(c.points, point{x, y}) }

// middle is the median of what is sorted.
func middle(sorted []float64) float64 {
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func median[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	slices.Sort(values)
	return middle(values)
}

// spanned is the median of the values and their span, as two cells of a table.
func spanned(format string, values []float64) []string {
	values = slices.Sorted(slices.Values(values))
	return []string{
		fmt.Sprintf(format, middle(values)),
		fmt.Sprintf(format+" to "+format, values[0], values[len(values)-1]),
	}
}

func spannedOf[T any](format string, all []T, of func(T) float64) []string {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	return spanned(format, values)
}

// over divides what each round brought by what the same round brought the floor.
func over[T any](samples, floor []T, of func(T) float64) []float64 {
	ratios := make([]float64, len(samples))
	for i := range samples {
		ratios[i] = of(samples[i]) / of(floor[i])
	}
	return ratios
}

func whole(v float64) string { return fmt.Sprintf("%.0f", v) }
