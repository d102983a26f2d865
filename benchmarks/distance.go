package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wise-partner/usersecurity"
)

// roundTrip is how far away the server of the row cold is.
const roundTrip = 20 * time.Millisecond

// distance is a network in memory in which everything takes half a round trip to arrive,
// and a connection a whole one to be made. It is the listener at its far end.
type distance struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
	dials    atomic.Int64
	carriers sync.WaitGroup
}

func newDistance() *distance {
	return &distance{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next connection that has arrived.
func (d *distance) Accept() (net.Conn, error) {
	select {
	case conn := <-d.arriving:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listening. Connections that are there stay.
func (d *distance) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// Addr is one that a client takes for this machine's.
func (d *distance) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (d *distance) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d.dials.Add(1)
	client, near := net.Pipe()
	far, server := net.Pipe()
	select {
	case <-time.After(roundTrip):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case d.arriving <- server:
	case <-d.closed:
		return nil, net.ErrClosed
	}
	d.carriers.Go(func() { carry(near, far) })
	d.carriers.Go(func() { carry(far, near) })
	return client, nil
}

// transport is the library's own, over this network, that trusts whom trusting does.
func (d *distance) transport(trusting *http.Client) *http.Transport {
	t := usersecurity.NewTransport()
	t.DialContext = d.dial
	t.TLSClientConfig.RootCAs = trusting.Transport.(*http.Transport).TLSClientConfig.RootCAs
	return t
}

type parcel struct {
	due  time.Time
	data []byte
}

// carry takes what comes out of one end to the other, each part after half a round trip,
// until one of them is closed.
func carry(from, to net.Conn) {
	under := make(chan parcel, 1024) // way
	go func() {
		defer close(under)
		for {
			data := make([]byte, 32<<10)
			n, err := from.Read(data)
			if err != nil {
				return
			}
			under <- parcel{time.Now().Add(roundTrip / 2), data[:n]}
		}
	}()
	for p := range under {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			_ = from.Close()
		}
	}
	_ = to.Close()
}
