package usersecuritytest_test

import (
	"net/http"
	"testing"

	"github.com/wise-partner/usersecurity/usersecuritytest"
)

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
