package usersecurity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the snippets of the pages leave to their readers.
const leftToReaders = `package pages

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

var (
	ctx        context.Context
	client     *usersecurity.Client
	id, secret string
	key        *rsa.PrivateKey
	mock       *httpmock.MockTransport
	own        []usersecurity.Option
	profile    usersecurity.Profile
	resp       *http.Response
	store      usersecurity.TokenStore
	user       usersecurity.UserID

	_ = rand.Reader
	_ = errors.Is
	_ = json.NewDecoder
	_ = net.Dial
	_ = x509.MarshalPKIXPublicKey
	_ = syscall.ECONNREFUSED
	_ = testing.Short
	_ = time.Second
	_ = usersecuritytest.NewServer
)

func profileOf(*http.Request) (p usersecurity.Profile) { return p }
func refuse(http.ResponseWriter, error)                {}
`

// signUpInterrupted uses what docs/tokens.md says of signing up, wherever an earlier
// try has ended.
const signUpInterrupted = `package pages

import (
	"errors"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestSignUpInterrupted(t *testing.T) {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	tokens := usersecurity.NewMemoryTokenStore()
	var err error
	if client, err = usersecurity.New(append(wise.Options(), usersecurity.WithUserTokenStore(tokens))...); err != nil {
		t.Fatal(err)
	}
	code, _ := usersecurity.NewRegistrationCode("a-registration-code-of-32-letters")
	lost := func(kind usersecuritytest.FaultKind) func(string) error {
		return func(email string) error {
			wise.Inject(usersecuritytest.Fault{Kind: kind, Operation: usersecurity.OpSignUp, Times: 1})
			_, err := signUp(t.Context(), email, code)
			return err
		}
	}
	for email, earlier := range map[string]struct {
		try  func(email string) error
		want error
	}{
		"first@example.com": {func(string) error { return nil }, nil},
		"died@example.com": {func(email string) error {
			_, err := client.UserTokens.SignUp(t.Context(), email, code)
			return err
		}, nil},
		"before@example.com": {lost(usersecuritytest.ResetBefore), usersecurity.ErrOutcomeUnknown},
		"after@example.com":  {lost(usersecuritytest.ResetAfter), usersecurity.ErrOutcomeUnknown},
	} {
		if err := earlier.try(email); !errors.Is(err, earlier.want) {
			t.Errorf("%s: the earlier try: %v", email, err)
		}
		user, err := signUp(t.Context(), email, code)
		if err != nil {
			t.Errorf("%s: %v", email, err)
			continue
		}
		if stored, err := tokens.Load(t.Context(), user); stored == nil || err != nil {
			t.Errorf("%s: %v, %v", email, stored, err)
		}
		wise.ReclaimAccount(user)
		if _, err := signUp(t.Context(), email, code); !errors.Is(err, usersecurity.ErrUserExists) {
			t.Errorf("%s, taken over: %v", email, err)
		}
	}
}
`

var (
	snippetsOfPage = regexp.MustCompile("(?ms)^( *)```go\n(.*?)^ *```")
	declared       = regexp.MustCompile(`(?m)^([a-z]\w*(?:, [a-z]\w*)*) := `)
)

// The snippets of README and docs/ compile, as they stand or as a function's body,
// and those that are tests pass.
func TestDocsSnippetsCompile(t *testing.T) {
	t.Parallel()
	files, count := map[string]string{}, 0
	for _, page := range append(must(filepath.Glob("docs/*.md")), "README.md") {
		for n, found := range snippetsOfPage.FindAllStringSubmatch(string(must(os.ReadFile(page))), -1) {
			code := strings.ReplaceAll("\n"+found[2], "\n"+found[1], "\n")
			if strings.Contains(code, "\npackage main") {
				continue // a whole program, with a test of its own
			}
			count++
			name := fmt.Sprintf("%s_%d", regexp.MustCompile(`\W`).ReplaceAllString(page, "_"), n)
			if strings.Contains(code, "*testing.T)") {
				name += "_test" // which is run, too
			}
			files[name+".go"] = snippetFile("of_"+name, code)
		}
	}
	if count < 8 {
		t.Fatalf("there are only %d snippets", count)
	}
	files["readers.go"], files["signup_test.go"] = leftToReaders, signUpInterrupted
	run := consumer(t, files)
	run("vet", ".")
	run("test", ".")
}

// snippetFile makes a file of a snippet, with the imports that it needs.
func snippetFile(name, code string) string {
	code = strings.ReplaceAll(code, "{ … }", `{ panic("…") }`)
	if !strings.Contains(code, "\nfunc ") {
		uses := ""
		for _, names := range declared.FindAllStringSubmatch(code, -1) {
			uses += strings.Repeat("_, ", strings.Count(names[1], ",")) + "_ = " + names[1] + "\n"
		}
		code = "func " + name + "() {\nvar err error\n" + code + uses + "_ = err\n}\n"
	}
	var imports strings.Builder
	for _, path := range regexp.MustCompile(`(?m)^\t"(.*)"$`).FindAllStringSubmatch(leftToReaders, -1) {
		if strings.Contains(code, path[1][strings.LastIndex(path[1], "/")+1:]+".") {
			fmt.Fprintf(&imports, "import %q\n", path[1])
		}
	}
	return "package pages\n\n" + imports.String() + code
}
