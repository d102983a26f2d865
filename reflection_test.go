package usersecurity_test

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// reach writes all texts and numbers that reflection gets at from a value:
// through pointers, interfaces and fields that are not exported, and without
// asking any method. Printers that are less polite than fmt do just that, and so
// does fmt for %w and %p, which vet finds in a constant format.
func (c *catch) reach(v any) {
	for _, verb := range []string{"%w", "%p"} {
		fmt.Fprintf(c, verb+"\n", v)
	}
	var reached strings.Builder
	reach(&reached, reflect.ValueOf(v), map[uintptr]bool{})
	_, _ = io.WriteString(c, reached.String())
}

func reach(w *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		reach(w, v.Elem(), seen)
	case reflect.Interface:
		reach(w, v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			reach(w, v.Field(i), seen)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			reach(w, entry.Key(), seen)
			reach(w, entry.Value(), seen)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Uint8 {
				w.WriteByte(byte(e.Uint()))
			} else {
				reach(w, e, seen)
			}
		}
		w.WriteByte('\n')
	case reflect.String:
		w.WriteString(v.String() + "\n")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprintln(w, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fmt.Fprintln(w, v.Uint())
	}
}

// Of a secret reflection gets at nothing at all.
func TestReflectionReachesNoSecret(t *testing.T) {
	t.Parallel()
	sealed := must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: &sealingKey().PublicKey}, marked.pin))
	for _, secret := range []any{
		marked.pin, marked.fingerprint, marked.faceMap, marked.code, marked.oneTime,
		usersecurity.NewAPIError(usersecurity.OpCreatePin, 403, map[string][]string{"X-2fa-Approval": {canaryOneTime}}, nil).OneTimeToken(),
		sealed, must(usersecurity.ParseSealedRequest(sealed.Compact())),
		usersecurity.NewSealedReply("canary", []byte("canary")),
		usersecurity.CacheTokens(canaryTokens), newClient(t, nothingSent{t}),
		usersecurity.WithClientCredentials("canary", canarySecret), usersecurity.WithToken(canaryUserToken),
	} {
		var reached strings.Builder
		reach(&reached, reflect.ValueOf(struct{ v any }{secret}), map[uintptr]bool{})
		if reached.Len() > 0 {
			t.Errorf("%T: %q", secret, reached.String())
		}
	}
}
