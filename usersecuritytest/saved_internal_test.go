package usersecuritytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/wise-partner/usersecurity"
)

// filler gives every field a value that is not zero, and no other field has.
type filler struct{ last int64 }

// fill fills what is behind v, whose fields need not be exported. Maps get one
// entry and lists two.
func (f *filler) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	f.last++
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Unix(f.last, 0).UTC()
		return
	case **rand.PCG:
		*at = rand.NewPCG(uint64(f.last), 1)
		return
	case *sync.Mutex, **clock:
		return // of the server, and not of what it holds
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(t, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(t, v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0))
		f.fill(t, v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(t, key)
		f.fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(t, v.Elem())
	case reflect.String:
		v.SetString(fmt.Sprint("x", f.last))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(f.last)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(f.last%255) + 1)
	default:
		t.Fatalf("what is a %s to be filled with? Say so in fill", v.Type())
	}
}

// differences names what differs between what came back and what was saved.
func differences(path string, got, want reflect.Value) (names []string) {
	same := true
	switch want.Kind() {
	case reflect.Struct:
		for i := range want.NumField() {
			names = append(names, differences(path+"."+want.Type().Field(i).Name, got.Field(i), want.Field(i))...)
		}
	case reflect.Pointer:
		if same = got.IsNil() == want.IsNil(); same && !want.IsNil() {
			return differences(path, got.Elem(), want.Elem())
		}
	case reflect.Slice, reflect.Array:
		same = got.Len() == want.Len()
		for i := range min(got.Len(), want.Len()) {
			names = append(names, differences(fmt.Sprint(path, "[", i, "]"), got.Index(i), want.Index(i))...)
		}
	case reflect.Map:
		same = got.Len() == want.Len()
		for _, key := range want.MapKeys() {
			if at := fmt.Sprint(path, "[", key, "]"); got.MapIndex(key).IsValid() {
				names = append(names, differences(at, got.MapIndex(key), want.MapIndex(key))...)
			} else {
				names = append(names, at)
			}
		}
	default:
		same = fmt.Sprint(got) == fmt.Sprint(want)
	}
	if !same {
		names = append(names, path)
	}
	return names
}

// throughJSON reads what is written.
func throughJSON[T any](t *testing.T, saved T) (read T) {
	t.Helper()
	text, err := json.Marshal(saved)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// Every field of what the server holds of users is saved, and comes back.
func TestUsersAreSavedWhole(t *testing.T) {
	t.Parallel()
	var (
		held users
		usr  user
		f    filler
	)
	f.fill(t, reflect.ValueOf(&usr).Elem())
	usr.profiles[0].business = false // the first one is personal
	usr.factors[0] = &factors{}      // which every user has
	f.fill(t, reflect.ValueOf(&held).Elem())
	held.byID = map[usersecurity.UserID]*user{usr.id: &usr}
	held.byEmail = map[string]usersecurity.UserID{usr.email: usr.id}
	held.phones = map[string]usersecurity.PhoneNumberID{}
	for _, p := range usr.phones {
		held.phones[p.number] = p.id
	}

	saved := throughJSON(t, held.saved())
	restored := newUsers(nil, 1, held.fingerprintLimit, held.perProfile)
	if err := saved.restore(restored); err != nil {
		t.Fatal(err)
	}
	got := newUsers(nil, 1, held.fingerprintLimit, held.perProfile)
	got.replace(restored)
	for _, name := range differences("users", reflect.ValueOf(got).Elem(), reflect.ValueOf(&held).Elem()) {
		t.Errorf("%s doesn't come back: savedusers.go has to write and read it", name)
	}
}

// So is that of one-time tokens.
func TestOneTimeTokensAreSavedWhole(t *testing.T) {
	t.Parallel()
	var (
		held  oneTimeTokens
		token oneTimeToken
		f     filler
	)
	f.fill(t, reflect.ValueOf(&token).Elem())
	token.revealed = len(token.Challenges) // it can't show more
	f.fill(t, reflect.ValueOf(&held).Elem())
	held.byDigest = map[Digest]*oneTimeToken{token.Digest: &token}
	held.made = []Digest{token.Digest}

	saved := throughJSON(t, held.saved())
	restored := newOneTimeTokens(nil, held.rules)
	if err := saved.restore(restored, func(usersecurity.UserID) bool { return true }); err != nil {
		t.Fatal(err)
	}
	got := newOneTimeTokens(nil, held.rules)
	got.replace(restored)
	for _, name := range differences("oneTimeTokens", reflect.ValueOf(got).Elem(), reflect.ValueOf(&held).Elem()) {
		t.Errorf("%s doesn't come back: savedonetimetokens.go has to write and read it", name)
	}
}
