package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const axeFile = "node_modules/axe-core/axe.min.js"

// lived is a wisesim in which all there is to see has happened.
func lived(t *testing.T) *sim {
	s := start(t)
	s.api("POST", "users", `{"id":1002,"pin":"0417","faceMap":"Zm9v","deviceFingerprints":["phone"],"phoneNumbers":["+6581234567"],"businessProfiles":1}`)
	token := s.api("POST", "users/1002/access-token", "")["accessToken"].(string)
	s.api("POST", "users/1002/registration-code", "")
	s.wise("GET", "/v2/profiles", token)
	s.wise("GET", "/2026Q4/one-time-token/status", token)
	s.wise("GET", "/v1/me", "none")
	s.wise("DELETE", "/v1/users/1001/pin", s.api("POST", "access-token", "")["accessToken"].(string))
	s.wise("POST", "/v1/user/pin", token)
	s.wise("GET", "/a/secret/path", token)
	s.api("POST", "protected-calls", `{"method":"POST","path":"/v3/profiles/{profileId}/transfers","kinds":["PIN","SMS"]}`)
	s.wise("POST", "/v3/profiles/7000002/transfers", token)
	s.api("POST", "faults", `{"kind":"html-502","operation":"ListProfiles","times":2}`)
	s.wise("GET", "/v2/profiles", token)
	return s
}

