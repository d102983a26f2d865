package usersecurity_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// In a calendar version every path is another, below the version, and all else
// is as it was.
func TestWireInACalendarVersion(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/gateway/to/wise"} {
		for _, r := range contract {
			if r.calendar == "" {
				continue
			}
			t.Run(prefix+string(r.op), func(t *testing.T) {
				t.Parallel()
				wise := listen(t, func(w http.ResponseWriter, _ arrival) { reply(w, r.success, r.reply) })
				client := wise.client(t, append(complete(), usersecurity.WithVersion("2026Q4"), usersecurity.WithBaseURL(wise.URL+prefix))...)
				got, err := r.call(t.Context(), client)
				if err != nil {
					t.Fatal(err)
				}
				r.checkResult(t, got)
				a := wise.all()[0]
				if a.method != r.method || a.uri != prefix+"/2026Q4"+r.calendar {
					t.Errorf("%s %s arrived", a.method, a.uri)
				}
				checkHeaders(t, a, "Bearer "+r.token, r.headers(true))
				checkBody(t, &r, a)
			})
		}
	}
}

// What the client needs for itself comes from the same version.
func TestWireTokenAndKeyInACalendarVersion(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		switch a.uri {
		case "/2026Q4" + tokenURI:
			reply(w, 200, `{"access_token":"token","token_type":"bearer","expires_in":43199}`)
		case "/2026Q4" + strings.TrimPrefix(keyURI, "/v1"):
			reply(w, 200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", publicKey())))
		default:
			reply(w, 200, "")
		}
	})
	client := wise.client(t, usersecurity.WithVersion("2026Q4"), usersecurity.WithJWE(),
		usersecurity.WithClientCredentials("acme-client", "acme-secret"), usersecurity.WithUserTokens(userTokens))
	if err := client.SCA.CreatePin(t.Context(), usual.of(), usual.pin); err != nil {
		t.Error(err)
	}
	if n := wise.count(""); n != 3 {
		t.Errorf("%d requests arrived", n)
	}
}

// What a version doesn't have is refused before a token or a key is asked for.
func TestOperationsNotInAVersion(t *testing.T) {
	t.Parallel()
	refused := 0
	for _, r := range contract {
		if r.calendar != "" {
			continue
		}
		refused++
		client := clientOf(t, append(asksNothing(t), usersecurity.WithVersion("2026Q4"))...)
		got, err := r.call(t.Context(), client)
		checkMatches(t, string(r.op), err, usersecurity.ErrNotInVersion)
		for _, word := range []string{string(r.op), "2026Q4", r.instead} {
			if word == "" || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q doesn't say %q", r.op, err, word)
			}
		}
		if known := usersecurity.OutcomeOf(err); got != nil || known != usersecurity.OutcomeNotDone {
			t.Errorf("%s: %v, and the outcome is %s", r.op, got, known)
		}
	}
	if refused != 12 {
		t.Errorf("%d operations have ended, want nine of the first eleven and three verifies", refused)
	}
	_, err := clientOf(t, append(asksNothing(t), usersecurity.WithVersion("2026Q4"))...).
		OneTimeTokens.VerifyPinSealed(t.Context(), 1001, usual.oneTime, sealedPin())
	checkMatches(t, "a relayed one", err, usersecurity.ErrNotInVersion)
}

// The day on which Wise turns an endpoint off.
func TestRetiredEndpoints(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for name, body := range map[string]string{"empty": "", "Wise's": `{"errors":[{"code":"gone"}]}`, "a page": "<html>"} {
			wise := play(t, answers(410, body))
			_, err := r.call(t.Context(), newClient(t, wise))
			what := string(r.op) + ", " + name
			checkMatches(t, what, err, usersecurity.ErrNotInVersion)
			for _, word := range []string{string(r.op), "410", "retired", r.instead} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%s: %q doesn't say %q", what, err, word)
				}
			}
			if known := usersecurity.OutcomeOf(err); wise.count() != 1 || known != usersecurity.OutcomeNotDone {
				t.Errorf("%s: %d attempts, the outcome is %s", what, wise.count(), known)
			}
		}
	}
}

