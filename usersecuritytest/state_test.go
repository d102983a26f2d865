package usersecuritytest_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func saved(t *testing.T, srv *usersecuritytest.Server) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := srv.SaveState(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A server that goes on where another one has stopped takes what that one handed
// out, and knows what it was told.
func TestStateGoesOn(t *testing.T) {
	first := newServer(t)
	mustStatus(t, send(t, first, createPin(t, first, "8273")), 204)
	mustStatus(t, send(t, first, createFingerprint(t, first, "phone")), 200)
	mustStatus(t, send(t, first, asUser(first, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)), 204)
	mustStatus(t, send(t, first, asApplication(first, "POST", phones(user), `{"phoneNumber":"+6581234567"}`)), 200)
	mustStatus(t, send(t, first, signUp(first, `{"email":"new@example.com","registrationCode":"0123456789012345678901234567890123"}`)), 200)
	business := first.AddBusinessProfile(user)
	first.DeactivateProfile(business)
	first.RotateKey()
	first.Protect("POST", "/v3/pay", kindPin)
	first.Protect("POST", "/v3/pay", kindSMS)
	first.Retire(410)
	first.Advance(time.Hour)
	code, authorization := first.RegistrationCode(user), first.AuthorizationCode(user)
	ott := first.NewOneTimeToken(user, kindSMS)
	mustStatus(t, send(t, first, triggerCode(first, ott, "sms")), 200)
	access, application := first.UserToken(user), first.ApplicationToken()

	second := usersecuritytest.NewServer()
	t.Cleanup(second.Close)
	second.AddUser(7)
	_ = second.EncryptionKey() // of its own, which has to go
	text := saved(t, first)
	if err := second.LoadState(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if again := saved(t, second); !bytes.Equal(again, text) {
		t.Errorf("saved again:\n%s\nwant\n%s", again, text)
	}
	before, _ := first.User(user)
	if after, _ := second.User(user); !reflect.DeepEqual(after, before) {
		t.Errorf("user = %+v, want %+v", after, before)
	}
	if _, known := second.User(7); known {
		t.Error("a user of before is still there")
	}
	if second.UserToken(user) != access || second.ApplicationToken() != application || second.ClientSecret() != first.ClientSecret() {
		t.Error("tokens or the client secret are others")
	}
	if !second.EncryptionKey().Equal(first.EncryptionKey()) || second.KeyVersion() != 2 {
		t.Error("Wise's key is another one")
	}
	if d := first.Now().Sub(second.Now()).Abs(); d > time.Minute {
		t.Errorf("the clocks are %v apart", d)
	}
	for _, form := range []url.Values{
		{"grant_type": {"registration_code"}, "email": {"a@example.com"}, "registration_code": {code}},
		{"grant_type": {"authorization_code"}, "redirect_uri": {"https://a"}, "code": {authorization}},
		{"grant_type": {"registration_code"}, "email": {"new@example.com"}, "registration_code": {"0123456789012345678901234567890123"}},
	} {
		form.Set("client_id", second.ClientID())
		fetchToken(t, second, form)
	}
	mustStatus(t, send(t, second, answerCode(second, ott, "sms", "111111")), 200)
	if got := second.OneTimeTokens(user); len(got) != 1 || !got[0].Cleared {
		t.Errorf("one-time tokens = %+v", got)
	}
	mustStatus(t, send(t, second, createPin(t, second, "8273")), 410)
	second.Retire(0)
	mustStatus(t, send(t, second, createPin(t, second, "8273")), 409)
	mustStatus(t, send(t, second, asUser(second, "POST", "/v3/pay", "")), 403)
	if got := second.OneTimeTokens(user)[1].Challenges[0].Kind; got != kindSMS {
		t.Errorf("the protected call asks for %s, want what it was told last", got)
	}
	mustStatus(t, send(t, second, createFingerprint(t, second, "tablet")), 200)
	devices := state(t, second, user).Fingerprints
	if len(devices) != 2 || devices[0].ID == devices[1].ID {
		t.Errorf("devices = %+v, want two of different ids", devices)
	}
}

// What only some readings make is saved too: factors of profiles, keys for replies,
// and that a user has just cleared a challenge.
func TestStateOfReadings(t *testing.T) {
	opts := []usersecuritytest.ServerOption{usersecuritytest.WithFactorsPerProfile(), usersecuritytest.WithLowRiskWindow()}
	first := newServer(t, opts...)
	mustStatus(t, send(t, first, sealedAsUser(t, first, ofProfile(first, "/pin"), `{"pin":"8273"}`)), 200)
	register := asApplication(first, "POST", registerPath, registration(t, "11111111-1111-4111-8111-111111111111", &partnerKey().PublicKey, validFrom, validTill))
	mustStatus(t, send(t, first, register), 201)
	if _, err := first.AddPhoneNumber(user, "+6581234567"); err != nil {
		t.Fatal(err)
	}
	ott := first.NewOneTimeToken(user, kindSMS)
	mustStatus(t, send(t, first, triggerCode(first, ott, "sms")), 200)
	mustStatus(t, send(t, first, answerCode(first, ott, "sms", "111111")), 200)
	first.Protect("POST", "/v3/pay", kindPin)

	second := usersecuritytest.NewServer(opts...)
	t.Cleanup(second.Close)
	text := saved(t, first)
	if err := second.LoadState(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if again := saved(t, second); !bytes.Equal(again, text) {
		t.Errorf("saved again:\n%s\nwant\n%s", again, text)
	}
	mustStatus(t, send(t, second, sealedAsUser(t, second, ofProfile(second, "/pin"), `{"pin":"8273"}`)), 409)
	mustStatus(t, send(t, second, createPin(t, second, "8273")), 204) // the user's own, which is another
	mustApprove(t, send(t, second, asUser(second, "POST", "/v3/pay", "")), 200)
}

func TestStateThatCannotBeIsRefused(t *testing.T) {
	srv := newServer(t)
	srv.RegistrationCode(user)
	srv.AuthorizationCode(user)
	srv.NewOneTimeToken(user, kindPin)
	srv.UserToken(user)
	if err := srv.EnrolPin(user, "8273"); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.AddPhoneNumber(user, "+6581234567"); err != nil {
		t.Fatal(err)
	}
	srv.Protect("POST", "/v3/pay")
	fetchToken(t, srv, url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {srv.RegistrationCode(user)}})
	text := saved(t, srv)
	for name, spoil := range map[string]func(m map[string]any){
		"another format":          func(m map[string]any) { m["format"] = 2 },
		"an unknown field":        func(m map[string]any) { m["more"] = 1 },
		"no secret":               func(m map[string]any) { m["clientSecret"] = "" },
		"the clock behind":        func(m map[string]any) { m["clockAheadMilliseconds"] = -1 },
		"retired":                 func(m map[string]any) { m["retired"] = 200 },
		"a protected path":        func(m map[string]any) { entry(m, "protected", 0)["path"] = "v3" },
		"no key":                  func(m map[string]any) { object(m, "keys")["wise"] = nil },
		"a key":                   func(m map[string]any) { entry(object(m, "keys"), "wise", 0)["private"] = "AAAA" },
		"random":                  func(m map[string]any) { object(m, "users")["random"] = "AAAA" },
		"a user's id":             func(m map[string]any) { entry(object(m, "users"), "users", 0)["id"] = 0 },
		"a user twice":            func(m map[string]any) { entry(object(m, "users"), "users", 0)["id"] = otherUser },
		"an e-mail address twice": func(m map[string]any) { entry(object(m, "users"), "users", 0)["email"] = "USER43@example.com" },
		"no profile":              func(m map[string]any) { entry(object(m, "users"), "users", 0)["profiles"] = []any{} },
		"a profile to come":       func(m map[string]any) { object(m, "users")["lastProfile"] = 1 },
		"a number to come":        func(m map[string]any) { object(m, "users")["lastPhone"] = 1 },
		"a PIN":                   func(m map[string]any) { entry(entry(object(m, "users"), "users", 0), "factors", 0)["pin"] = "8273" },
		"a token's user":          func(m map[string]any) { entry(object(m, "tokens"), "access", 0)["user"] = stranger },
		"a refresh token's user":  func(m map[string]any) { entry(object(m, "tokens"), "refresh", 0)["user"] = stranger },
		"a code's user":           func(m map[string]any) { entry(object(m, "tokens"), "registrationCodes", 0)["user"] = stranger },
		"an authorization's user": func(m map[string]any) { entry(object(m, "tokens"), "authorizationCodes", 0)["user"] = stranger },
		"a one-time token's user": func(m map[string]any) { entry(object(m, "oneTimeTokens"), "tokens", 0)["user"] = stranger },
		"shown challenges":        func(m map[string]any) { entry(object(m, "oneTimeTokens"), "tokens", 0)["revealed"] = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				t.Fatal(err)
			}
			spoil(m)
			spoiled, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			err = srv.LoadState(bytes.NewReader(spoiled))
			if err == nil {
				t.Fatal("it was taken")
			}
			assertNoneOf(t, []byte(err.Error()), srv.ClientSecret(), "8273")
			if !bytes.Equal(saved(t, srv), text) {
				t.Error("something of it was taken")
			}
		})
	}
	if err := srv.LoadState(strings.NewReader("{")); err == nil {
		t.Error("half a state was taken")
	}
}

