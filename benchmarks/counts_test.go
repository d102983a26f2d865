package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// What is counted here comes out the same on every machine, however busy it is.
// Times are left to go run . and to people.

func TestMain(m *testing.M) {
	if isChild() {
		childMain()
		return
	}
	os.Exit(m.Run())
}

func TestAllocations(t *testing.T) {
	for _, test := range []struct {
		row  timedRow
		most float64
	}{
		{getRow, 36},
		{postRow, 26},
	} {
		t.Run(test.row.name, func(t *testing.T) {
			contestants, done, err := test.row.setup()
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			for _, c := range contestants {
				got := testing.AllocsPerRun(2000, func() {
					if err := c.once(); err != nil {
						t.Fatal(err)
					}
				})
				t.Logf("%s: %.0f allocations", c.name, got)
				if c.name == library && got > test.most {
					t.Errorf("%.0f allocations, at most %.0f are allowed", got, test.most)
				}
			}
		})
	}
}

// A sealed call without a reply, and one whose reply is sealed to a registered
// key.
func TestAllocationsOfSealedCalls(t *testing.T) {
	wise := newKey()
	client, err := stubClient(emptyAnswer, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&wise.PublicKey))))
	if err != nil {
		t.Fatal(err)
	}
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		t.Fatal(err)
	}
	contestants, done, err := openRSARow.setup()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for _, test := range []struct {
		contestant
		most float64
	}{
		{contestant{"CreatePin", func() error { return client.CreatePin(context.Background(), user, pin) }}, 47},
		{contestants[1], 102},
	} {
		got := testing.AllocsPerRun(200, func() {
			if err := test.once(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations", test.name, got)
		if got > test.most {
			t.Errorf("%s: %.0f allocations, at most %.0f are allowed", test.name, got, test.most)
		}
	}
}

func TestOneWritePerPost(t *testing.T) {
	counts, err := writeCounts()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range counts {
		if !strings.HasPrefix(c.name, library) {
			continue
		}
		seen++
		if c.count != 1 {
			t.Errorf("%s: %.2f writes for one request", c.name, c.count)
		}
	}
	if seen == 0 {
		t.Error("the library is not among those counted")
	}
}

func TestFaceMapIsHardlyCopied(t *testing.T) {
	defer ballast()()
	ways, err := faceMapWays(make([]byte, faceMapSize))
	if err != nil {
		t.Fatal(err)
	}
	got, err := bytesOver(ways[0].once, 50, faceMapSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %.2f times the payload", ways[0].name, got)
	if ways[0].name != library || got > 1.4 {
		t.Errorf("%s: sending a face map allocates %.2f times its size, at most 1.4 is allowed", ways[0].name, got)
	}
}

// The server answers the first call of every goroutine when all of them have
// arrived. So each has needed a connection, and none a second one since: how
// many more are dialled while the first handshakes are under way depends on who
// gets a core, and can't be held to a number.
func TestDials(t *testing.T) {
	p, err := newPoolServer(false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	const goroutines, requests = 256, 20
	dials := func(m *mood) float64 {
		m.first = goroutines
		got, err := p.measure(load{Client: library, Goroutines: goroutines, Requests: requests, Attempts: 2}, m)
		if err != nil || got.failed != 0 {
			t.Fatalf("%.0f calls failed that should not: %v", got.failed, err)
		}
		return got.dials
	}
	well, ill, repeated := dials(answersAll()), dials(failsSome()), dials(failsFirst(50))
	t.Logf("%.0f dials; %.0f with one call in ten failing, %.0f with every second attempt failing", well, ill, repeated)
	if well > 2*goroutines {
		t.Errorf("%.0f dials for %d goroutines", well, goroutines)
	}
	if most := 1.15 * well; ill > most || repeated > most {
		t.Errorf("%.0f dials without failures, %.0f and %.0f with them", well, ill, repeated)
	}
}

// unused is a reply key that must not be needed.
type unused struct {
	*rsa.PrivateKey
	times atomic.Int64
}

func (u *unused) Decrypt(random io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	u.times.Add(1)
	return u.PrivateKey.Decrypt(random, ciphertext, opts)
}

// replying answers a sealed request with a dir reply.
type replying struct{ wise *rsa.PrivateKey }

func (r replying) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	cek, err := contentKeyByHand(r.wise, string(body))
	if err != nil {
		return nil, err
	}
	reply, err := encryptByHand(directHeader, nil, cek, []byte(fingerprintReply))
	if err != nil {
		return nil, err
	}
	return stub{http.StatusOK, reply, http.Header{"Content-Type": {joseType}}}.RoundTrip(req)
}

func TestDirectReplyNeedsNoRSA(t *testing.T) {
	wise, own := newKey(), &unused{PrivateKey: newKey()}
	client, err := stubClient(replying{wise}, usersecurity.WithJWE(
		usersecurity.JWEKeys(usersecurity.StaticKey(&wise.PublicKey)),
		usersecurity.JWEReplyKey(replyKeyID, own)))
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := usersecurity.NewFingerprint(fingerprintText)
	if err != nil {
		t.Fatal(err)
	}
	if err := wasCreated(client.CreateDeviceFingerprint(context.Background(), user, fingerprint)); err != nil {
		t.Fatal(err)
	}
	if n := own.times.Load(); n != 0 {
		t.Errorf("the reply key was used %d times", n)
	}
}

func TestConsumerLinksFewModules(t *testing.T) {
	built, err := consumers("library")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("linked: %s", strings.Join(built[0].modules, " "))
	if n := len(built[0].modules); n == 0 || n > 6 {
		t.Errorf("a consumer links %d modules besides the library, at most 6 are allowed", n)
	}
}

// A token from a store costs a call no allocation more than a static one.
func TestStoredTokensAllocateNothing(t *testing.T) {
	contestants, done, err := userTokensRow.setup()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	static, memory := contestants[0], contestants[1]
	allocations := func(c contestant) float64 {
		return testing.AllocsPerRun(2000, func() {
			if err := c.once(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if with, without := allocations(memory), allocations(static); with > without {
		t.Errorf("%.0f allocations with %s, %.0f with %s", with, memory.name, without, static.name)
	}
}
