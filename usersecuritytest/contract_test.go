package usersecuritytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func phones(id int) string { return fmt.Sprintf("/v1/application/users/%d/phone-numbers", id) }

func fingerprints(id int) string { return fmt.Sprintf("/v1/users/%d/partner-device-fingerprints", id) }

// mustEmpty wants an answer without a body, and without a word about one.
func mustEmpty(t *testing.T, r response, status int) {
	t.Helper()
	if r.status != status || r.body != "" || r.header.Get("Content-Type") != "" {
		t.Errorf("status %d, body %q of type %q; want %d and no body", r.status, r.body, r.header.Get("Content-Type"), status)
	}
}

func mustCode(t *testing.T, r response, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("status %d, body %s; want %d and code %s", r.status, r.body, status, code)
	}
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", got)
	}
}

func state(t *testing.T, srv *usersecuritytest.Server, id usersecurity.UserID) usersecuritytest.UserState {
	t.Helper()
	s, ok := srv.User(id)
	if !ok {
		t.Fatalf("user %d is unknown", id)
	}
	return s
}

func TestPin(t *testing.T) {
	srv := newServer(t)
	remove := asApplication(srv, "DELETE", "/v1/users/42/pin", "")

	mustCode(t, send(t, srv, remove), 404, "pin.not.setup")
	mustEmpty(t, send(t, srv, createPin(t, srv, "0420")), 204)
	if s := state(t, srv, user); !s.PinSet || s.PinDigest != usersecuritytest.DigestOf("0420") {
		t.Errorf("state = %+v, want PIN 0420", s)
	}
	if s := state(t, srv, otherUser); s.PinSet {
		t.Error("another user's PIN is set")
	}
	mustEmpty(t, send(t, srv, createPin(t, srv, "1111")), 409)
	if s := state(t, srv, user); s.PinDigest != usersecuritytest.DigestOf("0420") {
		t.Error("a refused PIN has replaced the one before")
	}
	mustEmpty(t, send(t, srv, remove), 204)
	if s := state(t, srv, user); s.PinSet || s.PinDigest != (usersecuritytest.Digest{}) {
		t.Error("the PIN is still set")
	}
	mustCode(t, send(t, srv, remove), 404, "pin.not.setup")
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/99/pin", "")), 404)

	for _, pin := range []string{"", "123", "12345", "12a4", "-123", "١٢٣٤"} {
		mustCode(t, send(t, srv, createPin(t, srv, pin)), 400, "pin.invalid")
	}
	for _, payload := range []string{``, `[]`, `null`, `{}`, `{"pin":1234}`, `{"pin":null}`, `{"PIN":"1234"}`, `{"pin":"1234","x":""}`, `{"pin":"1234"} x`, "{\"pin\":\"\xff\"}"} {
		m := asSealed(asUser(srv, "POST", "/v1/user/pin", ""), seal(t, srv, payload))
		mustCode(t, send(t, srv, m), 400, "simulator.body.malformed")
	}
	if state(t, srv, user).PinSet {
		t.Error("a PIN that was refused is set")
	}
}

func TestFaceMap(t *testing.T) {
	srv := newServer(t)
	enrol := func(faceMap string) message {
		return asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"`+faceMap+`"}`)
	}
	remove := asApplication(srv, "DELETE", "/v1/users/42/facemap/enrol", "")

	mustCode(t, send(t, srv, remove), 404, "facemap.not.setup")
	mustEmpty(t, send(t, srv, enrol("Zm9v")), 204)
	if s := state(t, srv, user); !s.FaceMapEnrolled || s.FaceMapDigest != usersecuritytest.DigestOf("Zm9v") {
		t.Errorf("state = %+v, want face map Zm9v", s)
	}
	mustEmpty(t, send(t, srv, enrol("YmFy")), 409)
	mustEmpty(t, send(t, srv, remove), 204)
	if state(t, srv, user).FaceMapEnrolled {
		t.Error("the face map is still enrolled")
	}
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", "/v1/users/99/facemap/enrol", "")), 404)
	for _, faceMap := range []string{"", "Zm9", "Zm9v!", `Zm\n9v`, "Zm_-"} {
		mustCode(t, send(t, srv, enrol(faceMap)), 400, "facemap.invalid")
	}
	mustCode(t, send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"facemap":"Zm9v"}`)), 400, "simulator.body.malformed")
	large := strings.Repeat("QUJD", 1<<20)
	mustEmpty(t, send(t, srv, enrol(large)), 204)
	if state(t, srv, user).FaceMapDigest != usersecuritytest.DigestOf(large) {
		t.Error("a large face map did not arrive whole")
	}
	mustCode(t, send(t, srv, enrol(strings.Repeat("QUJD", 9<<20))), 413, "simulator.body.large")
}

