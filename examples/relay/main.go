// Relay shows a customer's device that seals a PIN and a fingerprint, a backend
// that passes them on to Wise without being able to read them, and Wise (the
// simulator), all in one process:
//
//	go run ./examples/relay
package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const customer usersecurity.UserID = 1001

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(customer)

	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: backend(client), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	d := device{backend: "http://" + listener.Addr().String(), out: out}
	if err := d.setPin(ctx, "0417"); err != nil {
		return err
	}
	if err := d.register(ctx, "phone-of-customer-1001"); err != nil {
		return err
	}
	wise.RotateKey()
	fmt.Fprintln(out, "Wise:    has a new key, and tells nobody")
	return d.register(ctx, "tablet-of-customer-1001")
}

// backend is what the partner runs. It holds no key that opens anything.
func backend(client *usersecurity.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /wise-key", func(w http.ResponseWriter, r *http.Request) {
		key, err := client.WiseKey(r.Context())
		if err != nil {
			http.Error(w, "no key", http.StatusBadGateway)
			return
		}
		der, err := x509.MarshalPKIXPublicKey(key.PublicKey)
		if err != nil {
			http.Error(w, "no key", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(der)
	})
	mux.HandleFunc("POST /pin", relay(client.CreatePinSealed))
	mux.HandleFunc("POST /device", relay(client.CreateDeviceFingerprintSealed))
	return mux
}

type sealedCall func(context.Context, usersecurity.UserID, usersecurity.SealedRequest, ...usersecurity.CallOption) (usersecurity.SealedReply, error)

// relay passes one sealed body on, and the reply back as it is. Who the customer
// is comes from the session in a real backend.
func relay(call sealedCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		sealed, err := usersecurity.ParseSealedRequest(string(text))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply, err := call(r.Context(), customer, sealed)
		switch {
		case err == nil:
			if reply.ContentType() != "" {
				w.Header().Set("Content-Type", reply.ContentType())
			}
			_, _ = w.Write(reply.Body())
		case errors.Is(err, usersecurity.ErrPinAlreadySet), errors.Is(err, usersecurity.ErrFingerprintExists):
			http.Error(w, "already there", http.StatusConflict)
		case errors.Is(err, usersecurity.ErrServer):
			// Wise may have a new key: the device is to ask for it and seal again.
			http.Error(w, "seal again", http.StatusServiceUnavailable)
		default:
			http.Error(w, "not now", http.StatusBadGateway)
		}
	}
}

// device is the customer's app. It alone sees the PIN.
type device struct {
	backend string
	out     io.Writer
}

func (d device) setPin(ctx context.Context, digits string) error {
	pin, err := usersecurity.NewPin(digits)
	if err != nil {
		return err
	}
	if _, err := d.send(ctx, "/pin", pin); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "device:  the PIN is set")
	return nil
}

func (d device) register(ctx context.Context, value string) error {
	fingerprint, err := usersecurity.NewFingerprint(value)
	if err != nil {
		return err
	}
	reply, err := d.send(ctx, "/device", fingerprint)
	if err != nil {
		return err
	}
	var registered usersecurity.DeviceFingerprint
	if err := json.Unmarshal(reply, &registered); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "device:  registered, and opened the reply: it has an id:", registered.ID.String() != "")
	return nil
}

var errSealAgain = errors.New("seal again")

// send seals to the key that the backend has, and once more if Wise has changed
// it meanwhile.
func (d device) send(ctx context.Context, path string, secret usersecurity.Sealable) ([]byte, error) {
	reply, err := d.sendOnce(ctx, path, secret)
	if errors.Is(err, errSealAgain) {
		fmt.Fprintln(d.out, "device:  asked to seal again")
		reply, err = d.sendOnce(ctx, path, secret)
	}
	return reply, err
}

func (d device) sendOnce(ctx context.Context, path string, secret usersecurity.Sealable) ([]byte, error) {
	der, err := d.do(ctx, http.MethodGet, "/wise-key", nil)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is not RSA")
	}
	sealed, err := usersecurity.Seal(&usersecurity.WiseKey{PublicKey: public}, secret)
	if err != nil {
		return nil, err
	}
	defer sealed.Wipe()
	fmt.Fprintf(d.out, "device:  sends %s, %d bytes that the backend can't read\n", path, len(sealed.Compact()))
	reply, err := d.do(ctx, http.MethodPost, path, []byte(sealed.Compact()))
	if err != nil || len(reply) == 0 {
		return nil, err
	}
	return sealed.OpenReply(reply)
}

func (d device) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.backend+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, errSealAgain
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s %s: status %d", method, path, resp.StatusCode)
	}
	return reply, nil
}