func object(m map[string]any, name string) map[string]any { return m[name].(map[string]any) }

func entry(m map[string]any, name string, i int) map[string]any {
	return m[name].([]any)[i].(map[string]any)
}

func TestReset(t *testing.T) {
	srv := newServer(t)
	secret, key, profile := srv.ClientSecret(), srv.EncryptionKey(), srv.Profile(user)
	access := srv.UserToken(user)
	srv.Protect("POST", "/v3/pay")
	srv.Retire(410)
	srv.Advance(24 * time.Hour)
	srv.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502})
	send(t, srv, createPin(t, srv, "8273"))
	_, moment := srv.ChangedRequests(0)

	srv.Reset()
	if len(srv.Users()) != 0 || len(srv.ProtectedCalls()) != 0 || len(srv.FaultsInForce()) != 0 || len(srv.Requests()) != 0 || srv.Retired() != 0 {
		t.Error("something is left")
	}
	if time.Until(srv.Now()) > time.Minute {
		t.Error("the clock is still ahead")
	}
	if _, now := srv.ChangedRequests(moment); now == moment {
		t.Error("that the records are gone is no change")
	}
	if srv.ClientSecret() != secret || !srv.EncryptionKey().Equal(key) {
		t.Error("the client secret or Wise's key is another one")
	}
	srv.AddUser(user)
	if srv.Profile(user) != profile {
		t.Error("the profile has another id than at first")
	}
	mustStatus(t, send(t, srv, message{"GET", "/v2/profiles", bearer(access), ""}), 401)
	mustStatus(t, send(t, srv, createPin(t, srv, "8273")), 204)
	if got := srv.Requests(); len(got) != 2 || got[1].Number != 3 {
		t.Errorf("recorded: %+v", got)
	}
}

