package printers

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// No printer shows a secret, wherever it stands.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	for _, v := range append(secrets(), others(t)...) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range printers {
				check(t, p, append(v.held, v.hidden...)...)
			}
		})
	}
}

// What is masked where it is asked for its text is masked by all who ask.
func TestPlainFieldsAreMasked(t *testing.T) {
	t.Parallel()
	for _, v := range plain() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range printers {
				if p.blunt || p.encoder && v.encoded {
					continue
				}
				check(t, p, v.held...)
			}
		})
	}
}

// check prints values and searches for marks. One finding is enough.
func check(t *testing.T, p printer, values ...any) {
	t.Helper()
	for _, v := range values {
		text := printed(p, v)
		if text == "" && p.name != "text" && p.name != "expvar" {
			t.Errorf("%s printed nothing of %T", p.name, v)
		}
		if found := append(findMarks(text), findKeys(text)...); found != nil {
			t.Errorf("%s of %T shows %q", p.name, v, found)
			return
		}
	}
}

// printed is what a printer makes of a value, or what it panics with.
func printed(p printer, v any) (text string) {
	defer func() {
		if panicked := recover(); panicked != nil {
			text = fmt.Sprintf("%v %+v", panicked, panicked)
		}
	}()
	return p.print(v)
}

// keyForms are how the private reply key may be written.
var keyForms = sync.OnceValue(func() (all []string) {
	key := replyKey()
	for _, n := range append(key.Primes, key.D) {
		all = append(all, n.String(), n.Text(16), fmt.Sprint(n.Bits()[0]), fmt.Sprintf("%#x", n.Bits()[0]))
	}
	return all
})

// findKeys finds the private reply key.
func findKeys(text string) (found []string) {
	for _, form := range keyForms() {
		if i := strings.Index(text, form); i >= 0 {
			found = append(found, "the reply key: "+around(text, i))
		}
	}
	return found
}
