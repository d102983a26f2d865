package printers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Every secret of these tests has a mark that occurs nowhere else. Most begin
// with the same word, which is what is searched for: a printer may cut a text.
const (
	mark            = "canary"
	markPin         = "8317"
	markFingerprint = mark + "-fingerprint"
	markFaceMap     = mark + "+face/map+" + mark + "+face/map0"
	markUserToken   = mark + "-user-token"
	markAppToken    = mark + "-app-token"
	markClientID    = mark + "-client-id"
	markSecret      = mark + "-client-secret"
	markOneTime     = mark + "-one-time-token"
	markBody        = mark + "-body"
	markReply       = mark + "-reply"
	markPhone       = "+4990831783178317"
)

// forms are the ways in which a printer may write a text.
func forms(text string) []string {
	list := func(format, separator string) string {
		var parts []string
		for _, b := range []byte(text) {
			parts = append(parts, fmt.Sprintf(format, b))
		}
		return strings.Join(parts, separator)
	}
	all := []string{
		text,
		hex.EncodeToString([]byte(text)), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text), fmt.Sprintf("% X", text),
		list("%d", " "), list("%d", ","), list("%d", ", "),
		list("%#x", ","), list("%#x", ", "), list("%#x", " "),
		list("0x%X", ", "), list("%#o", ", "), list("%b", " "), list("%#U", " "),
	}
	// Where a text stands in what was encoded decides which letters it gets.
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + text))
		cut := encoded[(before*8+5)/6 : len(encoded)-1]
		all = append(all, cut, strings.NewReplacer("+", "-", "/", "_").Replace(cut))
	}
	return all
}

var (
	// hexDump is a line of encoding/hex's Dump, which spew writes.
	hexDump = regexp.MustCompile(`(?m)^\s*[0-9a-f]{8}  ((?:[0-9a-f]{2} {1,2})+)`)
	// pinDigits are the PIN's, and not four of a longer number or of its hex digits.
	pinDigits = regexp.MustCompile(`\b(` + markPin + `|` + hex.EncodeToString([]byte(markPin)) + `)\b`)
	// randomIDs hold any four digits once in a while.
	randomIDs = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-fA-F]{5,}`)
)

// undumped appends what stands in the hex dumps of a text.
func undumped(text string) string {
	if !strings.Contains(text, "00000000  ") {
		return text
	}
	var dumped []byte
	for _, line := range hexDump.FindAllStringSubmatch(text, -1) {
		raw, _ := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		dumped = append(dumped, raw...)
	}
	return text + "\n" + string(dumped)
}

// allForms are those of all marks, and of the PIN in quotes: see pinDigits.
var allForms = sync.OnceValue(func() (all []string) {
	for _, m := range []string{mark, strings.ToUpper(mark[:1]) + mark[1:], `"` + markPin + `"`, markPhone, markPhone[1:]} {
		all = append(all, forms(m)...)
	}
	return append(all, fmt.Sprintf("%d", []byte(markPin)))
})

// findMarks returns where marks stand in a text, with what stands before them.
func findMarks(text string) (found []string) {
	text = undumped(text)
	if pinDigits.MatchString(text) {
		if text := randomIDs.ReplaceAllString(text, "id"); pinDigits.MatchString(text) {
			found = append(found, "PIN: "+around(text, pinDigits.FindStringIndex(text)[0]))
		}
	}
	for _, form := range allForms() {
		if i := strings.Index(text, form); i >= 0 {
			found = append(found, fmt.Sprintf("%q: %s", form, around(text, i)))
		}
	}
	return found
}

func around(text string, i int) string { return text[max(0, i-150):min(len(text), i+60)] }

// A search that finds nothing proves nothing unless it can find.
func TestMarksAreFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{markFingerprint, "x" + markFingerprint, "xy" + markFingerprint, `{"pin":"` + markPin + `"}`, markPhone} {
		raw := []byte(text)
		for _, printed := range []string{
			text, fmt.Sprintf("%q", text), fmt.Sprintf("%x %X", text, text), fmt.Sprintf("% x", raw),
			fmt.Sprintf("%d", raw), fmt.Sprintf("%#v", raw), fmt.Sprintf("%#v", [20]byte(append(raw, make([]byte, 20)...))),
			hex.Dump(append(bytes.Repeat([]byte{'.'}, 13), raw...)), strings.ReplaceAll(fmt.Sprintf("%d", raw), " ", ","),
			base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		} {
			if len(findMarks(printed)) == 0 {
				t.Errorf("%q was not found in %q", text, printed)
			}
		}
	}
	for _, printed := range []string{markPin, "a " + markPin + ",", fmt.Sprintf("%x", markPin), fmt.Sprintf("%d", []byte(markPin))} {
		if len(findMarks(printed)) == 0 {
			t.Errorf("the PIN was not found in %q", printed)
		}
	}
	if found := findMarks("0xc000831700 18317 5a1f0c3e-8317-4a57-9c7e-0d2f6b1a4c11"); found != nil {
		t.Errorf("found in addresses and ids: %q", found)
	}
}