func TestEnrolledWithoutACall(t *testing.T) {
	srv := newServer(t)
	if err := srv.EnrolPin(user, "8273"); err != nil {
		t.Fatal(err)
	}
	if err := srv.EnrolFaceMap(user, "Zm9v"); err != nil {
		t.Fatal(err)
	}
	device, err := srv.AddDeviceFingerprint(user, "phone")
	if err != nil {
		t.Fatal(err)
	}
	number, err := srv.AddPhoneNumber(user, "+6581234567")
	if err != nil {
		t.Fatal(err)
	}
	got := state(t, srv, user)
	if got.PinDigest != usersecuritytest.DigestOf("8273") || got.FaceMapDigest != usersecuritytest.DigestOf("Zm9v") ||
		got.Fingerprints[0].ID != device || got.PhoneNumbers[0].ID != number {
		t.Errorf("state = %+v", got)
	}
	for name, err := range map[string]error{
		"a second PIN":      srv.EnrolPin(user, "1234"),
		"a long PIN":        srv.EnrolPin(otherUser, "12345"),
		"a second face map": srv.EnrolFaceMap(user, "YmFy"),
		"no base64":         srv.EnrolFaceMap(otherUser, "!"),
		"no user":           srv.EnrolPin(stranger, "1234"),
		"a device again":    second(srv.AddDeviceFingerprint(user, "phone")),
		"no device":         second(srv.AddDeviceFingerprint(user, "")),
		"another's number":  second(srv.AddPhoneNumber(otherUser, "+6581234567")),
		"no number":         second(srv.AddPhoneNumber(user, "81234567")),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		} else {
			assertNoneOf(t, []byte(err.Error()), "1234", "+6581234567", "phone'")
		}
	}
	for _, value := range []string{"tablet", "watch"} {
		if _, err := srv.AddDeviceFingerprint(user, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := srv.AddDeviceFingerprint(user, "fourth"); err == nil {
		t.Error("a fourth device was taken")
	}
}

func second[T any](_ T, err error) error { return err }

func TestInventory(t *testing.T) {
	srv := newServer(t)
	business := srv.AddBusinessProfile(user)
	srv.DeactivateProfile(business)
	if got := srv.Users(); !reflect.DeepEqual(got, []usersecurity.UserID{user, otherUser}) {
		t.Errorf("users = %v", got)
	}
	profiles := srv.Profiles(user)
	if len(profiles) != 2 || profiles[0].Type != "PERSONAL" || profiles[1].ID != business || profiles[1].State != "DEACTIVATED" || profiles[1].User != user {
		t.Errorf("profiles = %+v", profiles)
	}
	if state(t, srv, user).Email != "user42@example.com" {
		t.Error("no e-mail address")
	}
	access := srv.UserToken(user)
	grant := fetchToken(t, srv, url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {srv.RegistrationCode(user)}})
	held := srv.HeldTokens(user)
	if len(held) != 3 || held[0].Ending != access[len(access)-4:] || !held[2].Refresh || !strings.HasSuffix(grant.RefreshToken, held[2].Ending) {
		t.Errorf("tokens = %+v", held)
	}
	srv.ExpireTokens()
	if held = srv.HeldTokens(user); len(held) != 1 {
		t.Errorf("tokens = %+v, want the refresh token only", held)
	}
	if err := srv.CheckFault(usersecuritytest.Fault{Kind: "none"}); err == nil {
		t.Error("an unknown fault is all right")
	}
	srv.Inject(usersecuritytest.Fault{Kind: usersecuritytest.HTML502, Times: 2})
	mustStatus(t, send(t, srv, asUser(srv, "GET", "/v2/profiles", "")), 502)
	if got := srv.FaultsInForce(); len(got) != 1 || got[0].Times != 1 {
		t.Errorf("faults = %+v, want one that strikes once more", got)
	}
}
