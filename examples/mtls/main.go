// Mtls calls Wise with a client certificate that is replaced while the program runs:
//
//	go run ./examples/mtls
//
// Wise is a simulator behind a TLS server that takes no other clients, and the
// certificates come from an authority that lives as long as the program: nothing is
// on disk. In production the address is usersecurity.ProductionMTLS, the certificate
// is one that Wise knows (it takes up to ten at a time, each for a year), and RootCAs
// is left alone.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/wise-partner/usersecurity"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mtls:", err)
		os.Exit(1)
	}
}

// rotating is the certificate that the next handshake presents. Whatever brings a new
// one (a file that is watched, a secret manager, a mesh) calls Store.
type rotating struct {
	atomic.Pointer[tls.Certificate]
}

// present is what TLS asks at every handshake.
func (r *rotating) present(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if cert := r.Load(); cert != nil {
		return cert, nil
	}
	return nil, errors.New("there is no client certificate yet")
}

// newClient makes a client that presents whatever certificate is there.
func newClient(wise *wise, ca *authority, certificate *rotating) (*usersecurity.Client, error) {
	transport := usersecurity.NewTransport()
	transport.TLSClientConfig.GetClientCertificate = certificate.present
	transport.TLSClientConfig.RootCAs = ca.pool // for a server of the example's own only
	// Through the proxy that HTTPS_PROXY names, with mutual TLS to Wise inside the tunnel:
	// transport.Proxy = http.ProxyFromEnvironment
	return usersecurity.New(append(wise.simulator.Options(),
		usersecurity.WithBaseURL(wise.url),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}))...)
}

func run(ctx context.Context, out io.Writer) error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	wise, err := startWise(ca)
	if err != nil {
		return err
	}
	defer wise.close()

	var certificate rotating
	client, err := newClient(wise, ca, &certificate)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	first, err := ca.issue("acme-bank, 2026")
	if err != nil {
		return err
	}
	certificate.Store(first)
	if err := call(ctx, client, wise, out); err != nil {
		return err
	}

	second, err := ca.issue("acme-bank, 2027")
	if err != nil {
		return err
	}
	certificate.Store(second)
	// A connection goes on with the certificate that it began with, and one that is in
	// use isn't closed here: let both certificates be valid for a while, and do this
	// again when there is less to do. A service that is never idle makes another client
	// instead, and closes what the old one has when its last call is done.
	client.CloseIdleConnections()
	if err := call(ctx, client, wise, out); err != nil {
		return err
	}

	wise.revoke(first)
	fmt.Fprintln(out, "Wise takes the first certificate no more.")
	if err := call(ctx, client, wise, out); err != nil {
		return err
	}

	// What it looks like if nobody had replaced it.
	certificate.Store(first)
	client.CloseIdleConnections()
	_, err = client.ListPhoneNumbers(ctx, customer)
	if !errors.Is(err, usersecurity.ErrTransport) {
		return fmt.Errorf("a certificate that was revoked should be refused: %w", err)
	}
	fmt.Fprintln(out, "With the first one again:", err)
	return nil
}

// call makes a call, and tells which certificate Wise has seen.
func call(ctx context.Context, client *usersecurity.Client, wise *wise, out io.Writer) error {
	if err := client.VerifyJWE(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "A call was made. Wise has seen the certificate %q.\n", wise.seen())
	return nil
}