// axe returns what axe-core finds, of any impact.
func (b *tab) axe() []string {
	b.t.Helper()
	script, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Fatal(err)
	}
	b.js(string(script))
	found := eval[string](b, `axe.run().then(r => JSON.stringify(r.violations.map(v =>
		v.impact + " " + v.id + ": " + v.help + " " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))))`)
	var list []string
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *tab) screenshot(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll("screenshots", 0o750); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("screenshots", name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

const overflowing = `[...document.querySelectorAll("section *")]
	.filter(e => e.getBoundingClientRect().right > e.closest("section").getBoundingClientRect().right)
	.map(e => e.tagName + " " + (e.name || e.id || e.textContent.slice(0, 20)))`

func TestLooks(t *testing.T) {
	s := lived(t)
	for _, at := range []screen{
		desktop, {"desktop-dark", 1280, 900, true}, {"phone", 390, 844, false}, {"phone-dark", 390, 844, true},
	} {
		t.Run(at.name, func(t *testing.T) {
			b := open(t, at, s.url+"/_sim/")
			b.until(`document.querySelectorAll("#requests li").length >= 8`)
			b.js(`document.querySelector("#requests li:nth-child(3) details").open = true`)
			b.press("reveal-token-1002")
			b.until(`document.getElementById("revealed") !== null`)
			for _, violation := range b.axe() {
				t.Error(violation)
			}
			// A phone's own innerWidth grows with a page that is too wide.
			if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > at.width {
				t.Errorf("the page is %d pixels wide, the screen %d", wide, at.width)
			}
			for _, element := range eval[[]string](b, overflowing) {
				t.Errorf("%s sticks out of its section", element)
			}
			if text := eval[string](b, "document.documentElement.outerHTML"); strings.Contains(text, "0417") {
				t.Error("the PIN is in the page")
			}
			b.js("scrollTo(0, 0)")
			b.screenshot(at.name)
			b.mustBeQuiet()
		})
	}
}

// Whoever has no mouse gets everywhere, and hears where they are.
func TestKeyboardReachesAll(t *testing.T) {
	s := lived(t)
	b := open(t, desktop, s.url+"/_sim/")
	b.until(`document.querySelectorAll("#requests li").length >= 8`)
	b.js(`document.getElementById("pause").click()`) // so that nothing is replaced meanwhile
	const all = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']")]`
	count := eval[int](b, all+".length")
	for range count + 5 {
		b.do(chromedp.KeyEvent("\t"))
		b.js(`document.activeElement.setAttribute("data-reached", "")`)
	}
	missed := eval[[]string](b, all+`.filter(e => !e.hasAttribute("data-reached")).map(e => e.outerHTML)`)
	if len(missed) > 0 || count < 50 {
		t.Errorf("of %d controls the keyboard doesn't reach %q", count, missed)
	}
	nameless := eval[[]string](b, all+`.filter(e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.outerHTML)`)
	if len(nameless) > 0 {
		t.Errorf("without a name: %q", nameless)
	}
	b.mustBeQuiet()
}

func TestButtons(t *testing.T) {
	s := start(t)
	b := open(t, desktop, s.url+"/_sim/")
	says := func(text string) {
		t.Helper()
		b.until(fmt.Sprintf(`document.getElementById("notice").textContent.includes(%q)`, text))
	}
	shows := func(id, text string) {
		t.Helper()
		b.until(fmt.Sprintf(`document.getElementById(%q).textContent.includes(%q)`, id, text))
	}
	b.fill("add-id", "77")
	b.fill("add-pin", "0417")
	b.press("add-user")
	says("The user is added")
	shows("users", "User 77")
	b.fill("add-id", "77")
	b.press("add-user")
	says("user 77 is there already")

	b.press("rotate-key")
	says("new key")
	shows("facts", "version 2")

	b.press("reveal-token-77")
	says("An access token")
	token := eval[string](b, `document.getElementById("revealed").textContent`)
	s.wise("GET", "/v1/me", token)
	b.until(`document.querySelector("#requests .outcome").textContent.includes("200")`)
	b.press("expire-tokens")
	says("have expired")
	s.wise("GET", "/v1/me", token)
	b.until(`document.querySelector("#requests .outcome").textContent.includes("401")`)

	b.fill("protect-path", "/v3/pay")
	b.press("protect")
	says("asks for a challenge")
	shows("rules", "/v3/pay")
	s.wise("POST", "/v3/pay", s.api("POST", "users/77/access-token", "")["accessToken"].(string))
	b.until(`document.querySelector("#requests .why").textContent.includes("protected")`)
	shows("users", "open: PIN")
	b.press("unprotect")
	says("No call is protected")

	b.choose("inject-kind", "delay")
	b.fill("inject-delay", "never")
	b.press("inject")
	says("delay is written")
	b.fill("inject-delay", "1ms")
	b.press("inject")
	says("in force")
	shows("rules", "delay")
	b.press("clear-faults")
	says("No fault")

	b.fill("advance-by", "24h")
	b.press("advance")
	says("ahead")
	b.choose("retire-status", "410")
	b.press("retire")
	shows("facts", "answered 410")
	for _, id := range []string{"add-business-77", "registration-77", "one-time-token-77", "withdraw-tokens-77", "reveal-secret", "reveal-app-token"} {
		b.press(id)
		b.until(fmt.Sprintf(`document.activeElement.id === %q`, id)) // what was pressed keeps the focus
	}
	says("An access token of the partner")
	shows("users", "BUSINESS")
	b.press("clear-requests")
	says("forgotten")
	shows("requests", "None has arrived")

	b.press("hide")
	b.until(`document.getElementById("notice").textContent === ""`)

	b.press("reset")
	says("as it was at first")
	b.until(`!document.getElementById("users").textContent.includes("User 77")`)
	shows("users", "User 1001")
	shows("facts", "Deprecated callsanswered")
	if got := s.api("GET", "users/1001", "")["pinSet"]; got != false {
		t.Errorf("after the reset: %v", got)
	}
	b.mustBeQuiet()
}

// What is open stays open while requests come, and where one is, one stays.
func TestRequestsAsTheyCome(t *testing.T) {
	s := start(t)
	b := open(t, desktop, s.url+"/_sim/")
	s.wise("GET", "/v1/me", "none")
	b.until(`document.getElementById("request-1") !== null`)
	b.press("summary-1")
	b.until(`document.getElementById("request-1").open`)
	s.wise("GET", "/v2/profiles", "none")
	b.until(`document.getElementById("request-2") !== null`)
	if !eval[bool](b, `document.getElementById("request-1").open && document.activeElement.id === "summary-1"`) {
		t.Error("what was open is closed, or the focus has gone")
	}
	if got := eval[string](b, `document.getElementById("request-1").textContent`); !strings.Contains(got, "invalid_token") || !strings.Contains(got, "Bearer ****") {
		t.Errorf("details: %s", got)
	}
	b.press("pause")
	s.wise("GET", "/v2/profiles", "none")
	s.wise("GET", "/v2/profiles", "none")
	b.press("reveal-secret") // which brings the page up to date, paused or not
	b.until(`document.getElementById("request-4") !== null`)
	b.press("pause")
	s.wise("GET", "/v1/me", "none")
	b.until(`document.getElementById("request-5") !== null`)
	b.mustBeQuiet()
}

func TestFilters(t *testing.T) {
	s := lived(t)
	b := open(t, desktop, s.url+"/_sim/")
	all := eval[int](b, `document.querySelectorAll("#requests li").length`)
	b.do(chromedp.Focus(chromedp.CSS("#filter-only")), chromedp.KeyEvent(" "))
	b.press("filter-show")
	b.until(`location.search.includes("only=problems")`)
	b.until(fmt.Sprintf(`document.querySelectorAll("#requests li").length < %d`, all))
	b.fill("filter-user", "1001")
	b.press("filter-show")
	b.until(`document.querySelectorAll("#requests li").length === 1`)
	b.fill("find-from", "1002")
	b.press("find-show")
	b.until(`document.querySelectorAll("#users article").length === 1`)
	if !eval[bool](b, `location.search.includes("user=1001")`) {
		t.Error("what was chosen of the requests is forgotten")
	}
	b.mustBeQuiet()
}

func TestWithoutScript(t *testing.T) {
	s := start(t)
	b := open(t, desktop, "about:blank")
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.do(chromedp.Navigate(s.url + "/_sim/"))
	b.fill("add-id", "77")
	b.press("add-user")
	b.do(chromedp.WaitVisible(chromedp.CSS("#user-77")))
	b.press("reveal-token-77")
	b.do(chromedp.WaitVisible(chromedp.CSS("#revealed")))
	b.mustBeQuiet()
}