// The simulator's day: what has successors ends, and they go on.
func TestRetiredAtTheSimulator(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{410: usersecurity.ErrNotInVersion, 404: usersecurity.ErrNotFound} {
		wise, client := newPair(t, nil)
		wise.Retire(status)
		err := client.CreatePin(t.Context(), 1001, usual.pin)
		checkMatches(t, "the first call", err, want)
		if err := client.SCA.CreatePin(t.Context(), usersecurity.Profile{User: 1001, ID: wise.Profile(1001)}, usual.pin); err != nil {
			t.Errorf("its successor: %v", err)
		}
		if s, _ := wise.User(1001); s.PinDigest != usersecuritytest.DigestOf("0417") {
			t.Error("the PIN is another")
		}
	}
}

// What is no version is refused, and so is a base URL with one.
func TestVersionsAreRefused(t *testing.T) {
	t.Parallel()
	tokens := append(withTokens(), sealing())
	for _, version := range []string{"2026Q4/", "/2026Q4", "2026 Q4", "2026-Q4", "2026Q4\n", "2026Q4%2f", "v1.2", "２０２６Q4", ".."} {
		_, err := usersecurity.New(append(tokens, usersecurity.WithBaseURL(testHost), usersecurity.WithVersion(version))...)
		if !errors.Is(err, usersecurity.ErrInvalidArgument) || !strings.Contains(err.Error(), "WithVersion") {
			t.Errorf("%q: %v", version, err)
		}
	}
	for path, refused := range map[string]bool{
		"/v1": true, "/v2": true, "/v1/": true, "/2026Q4": true, "/gateway/2026Q4": true, "/gateway/2026q1/": true,
		"/v1/gateway": false, "/gateway/v1": false, "/2026Q4/gateway": false, "/2026Q5": false, "": false,
	} {
		_, err := usersecurity.New(append(tokens, usersecurity.WithBaseURL(testHost+path))...)
		if refused != (err != nil) || refused && !strings.Contains(err.Error(), "WithVersion") {
			t.Errorf("a base URL that ends in %q: %v", path, err)
		}
	}
}

// Of two versions the later one counts, and an empty one is none.
func TestTheLaterVersionCounts(t *testing.T) {
	t.Parallel()
	for path, versions := range map[string][]string{
		"/v2/profiles":      {"2026Q4", ""},
		"/2026Q4/profiles":  {"", "2026Q3", "2026Q4"},
		"/PREVIEW/profiles": {"PREVIEW"},
	} {
		options := withTokens()
		for _, v := range versions {
			options = append(options, usersecurity.WithVersion(v))
		}
		wise := play(t, answers(200, "[]"))
		list, err := bareClient(t, wise, options...).ListProfiles(t.Context(), 1001)
		if err != nil || list == nil || len(list) != 0 || wise.requests[0].uri != path {
			t.Errorf("%q: %v, %v; sent to %s", versions, list, err, wise.requests[0].uri)
		}
	}
}

// A cleared token goes along with any call, and with every attempt of it.
func TestWireWithOneTimeToken(t *testing.T) {
	t.Parallel()
	cleared := must(usersecurity.NewOneTimeToken("cleared-1"))
	for _, r := range contract {
		wise := listen(t, func(w http.ResponseWriter, _ arrival) {
			w.Header().Set("X-2fa-Approval-Result", "APPROVED")
			reply(w, r.success, r.reply)
		})
		got, err := r.call(t.Context(), wise.client(t, complete()...), usersecurity.WithOneTimeToken(cleared))
		if err != nil {
			t.Errorf("%s: %v", r.op, err)
			continue
		}
		r.checkResult(t, got)
		want := r.headers(true)
		want["X-2fa-Approval"] = "cleared-1"
		checkHeaders(t, wise.all()[0], "Bearer "+r.token, want)
	}
	scripted(t, "every attempt", func(t *testing.T) {
		wise := play(t, lost, answers(429, ""), answers(204, ""))
		if err := newClient(t, wise).DeletePin(t.Context(), 1001, usersecurity.WithOneTimeToken(cleared)); err != nil {
			t.Error(err)
		}
		for i, a := range wise.requests {
			if got := a.header.Get("X-2fa-Approval"); got != "cleared-1" {
				t.Errorf("attempt %d has %q", i, got)
			}
		}
	})
	err := newClient(t, nothingSent{t}).DeletePin(t.Context(), 1001, usersecurity.WithOneTimeToken(usersecurity.OneTimeToken{}))
	checkRefused(t, "the zero token", err)
}
