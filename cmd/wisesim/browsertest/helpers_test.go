package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is for machines that are busy; nothing here takes as long.
const patience = 60 * time.Second

var (
	program string // wisesim
	browser context.Context
)

func TestMain(m *testing.M) {
	code, err := prepared(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func prepared(m *testing.M) (int, error) {
	if _, err := exec.LookPath("chromium"); err != nil {
		return 1, fmt.Errorf("these tests need Chromium (Debian: apt-get install chromium): %w", err)
	}
	if _, err := os.Stat(axeFile); err != nil {
		return 1, fmt.Errorf("these tests need axe-core: run npm ci in this folder: %w", err)
	}
	folder, err := os.MkdirTemp("", "wisesim")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program = filepath.Join(folder, "wisesim")
	if out, err := exec.Command("go", "build", "-C", "../../..", "-o", program, "./cmd/wisesim").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("wisesim can't be built: %w\n%s", err, out)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"),
		chromedp.WSURLReadTimeout(patience))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's needs another user
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	var stop context.CancelFunc
	browser, stop = chromedp.NewContext(allocator)
	defer stop()
	if err := chromedp.Do(browser); err != nil {
		return 1, fmt.Errorf("Chromium doesn't start: %w", err)
	}
	return m.Run(), nil
}

// sim is a wisesim that runs for one test.
type sim struct {
	t     *testing.T
	url   string
	token string
}

func start(t *testing.T, flags ...string) *sim {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("wisesim ended with %v", err)
		}
	})
	s := &sim{t: t}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if _, value, ok := strings.Cut(line, "  token "); ok {
			s.token = strings.TrimSpace(value)
		}
		if _, value, ok := strings.Cut(line, "  WISE="); ok {
			s.url = value
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return s
		}
	}
	t.Fatal("wisesim has not said where it is")
	return nil
}

// api calls the JSON for scripts, and returns what it answers.
func (s *sim) api(method, path, body string) map[string]any {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+"/_sim/api/"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, text, err)
	}
	var answer map[string]any
	_ = json.NewDecoder(bytes.NewReader(text)).Decode(&answer) // lists are looked at by none
	return answer
}

// wise sends a request as programs under test do.
func (s *sim) wise(method, path, token string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// tab is a page of the browser's own, which notes what the browser finds wrong.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// screen is what somebody looks at the page with.
type screen struct {
	name          string
	width, height int64
	dark          bool
}

var desktop = screen{"desktop", 1280, 900, false}

func open(t *testing.T, at screen, address string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	ctx, end := context.WithTimeout(ctx, 2*patience)
	t.Cleanup(end)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if at.dark {
		scheme = "dark"
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: at.width, Height: at.height, DeviceScaleFactor: 1, Mobile: at.width < 600,
	})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	b.do(chromedp.Navigate(address))
	return b
}

// call sends one command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) listen(event any) {
	var problem string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			problem = fmt.Sprint(e.Entry.Level, ": ", e.Entry.Text, " ", e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprint("console.", e.Type)
	case *runtime.EventExceptionThrown:
		problem = "an exception: " + e.ExceptionDetails.Text
	case *page.EventJavascriptDialogOpening:
		go func() { // here no command may be waited for
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	}
	if problem != "" {
		b.mu.Lock()
		b.problems = append(b.problems, problem)
		b.mu.Unlock()
	}
}

func (b *tab) mustBeQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("the browser says: %s", p)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// js runs statements in the page.
func (b *tab) js(statements string) { b.t.Helper(); eval[bool](b, statements+"; true") }

// eval returns what an expression is in the page. Promises are waited for.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for an expression to be true. As long as what it looks at isn't there
// it is not.
func (b *tab) until(expression string) {
	b.t.Helper()
	expression = "(() => { try { return " + expression + " } catch { return false } })()"
	for deadline := time.Now().Add(patience); !eval[bool](b, expression); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("never true: %s\nthe page says: %s", expression, eval[string](b, "document.body.innerText"))
		}
	}
}

// press uses a button as the keyboard does. Like fill and choose it goes by id: what
// stands at it may have been replaced meanwhile.
func (b *tab) press(id string) {
	b.t.Helper()
	b.js(fmt.Sprintf("document.getElementById(%q).focus()", id))
	b.do(chromedp.KeyEvent("\r"))
}

// fill writes into a field what stands for what was in it.
func (b *tab) fill(id, text string) {
	b.t.Helper()
	b.js(fmt.Sprintf("document.getElementById(%q).focus(); document.getElementById(%q).select()", id, id))
	b.do(chromedp.KeyEvent(text))
}

func (b *tab) choose(id, option string) {
	b.t.Helper()
	b.js(fmt.Sprintf("document.getElementById(%q).value = %q", id, option))
}
