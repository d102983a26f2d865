package main

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// post sends one of the page's forms.
func (r *running) post(action string, form url.Values) answered {
	r.t.Helper()
	return r.send("POST", "/_sim/do/"+action, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// Every form of the page does something, and every action has a form.
func TestFormsAndActions(t *testing.T) {
	r := begin(t, "-state", file(t, "none", "")+"x")
	r.ask("POST", "users", `{"id":7,"pin":"0417","faceMap":"Zm9v","deviceFingerprints":["d3vice"],"phoneNumbers":["+6588888888"]}`)
	r.ask("POST", "protected-calls", `{"method":"POST","path":"/v3/pay"}`)
	r.ask("POST", "faults", `{"kind":"html-502"}`)
	page := r.send("GET", "/_sim/", "").body
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		if !strings.Contains(page, `action="/_sim/do/`+name+`"`) {
			t.Errorf("the page has no form for %s", name)
		}
		if said[name] == "" {
			t.Errorf("nothing is said after %s", name)
		}
		a := r.post(name, url.Values{"user": {"7"}, "id": {"8"}, "method": {"POST"}, "path": {"/v3/x"}, "kind": {"html-502"}, "by": {"1h"}, "status": {"410"}})
		switch {
		case name == "protect": // whose kinds are others than the fault's
			if a.status != 200 || !strings.Contains(a.body, "Not done") {
				t.Errorf("%s: %d", name, a.status)
			}
		case a.status == 303 && a.header.Get("Location") == "/_sim/?done="+name:
			if shown := r.send("GET", a.header.Get("Location"), "").body; !strings.Contains(shown, strings.ReplaceAll(said[name], "'", "&#39;")) {
				t.Errorf("%s: nothing is said", name)
			}
		case a.status != 200 || !strings.Contains(a.body, `id="revealed"`):
			t.Errorf("%s: %d %s", name, a.status, a.header)
		}
		if strings.HasPrefix(name, "reset") {
			r.ask("POST", "users", `{"id":7,"pin":"0417"}`)
		}
	}
	if a := r.post("none", nil); a.status != 404 {
		t.Errorf("an unknown action: %d", a.status)
	}
}

func TestFormsThatAreWrong(t *testing.T) {
	r := begin(t)
	for name, form := range map[string]url.Values{
		"add-user":     {"id": {"-1"}},
		"reveal-token": {"user": {"99"}},
		"advance":      {"by": {"soon"}},
		"retire":       {"status": {"1"}},
		"protect":      {"method": {"POST"}, "path": {"x"}},
		"inject":       {"kind": {"refuse"}},
		"save":         {},
	} {
		if a := r.post(name, form); a.status != 200 || !strings.Contains(a.body, "Not done") {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := r.post("add-user", url.Values{"pin": {strings.Repeat("1", maxForm)}}); a.status != 400 {
		t.Errorf("a form that is too large: %d", a.status)
	}
}

// What is shown unasked holds no secret.
func TestNothingIsShownUnasked(t *testing.T) {
	r := begin(t)
	r.ask("POST", "users", `{"id":7,"pin":"0417","faceMap":"RmFjZQ==","deviceFingerprints":["d3vice"]}`)
	var secrets []string
	for _, path := range []string{"users/7/access-token", "users/7/registration-code", "users/7/authorization-code", "users/7/one-time-token", "access-token"} {
		for _, value := range r.ask("POST", path, "") {
			secrets = append(secrets, value.(string))
		}
	}
	token := secrets[0]
	secrets = append(secrets, "0417", "RmFjZQ==", "d3vice", r.ask("GET", "client", "")["clientSecret"].(string))
	r.send("POST", "/v1/user/pin", `{"pin":"0417"}`, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	r.send("GET", "/v1/one-time-token/status", "", "Authorization", "Bearer "+token, "One-Time-Token", secrets[3])
	r.send("GET", "/v1/user/0417", "", "Authorization", "Bearer "+token)
	for _, path := range []string{"/_sim/", "/_sim/api/", "/_sim/api/users", "/_sim/api/users/7", "/_sim/api/requests"} {
		text := r.send("GET", path, "").body
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
	}
	shown := r.send("GET", "/_sim/", "").body
	if !strings.Contains(shown, "****"+token[len(token)-4:]) || !strings.Contains(shown, "body.not.sealed") || !strings.Contains(shown, "/v1/user/****") {
		t.Error("the page doesn't show the token's end, the reason or the masked path")
	}
}

func TestAddresses(t *testing.T) {
	q := pageQueryIn(url.Values{"before": {"9"}, "user": {"x"}, "from": {"-1"}, "only": {"problems"}})
	if got, want := q.Address("before", 4), "/_sim/?before=4&only=problems"; got != want {
		t.Errorf("address %s, want %s", got, want)
	}
	if got, want := q.Address("before", 0), "/_sim/?only=problems"; got != want {
		t.Errorf("address %s, want %s", got, want)
	}
}
