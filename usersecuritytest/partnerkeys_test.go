package usersecuritytest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestReplyKeyReplies(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithReplyKeyReplies())
	register := func(id, from, till string) {
		t.Helper()
		mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, &partnerKey().PublicKey, from, till))), 201)
	}
	request := func(value string) message { return sealedFingerprint(t, srv, newCEK(), value) }
	const one, two, three, four = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222",
		"33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444444"

	mustCode(t, send(t, srv, request("a")), 400, "simulator.reply.key.unknown")
	if len(state(t, srv, user).Fingerprints) != 0 {
		t.Fatal("a request without a way to answer it was processed")
	}
	register(one, validFrom, validTill)
	register(two, validFrom, validTill)
	register(three, validFrom, "2020-01-02 00:00:00")                                        // has ended
	register(four, time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04:05"), validTill) // has not begun

	for i, c := range []struct{ asked, want string }{{"", two}, {one, one}, {strings.ToUpper(two), two}} {
		m := request(fmt.Sprint(i))
		if c.asked != "" {
			m = m.with("X-TW-JOSE-Encryption-kid", c.asked)
		}
		r := mustStatus(t, send(t, srv, m), 200)
		plaintext, header := mustOpen(t, r.body, partnerKey(), jose.RSA_OAEP_256)
		mustBeFingerprint(t, plaintext)
		if header.KeyID != c.want {
			t.Errorf("sealed to %q, want %q", header.KeyID, c.want)
		}
	}
	for _, id := range []string{three, four, "nonsense"} {
		mustCode(t, send(t, srv, request("x").with("X-TW-JOSE-Encryption-kid", id)), 400, "simulator.reply.key.unknown")
	}
}
