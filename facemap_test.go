package usersecurity_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/wise-partner/usersecurity"
)

func TestFaceMapRules(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{{0}, {1, 2}, {1, 2, 3}, make([]byte, 1<<20)} {
		if _, err := usersecurity.NewFaceMap(raw); err != nil {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
		if _, err := usersecurity.FaceMapFromBase64(base64.StdEncoding.EncodeToString(raw)); err != nil {
			t.Errorf("%d bytes in base64: %v", len(raw), err)
		}
	}
	for _, raw := range [][]byte{nil, {}} {
		_, err := usersecurity.NewFaceMap(raw)
		checkRefused(t, "no bytes", err)
	}
	for _, text := range []string{
		"", "\n", "aGlkZGVu\n\n", "aGlk\nZGVu", "aGlk ZGVu", "aGlkZGVu \r\n", " aGlkZGVu",
		"aGlkZA", "aGlkZA=", "aGlkZA===", "aGlkZ===", "=", "==", "====", "aGl=ZGVu", "aG==ZGVu",
		"-_-_hidden", "-_-_", "aGlkZG-u", "aGlkZG_u", "data:image/png;base64,aGlkZGVu", "aGlkZGVü", "\"}hidden", `aGlkZG"u`,
	} {
		_, err := usersecurity.FaceMapFromBase64(text)
		checkRefused(t, fmt.Sprintf("%q", text), err, text, "hidden", "aGlk")
	}
	// A file ends in a line break, and what was read from one is text already.
	raw := []byte("the encrypted export of a face")
	text := base64.StdEncoding.EncodeToString(raw)
	for _, ending := range []string{"", "\n", "\r\n"} {
		script := play(t, answers(204, ""))
		if err := newClient(t, script).EnrolFaceMap(t.Context(), 1001, must(usersecurity.FaceMapFromBase64(text+ending))); err != nil {
			t.Fatal(err)
		}
		if got := script.requests[0].body; got != `{"faceMap":"`+text+`"}` {
			t.Errorf("with the ending %q sent was %s", ending, got)
		}
		_, err := usersecurity.NewFaceMap([]byte(text + ending))
		checkRefused(t, "base64 text as bytes", err, text)
	}
	// The bytes are copied: what the caller does with them later is of no matter.
	raw = []byte{0xfb, 0xff, 0xbf, 0x00}
	faceMap := must(usersecurity.NewFaceMap(raw))
	clear(raw)
	wise := play(t, answers(204, ""))
	if err := newClient(t, wise).EnrolFaceMap(t.Context(), 1001, faceMap); err != nil {
		t.Fatal(err)
	}
	if got := wise.requests[0].body; got != `{"faceMap":"+/+/AA=="}` {
		t.Errorf("sent was %s", got)
	}
}