type wireFingerprint struct {
	DeviceFingerprintID uuid.UUID `json:"deviceFingerprintId"`
	CreatedAt           string    `json:"createdAt"`
}

func TestFingerprints(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithClearReplies())
	list := func() (l []wireFingerprint) {
		for _, method := range []string{"GET", "POST"} {
			l = nil
			r := mustStatus(t, send(t, srv, asApplication(srv, method, fingerprints(user), "")), 200)
			r.json(t, &l)
		}
		return l
	}

	if r := send(t, srv, asApplication(srv, "GET", fingerprints(user), "")); r.body != "[]" {
		t.Errorf("the empty list is written %s, want []", r.body)
	}
	var made []wireFingerprint
	for _, value := range []string{"a", "b", "c"} {
		var f wireFingerprint
		mustStatus(t, send(t, srv, createFingerprint(t, srv, value)), 200).json(t, &f)
		if f.DeviceFingerprintID.Version() != 4 {
			t.Errorf("id = %v, want a random UUID", f.DeviceFingerprintID)
		}
		if at, err := time.Parse(time.RFC3339Nano, f.CreatedAt); err != nil || !strings.HasSuffix(f.CreatedAt, "Z") || time.Since(at) > time.Minute {
			t.Errorf("createdAt = %q, want now in UTC", f.CreatedAt)
		}
		made = append(made, f)
	}
	if got := list(); !slices.Equal(got, made) {
		t.Errorf("listed %v, want %v", got, made)
	}
	s := state(t, srv, user)
	for i, f := range made {
		if s.Fingerprints[i].ID != f.DeviceFingerprintID || s.Fingerprints[i].CreatedAt.Format(time.RFC3339Nano) != f.CreatedAt {
			t.Errorf("state has %v, want %v", s.Fingerprints[i], f)
		}
		if s.FingerprintDigests[f.DeviceFingerprintID] != usersecuritytest.DigestOf(string("abc"[i])) {
			t.Errorf("fingerprint %d has another value", i)
		}
	}
	// With no room left, one that exists is still told from one too many.
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "a")), 409)
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "d")), 400)

	one := fingerprints(user) + "/" + made[1].DeviceFingerprintID.String()
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(otherUser)+"/"+made[1].DeviceFingerprintID.String(), "")), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", one, "")), 204)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", one, "")), 404)
	if got := list(); !slices.Equal(got, []wireFingerprint{made[0], made[2]}) {
		t.Errorf("listed %v after one was deleted", got)
	}
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "b")), 200)

	mustEmpty(t, send(t, srv, asApplication(srv, "GET", fingerprints(stranger), "")), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "DELETE", fingerprints(stranger)+"/"+made[0].DeviceFingerprintID.String(), "")), 404)
	mustCode(t, send(t, srv, createFingerprint(t, srv, "")), 400, "device.fingerprint.invalid")
}

func TestFingerprintLimit(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithFingerprintLimit(1))
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200)
	mustEmpty(t, send(t, srv, createFingerprint(t, srv, "b")), 400)
}

func TestFingerprintListMethod(t *testing.T) {
	for method, other := range map[string]string{"GET": "POST", "POST": "GET"} {
		srv := newServer(t, usersecuritytest.WithFingerprintListMethod(method))
		mustStatus(t, send(t, srv, asApplication(srv, method, fingerprints(user), "")), 200)
		r := send(t, srv, asApplication(srv, other, fingerprints(user), ""))
		mustCode(t, r, 405, "simulator.method.wrong")
		if got := r.header.Get("Allow"); got != method {
			t.Errorf("Allow = %q, want %s", got, method)
		}
		if n := srv.Count(usersecurity.OpListDeviceFingerprints); n != 2 {
			t.Errorf("%d lists counted, want 2", n)
		}
	}
}

