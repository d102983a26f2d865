package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// world is the whole service, but for its own listener, at a simulator.
type world struct {
	*app
	logs  *lockedBuffer
	store usersecurity.TokenStore
}

// newWorld is a world whose customer has linked the account.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{logs: &lockedBuffer{}, store: usersecurity.NewMemoryTokenStore()}
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	wise.AddUser(testUser)
	w.app = newApp(wise, io.Discard)
	w.session = testSession
	logger := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := partner{baseURL: wise.URL(), clientID: wise.ClientID(), clientSecret: wise.ClientSecret(), publicURL: "https://app.partner.example"}
	for range 2 {
		client, err := newClient(p, w.store, logger, usersecurity.WithAuthorizationPage("https://wise.example/authorize"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		linking, err := newLinking(client.UserTokens, w.store, p.publicURL, p.clientSecret)
		if err != nil {
			t.Fatal(err)
		}
		service := httptest.NewServer(newAPI(client, client.SCA, linking, testCustomers(), logger).handler())
		t.Cleanup(service.Close)
		w.replicas = append(w.replicas, service.URL)
	}
	t.Cleanup(w.http.CloseIdleConnections)
	w.link(t.Context(), testUser, "303 /settings?wise=linked")
	return w
}

func (w *world) expectAll(t *testing.T) {
	t.Helper()
	if err := w.failures(); err != nil {
		t.Error(err)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAgainstTheSimulator(t *testing.T) {
	w := newWorld(t)
	for n, step := range []struct {
		before            func()
		route, body, want string
	}{
		{nil, "PUT /me/pin", `{"pin":"0417"}`, "204"},
		{nil, "PUT /me/pin", `{"pin":"7140"}`, "409 pin_already_set"},
		{w.wise.ExpireTokens, "DELETE /me/pin", "", "204"},
		{nil, "PUT /me/pin", `{"pin":"0417"}`, "204"}, // by the replica that hasn't seen the new token
		{w.wise.RotateKey, "POST /me/devices", `{"fingerprint":"canary-fingerprint"}`, "201"},
		{nil, "GET /me/devices", "", "200"},
		{nil, "PUT /me/face-map", `{"faceMap":"Y2FuYXJ5"}`, "204"},
		{nil, "DELETE /me/face-map", "", "204"},
		{nil, "DELETE /me/face-map", "", "404 face_map_not_enrolled"},
		{nil, "PUT /me/phone", `{"phoneNumber":"` + testPhone + `"}`, "200"},
		{w.wise.ExpireTokens, "GET /me/phone", "", "200"}, // the partner's own
		{func() { w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter}) }, "DELETE /me/phone", "", "503 wise_unavailable"},
		{w.wise.ClearFaults, "DELETE /me/phone", "", "204"},
	} {
		if step.before != nil {
			step.before()
		}
		w.at(n%2).expect(t.Context(), step.route, step.body, step.want)
	}
	w.expectAll(t)
	state, _ := w.wise.User(testUser)
	if !state.PinSet || state.PinDigest != usersecuritytest.DigestOf("0417") || len(state.Fingerprints) != 1 || len(state.PhoneNumbers) != 0 {
		t.Errorf("Wise has %+v", state)
	}

	stored, err := w.store.Load(t.Context(), testUser)
	if err != nil {
		t.Fatal(err)
	}
	logs := w.logs.String()
	for _, secret := range []string{
		`"0417"`, `"7140"`, `"pin":`, "canary-fingerprint", testPhone[1:], testSession, "Y2FuYXJ5", stored.AccessToken, stored.RefreshToken,
		w.wise.ClientSecret(), w.wise.UserToken(testUser), w.wise.ApplicationToken(), "/v1/", w.wise.URL(),
	} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	// From the id in an answer to the trace id that Wise's support asks for.
	resp, _, err := w.at(0).send(t.Context(), "PUT /me/pin", `{"pin":"7140"}`)
	if err != nil {
		t.Fatal(err)
	}
	id := resp.Header.Get("X-Request-Id")
	requests := w.wise.Requests()
	if last := requests[len(requests)-1]; last.CorrelationID != id {
		t.Errorf("Wise got the correlation id %s, the app %s", last.CorrelationID, id)
	}
	for line := range strings.Lines(w.logs.String()) {
		var entry struct {
			Msg       string
			RequestID string `json:"request_id"`
			Wise      struct {
				TraceID string `json:"trace_id"`
			}
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Msg == "request" && entry.RequestID == id && entry.Wise.TraceID != "" {
			return
		}
	}
	t.Error("no line of the log leads from the request to Wise's trace id")
}

// A list that can't be read is not done.
func TestUnreadableLists(t *testing.T) {
	w := newWorld(t)
	for _, op := range []usersecurity.Operation{usersecurity.OpListPhoneNumbers, usersecurity.OpListDeviceFingerprints} {
		w.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.Status, Operation: op, Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `[{"id":"?"}]`})
	}
	for _, route := range []string{"GET /me/devices", "GET /me/phone", "DELETE /me/phone"} {
		w.expect(t.Context(), route, "", "502 wise_refused")
	}
	w.expectAll(t)
}

func TestShutdownWaitsForRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		w.WriteHeader(http.StatusNoContent)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, h, slog.New(slog.DiscardHandler)) }()
	answered := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		answered <- err
	}()
	<-entered
	stop()
	select {
	case err := <-served:
		t.Fatalf("serve returned %v with a request under way", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestDemo(t *testing.T) {
	var out, logs lockedBuffer
	if err := run(t.Context(), []string{"-demo", "-logs"}, func(string) string { return "" }, &out, &logs); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, secret := range []string{"0417", demoPhone[1:], demoOtherPhone[1:]} {
		if strings.Contains(out.String(), secret) || strings.Contains(logs.String(), `"`+secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestRunServes(t *testing.T) {
	w := newWorld(t)
	hash := sha256.Sum256([]byte(testSession))
	file := filepath.Join(t.TempDir(), "customers.json")
	entry := fmt.Sprintf(`[{"customer":"c-1","wiseUser":%d,"sessionSHA256":"%x"}]`, testUser, hash)
	if err := os.WriteFile(file, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string { return map[string]string{"WISE_CLIENT_SECRET": w.wise.ClientSecret()}[name] }
	ctx, stop := context.WithCancel(t.Context())
	var logs lockedBuffer
	served := make(chan error, 1)
	go func() {
		served <- run(ctx, []string{"-addr", "127.0.0.1:0", "-base-url", w.wise.URL(), "-client-id", w.wise.ClientID(), "-customers", file}, env, io.Discard, &logs)
	}()
	addr := ""
	for addr == "" {
		select {
		case err := <-served:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
		for line := range strings.Lines(logs.String()) {
			var entry struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" {
				addr = entry.Addr
			}
		}
	}
	w.replicas = []string{"http://" + addr}
	w.expect(t.Context(), "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required") // this process has a store of its own
	w.expect(t.Context(), "GET /me/phone", "", "404 phone_not_set")                  // needs the partner's token only
	w.http.CloseIdleConnections()
	w.expectAll(t)
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if w.wise.Count(usersecurity.OpVerifyJWE) != 1 {
		t.Error("the way to Wise was not checked at the start")
	}
}

func TestRunRefuses(t *testing.T) {
	env := func(string) string { return "" }
	file := filepath.Join(t.TempDir(), "customers.json")
	if err := os.WriteFile(file, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{},
		{"-customers", file + ".missing"},
		{"-customers", file},
		{"-customers", file, "-base-url", "http://wise.example", "-client-id", "c", "-addr", "127.0.0.1:0"},
		{"-nonsense"},
	} {
		if err := run(t.Context(), args, env, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestLoadCustomers(t *testing.T) {
	hash := sha256.Sum256([]byte(testSession))
	good := `{"customer":"c-1","wiseUser":1001,"verifiedPhones":["` + testPhone + `"],"sessionSHA256":"` + hex.EncodeToString(hash[:]) + `"}`
	file := filepath.Join(t.TempDir(), "customers.json")
	load := func(text string) (*directory, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return loadCustomers(file)
	}
	d, err := load("[" + good + "]")
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Customer(t.Context(), testSession)
	if err != nil || c.ID != "c-1" || c.WiseUser != testUser || !slices.Equal(c.VerifiedPhones, []string{testPhone}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, text := range []string{
		"", "{}", "[" + good,
		"[" + strings.Replace(good, "1001", "0", 1) + "]",
		"[" + strings.Replace(good, "c-1", "", 1) + "]",
		"[" + strings.Replace(good, `SHA256":"`, `SHA256":"00`, 1) + "]",
		"[" + strings.Replace(good, `SHA256":"`, `SHA256":"xx`, 1) + "]",
		"[" + strings.Replace(good, `"customer"`, `"canary"`, 1) + "]",
		"[" + strings.Replace(good, `"c-1"`, `canary`, 1) + "]",
	} {
		if _, err := load(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
