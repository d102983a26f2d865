package usersecuritytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

func TestRecordedRequest(t *testing.T) {
	srv := newServer(t)
	start := time.Now()
	create := createPin(t, srv, "8273").with("X-External-Correlation-Id", "corr").with("User-Agent", "me/1").with("X-Other", "s3cret")
	send(t, srv, create)
	send(t, srv, create)
	send(t, srv, asApplication(srv, "DELETE", "/v1/users/43/pin", ""))
	send(t, srv, tokenRequest(srv, "grant_type=client_credentials"))

	got := srv.Requests()
	for _, r := range got {
		if r.Time.Before(start) || time.Since(r.Time) > time.Minute {
			t.Errorf("Time = %v", r.Time)
		}
	}
	want := []usersecuritytest.RecordedRequest{
		{
			Operation: usersecurity.OpCreatePin, Method: "POST", Path: "/v1/user/pin",
			ContentType: "application/jose+json", BodySize: len(create.body), Sealed: true,
			User: user, TokenKind: "user", CorrelationID: "corr", Attempt: 1, Status: 204,
			Header: http.Header{
				"Authorization": {"Bearer ****"}, "Accept": {"application/jose+json"}, "Accept-Encoding": {"identity"},
				"Content-Encoding": {"identity"}, "Content-Type": {"application/jose+json"}, "Content-Length": {fmt.Sprint(len(create.body))},
				"User-Agent": {"me/1"}, "X-External-Correlation-Id": {"corr"}, "X-Tw-Jose-Method": {"jwe"}, "X-Other": {"****"},
			},
		},
		{
			Operation: usersecurity.OpCreatePin, Method: "POST", Path: "/v1/user/pin",
			ContentType: "application/jose+json", BodySize: len(create.body), Sealed: true,
			User: user, TokenKind: "user", CorrelationID: "corr", Attempt: 2, Status: 409,
			Header: got[0].Header,
		},
		{
			Operation: usersecurity.OpDeletePin, Method: "DELETE", Path: "/v1/users/43/pin",
			User: otherUser, TokenKind: "application", Attempt: 1, Status: 404,
			Header: http.Header{"Authorization": {"Bearer ****"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}},
		},
		{
			Operation: usersecurity.OpFetchToken, Method: "POST", Path: "/oauth/token",
			ContentType: "application/x-www-form-urlencoded", BodySize: len("grant_type=client_credentials"), Attempt: 1, Status: 200,
			Header: http.Header{"Authorization": {"Basic ****"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}, "Content-Type": {"application/x-www-form-urlencoded"}, "Content-Length": {"29"}},
		},
	}
	checks := [][]string{{"path", "token", "body"}, {"path", "token", "body"}, {"path", "token", "body"}, {"path", "body"}}
	reasons := []string{"", "the user has a PIN already", "pin.not.setup: The PIN is not set up", ""}
	for i := range got {
		want[i].Time, want[i].Number, want[i].Checks, want[i].Reason = got[i].Time, i+1, checks[i], reasons[i]
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("request %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
	got[0].Header.Set("Accept", "changed")
	if srv.Requests()[0].Header.Get("Accept") == "changed" {
		t.Error("the header is shared with the record")
	}
}

func TestRecordsHoldNoSecret(t *testing.T) {
	srv := newServer(t)
	secrets := []string{"8273", "device-s3cret", "RmFjZVMzY3JldA", "+6581234567", srv.UserToken(user), srv.ApplicationToken(), srv.ClientSecret(), "s3cret"}
	code, ott := srv.RegistrationCode(user), srv.NewOneTimeToken(user, kindSMS)
	refresh := fetchToken(t, srv, url.Values{"grant_type": {"registration_code"}, "client_id": {srv.ClientID()}, "email": {"a@example.com"}, "registration_code": {code}}).RefreshToken
	secrets = append(secrets, code, ott, refresh, "736251")
	srv.Protect("POST", "/v3/pay", kindPin)
	calls := []message{
		createPin(t, srv, "8273"),
		createFingerprint(t, srv, "device-s3cret"),
		asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"RmFjZVMzY3JldA=="}`),
		asApplication(srv, "POST", phones(user), `{"phoneNumber":"+6581234567"}`),
		tokenRequest(srv, "grant_type=client_credentials&x=s3cret"),
		// Secrets of challenges and of users' tokens.
		answerCode(srv, ott, "sms", "736251"),
		tokenStatus(srv, ott),
		tokenStatus(srv, "s3cret"),
		asUser(srv, "POST", "/v3/pay", "").with("x-2fa-approval", ott),
		signUp(srv, `{"email":"n@example.com","registrationCode":"s3cret"}`),
		tokenRequest(srv, "grant_type=registration_code&client_id="+srv.ClientID()+"&email=a@example.com&registration_code="+code),
		tokenRequest(srv, "grant_type=refresh_token&refresh_token="+refresh),
		asUser(srv, "GET", "/v1/one-time-token/"+ott+"/status", ""),
		asUser(srv, "GET", "/2026Q4/"+ott, ""),
		// Secrets where they don't belong.
		asApplication(srv, "GET", phones(user)+"/+6581234567", ""),
		asApplication(srv, "DELETE", phones(user)+"/+6581234567", ""),
		asApplication(srv, "DELETE", "/v1/users/42/pin/8273", ""),
		asApplication(srv, "GET", phones(user)+"?token=s3cret", ""),
		asApplication(srv, "GET", phones(user), "").with("Authorization", "s3cret"),
		asApplication(srv, "GET", phones(user), "").with("Authorization", "s3cret s3cret"),
		asApplication(srv, "GET", phones(user), "").with("Cookie", "s3cret"),
	}
	for _, m := range calls {
		send(t, srv, m)
	}
	recorded := srv.Requests()
	if len(recorded) != len(calls)+1 {
		t.Fatalf("%d requests are recorded, want %d", len(recorded), len(calls)+1)
	}
	for i := range recorded {
		recorded[i].Time = time.Time{} // in whose digits a PIN turns up by chance
	}
	asJSON, err := json.Marshal(recorded)
	if err != nil {
		t.Fatal(err)
	}
	assertNoneOf(t, asJSON, secrets...)
	assertNoneOf(t, fmt.Appendf(nil, "%+v", recorded), secrets...)
	if got := recorded[17].Path; got != "/v1/users/****/pin/****" {
		t.Errorf("path = %s, want the ids of an unknown path masked", got)
	}
}

// A request that breaks the contract is recorded with the rule that it breaks.
func TestRefusalsAreRecorded(t *testing.T) {
	srv := newServer(t)
	send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"facemap":"Zm9v"}`))
	send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`))
	send(t, srv, asUser(srv, "POST", "/v1/user/facemap/enrol", `{"faceMap":"Zm9v"}`))
	requests := srv.Requests()
	if got := requests[0].Refusal; !strings.HasPrefix(got, "body.malformed: the body must be") || requests[0].Status != 400 {
		t.Errorf("refusal = %q, status %d", got, requests[0].Status)
	}
	for _, r := range requests[1:] {
		if r.Refusal != "" {
			t.Errorf("what Wise answers with %d is recorded as %q", r.Status, r.Refusal)
		}
	}
}

func TestRecordLimit(t *testing.T) {
	for _, c := range []struct{ limit, sent, kept int }{{3, 2, 2}, {3, 3, 3}, {3, 5, 3}, {3, 7, 3}, {0, 2, 0}} {
		srv := newServer(t, usersecuritytest.WithRecordLimit(c.limit))
		for i := range c.sent {
			send(t, srv, asApplication(srv, "GET", phones(user), "").with("X-External-Correlation-Id", fmt.Sprint(i)))
		}
		got := srv.Requests()
		if len(got) != c.kept {
			t.Fatalf("limit %d, %d sent: %d kept, want %d", c.limit, c.sent, len(got), c.kept)
		}
		for i, r := range got {
			if want := fmt.Sprint(c.sent - c.kept + i); r.CorrelationID != want {
				t.Errorf("limit %d, %d sent: request %d is %s, want %s", c.limit, c.sent, i, r.CorrelationID, want)
			}
		}
		if n := srv.Count(usersecurity.OpListPhoneNumbers); n != c.sent {
			t.Errorf("%d counted, want %d", n, c.sent)
		}
	}
}

func TestCountOfRequestsThatStandForNoOperation(t *testing.T) {
	srv := newServer(t)
	send(t, srv, asApplication(srv, "GET", "/v1/nowhere", ""))
	if srv.Count("") != 1 {
		t.Errorf("%d counted, want 1", srv.Count(""))
	}
}
