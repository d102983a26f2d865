package usersecurity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// The digits of a time or an id may be those of a PIN by chance.
var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

// printed is each value in every form.
func printed(t *testing.T, values ...any) map[string]string {
	t.Helper()
	forms := map[string]string{}
	for i, v := range values {
		name := strconv.Itoa(i)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			forms[verb+" of "+name] = fmt.Sprintf(verb, v)
			forms[verb+" in a struct, of "+name] = fmt.Sprintf(verb, struct{ V any }{v})
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, withoutTime)).Info("failed", "error", v)
		slog.New(slog.NewJSONHandler(&log, withoutTime)).Info("failed", "error", v)
		forms["slog of "+name] = log.String()
		if text, err := json.Marshal(v); err == nil {
			forms["JSON of "+name] = string(text)
		}
		if strings.Contains(fmt.Sprintf("%v", v), "%!") {
			t.Errorf("%T can't be printed", v)
		}
	}
	return forms
}

// matches reports whether err matches the wanted sentinels, and of all there
// are no other. Of the standard library's it looks at the context's two.
func matches(err error, want ...error) bool {
	all := []error{context.Canceled, context.DeadlineExceeded}
	for _, s := range sentinels {
		all = append(all, s)
	}
	for _, s := range all {
		if errors.Is(err, s) != slices.Contains(want, s) {
			return false
		}
	}
	return err != nil || len(want) == 0
}

// checkMatches is matches that says what is wrong.
func checkMatches(t testing.TB, what string, err error, want ...error) {
	t.Helper()
	if matches(err, want...) {
		return
	}
	var got []string
	for name, s := range sentinels {
		if errors.Is(err, s) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	t.Errorf("%s: got %v, which matches %v; want exactly %v", what, err, got, want)
}

// checkRefused checks an error for an argument that can't be valid; none of the
// words, where they are long enough to tell, may be in it.
func checkRefused(t *testing.T, what string, err error, hidden ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted", what)
		return
	}
	checkMatches(t, what, err, usersecurity.ErrInvalidArgument)
	for form, text := range printed(t, err) {
		for _, word := range hidden {
			if len(word) > 3 && strings.Contains(text, word) {
				t.Errorf("%s: %s repeats what was given: %s", what, form, text)
			}
		}
	}
}

// checkUncertain checks an answer of Wise's for what it says of the attempts
// before it.
func checkUncertain(t *testing.T, what string, err error, want bool) {
	t.Helper()
	var api *usersecurity.APIError
	if !errors.As(err, &api) || api.Uncertain != want {
		t.Errorf("%s: uncertain is not %v: %v", what, want, err)
	}
}
