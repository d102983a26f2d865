package main

import (
	"testing"
)

// The same rows as go run . prints, one contestant after the other. Ratios
// taken from two benchmarks that ran minutes apart say less than its table.

func BenchmarkGet(b *testing.B)        { benchmark(b, getRow) }
func BenchmarkPost(b *testing.B)       { benchmark(b, postRow) }
func BenchmarkSeal(b *testing.B)       { benchmark(b, sealRow) }
func BenchmarkOpenDirect(b *testing.B) { benchmark(b, openDirectRow) }
func BenchmarkOpenRSA(b *testing.B)    { benchmark(b, openRSARow) }
func BenchmarkWholeCall(b *testing.B)  { benchmark(b, wholeCallRow) }
func BenchmarkUserTokens(b *testing.B) { benchmark(b, userTokensRow) }

func benchmark(b *testing.B, r timedRow) {
	contestants, done, err := r.setup()
	if err != nil {
		b.Fatal(err)
	}
	defer done()
	for _, c := range contestants {
		b.Run(c.name, func(b *testing.B) { loop(b, c.once) })
	}
}

func loop(b *testing.B, once func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := once(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFaceMap(b *testing.B) {
	defer ballast()()
	ways, err := faceMapWays(make([]byte, faceMapSize))
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(faceMapSize)
			loop(b, way.once)
		})
	}
}

func BenchmarkWrites(b *testing.B) {
	for b.Loop() {
		counts, err := writeCounts()
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range counts {
			if c.name == library {
				b.ReportMetric(c.count, "writes/POST")
			}
		}
	}
}

// BenchmarkPool starts a process with a pool of its own in every turn.
func BenchmarkPool(b *testing.B)        { benchmarkPool(b, answersAll, floor, ours, untouched) }
func BenchmarkPoolFailing(b *testing.B) { benchmarkPool(b, failsSome, floor, ours) }

func benchmarkPool(b *testing.B, now func() *mood, clients ...poolClient) {
	p, err := newPoolServer(false)
	if err != nil {
		b.Fatal(err)
	}
	defer p.close()
	for _, c := range clients {
		b.Run(c.label(), func(b *testing.B) {
			var perSecond, dials float64
			for b.Loop() {
				got, err := p.measure(load{Client: c.name, FloorsPool: c.floorsPool, Goroutines: 256, Requests: 40, Attempts: 2}, now())
				if err != nil {
					b.Fatal(err)
				}
				perSecond += got.PerSecond
				dials += got.dials
			}
			b.ReportMetric(perSecond/float64(b.N), "calls/s")
			b.ReportMetric(dials/float64(b.N), "dials")
		})
	}
}

func BenchmarkBinary(b *testing.B) {
	for b.Loop() {
		built, err := consumers("plain", "library")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(built[1].size)/float64(built[0].size), "over-net/http")
		b.ReportMetric(float64(len(built[1].modules)), "modules")
	}
}
