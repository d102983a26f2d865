package usersecuritytest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// ended are the calls that no calendar version has, with the operations that
// they stand for.
func ended(srv *usersecuritytest.Server) map[usersecurity.Operation]message {
	const id = "/4f4e6bd7-74a1-4d6e-a8a6-0e6a2ea55f05"
	return map[usersecurity.Operation]message{
		usersecurity.OpCreatePin:               asUser(srv, "POST", "/v1/user/pin", ""),
		usersecurity.OpDeletePin:               asApplication(srv, "DELETE", "/v1/users/42/pin", ""),
		usersecurity.OpEnrolFaceMap:            asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"AAEC"}`),
		usersecurity.OpDeleteFaceMap:           asApplication(srv, "DELETE", "/v1/users/42/facemap/enrol", ""),
		usersecurity.OpCreateDeviceFingerprint: asUser(srv, "POST", "/v1/user/partner-device-fingerprints", ""),
		usersecurity.OpListDeviceFingerprints:  asApplication(srv, "GET", fingerprints(user), ""),
		usersecurity.OpDeleteDeviceFingerprint: asApplication(srv, "DELETE", fingerprints(user)+id, ""),
		usersecurity.OpListPhoneNumbers:        asApplication(srv, "GET", phones(user), ""),
		usersecurity.OpUpdatePhoneNumber:       asApplication(srv, "PUT", phones(user)+"/1", `{"phoneNumber":"+6588888888"}`),

		usersecurity.OpOneTimeTokenVerifyPin:               asUser(srv, "POST", "/v1/one-time-token/pin/verify", ""),
		usersecurity.OpOneTimeTokenVerifyDeviceFingerprint: asUser(srv, "POST", "/v1/one-time-token/partner-device-fingerprint/verify", ""),
		usersecurity.OpOneTimeTokenVerifyFaceMap:           asUser(srv, "POST", "/v1/one-time-token/facemap/verify", ""),
		"":                                                 asUser(srv, "GET", "/v1/identity/one-time-token/status", ""),
	}
}

// inVersion is the path of a calendar version.
func inVersion(version, path string) string {
	_, rest, ok := strings.Cut(path[1:], "/")
	if !ok || path[1] != 'v' {
		rest = path[1:]
	}
	return "/" + version + "/" + rest
}

// The calendar versions have the calls that go on, under their own paths, and
// the legacy paths answer next to them.
func TestCalendarVersions(t *testing.T) {
	for _, prefix := range []string{"", "/gateway"} {
		var opts []usersecuritytest.ServerOption
		if prefix != "" {
			opts = append(opts, usersecuritytest.WithPathPrefix(prefix))
		}
		srv := newServer(t, opts...)
		enrolAll(t, srv)
		token := srv.NewOneTimeToken(user, kindPin, kindSMS, kindDevice, kindFaceMap)
		srv.Protect("POST", "/2026Q4/v9/transfers", kindPin)
		for _, c := range []struct {
			op     usersecurity.Operation
			m      message
			status int
		}{
			{usersecurity.OpSCACreatePin, sealedAsUser(t, srv, ofProfile(srv, "/pin"), `{"pin":"0412"}`), 409},
			{usersecurity.OpSCAVerifyPin, answerPin(t, srv, token, "0412"), 200},
			{usersecurity.OpSCADeletePin, asUser(srv, "DELETE", ofProfile(srv, "/pin"), ""), 204},
			{usersecurity.OpSCACreateDeviceFingerprint, sealedAsUser(t, srv, ofProfile(srv, "/device-fingerprints"), `{"deviceFingerprint":"d-71"}`), 409},
			{usersecurity.OpSCAVerifyDeviceFingerprint, answerFingerprint(t, srv, token, "d-71"), 200},
			{usersecurity.OpSCADeleteDeviceFingerprint, asUser(srv, "DELETE", ofProfile(srv, "/device-fingerprints/")+state(t, srv, user).Fingerprints[0].ID.String(), ""), 204},
			{usersecurity.OpSCAEnrolFaceMap, asUser(srv, "POST", ofProfile(srv, "/facemaps"), `{"faceMap":"AAEC"}`), 409},
			{usersecurity.OpSCAVerifyFaceMap, answerFaceMap(srv, token, "AAEC"), 200},
			{usersecurity.OpSCADeleteFaceMap, asUser(srv, "DELETE", ofProfile(srv, "/facemaps"), ""), 204},
			{usersecurity.OpSCAStartSession, asUser(srv, "POST", ofProfile(srv, "/sca-sessions/authorise"), ""), 200},
			{usersecurity.OpOneTimeTokenStatus, tokenStatus(srv, token), 200},
			{usersecurity.OpOneTimeTokenTrigger, triggerCode(srv, token, "sms"), 200},
			{usersecurity.OpOneTimeTokenVerifyOTP, answerCode(srv, token, "sms", "111111"), 200},
			{usersecurity.OpListProfiles, asUser(srv, "GET", "/v2/profiles", ""), 200},
			{usersecurity.OpFaceTecPublicKey, asUser(srv, "GET", "/v1/facetec/public-key", ""), 200},
			{usersecurity.OpCreatePhoneNumber, asApplication(srv, "POST", phones(user), `{"phoneNumber":"+14155550100"}`), 200},
			{usersecurity.OpDeletePhoneNumber, asApplication(srv, "DELETE", phones(user)+"/5000001", ""), 204},
			{usersecurity.OpSignUp, asApplication(srv, "POST", "/v1/user/signup/registration_code", `{}`), 400},
			{"", asApplication(srv, "POST", "/v1/users/exists", `{"email":"a@example.com"}`), 200},
			{usersecurity.OpFetchUser, asUser(srv, "GET", "/v1/me", ""), 200},
			{usersecurity.OpFetchToken, tokenRequest(srv, "grant_type=client_credentials"), 200},
			{usersecurity.OpFetchWiseKey, asApplication(srv, "GET", wiseKeyPath+"?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION", ""), 200},
			{usersecurity.OpRegisterReplyKey, asApplication(srv, "POST", registerPath, `{}`), 400},
			{usersecurity.OpVerifyJWE, asSealed(asApplication(srv, "POST", "/v1/auth/jose/playground/jwe-direct-encryption", ""), seal(t, srv, `{"message":"x"}`)), 200},
			{"", asUser(srv, "POST", "/v9/transfers", ""), 403},
		} {
			m := c.m
			m.path = inVersion("2026Q4", m.path)
			if c.status == 403 {
				m.path = "/2026Q4" + c.m.path
			}
			r := send(t, srv, m)
			if r.status != c.status {
				t.Errorf("%s %s: status %d (%s), want %d", m.method, m.path, r.status, r.body, c.status)
			}
			requests := srv.Requests()
			if last := requests[len(requests)-1]; last.Operation != c.op || strings.Contains(last.Path, "*") || !strings.HasPrefix(last.Path, prefix+"/2026Q4/") {
				t.Errorf("recorded as %q %s, want %q", last.Operation, last.Path, c.op)
			}
		}
		for op, m := range ended(srv) {
			m.path = inVersion("2026Q4", m.path)
			if r := send(t, srv, m); r.status != 404 || r.code() != "simulator.path.unknown" {
				t.Errorf("%s %s in a calendar version: status %d, %s", op, m.path, r.status, r.body)
			}
		}
		for _, path := range []string{"/2026Q5/me", "/2026Q0/me", "/26Q4/me", "/2026q4/me", "/2026Q4/v1/me", "/2026Q4/2026Q4/me", "/v1/2026Q4/me", "/2026Q4", "/2026Q4/", "/2026Q4/v2/profiles", "/me"} {
			if r := send(t, srv, asUser(srv, "GET", path, "")); r.status != 404 {
				t.Errorf("%s: status %d, want 404", path, r.status)
			}
		}
		mustStatus(t, send(t, srv, asUser(srv, "GET", "/2019Q1/me", "")), 200)
		mustStatus(t, send(t, srv, asUser(srv, "GET", "/v1/me", "")), 200)
	}
}

func TestCalendarPlaygroundWantsTheReplyKey(t *testing.T) {
	srv := newServer(t)
	const id = "11111111-1111-4111-8111-111111111111"
	mustStatus(t, send(t, srv, asApplication(srv, "POST", registerPath, registration(t, id, &partnerKey().PublicKey, validFrom, validTill))), 201)
	get := asApplication(srv, "GET", "/2026Q3/auth/jose/playground/jwe", "").with("Accept", "application/jose+json").with("X-TW-JOSE-Method", "jwe")
	mustCode(t, send(t, srv, get), 400, "simulator.header.missing")
	mustStatus(t, send(t, srv, get.with("x-tw-jose-encryption-kid", id)), 200)
}

// The day on which Wise turns the old calls off, and the next.
func TestRetire(t *testing.T) {
	srv := newServer(t)
	before := map[usersecurity.Operation]int{}
	for op, m := range ended(srv) {
		before[op] = send(t, srv, m).status
	}
	for _, status := range []int{404, 410} {
		srv.Retire(status)
		for op, m := range ended(srv) {
			var body struct {
				Timestamp, Error, Message, Path string
				Status                          int
			}
			r := send(t, srv, m)
			if r.status != status {
				t.Errorf("%s: status %d, want %d", op, r.status, status)
				continue
			}
			if r.json(t, &body); body.Status != status || body.Error != http.StatusText(status) || body.Path != m.path {
				t.Errorf("%s: body = %+v", op, body)
			}
		}
		mustStatus(t, send(t, srv, asUser(srv, "GET", "/v2/profiles", "")), 200)
		mustStatus(t, send(t, srv, asApplication(srv, "POST", phones(user), fmt.Sprintf(`{"phoneNumber":"+6588888%d"}`, status))), 200)
	}
	srv.Retire(0)
	for op, m := range ended(srv) {
		want := before[op]
		if op == usersecurity.OpEnrolFaceMap || op == usersecurity.OpDeleteFaceMap {
			continue // the state is another one by now
		}
		if got := send(t, srv, m).status; got != want {
			t.Errorf("%s: status %d, want %d again", op, got, want)
		}
	}
}