func TestSeedMakesTheSameFingerprintIDs(t *testing.T) {
	first := func(seed uint64) uuid.UUID {
		srv := newServer(t, usersecuritytest.WithSeed(seed), usersecuritytest.WithClearReplies())
		var f wireFingerprint
		mustStatus(t, send(t, srv, createFingerprint(t, srv, "a")), 200).json(t, &f)
		return f.DeviceFingerprintID
	}
	one, again, other := first(7), first(7), first(8)
	if one != again || one == other {
		t.Error("ids don't follow the seed")
	}
}

type wirePhone struct {
	ID          int64  `json:"id"`
	PhoneNumber string `json:"phoneNumber"`
	Type        string `json:"type"`
	Verified    bool   `json:"verified"`
	ClientID    string `json:"clientId"`
}

func TestPhoneNumbers(t *testing.T) {
	srv := newServer(t)
	create := func(id int, number string) response {
		return send(t, srv, asApplication(srv, "POST", phones(id), `{"phoneNumber":"`+number+`"}`))
	}
	update := func(id int, phone int64, number string) response {
		return send(t, srv, asApplication(srv, "PUT", fmt.Sprint(phones(id), "/", phone), `{"phoneNumber":"`+number+`"}`))
	}
	remove := func(id int, phone int64) response {
		return send(t, srv, asApplication(srv, "DELETE", fmt.Sprint(phones(id), "/", phone), ""))
	}
	list := func(id int) (l []wirePhone) {
		mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(id), "")), 200).json(t, &l)
		return l
	}
	read := func(r response) (p wirePhone) {
		mustStatus(t, r, 200).json(t, &p)
		return p
	}

	if r := send(t, srv, asApplication(srv, "GET", phones(user), "")); r.body != "[]" {
		t.Errorf("the empty list is written %s, want []", r.body)
	}
	one := read(create(user, "+6588888888"))
	two := read(create(user, "+14155550100"))
	theirs := read(create(otherUser, "+442071838750"))
	want := wirePhone{one.ID, "+6588888888", "PRIMARY", true, srv.ClientID()}
	if one.ID <= 0 || one != want || two.ID == one.ID || theirs.ID == two.ID {
		t.Errorf("created %+v, %+v, %+v", one, two, theirs)
	}
	if got := list(user); !slices.Equal(got, []wirePhone{one, two}) {
		t.Errorf("listed %+v", got)
	}
	if got := state(t, srv, user).PhoneNumbers; len(got) != 2 || got[0].PhoneNumber != one.PhoneNumber || int64(got[1].ID) != two.ID {
		t.Errorf("state has %+v", got)
	}

	// A number has one owner, and that one has it once.
	masked := regexp.MustCompile(`[a-z]\*+[a-z]@example\.com`)
	for _, r := range []response{
		create(otherUser, "+6588888888"),
		create(user, "+6588888888"),
		update(user, two.ID, "+6588888888"),
		update(otherUser, theirs.ID, "+6588888888"),
	} {
		mustCode(t, r, 422, "phone.number.repeated")
		if !masked.MatchString(r.body) {
			t.Errorf("%s names no masked e-mail address", r.body)
		}
	}
	if got := read(update(user, one.ID, "+6588888888")); got != one {
		t.Errorf("updated to the number it has: %+v", got)
	}
	one.PhoneNumber = "+6599999999"
	if got := read(update(user, one.ID, "+6599999999")); got != one {
		t.Errorf("updated to %+v, want %+v", got, one)
	}
	if got := list(user); !slices.Equal(got, []wirePhone{one, two}) {
		t.Errorf("listed %+v after an update", got)
	}
	freed := read(create(otherUser, "+6588888888"))
	if freed.ID == one.ID {
		t.Error("an id is used twice")
	}

	mustEmpty(t, update(user, theirs.ID, "+15005550006"), 404)
	mustEmpty(t, remove(user, theirs.ID), 404)
	mustEmpty(t, remove(user, one.ID), 204)
	mustEmpty(t, remove(user, one.ID), 404)
	mustEmpty(t, update(user, one.ID, "+6599999999"), 404)
	read(create(otherUser, "+6599999999"))

	mustEmpty(t, create(stranger, "+15005550007"), 404)
	mustEmpty(t, update(stranger, one.ID, "+15005550007"), 404)
	mustEmpty(t, remove(stranger, one.ID), 404)
	mustEmpty(t, send(t, srv, asApplication(srv, "GET", phones(stranger), "")), 404)
	for _, number := range []string{"", "6588888888", "+0123456789", "+65 8888 8888", "+6588888888x", "+1234567890123456", `+65888\n`} {
		mustCode(t, create(user, number), 422, "phone.number.invalid")
		mustCode(t, update(user, two.ID, number), 422, "phone.number.invalid")
	}
}

