package usersecurity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(name string) *authority {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key))
	return &authority{key: key, cert: must(x509.ParseCertificate(der))}
}

// signs makes a certificate for the loopback address, as change changes it.
func (a *authority) signs(change func(*x509.Certificate)) tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "one of them"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	if change != nil {
		change(cert)
	}
	der := must(x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// certificateFailures are the ways in which certificates fail, and the words that
// tell them apart.
var certificateFailures = []struct {
	name   string
	server func(known, unknown *authority) *tls.Config
	client func(known, unknown *authority) *tls.Config // besides the authority that it trusts
	says   string
}{
	{
		name:   "an authority that nobody knows",
		server: func(_, unknown *authority) *tls.Config { return serving(unknown.signs(nil)) },
		says:   "the server's certificate is signed by an unknown authority",
	},
	{
		name: "expired",
		server: func(known, _ *authority) *tls.Config {
			return serving(known.signs(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }))
		},
		says: "the server's certificate has expired or is not yet valid",
	},
	{
		name: "not yet valid",
		server: func(known, _ *authority) *tls.Config {
			return serving(known.signs(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }))
		},
		says: "the server's certificate has expired or is not yet valid",
	},
	{
		name: "for another host",
		server: func(known, _ *authority) *tls.Config {
			return serving(known.signs(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"wise.example"} }))
		},
		says: "the server's certificate is for another host",
	},
	{
		name: "for clients alone",
		server: func(known, _ *authority) *tls.Config {
			return serving(known.signs(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
		},
		says: "the server's certificate is not trusted",
	},
	{
		name:   "a client's wanted, TLS 1.3",
		server: func(known, _ *authority) *tls.Config { return asking(serving(known.signs(nil)), known) },
		says:   "the server wants a client certificate",
	},
	{
		name: "a client's wanted, TLS 1.2",
		server: func(known, _ *authority) *tls.Config {
			config := asking(serving(known.signs(nil)), known)
			config.MaxVersion = tls.VersionTLS12
			return config
		},
		says: "the server refuses the TLS handshake, perhaps for want of a client certificate",
	},
	{
		name:   "a client's refused, TLS 1.3",
		server: func(known, _ *authority) *tls.Config { return asking(serving(known.signs(nil)), known) },
		client: func(_, unknown *authority) *tls.Config { return presenting(unknown.signs(nil)) },
		says:   "the server doesn't know the authority of the client's certificate",
	},
	{
		name: "a client's refused, TLS 1.2",
		server: func(known, _ *authority) *tls.Config {
			config := asking(serving(known.signs(nil)), known)
			config.MaxVersion = tls.VersionTLS12
			return config
		},
		client: func(_, unknown *authority) *tls.Config { return presenting(unknown.signs(nil)) },
		says:   "the server doesn't know the authority of the client's certificate",
	},
	{
		name:   "a client's expired",
		server: func(known, _ *authority) *tls.Config { return asking(serving(known.signs(nil)), known) },
		client: func(known, _ *authority) *tls.Config {
			return presenting(known.signs(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }))
		},
		says: "the server says that the client's certificate has expired",
	},
}

func serving(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}

// asking makes a server want certificates that ca has signed.
func asking(config *tls.Config, ca *authority) *tls.Config {
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	return config
}

// presenting shows a certificate, whoever the server says that it trusts.
func presenting(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	}
}

// trustingTransport is one of the library's own kind that trusts ca.
func trustingTransport(ca *authority, config *tls.Config) *http.Transport {
	transport := usersecurity.NewTransport()
	if config != nil {
		transport.TLSClientConfig = config
	}
	transport.TLSClientConfig.RootCAs = ca.pool()
	return transport
}

// clientThrough is a client whose requests go through the transport.
func clientThrough(t *testing.T, base string, transport http.RoundTripper) *usersecurity.Client {
	return clientOf(t, append(complete(), usersecurity.WithBaseURL(base), briefWaits, usersecurity.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// A certificate that fails is told in words that tell the cases apart, nothing of
// the request is done, and nothing is repeated. The server lets the alert arrive;
// what becomes of it otherwise is the next test's.
func TestCertificateFailures(t *testing.T) {
	t.Parallel()
	for _, test := range certificateFailures {
		for _, protocol := range []string{"http/1.1", "h2"} {
			t.Run(test.name+", "+protocol, func(t *testing.T) {
				t.Parallel()
				known, unknown := newAuthority("known"), newAuthority("unknown")
				config := test.server(known, unknown)
				config.NextProtos = []string{protocol}
				address := accepts(t, func(conn net.Conn) {
					secure := tls.Server(conn, config)
					if secure.Handshake() == nil {
						if n, err := secure.Read(make([]byte, 1)); n > 0 && err == nil {
							t.Error("a request arrived")
						}
					}
					_, _ = io.Copy(io.Discard, conn) // or what the client still sends turns the end into a reset
				})
				for _, r := range contract { // each on a connection of its own
					var config *tls.Config
					if test.client != nil {
						config = test.client(known, unknown)
					}
					checkCertificateIsTold(t, &r, "https://"+address, trustingTransport(known, config), test.says)
				}
			})
		}
	}
}

// checkCertificateIsTold makes a call. An HTTP/2 connection that ends before its
// first request is one of which net/http doesn't say why: that request is
// repeated.
func checkCertificateIsTold(t *testing.T, r *row, base string, transport *http.Transport, says string) {
	t.Helper()
	attempts := 1
	client := clientThrough(t, base, roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := transport.RoundTrip(req)
		if err != nil && err.Error() == "http2: client conn could not be established" {
			attempts++
		}
		return resp, err
	}))
	var meta usersecurity.Meta
	_, err := r.call(t.Context(), client, usersecurity.WithMeta(&meta), usersecurity.WithMaxAttempts(100))
	checkMatches(t, string(r.op), err, usersecurity.ErrTransport)
	if err == nil || !strings.HasSuffix(err.Error(), ": "+says) {
		t.Errorf("%s: %v doesn't say %q", r.op, err, says)
	}
	if usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone || meta.Attempts != attempts {
		t.Errorf("%s: %s after %d attempts, not %d", r.op, usersecurity.OutcomeOf(err), meta.Attempts, attempts)
	}
}

// Where a reset overtakes the alert nobody knows, and the text says what it may
// be.
func TestResetHidesTheAlert(t *testing.T) {
	t.Parallel()
	ca := newAuthority("known")
	config := serving(ca.signs(nil))
	address := accepts(t, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetLinger(0)
		secure := tls.Server(conn, config)
		// The request has to be under way.
		_, _ = secure.Read(make([]byte, 1))
	})
	client := clientThrough(t, "https://"+address, trustingTransport(ca, nil))
	err := client.CreatePin(t.Context(), 1001, usual.pin)
	checkMatches(t, "the error", err, usersecurity.ErrTransport, usersecurity.ErrOutcomeUnknown)
	if !strings.Contains(err.Error(), "wants a client certificate") {
		t.Errorf("the certificate isn't named: %v", err)
	}
	var api *usersecurity.APIError
	if errors.As(err, &api) {
		t.Errorf("a response: %v", api)
	}
}

// With its certificate the client gets through, by what NewTransport returns.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority("known")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) != 1 {
			t.Error("no certificate arrived")
		}
		reply(w, 204, "")
	}))
	server.TLS = asking(serving(ca.signs(nil)), ca)
	server.StartTLS()
	t.Cleanup(server.Close)
	if err := clientThrough(t, server.URL, trustingTransport(ca, presenting(ca.signs(nil)))).DeletePin(t.Context(), 1001); err != nil {
		t.Error(err)
	}
}
