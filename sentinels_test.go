package usersecurity_test

import (
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

//go:embed sentinels.go
var sentinelsSource string

// sentinels are all that the package exports, by name. Names and classes are those of
// its source; the values are what the rows have of their operations, and the general
// ones below.
var sentinels = func() map[string]error {
	byClass := map[usersecurity.ErrorClass]error{}
	for _, f := range usersecurity.Facts() {
		for _, a := range f.Answers {
			byClass[usersecurity.ClassOf(a.Sentinel)] = a.Sentinel
		}
	}
	for _, s := range generalSentinels {
		byClass[usersecurity.ClassOf(s)] = s
	}
	all := map[string]error{}
	for _, d := range regexp.MustCompile(`(?m)^\t(Err\w+) error = &sentinel\{"(\w+)"`).FindAllStringSubmatch(sentinelsSource, -1) {
		if s := byClass[usersecurity.ErrorClass(d[2])]; s != nil {
			all[d[1]] = s
		}
	}
	return all
}()

// generalSentinels are those that no row has.
var generalSentinels = []error{
	usersecurity.ErrInvalidRequest, usersecurity.ErrUnauthorized, usersecurity.ErrSCARequired,
	usersecurity.ErrForbidden, usersecurity.ErrNotFound, usersecurity.ErrRateLimited, usersecurity.ErrServer,
	usersecurity.ErrRedirect, usersecurity.ErrUnexpectedStatus, usersecurity.ErrUnexpectedReply,
	usersecurity.ErrNotInVersion, usersecurity.ErrInvalidArgument, usersecurity.ErrNoToken, usersecurity.ErrReauthorise,
	usersecurity.ErrChallengeUnsupported, usersecurity.ErrJWERequired, usersecurity.ErrNoKey, usersecurity.ErrDecrypt,
	usersecurity.ErrPlaintextReply, usersecurity.ErrReplyTooLarge, usersecurity.ErrMalformedReply,
	usersecurity.ErrOutcomeUnknown, usersecurity.ErrAttemptTimeout, usersecurity.ErrTransport,
}

// declaration is how a sentinel is declared, alone or in a group.
var declaration = regexp.MustCompile(`(?m)^(?:var |\t)(Err[A-Z]\w*)(?: error)? += `)

// Whatever the package declares is among the sentinels of these tests.
func TestSentinelsAreAllKnown(t *testing.T) {
	t.Parallel()
	declared := 0
	for _, name := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range declaration.FindAllStringSubmatch(string(must(os.ReadFile(name))), -1) {
			if declared++; sentinels[d[1]] == nil {
				t.Errorf("%s is the documented answer of no operation: if it is a general one, add it to generalSentinels", d[1])
			}
		}
	}
	named := map[error]string{}
	for name, s := range sentinels {
		if other := named[s]; other != "" {
			t.Errorf("%s and %s have the same class", name, other)
		}
		named[s] = name
	}
	if declared != len(sentinels) {
		t.Errorf("%d are declared, %d are known", declared, len(sentinels))
	}
}
