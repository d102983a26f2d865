package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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

// unknownReader is a body that net/http doesn't know to be in memory.
type unknownReader struct{ io.Reader }

// writeCounts counts the writes of one POST, for each way to send one.
func writeCounts() ([]contestantCount, error) {
	s, err := serve(nil, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	transport := newWriteCounter()
	defer transport.CloseIdleConnections()
	ways, err := waysToPost(s.url, transport)
	if err != nil {
		return nil, err
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

// waysToPost are everyone's, the library's sealed ones, and a reader that
// net/http doesn't know.
func waysToPost(base string, transport http.RoundTripper) ([]contestant, error) {
	wise := newKey()
	client, err := stubClient(transport, usersecurity.WithBaseURL(base),
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
	ctx := context.Background()
	ways := []contestant{
		{library + ", CreatePin", func() error { return client.CreatePin(ctx, user, pin) }},
		{library + ", CreateDeviceFingerprint", sealedCallOfLibrary(client)},
		{byHand + ", a reader of one's own", func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+enrolPath, unknownReader{strings.NewReader(smallFaceMap)})
			if err != nil {
				return err
			}
			req.ContentLength = int64(len(smallFaceMap))
			resp, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				return err
			}
			return readNothing(resp)
		}},
	}
	for _, name := range everyone {
		c, err := newCaller(name, wanted{base: base, transport: transport, attempts: 4, wait: shortWait})
		if err != nil {
			return nil, err
		}
		body := any(json.RawMessage(smallFaceMap))
		if name == library {
			body = faceMap
		}
		ways = append(ways, contestant{name, func() error { return c.enrol(ctx, body) }})
	}
	return ways, nil
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