// Every call that breaks the contract is refused, and changes nothing.
func TestRefusals(t *testing.T) {
	srv := newServer(t)
	createPhone := asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`)
	enrol := asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)
	wiseKey := asApplication(srv, "GET", "/v1/auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION", "")
	inClear := asUser(srv, "POST", "/v1/user/pin", `{"pin":"1234"}`)
	userToken, applicationToken := "Bearer "+srv.UserToken(user), "Bearer "+srv.ApplicationToken()

	for _, c := range []struct {
		name   string
		send   message
		status int
		code   string
	}{
		{"user's token on an application call", createPhone.with("Authorization", userToken), 403, "token.kind"},
		{"application's token on a user call", enrol.with("Authorization", applicationToken), 403, "token.kind"},
		{"application's token on a sealed call", createPin(t, srv, "1234").with("Authorization", applicationToken), 403, "token.kind"},
		{"user's token for Wise's key", wiseKey.with("Authorization", userToken), 403, "token.kind"},
		{"unknown path", asApplication(srv, "GET", "/v1/users/42", ""), 404, "path.unknown"},
		{"underscore", asApplication(srv, "GET", "/v1/application/users/42/phone_numbers", ""), 404, "path.unknown"},
		{"slash at the end", asApplication(srv, "GET", phones(user)+"/", ""), 404, "path.unknown"},
		{"double slash", asApplication(srv, "GET", "/"+phones(user), ""), 404, "path.unknown"},
		{"wrong method", asApplication(srv, "PATCH", phones(user), ""), 405, "method.wrong"},
		{"GET to create a PIN", asUser(srv, "GET", "/v1/user/pin", ""), 405, "method.wrong"},
		{"user id 0", asApplication(srv, "GET", phones(0), ""), 400, "path.id"},
		{"negative user id", asApplication(srv, "GET", phones(-1), ""), 400, "path.id"},
		{"user id with a zero before it", asApplication(srv, "DELETE", "/v1/users/042/pin", ""), 400, "path.id"},
		{"user id in words", asApplication(srv, "DELETE", "/v1/users/bob/pin", ""), 400, "path.id"},
		{"user id beyond int64", asApplication(srv, "DELETE", "/v1/users/9223372036854775808/pin", ""), 400, "path.id"},
		{"phone number id in words", asApplication(srv, "DELETE", phones(user)+"/x", ""), 400, "path.id"},
		{"fingerprint id that is none", asApplication(srv, "DELETE", fingerprints(user)+"/7", ""), 400, "path.id"},
		{"fingerprint id without hyphens", asApplication(srv, "DELETE", fingerprints(user)+"/4f4e6bd774a14d6ea8a60e6a2ea55f05", ""), 400, "path.id"},
		{"query", asApplication(srv, "GET", phones(user)+"?page=1", ""), 400, "query.unexpected"},
		{"GET with a body", asApplication(srv, "GET", phones(user), `{}`), 400, "body.unexpected"},
		{"DELETE with a body", asApplication(srv, "DELETE", "/v1/users/42/pin", `{}`), 400, "body.unexpected"},
		{"list with a body", asApplication(srv, "POST", fingerprints(user), `{}`), 400, "body.unexpected"},
		{"JSON under another type", createPhone.with("Content-Type", "text/plain"), 415, "content.type"},
		{"JSON without a type", enrol.without("Content-Type"), 415, "content.type"},
		{"JSON compressed", createPhone.with("Content-Encoding", "gzip"), 415, "content.encoding"},
		{"JSON that is none", asApplication(srv, "POST", phones(user), `{"phoneNumber":`), 400, "body.malformed"},
		{"another field", asApplication(srv, "POST", phones(user), `{"number":"+6588888888"}`), 400, "body.malformed"},
		{"one field more", asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888","type":"PRIMARY"}`), 400, "body.malformed"},
		{"clear PIN", inClear, 400, "body.not.sealed"},
		{"clear PIN under the type of JOSE", asSealed(inClear, inClear.body), 400, "body.not.sealed"},
		{"sealed PIN without a body", asSealed(inClear, ""), 400, "body.not.sealed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mustCode(t, send(t, srv, c.send), c.status, "simulator."+c.code)
		})
	}
	s := state(t, srv, user)
	if s.PinSet || s.FaceMapEnrolled || len(s.PhoneNumbers) > 0 {
		t.Errorf("a refused call changed the state: %+v", s)
	}
}

