package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"

	"github.com/wise-partner/usersecurity"
)

// writeCounter is a transport that counts the writes to its sockets.
type writeCounter struct {
	http.Transport
	writes atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func newWriteCounter() *writeCounter {
	t := &writeCounter{}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return countingConn{conn, &t.writes}, err
	}
	return t
}

const libraryCreatePin = library + ", CreatePin"

// unknownReader is a body that net/http doesn't know to be in memory.
type unknownReader struct{ io.Reader }

// writeCounts counts the writes of one POST, for each way to send one.
func writeCounts() ([]contestantCount, error) {
	wise := newKey()
	s, err := serve(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == fingerprintPath {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, fingerprintReply)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	if err != nil {
		return nil, err
	}
	defer s.close()
	ctx := context.Background()
	transport := newWriteCounter()
	defer transport.CloseIdleConnections()
	client, err := usersecurity.New(
		usersecurity.WithBaseURL(s.url),
		usersecurity.WithUserTokens(usersecurity.ForUser(user, usersecurity.StaticToken(token))),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
		usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&wise.PublicKey))))
	if err != nil {
		return nil, err
	}
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		return nil, err
	}
	faceMap, err := usersecurity.NewFaceMap([]byte{0, 1, 2})
	if err != nil {
		return nil, err
	}
	byHand := &http.Client{Transport: transport}
	bare := bareRunner(transport)
	ways := []contestant{
		{"net/http by hand", func() error { return enrolByHand(ctx, byHand, s.url, []byte(smallFaceMap)) }},
		{libraryCreatePin, func() error { return client.CreatePin(ctx, user, pin) }},
		{library + ", CreateDeviceFingerprint", sealedCallOfLibrary(client)},
		{library + ", EnrolFaceMap", func() error { return client.EnrolFaceMap(ctx, user, faceMap) }},
		{"go-retryablehttp", func() error { return enrolBare(ctx, bare, s.url, []byte(smallFaceMap)) }},
		{"net/http, a reader of one's own", func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+enrolPath, unknownReader{bytes.NewReader([]byte(smallFaceMap))})
			if err != nil {
				return err
			}
			req.ContentLength = int64(len(smallFaceMap))
			resp, err := byHand.Do(req)
			if err != nil {
				return err
			}
			return readNothing(resp)
		}},
	}
	const times = 20
	var counts []contestantCount
	for _, way := range ways {
		before := transport.writes.Load()
		for range times {
			if err := way.once(); err != nil {
				return nil, fmt.Errorf("%s: %w", way.name, err)
			}
		}
		counts = append(counts, contestantCount{way.name, float64(transport.writes.Load()-before) / times})
	}
	return counts, nil
}

type contestantCount struct {
	name  string
	count float64
}

func writesTable(settings) (table, error) {
	counts, err := writeCounts()
	if err != nil {
		return table{}, err
	}
	t := table{columns: []string{"", "writes"}}
	for _, c := range counts {
		t.lines = append(t.lines, []string{c.name, fmt.Sprintf("%.2f", c.count)})
	}
	return t, nil
}

const faceMapSize = 300 << 10

// faceMapWays send a face map of 300 KiB, from its raw bytes to the last byte
// that the transport reads.
func faceMapWays() ([]contestant, error) {
	client, err := stubClient(emptyAnswer)
	if err != nil {
		return nil, err
	}
	byHand := &http.Client{Transport: emptyAnswer}
	ctx := context.Background()
	raw := make([]byte, faceMapSize)
	type body struct {
		FaceMap []byte `json:"faceMap"`
	}
	return []contestant{
		{library, func() error {
			faceMap, err := usersecurity.NewFaceMap(raw)
			if err != nil {
				return err
			}
			return client.EnrolFaceMap(ctx, user, faceMap)
		}},
		{"base64 text, json.Marshal, []byte body", func() error {
			text, err := json.Marshal(struct {
				FaceMap string `json:"faceMap"`
			}{base64.StdEncoding.EncodeToString(raw)})
			if err != nil {
				return err
			}
			return enrolByHand(ctx, byHand, usersecurity.Production, text)
		}},
		{"json.Marshal, []byte body", func() error {
			text, err := json.Marshal(body{raw})
			if err != nil {
				return err
			}
			return enrolByHand(ctx, byHand, usersecurity.Production, text)
		}},
		{"json.Encoder, bytes.Buffer", func() error {
			var buffer bytes.Buffer
			if err := json.NewEncoder(&buffer).Encode(body{raw}); err != nil {
				return err
			}
			return enrolByHand(ctx, byHand, usersecurity.Production, buffer.Bytes())
		}},
	}, nil
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
	ways, err := faceMapWays()
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
	t := table{columns: []string{"", "bytes over the payload"}}
	for i, way := range ways {
		t.lines = append(t.lines, []string{way.name, fmt.Sprintf("%.2f", median(samples[i], func(v float64) float64 { return v }))})
	}
	return t, nil
}
