package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"

	"github.com/wise-partner/usersecurity"
)

const (
	faceMapSize = 300 << 10
	asBytes     = byHand + ", json.Marshal of the bytes"
	asText      = byHand + ", json.Marshal of base64 text"
)

// faceMapWays send a face map, from its raw bytes to the last byte that the
// transport reads.
func faceMapWays(raw []byte) ([]contestant, error) {
	callers, err := stubCallers(emptyAnswer)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	type body struct {
		FaceMap []byte `json:"faceMap"`
	}
	ways := []contestant{
		{library, func() error {
			faceMap, err := usersecurity.NewFaceMap(raw)
			if err != nil {
				return err
			}
			return callers[library].enrol(ctx, faceMap)
		}},
		{asBytes, func() error { return callers[byHand].enrol(ctx, body{raw}) }},
		{asText, func() error {
			text := base64.StdEncoding.EncodeToString(raw)
			return callers[byHand].enrol(ctx, map[string]string{"faceMap": text})
		}},
	}
	for _, name := range everyone[2:] {
		ways = append(ways, contestant{name, func() error { return callers[name].enrol(ctx, body{raw}) }})
	}
	return ways, nil
}

// bytesOver is how many bytes once allocates, over the size of the payload.
func bytesOver(once func() error, times, payload int) (float64, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if err := once(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(times) / float64(payload), nil
}

// ballast keeps the collector from emptying encoding/json's pool of buffers
// every few face maps, as the heap of a real program would.
func ballast() func() {
	b := make([]byte, 64<<20)
	return func() { runtime.KeepAlive(b) }
}

func faceMapTable(s settings) (table, error) {
	defer ballast()()
	ways, err := faceMapWays(make([]byte, faceMapSize))
	if err != nil {
		return table{}, err
	}
	samples := make([][]float64, len(ways))
	for round := range s.rounds {
		for i := range ways {
			if round%2 == 1 {
				i = len(ways) - 1 - i
			}
			over, err := bytesOver(ways[i].once, 50, faceMapSize)
			if err != nil {
				return table{}, fmt.Errorf("%s: %w", ways[i].name, err)
			}
			samples[i] = append(samples[i], over)
		}
	}
	t := table{columns: []string{"", "bytes over the payload", "rounds"}}
	for i, way := range ways {
		t.lines = append(t.lines, append([]string{way.name}, spanned("%.2f", samples[i])...))
	}
	return t, nil
}

// faceMapGrowth are the face maps from 1 KiB to 1 MiB, sent by the library and
// by hand.
func faceMapGrowth(s settings) (table, error) {
	defer ballast()()
	bytes := panel{title: "Bytes allocated to send a face map, over its size", x: "KiB", y: "times its size", logX: true}
	t := table{columns: []string{"KiB", "", "µs", "over by hand", "rounds", "bytes over the payload", "allocs"}}
	s.rounds = min(s.rounds, 4)
	for size := 1; size <= 1024; size *= 4 {
		payload := float64(size << 10)
		ways, err := faceMapWays(make([]byte, size<<10))
		if err != nil {
			return table{}, err
		}
		ways = ways[:3]
		samples, err := measure(ways, s)
		if err != nil {
			return table{}, err
		}
		bytes.marks = append(bytes.marks, float64(size))
		for i, way := range ways {
			allocated := median(samples[i], func(s sample) float64 { return s.bytes / payload })
			if len(bytes.curves) < len(ways) {
				bytes.curves = append(bytes.curves, curve{name: way.name})
			}
			bytes.curves[i].add(float64(size), allocated)
			line := []string{strconv.Itoa(size), way.name, fmt.Sprintf("%.1f", median(samples[i], sample.time)/1000)}
			line = append(line, spanned("%.2f", over(samples[i], samples[1], sample.time))...)
			t.lines = append(t.lines, append(line, fmt.Sprintf("%.2f", allocated),
				whole(median(samples[i], func(s sample) float64 { return s.allocs }))))
		}
	}
	t.panels = []panel{bytes}
	return t, nil
}