func TestTokensThatAreNotValid(t *testing.T) {
	srv := newServer(t)
	good := asApplication(srv, "GET", phones(user), "")
	for name, m := range map[string]message{
		"none":         good.without("Authorization"),
		"unknown":      good.with("Authorization", "Bearer nonsense"),
		"empty":        good.with("Authorization", "Bearer "),
		"other scheme": good.with("Authorization", "Basic "+srv.ApplicationToken()),
	} {
		t.Run(name, func(t *testing.T) {
			var body struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			mustStatus(t, send(t, srv, m), 401).json(t, &body)
			if body.Error != "invalid_token" || body.Description == "" {
				t.Errorf("body = %+v", body)
			}
		})
	}
	mustStatus(t, send(t, srv, good.with("Authorization", "bearer "+srv.ApplicationToken())), 200)
	userCall := asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`)
	srv.ExpireTokens()
	mustStatus(t, send(t, srv, good), 401)
	mustStatus(t, send(t, srv, userCall), 401)
	mustStatus(t, send(t, srv, asApplication(srv, "GET", phones(user), "")), 200)
}

func TestWithoutGrant(t *testing.T) {
	srv := newServer(t, usersecuritytest.WithoutGrant())
	for _, m := range []message{
		asApplication(srv, "DELETE", "/v1/users/42/pin", ""),
		asApplication(srv, "DELETE", "/v1/users/42/facemap/enrol", ""),
		asApplication(srv, "GET", fingerprints(user), ""),
		asApplication(srv, "DELETE", fingerprints(user)+"/4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05", ""),
		asApplication(srv, "GET", phones(user), ""),
		asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6588888888"}`),
		asApplication(srv, "PUT", phones(user)+"/1", `{"phoneNumber":"+6588888888"}`),
		asApplication(srv, "DELETE", phones(user)+"/1", ""),
	} {
		var body struct {
			Timestamp, Error, Message, Path string
			Status                          int
		}
		mustStatus(t, send(t, srv, m), http.StatusForbidden).json(t, &body)
		if body.Status != 403 || body.Error != "Forbidden" || body.Path != m.path || body.Timestamp == "" || body.Message == "" {
			t.Errorf("%s %s: body = %+v", m.method, m.path, body)
		}
	}
	mustStatus(t, send(t, srv, createPin(t, srv, "1234")), 204)
}

func TestStateIsACopyAndPrintsNoSecret(t *testing.T) {
	srv := newServer(t)
	mustStatus(t, send(t, srv, createPin(t, srv, "8273")), 204)
	mustStatus(t, send(t, srv, createFingerprint(t, srv, "device-secret")), 200)
	mustStatus(t, send(t, srv, asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6581234567"}`)), 200)
	s := state(t, srv, user)
	digest := usersecuritytest.DigestOf("8273")
	var asBytes [32]byte = digest
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		assertNoneOf(t, fmt.Appendf(nil, verb, s), "8273", "device-secret", "6581234567", fmt.Sprintf("%x", asBytes), fmt.Sprint(asBytes), fmt.Sprintf("%#v", asBytes))
	}
	asJSON, err := json.Marshal(s.PinDigest)
	if err != nil || string(asJSON) != `"****"` {
		t.Errorf("as JSON a digest is %s, %v", asJSON, err)
	}
	s.PhoneNumbers[0].PhoneNumber = "changed"
	clear(s.FingerprintDigests)
	if again := state(t, srv, user); again.PhoneNumbers[0].PhoneNumber == "changed" || len(again.FingerprintDigests) != 1 {
		t.Error("changing the snapshot changed the state")
	}
	srv.AddUser(user)
	if !state(t, srv, user).PinSet {
		t.Error("adding a user again has lost its state")
	}
	if _, ok := srv.User(stranger); ok {
		t.Error("a stranger is known")
	}
}
