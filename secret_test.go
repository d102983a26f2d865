package usersecurity_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// dto is a request to a partner's own backend.
type dto struct {
	Pin         usersecurity.Pin          `json:"pin" xml:"pin"`
	Fingerprint *usersecurity.Fingerprint `json:"fingerprint" xml:"fingerprint"`
}

func TestRequestsHoldSecrets(t *testing.T) {
	t.Parallel()
	fromJSON := func(v any) error {
		return json.Unmarshal([]byte(`{"pin":"`+canaryPin+`","fingerprint":"`+canaryFingerprint+`"}`), v)
	}
	fromXML := func(v any) error {
		return xml.Unmarshal([]byte(`<dto><pin>`+canaryPin+`</pin><fingerprint>`+canaryFingerprint+`</fingerprint></dto>`), v)
	}
	for _, read := range []func(any) error{fromJSON, fromXML} {
		var request dto
		if err := read(&request); err != nil {
			t.Fatal(err)
		}
		if !request.Pin.Equal(marked.pin) || !request.Fingerprint.Equal(marked.fingerprint) {
			t.Error("other secrets were read")
		}
		written, err := json.Marshal(request)
		if want := `{"pin":"****","fingerprint":"****"}`; err != nil || string(written) != want {
			t.Errorf("as JSON: %s, %v", written, err)
		}
		written, err = xml.Marshal(request)
		if want := `<dto><pin>****</pin><fingerprint>****</fingerprint></dto>`; err != nil || string(written) != want {
			t.Errorf("as XML: %s, %v", written, err)
		}
	}
}

// What can't be a secret is refused, and not repeated.
func TestRequestsWithWrongSecrets(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	for _, body := range []string{
		`{"pin":` + canaryPin + `}`, `{"pin":"` + canaryPin + `0"}`, `{"pin":" ` + canaryPin + `"}`, `{"pin":["` + canaryPin + `"]}`,
		`{"pin":{"digits":"` + canaryPin + `"}}`, `{"pin":""}`, `{"pin":"****"}`, `{"pin":true}`,
		`{"fingerprint":""}`, `{"fingerprint":["canary"]}`, `{"fingerprint":"` + strings.Repeat("canary", 1000) + `"}`,
	} {
		var request dto
		err := json.Unmarshal([]byte(body), &request)
		if err == nil {
			t.Errorf("%q was taken", body)
			continue
		}
		var mistyped *json.UnmarshalTypeError
		if !errors.Is(err, usersecurity.ErrInvalidArgument) && !errors.As(err, &mistyped) {
			t.Errorf("%q: %v", body, err)
		}
		caught.print(err)
		caught.print(request)
	}
	caught.search(t)
}

// Nothing but Equal compares secrets.
func TestSecretsCompareByEqualAlone(t *testing.T) {
	t.Parallel()
	again := must(usersecurity.NewPin(canaryPin))
	if !marked.pin.Equal(again) || marked.pin.Equal(usual.pin) || marked.pin.Equal(usersecurity.Pin{}) || (usersecurity.Pin{}).Equal(usersecurity.Pin{}) {
		t.Error("Equal is wrong")
	}
	if reflect.DeepEqual(marked.pin, again) || reflect.DeepEqual(marked.pin, marked.pin) {
		t.Error("two PINs are equal to reflect.DeepEqual")
	}
	for name, compare := range map[string]func(a, b any){
		"map":        func(a, _ any) { _ = map[any]int{a: 1} },
		"interfaces": func(a, b any) { _ = a == b },
	} {
		panicked := func() (p any) {
			defer func() { p = recover() }()
			compare(marked.pin, again)
			return nil
		}()
		if text := fmt.Sprint(panicked); !strings.Contains(text, "usersecurity.Pin") || strings.Contains(text, canaryPin) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Sealed is zero once it is wiped, and not before.
func TestSealedIsZero(t *testing.T) {
	t.Parallel()
	sealed := must(usersecurity.Seal(&usersecurity.WiseKey{PublicKey: &sealingKey().PublicKey}, marked.pin))
	if sealed.IsZero() || sealed.Compact() == "" {
		t.Error("what was just sealed is zero")
	}
	sealed.Wipe()
	if !sealed.IsZero() || sealed.Compact() != "" || !new(usersecurity.Sealed).IsZero() {
		t.Error("what was wiped is not zero")
	}
	if (usersecurity.SealedReply{}).ContentType() != "" {
		t.Error("the zero reply has a content type")
	}
}

// Whoever embeds secrets still prints none.
func TestEmbeddedSecrets(t *testing.T) {
	t.Parallel()
	type (
		hiddenPin = usersecurity.Pin
		one       struct{ usersecurity.Pin }
		two       struct {
			usersecurity.Pin
			usersecurity.Fingerprint
		}
		twice struct {
			*usersecurity.Pin
			hiddenPin
		}
		source struct{ usersecurity.TokenSource }
		client struct{ *usersecurity.Client }
	)
	caught := &catch{}
	for _, v := range []any{
		one{marked.pin}, &one{marked.pin}, two{marked.pin, marked.fingerprint}, twice{&marked.pin, marked.pin},
		source{usersecurity.StaticToken(canaryUserToken)}, client{newClient(t, nothingSent{t})},
	} {
		caught.print(v)
		caught.reach(v)
	}
	caught.search(t)
}
