package usersecurity_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

func TestWireCallOptions(t *testing.T) {
	t.Parallel()
	wise := listen(t, func(w http.ResponseWriter, a arrival) {
		w.Header().Set("X-Trace-Id", "trace-1")
		w.Header().Set("X-External-Correlation-Id", a.header.Get("X-External-Correlation-Id"))
		reply(w, 200, "[]")
	})
	client := wise.client(t, append(complete(), usersecurity.WithUserAgent("acme-bank/1.4"))...)
	id := uuid.MustParse("7c1b6a36-12f4-4a0e-9a51-3c2f1b0d9e88")
	var meta usersecurity.Meta
	_, err := client.ListPhoneNumbers(t.Context(), 1001,
		usersecurity.WithCorrelationID(id), usersecurity.WithToken("another-token"), usersecurity.WithMeta(&meta))
	if err != nil {
		t.Fatal(err)
	}
	a := wise.all()[0]
	headers := maps.Clone(bareHeaders)
	headers["User-Agent"] = "acme-bank/1.4 usersecurity-go/" + usersecurity.Version
	checkHeaders(t, a, "Bearer another-token", headers)
	if got := a.header.Get("X-External-Correlation-Id"); got != "7c1b6a36-12f4-4a0e-9a51-3c2f1b0d9e88" {
		t.Errorf("the correlation id is %q", got)
	}
	if want := (usersecurity.Meta{StatusCode: 200, TraceID: "trace-1", CorrelationID: id, Attempts: 1}); meta != want {
		t.Errorf("the meta is %+v", meta)
	}
}

// A call's own token serves the read that tells whether the call is done, where that
// takes a token of the same kind.
func TestTokenOfLook(t *testing.T) {
	t.Parallel()
	for read, want := range map[usersecurity.Operation]string{
		usersecurity.OpListPhoneNumbers: "own", // the application's, as the write
		usersecurity.OpListProfiles:     "",    // a user's
	} {
		if got := usersecurity.TokenOfLook(usersecurity.OpCreatePhoneNumber, read, "own"); got != want {
			t.Errorf("%s gets the token %q, want %q", read, got, want)
		}
	}
}

// Options of a call are checked before anything is asked or sent.
func TestCallOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range contract {
		for what, option := range map[string]usersecurity.CallOption{
			"nil":                  nil,
			"zero correlation id":  usersecurity.WithCorrelationID(uuid.Nil),
			"empty token":          usersecurity.WithToken(""),
			"token with a space":   usersecurity.WithToken("hidden token"),
			"token with a newline": usersecurity.WithToken("hidden\r\nX-Header: y"),
			"token beyond ASCII":   usersecurity.WithToken("hiddenü"),
			"no attempts":          usersecurity.WithMaxAttempts(0),
			"negative attempts":    usersecurity.WithMaxAttempts(-1),
			"no meta":              usersecurity.WithMeta(nil),
		} {
			_, err := r.call(t.Context(), newClient(t, nothingSent{t}), option)
			checkRefused(t, fmt.Sprint(r.op, ", ", what), err, "hidden")
			// A later, valid one of another kind doesn't make up for it.
			_, err = r.call(t.Context(), newClient(t, nothingSent{t}), option, usersecurity.WithMeta(&usersecurity.Meta{}))
			checkRefused(t, fmt.Sprint(r.op, ", ", what, ", and meta"), err, "hidden")
		}
		var none context.Context
		_, err := r.call(none, newClient(t, nothingSent{t}))
		checkRefused(t, fmt.Sprint(r.op, ", no context"), err)
	}
}
