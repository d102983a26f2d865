package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A page of somebody else's, in the browser of who runs wisesim, changes nothing
// and reads nothing.
func TestOtherSites(t *testing.T) {
	s := start(t)
	s.api("POST", "users", `{"id":77}`)
	var target string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>other</title><link rel="icon" href="data:,">
<form id="f" method="post" action="%s"><input name="id" value="99"></form>
<script>
async function tries() {
  const results = [];
  for (const [path, options] of [
    ["/_sim/api/reset", {method: "POST"}],
    ["/_sim/do/reset", {method: "POST", mode: "no-cors"}],
    ["/_sim/api/users", {method: "POST", headers: {"Content-Type": "text/plain"}, body: '{"id":98}', mode: "no-cors"}],
    ["/_sim/api/client", {}],
  ]) {
    try { const r = await fetch(%q + path, options); results.push(await r.text()); } catch (e) { results.push("refused"); }
  }
  return results.join("|");
}
</script>`, target+"/_sim/do/add-user", target)
	}))
	defer other.Close()
	target = s.url
	// Another host for the browser, and so another site.
	b := open(t, desktop, strings.Replace(other.URL, "127.0.0.1", "localhost", 1))
	if got := eval[string](b, "tries()"); got != "refused|refused|refused|refused" {
		t.Errorf("read: %q", got)
	}
	b.js(`document.getElementById("f").submit()`)
	b.until(`location.pathname === "/_sim/do/add-user" && document.body.textContent.includes("cross-origin")`)
	if got := s.api("GET", "", "")["users"]; got != 2.0 {
		t.Errorf("%v users, want 1001 and 77", got)
	}
	s.api("GET", "users/77", "")
}

func TestToken(t *testing.T) {
	s := start(t, "-expose", "localhost")
	if s.token == "" {
		t.Fatal("no token was printed")
	}
	b := open(t, desktop, "about:blank")
	b.do(chromedp.Navigate(s.url + "/_sim/"))
	b.fill("token", "wrong")
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.querySelector("[role=alert]") !== null`)
	for _, violation := range b.axe() {
		t.Error(violation)
	}
	b.screenshot("login")
	b.fill("token", s.token)
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.getElementById("rotate-key") !== null`)
	b.press("rotate-key")
	b.until(`document.getElementById("facts").textContent.includes("version 2")`)
	if eval[bool](b, `document.cookie !== ""`) {
		t.Error("scripts can read the session")
	}
}
