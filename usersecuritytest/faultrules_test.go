package usersecuritytest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestWhomFaultsHit(t *testing.T) {
	srv := newServer(t)
	list := asApplication(srv, "GET", phones(user), "")
	other := asApplication(srv, "GET", phones(otherUser), "")
	pin := asApplication(srv, "DELETE", "/v1/users/42/pin", "")
	enrol := asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)
	token := tokenRequest(srv, "grant_type=client_credentials")
	key := asApplication(srv, "GET", wiseKeyPath, "")
	unknown := asApplication(srv, "GET", "/v1/nowhere", "")
	const hit = 599
	for _, c := range []struct {
		name string
		rule fault
		hits []bool // list, other, pin, enrol, token, key, unknown
	}{
		{"any", fault{}, []bool{true, true, true, true, false, false, false}},
		{"operation", fault{Operation: usersecurity.OpListPhoneNumbers}, []bool{true, true, false, false, false, false, false}},
		{"user", fault{User: user}, []bool{true, false, true, true, false, false, false}},
		{"user and operation", fault{User: otherUser, Operation: usersecurity.OpListPhoneNumbers}, []bool{false, true, false, false, false, false, false}},
		{"token endpoint", fault{Operation: usersecurity.OpFetchToken}, []bool{false, false, false, false, true, false, false}},
		{"key endpoint", fault{Operation: usersecurity.OpFetchWiseKey}, []bool{false, false, false, false, false, true, false}},
		{"once", fault{Times: 1}, []bool{true, false, false, false, false, false, false}},
		{"twice", fault{Times: 2}, []bool{true, true, false, false, false, false, false}},
		{"first attempt", fault{Attempt: 1}, []bool{true, true, true, true, false, false, false}},
		{"second attempt", fault{Attempt: 2}, make([]bool, 7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv.ClearFaults()
			c.rule.Kind, c.rule.Status = usersecuritytest.Status, hit
			srv.Inject(c.rule)
			for i, m := range []message{list, other, pin, enrol, token, key, unknown} {
				if got := send(t, srv, m).status == hit; got != c.hits[i] {
					t.Errorf("%s %s: hit is %v", m.method, m.path, got)
				}
			}
		})
	}

	// Attempts are told by operation and correlation id.
	srv.ClearFaults()
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: hit, Attempt: 2})
	list = list.with("X-External-Correlation-Id", "a call")
	var statuses []int
	for _, m := range []message{list, list.with("X-External-Correlation-Id", "another"), pin.with("X-External-Correlation-Id", "a call"), list, list} {
		statuses = append(statuses, send(t, srv, m).status)
	}
	if want := []int{200, 200, 404, hit, 200}; !slices.Equal(statuses, want) {
		t.Errorf("statuses = %v, want %v", statuses, want)
	}

	// Of rules that fit, the first one is applied, and then the next.
	srv.ClearFaults()
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 501, Times: 1})
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 502})
	for _, want := range []int{501, 502, 502} {
		mustStatus(t, send(t, srv, pin), want)
	}
}

func TestRateFollowsTheSeed(t *testing.T) {
	pattern := func(seed uint64) (hits []bool) {
		srv := newServer(t, usersecuritytest.WithSeed(seed))
		srv.Inject(fault{Kind: usersecuritytest.HTML502, Rate: 0.3})
		m := asApplication(srv, "GET", phones(user), "")
		for range 200 {
			hits = append(hits, send(t, srv, m).status == 502)
		}
		return hits
	}
	one, again, two := pattern(1), pattern(1), pattern(2)
	if !slices.Equal(one, again) || slices.Equal(one, two) {
		t.Error("the hits don't follow the seed")
	}
	count := 0
	for _, hit := range one {
		if hit {
			count++
		}
	}
	if count < 40 || count > 80 {
		t.Errorf("%d of 200 were hit, want about 60", count)
	}
}

func TestRulesThatMakeNoSensePanic(t *testing.T) {
	srv := newServer(t)
	for name, f := range map[string]fault{
		"no kind":              {},
		"unknown kind":         {Kind: "nonsense"},
		"slow TLS without TLS": {Kind: usersecuritytest.SlowTLS, Delay: 1},
		"refuse an operation":  {Kind: usersecuritytest.Refuse, Operation: usersecurity.OpCreatePin},
		"after, unread":        {Kind: usersecuritytest.ResetBefore, After: true},
		"rate above 1":         {Kind: usersecuritytest.Stall, Rate: 2},
		"negative times":       {Kind: usersecuritytest.Stall, Times: -1},
		"no delay":             {Kind: usersecuritytest.Delay},
		"no status":            {Kind: usersecuritytest.Status},
		"status of a page":     {Kind: usersecuritytest.HTMLPage, Status: 100},
		"status of a delay":    {Kind: usersecuritytest.Delay, Delay: 1, Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "usersecuritytest: Inject: ") {
					t.Errorf("panic = %q", text)
				}
			}()
			srv.Inject(f)
		})
	}
}

// A rule without an operation hits whatever serves a customer, and nothing that
// the client needs for itself.
func TestFaultsHitTheSuccessors(t *testing.T) {
	srv := newServer(t)
	token := srv.NewOneTimeToken(user, kindPin)
	first := ended(srv)
	delete(first, "")
	all := []message{
		sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"0412"}`), answerPin(t, srv, token, "0412"), asUser(srv, "DELETE", ofProfile(srv, "/pin"), ""),
		sealedAsUser(t, srv, ofProfile(srv, "/device-fingerprints"), `{"deviceFingerprint":"d-71"}`), answerFingerprint(t, srv, token, "d-71"),
		asUser(srv, "DELETE", ofProfile(srv, "/device-fingerprints/4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05"), ""),
		asUser(srv, "POST", ofProfile(srv, "/facemaps"), `{"faceMap":"AAEC"}`), answerFaceMap(srv, token, "AAEC"), asUser(srv, "DELETE", ofProfile(srv, "/facemaps"), ""),
		asUser(srv, "POST", ofProfile(srv, "/sca-sessions/authorise"), ""), tokenStatus(srv, token), triggerCode(srv, token, "voice"), answerCode(srv, token, "whatsapp", "111111"),
		asUser(srv, "GET", "/v2/profiles", ""), asUser(srv, "GET", "/v1/facetec/public-key", ""), signUp(srv, `{}`),
	}
	srv.Protect("POST", "/v3/pay", kindPin)
	all = append(all, asUser(srv, "POST", "/v3/pay", ""))
	for _, m := range first {
		all = append(all, m)
	}
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 599})
	for _, m := range all {
		if got := send(t, srv, m).status; got != 599 {
			t.Errorf("%s %s is not hit: %d", m.method, m.path, got)
		}
	}
	mustStatus(t, send(t, srv, asUser(srv, "GET", "/v1/me", "")), 200)
	srv.ClearFaults()
	srv.Inject(fault{Kind: usersecuritytest.Status, Status: 599, Operation: usersecurity.OpFetchUser, User: user})
	mustStatus(t, send(t, srv, asUser(srv, "GET", "/v1/me", "")), 599)
}
