package errorbody_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wise-partner/usersecurity/internal/errorbody"
)

type entry = errorbody.Entry

var whole = []struct {
	body    string
	shape   errorbody.Shape
	entries []entry
}{
	{"", errorbody.Empty, nil},
	{" \r\n\t", errorbody.Empty, nil},
	{"\ufeff", errorbody.Empty, nil},
	{"\n\ufeff \n", errorbody.Empty, nil},

	{"<html>404</html>", errorbody.NotJSON, nil},
	{"not found", errorbody.NotJSON, nil},
	{"12", errorbody.NotJSON, nil},
	{`"pin.not.setup"`, errorbody.NotJSON, nil},
	{"true", errorbody.NotJSON, nil},
	{"nil", errorbody.NotJSON, nil},
	{"\xff\xfe{\x00", errorbody.NotJSON, nil},
	{"\x00", errorbody.NotJSON, nil},
	{"\v", errorbody.NotJSON, nil},
	{"\ufeff\ufeff{}", errorbody.NotJSON, nil},
	{`{}{}`, errorbody.NotJSON, nil},
	{`[1,]`, errorbody.NotJSON, nil},
	{`{"a" 1}`, errorbody.NotJSON, nil},
	{`{"err`, errorbody.NotJSON, nil},
	{`{'error':'x'}`, errorbody.NotJSON, nil},
	{`{"errors":[{"code":"x"}]}<!-- -->`, errorbody.NotJSON, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"}`, errorbody.NotJSON, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"},{"code":"y","message":"m`, errorbody.NotJSON, []entry{{Code: "x"}, {Code: "y"}}},
	{`{"errors":[{"code":"x",]}`, errorbody.NotJSON, []entry{{Code: "x"}}},
	{`[{"code":"x"},`, errorbody.NotJSON, []entry{{Code: "x"}}},
	{`{"code":"x","message":"m"`, errorbody.NotJSON, []entry{{Code: "x", Message: "m"}}},

	{"{}", errorbody.JSON, nil},
	{"\ufeff {} ", errorbody.JSON, nil},
	{" null ", errorbody.JSON, nil},
	{"[]", errorbody.JSON, nil},
	{`{"id":1e999}`, errorbody.JSON, nil},
	{`{"id":1,"type":"PERSONAL","status":"ACTIVE","path":"/x","description":"d"}`, errorbody.JSON, nil},
	{`{"title":"Dr"}`, errorbody.JSON, nil},
	{`{"status":200,"timestamp":"t"}`, errorbody.JSON, nil},
	{`{"status":1234}`, errorbody.JSON, nil},
	{`{"errors":null,"id":1}`, errorbody.JSON, nil},
	{`{"errors":false,"error":null}`, errorbody.JSON, nil},
	{`{"errors":"","error":""}`, errorbody.JSON, nil},
	{`{"code":12}`, errorbody.JSON, nil},
	{`{"Errors":[{"code":"x"}],"ERRORS":[{"code":"x"}],"Code":"x","MESSAGE":"m"}`, errorbody.JSON, nil},
	{`{"data":{"errors":[{"code":"x"}],"error":"x"}}`, errorbody.JSON, nil},
	{`[{"id":1,"message":"m"},2,[{"code":"x"}]]`, errorbody.JSON, nil},
	{`[{"errors":[{"code":"x"}]}]`, errorbody.JSON, nil},

	{`{"errors":[{"code":"x","message":"m","path":"p","arguments":[{"code":"z"}]},{"code":"y","arguments":null}],"timestamp":"t"}`, errorbody.Errors, []entry{{"x", "m", "p"}, {Code: "y"}}},
	{`{"errors":[{"code":"x","field":"f"}]}`, errorbody.Errors, []entry{{Code: "x", Path: "f"}}},
	{`{"errors":[{"code":"x","ref":"r"}],"id":{"message":"m"}}`, errorbody.Errors, []entry{{Code: "x", Path: "r"}}},
	{`{"errors":{"code":"x","message":"m"}}`, errorbody.Errors, []entry{{Code: "x", Message: "m"}}},
	{`{"errors":[]}`, errorbody.Errors, nil},
	{`{"errors":{}}`, errorbody.Errors, nil},
	{`{"errors":[{}]}`, errorbody.Errors, nil},
	{`{"errors":[{"code":12}]}`, errorbody.Errors, nil},
	{`{"errors":[{"code":12,"message":"m"},{"code":"","message":""}]}`, errorbody.Errors, []entry{{Message: "m"}}},
	{`{"errors":[{"message":"m"}]}`, errorbody.Errors, []entry{{Message: "m"}}},
	{`{"errors":[1,{"code":"x"},[{"code":"y"}]]}`, errorbody.Errors, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"}],"message":"m"}`, errorbody.Errors, []entry{{Code: "x"}}},
	{`{"errors":[{"Code":"no","code":"x","CODE":"no"}],"ERRORS":[]}`, errorbody.Errors, []entry{{Code: "x"}}},
	{`{"errors":null,"errors":[{"code":"x"}]}`, errorbody.Errors, []entry{{Code: "x"}}},
	{`[{"code":"x","message":"m"},{"message":"no code"}]`, errorbody.Errors, []entry{{Code: "x", Message: "m"}}},
	{"\ufeff" + `[{"code":"x"}]`, errorbody.Errors, []entry{{Code: "x"}}},
	{`{"error":{"code":"x","message":"m"}}`, errorbody.Errors, []entry{{Code: "x", Message: "m"}}},

	{`{"error":"invalid_token","error_description":"d"}`, errorbody.OAuth, []entry{{Code: "invalid_token", Message: "d"}}},
	{`{"error":"two words","error_description":"d","status":401}`, errorbody.OAuth, []entry{{Code: "two words", Message: "d"}}},
	{`{"error":"invalid_token"}`, errorbody.OAuth, []entry{{Code: "invalid_token"}}},
	{`{"error":"invalid_token","error_uri":"u"}`, errorbody.OAuth, []entry{{Code: "invalid_token"}}},

	{`{"error":"Not Found"}`, errorbody.Other, []entry{{Message: "Not Found"}}},
	{`{"error":"Forbidden","message":""}`, errorbody.Other, []entry{{Message: "Forbidden"}}},
	{`{"error":"Forbidden","path":null}`, errorbody.Other, []entry{{Message: "Forbidden"}}},
	{`{"error":"Forbidden","timestamp":1}`, errorbody.Other, []entry{{Message: "Forbidden"}}},
	{`{"error":"Forbidden","exception":"e"}`, errorbody.Other, []entry{{Message: "Forbidden"}}},
	{`{"error":"Forbidden","status":403}`, errorbody.Other, []entry{{Message: "Forbidden"}}},
	{`{"timestamp":"t","status":404,"error":"Not Found","message":"m","path":"/v1/x","exception":"e"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"timestamp":"t","status":400,"error":"Bad Request","errors":[{"code":"NotNull","field":"pin"}]}`, errorbody.Other, []entry{{Code: "NotNull", Path: "pin"}}},
	{`{"error":"BAD_REQUEST","message":"m","errors":[{"field":"pin","message":"null"}]}`, errorbody.Other, []entry{{Message: "null", Path: "pin"}}},
	{`{"status":404}`, errorbody.Other, nil},
	{`{"type":"t","title":"T","status":400,"detail":"d"}`, errorbody.Other, []entry{{Message: "d"}}},
	{`{"type":"t","title":"T"}`, errorbody.Other, []entry{{Message: "T"}}},
	{`{"type":"t","title":"T","status":422,"detail":"d","errors":[{"code":"x","ref":"r","detail":"e"}]}`, errorbody.Other, []entry{{"x", "e", "r"}}},
	{`{"errors":[{"code":"x"}],"type":"t"}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"}],"title":"t"}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"}],"status":404}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"errors":[{"code":"x"}],"error":"y"}`, errorbody.OAuth, []entry{{Code: "x"}}},
	{`{"type":"t","title":"T","status":"400","errors":[]}`, errorbody.Other, []entry{{Message: "T"}}},
	{`{"message":"m","request_id":"r"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"message":"m"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"detail":"m"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"error_description":"m"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"code":"x","message":"m","path":"p"}`, errorbody.Other, []entry{{"x", "m", "p"}}},
	{`{"code":12,"message":"m"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"code":"x","category":"c","description":"d","details":[]}`, errorbody.Other, []entry{{Code: "x", Message: "d"}}},
	{`{"type":"t","status":"FAILED","errorCode":"x","errorMessage":"m"}`, errorbody.Other, []entry{{Code: "x", Message: "m"}}},
	{`{"errorCode":"x"}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"errorMessage":"m"}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"message":"m","errors":[]}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"message":"m","errors":{"email":["taken"]}}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"errors":{"email":["taken"]}}`, errorbody.Other, nil},
	{`{"errors":[1,"two",null]}`, errorbody.Other, nil},
	{`{"errors":["a",[1,{"b":2}]],"code":"x"}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"errors":"text"}`, errorbody.Other, nil},
	{`{"errors":[{"detail":"d","ref":"r"}]}`, errorbody.Other, []entry{{Message: "d", Path: "r"}}},
	{`{"error":{"code":404,"message":"m"}}`, errorbody.Other, []entry{{Message: "m"}}},
	{`{"error":{"code":"x"},"status":404}`, errorbody.Other, []entry{{Code: "x"}}},
	{`{"error":{}}`, errorbody.Other, nil},
	{`{"error":true}`, errorbody.Other, nil},
	{`{"error":[{"code":"x"}]}`, errorbody.Other, nil},
}

func TestRead(t *testing.T) {
	for _, test := range whole {
		entries, shape := errorbody.Read([]byte(test.body), false)
		if shape != test.shape || !slices.Equal(entries, test.entries) {
			t.Errorf("%q: %v %q, want %v %q", test.body, shape, entries, test.shape, test.entries)
		}
	}
}

// A body that is whole is judged alike when it is said to be cut.
func TestCutAtTheEnd(t *testing.T) {
	for _, test := range whole {
		if test.shape == errorbody.Empty || test.shape == errorbody.NotJSON {
			continue
		}
		entries, shape := errorbody.Read([]byte(test.body), true)
		if shape != test.shape || !slices.Equal(entries, test.entries) {
			t.Errorf("%q: %v %q, want %v %q", test.body, shape, entries, test.shape, test.entries)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		body    string
		shape   errorbody.Shape
		entries []entry
	}{
		{"", errorbody.NotJSON, nil},
		{"  ", errorbody.NotJSON, nil},
		{"\ufeff", errorbody.NotJSON, nil},
		{"<html", errorbody.NotJSON, nil},
		{"12", errorbody.NotJSON, nil},
		{"nul", errorbody.JSON, nil},
		{"nup", errorbody.NotJSON, nil},
		{"{", errorbody.JSON, nil},
		{"[", errorbody.JSON, nil},
		{`[{"code":"x"`, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"err`, errorbody.JSON, nil},
		{`{"errors`, errorbody.JSON, nil},
		{`{"errors":[`, errorbody.Errors, nil},
		{`{"errors":[{"co`, errorbody.Errors, nil},
		{`{"errors":[{"code":"x","message":"m`, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x"}],"padding":"\u00`, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x"}],"padding":[[-`, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x"}],"padding":[tru`, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"type":"t","errors":[{"code":"x"},`, errorbody.Other, []entry{{Code: "x"}}},
		{`{"message":"m","pad`, errorbody.Other, []entry{{Message: "m"}}},
		{`{"error":"x","error_description":"d","error_uri":"`, errorbody.OAuth, []entry{{Code: "x", Message: "d"}}},
		{`{"errors":[{"code":"x"}],]`, errorbody.NotJSON, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x"}]} <`, errorbody.NotJSON, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x"}]} tru`, errorbody.NotJSON, []entry{{Code: "x"}}},
	} {
		entries, shape := errorbody.Read([]byte(test.body), true)
		if shape != test.shape || !slices.Equal(entries, test.entries) {
			t.Errorf("%q: %v %q, want %v %q", test.body, shape, entries, test.shape, test.entries)
		}
	}
}

func TestEntriesAreBounded(t *testing.T) {
	list := "[" + strings.Repeat(`{"code":"x"},`, 99) + `{"code":"last"}]`
	for _, body := range []string{
		list,
		`{"errors":` + list + `}`,
		`{"errors":` + list + `,"errors":{"code":"y"},"error":{"code":"z"}}`,
	} {
		entries, shape := errorbody.Read([]byte(body), false)
		if shape != errorbody.Errors || len(entries) != 32 || slices.Contains(entries, entry{Code: "last"}) {
			t.Errorf("%.40s: %v, %d entries", body, shape, len(entries))
		}
		// What is wrong behind the last entry that is kept is still seen.
		if _, shape := errorbody.Read([]byte(body[:len(body)-1]), false); shape != errorbody.NotJSON {
			t.Errorf("%.40s without an end: %v", body, shape)
		}
	}
}

func TestDeepNesting(t *testing.T) {
	const deepest = 10_000
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for _, test := range []struct {
		body    string
		cut     bool
		shape   errorbody.Shape
		entries []entry
	}{
		{nested(deepest), false, errorbody.JSON, nil},
		{nested(deepest + 1), false, errorbody.NotJSON, nil},
		{strings.Repeat("[", 64<<10), false, errorbody.NotJSON, nil},
		{strings.Repeat("[", 64<<10), true, errorbody.NotJSON, nil},
		{strings.Repeat(`{"errors":`, 6<<10), true, errorbody.Other, nil},
		{`{"errors":[{"code":"x","arguments":` + nested(deepest-3) + `}]}`, false, errorbody.Errors, []entry{{Code: "x"}}},
		{`{"errors":[{"code":"x","arguments":` + nested(deepest) + `}]}`, false, errorbody.NotJSON, []entry{{Code: "x"}}},
	} {
		entries, shape := errorbody.Read([]byte(test.body), test.cut)
		if shape != test.shape || !slices.Equal(entries, test.entries) {
			t.Errorf("%.40s (%d bytes): %v %q, want %v %q", test.body, len(test.body), shape, entries, test.shape, test.entries)
		}
	}
}

// A proxy's page is known by its first byte.
func TestForeignBodyCostsNothing(t *testing.T) {
	page := []byte("\ufeff<html>" + strings.Repeat("x", 64<<10))
	if n := testing.AllocsPerRun(10, func() { errorbody.Read(page, true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTrimBOM(t *testing.T) {
	for body, want := range map[string]string{
		"":                     "",
		"{}":                   "{}",
		" {}":                  " {}",
		"\ufeff{} ":            "{} ",
		" \r\n\ufeff\n{}":      "\n{}",
		"\ufeff\ufeff":         "\ufeff",
		"{}\ufeff":             "{}\ufeff",
		"\xef\xbb":             "\xef\xbb",
		"\xef\xbb\xbf\xef\xbb": "\xef\xbb",
	} {
		if got := string(errorbody.TrimBOM([]byte(body))); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}

func TestIsJSON(t *testing.T) {
	for body, want := range map[string]bool{
		"": false, " ": false, "\ufeff": false, "<html>": false, "12": false, `"a"`: false, "true": false, "nul": false, "{": false, "{}{}": false,
		"{}": true, " \ufeff [ ] ": true, "null": true, `{"a":1e999}`: true,
	} {
		if got := errorbody.IsJSON([]byte(body)); got != want {
			t.Errorf("%q: %v", body, got)
		}
	}
}

func TestShapesHaveNames(t *testing.T) {
	got := ""
	for s := errorbody.Empty; s <= errorbody.Other+1; s++ {
		got += fmt.Sprint(s) + " "
	}
	if got != "Empty NotJSON JSON Errors OAuth Other unknown " {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	for _, test := range whole {
		f.Add([]byte(test.body), uint(len(test.body)/2))
	}
	f.Fuzz(func(t *testing.T, body []byte, n uint) {
		entries, shape := errorbody.Read(body, false)
		check(t, entries, shape)
		isJSON := errorbody.IsJSON(body)
		if isJSON != (shape > errorbody.NotJSON) {
			t.Fatalf("shape %v, IsJSON %v", shape, isJSON)
		}
		if isJSON && !json.Valid(errorbody.TrimBOM(body)) {
			t.Fatal("JSON that encoding/json can't read")
		}
		if isJSON {
			again, same := errorbody.Read(body, true)
			if same != shape || !slices.Equal(again, entries) {
				t.Fatalf("%v %q; said to be cut: %v %q", shape, entries, same, again)
			}
		}
		part := body[:n%uint(len(body)+1)]
		entries, shape = errorbody.Read(part, true)
		check(t, entries, shape)
		shows := len(bytes.Trim(errorbody.TrimBOM(part), " \t\r\n\xef\xbb")) > 0
		if isJSON && shows && shape == errorbody.NotJSON {
			t.Fatalf("the beginning %q is NotJSON", part)
		}
	})
}

// check checks what holds of every body.
func check(t *testing.T, entries []entry, shape errorbody.Shape) {
	t.Helper()
	if len(entries) > 32 || len(entries) > 0 && (shape == errorbody.Empty || shape == errorbody.JSON) {
		t.Fatalf("%d entries of a body that is %v", len(entries), shape)
	}
	for _, e := range entries {
		if e == (entry{}) || !utf8.ValidString(e.Code+e.Message+e.Path) {
			t.Fatalf("entry %q", e)
		}
	}
}
