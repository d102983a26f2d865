package usersecurity_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
)

// What Wise says of one-time tokens: wrapped and whole, as the calls about them
// answer, and bare, as the successors do.
const (
	oneTimeText = "5a0d7f7e-4f56-4c2a-8a4f-2f8f3d3f0d10"
	fullToken   = `{"oneTimeTokenProperties":{"oneTimeToken":"` + oneTimeText + `","challenges":[` +
		`{"primaryChallenge":{"type":"PIN","viewData":{"attributes":{"userId":1001}}},"alternatives":[{"type":"SMS","viewData":{}}],"required":true,"passed":true},` +
		`{"primaryChallenge":{"type":"FACE_MAP","viewData":{}},"alternatives":[],"required":false,"passed":false}],` +
		`"validity":3600,"actionType":"BALANCE__GET_STATEMENT","userId":1001}}`
	bareToken = `{"oneTimeToken":"` + oneTimeText + `","challenges":[{"primaryChallenge":{"type":"PIN"},"passed":true},` +
		`{"primaryChallenge":{"type":"SMS"},"passed":false}],"validity":3540}`
	sessionToken = `{"oneTimeTokenProperties":` + bareToken + `}`
)

// tokenShown is a state with its token revealed, as states can't be compared.
type tokenShown struct {
	Token      string
	Challenges []usersecurity.Challenge
	Validity   time.Duration
	ActionType string
	User       usersecurity.UserID
}

func shown(s *usersecurity.OneTimeTokenState) tokenShown {
	return tokenShown{s.Token.Reveal(), s.Challenges, s.Validity, s.ActionType, s.User}
}

var (
	fullState = tokenShown{
		Token: oneTimeText,
		Challenges: []usersecurity.Challenge{
			{Kind: usersecurity.ChallengePin, Alternatives: []usersecurity.ChallengeKind{usersecurity.ChallengeSMS}, Required: true, Passed: true},
			{Kind: usersecurity.ChallengeFaceMap},
		},
		Validity: time.Hour, ActionType: "BALANCE__GET_STATEMENT", User: 1001,
	}
	bareState = tokenShown{
		Token: oneTimeText,
		Challenges: []usersecurity.Challenge{
			{Kind: usersecurity.ChallengePin, Required: true, Passed: true},
			{Kind: usersecurity.ChallengeSMS, Required: true},
		},
		Validity: 59 * time.Minute,
	}
)

// profilesReply has what is personal in it, too.
const profilesReply = `[{"type":"PERSONAL","id":2002,"publicId":"p-1","userId":1001,"email":"a@example.com","createdAt":"2024-01-02T03:04:05",` +
	`"currentState":"VISIBLE","contactDetails":{"email":"a@example.com","phoneNumber":"+6588888888"},"firstName":"Ada","dateOfBirth":"1990-01-02"},` +
	`{"type":"BUSINESS","id":2003,"publicId":"p-2","userId":1001,"currentState":"HIDDEN","businessName":"Acme"}]`

// faceTecPEM is a key as Wise publishes it.
var faceTecPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(publicKey()))}))

// verdicts are what a verify may come to besides: gone is the error of its 404,
// if one is documented.
func verdicts(gone error) map[int]error {
	answers := map[int]error{400: usersecurity.ErrChallengeFailed}
	if gone != nil {
		answers[404] = gone
	}
	return answers
}

// successors are the calls of Strong Customer Authentication.
var successors = []row{
	{
		op: usersecurity.OpSCACreatePin, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.SCA.CreatePin(ctx, in.of(), in.pin, o...)
		},
		method: "POST", path: "/v2/profiles/2002/pin", calendar: "/profiles/2002/pin", token: tokenOfUser, sealed: true, body: `{"pin":"0417"}`,
		success: 200,
		answers: map[int]error{409: usersecurity.ErrPinAlreadySet},
	},
	{
		op: usersecurity.OpSCAVerifyPin, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.SCA.VerifyPin(ctx, in.of(), in.oneTime, in.pin, o...))
		},
		method: "POST", path: "/v2/profiles/2002/pin/verify", calendar: "/profiles/2002/pin/verify", token: tokenOfUser, oneTime: true,
		sealed: true, body: `{"pin":"0417"}`,
		success: 200, reply: bareToken, want: bareState,
		answers: verdicts(usersecurity.ErrPinNotSet),
	},
	{
		op: usersecurity.OpSCADeletePin, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.SCA.DeletePin(ctx, in.of(), o...)
		},
		method: "DELETE", path: "/v2/profiles/2002/pin", calendar: "/profiles/2002/pin", token: tokenOfUser,
		success: 204,
		answers: map[int]error{404: usersecurity.ErrPinNotSet},
	},
	{
		op: usersecurity.OpSCACreateDeviceFingerprint, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.SCA.CreateDeviceFingerprint(ctx, in.of(), in.fingerprint, o...))
		},
		method: "POST", path: "/v2/profiles/2002/device-fingerprints", calendar: "/profiles/2002/device-fingerprints", token: tokenOfUser,
		sealed: true, body: `{"deviceFingerprint":"device-1"}`,
		success: 200, reply: deviceReply, want: &device,
		answers: map[int]error{400: usersecurity.ErrFingerprintLimit, 409: usersecurity.ErrFingerprintExists},
	},
	{
		op: usersecurity.OpSCAVerifyDeviceFingerprint, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.SCA.VerifyDeviceFingerprint(ctx, in.of(), in.oneTime, in.fingerprint, o...))
		},
		method: "POST", path: "/v2/profiles/2002/device-fingerprints/verify", calendar: "/profiles/2002/device-fingerprints/verify",
		token: tokenOfUser, oneTime: true, sealed: true, body: `{"deviceFingerprint":"device-1"}`,
		success: 200, reply: bareToken, want: bareState,
		answers: verdicts(usersecurity.ErrFingerprintNotFound),
	},
	{
		op: usersecurity.OpSCADeleteDeviceFingerprint, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.SCA.DeleteDeviceFingerprint(ctx, in.of(), in.device, o...)
		},
		method: "DELETE", path: "/v2/profiles/2002/device-fingerprints/5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11",
		calendar: "/profiles/2002/device-fingerprints/5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11", token: tokenOfUser,
		success: 204,
		answers: map[int]error{404: usersecurity.ErrFingerprintNotFound},
	},
	{
		op: usersecurity.OpSCAEnrolFaceMap, class: aSetOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.SCA.EnrolFaceMap(ctx, in.of(), in.faceMap, o...)
		},
		method: "POST", path: "/v2/profiles/2002/facemaps", calendar: "/profiles/2002/facemaps", token: tokenOfUser, body: `{"faceMap":"+/+/AA=="}`,
		success: 204,
		answers: map[int]error{409: usersecurity.ErrFaceMapAlreadyEnrolled},
	},
	{
		op: usersecurity.OpSCAVerifyFaceMap, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.SCA.VerifyFaceMap(ctx, in.of(), in.oneTime, in.faceMap, o...))
		},
		method: "POST", path: "/v2/profiles/2002/facemaps/verify", calendar: "/profiles/2002/facemaps/verify", token: tokenOfUser, oneTime: true,
		body:    `{"faceMap":"+/+/AA=="}`,
		success: 200, reply: bareToken, want: bareState,
		answers: verdicts(nil),
	},
	{
		op: usersecurity.OpSCADeleteFaceMap, class: aDelete,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return nil, c.SCA.DeleteFaceMap(ctx, in.of(), o...)
		},
		method: "DELETE", path: "/v2/profiles/2002/facemaps", calendar: "/profiles/2002/facemaps", token: tokenOfUser,
		success: 204,
		answers: map[int]error{404: usersecurity.ErrFaceMapNotEnrolled},
	},
	{
		op: usersecurity.OpSCAStartSession, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.SCA.StartSession(ctx, in.of(), o...))
		},
		method: "POST", path: "/v2/profiles/2002/sca-sessions/authorise", calendar: "/profiles/2002/sca-sessions/authorise", token: tokenOfUser,
		success: 200, reply: sessionToken, want: bareState,
	},
}

// oneTimeTokens are the calls about them.
var oneTimeTokens = append([]row{
	{
		op: usersecurity.OpOneTimeTokenStatus, class: aRead,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.OneTimeTokens.Status(ctx, in.user, in.oneTime, o...))
		},
		method: "GET", path: "/v1/one-time-token/status", calendar: "/one-time-token/status", token: tokenOfUser, oneTime: true,
		success: 200, reply: fullToken, want: fullState,
		answers: map[int]error{404: usersecurity.ErrOneTimeTokenUnknown},
	},
	{
		op: usersecurity.OpOneTimeTokenVerifyPin, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.OneTimeTokens.VerifyPin(ctx, in.user, in.oneTime, in.pin, o...))
		},
		method: "POST", path: "/v1/one-time-token/pin/verify", instead: "SCA.VerifyPin", token: tokenOfUser, oneTime: true,
		sealed: true, body: `{"pin":"0417"}`,
		success: 200, reply: fullToken, want: fullState,
		answers: verdicts(usersecurity.ErrOneTimeTokenUnknown),
	},
	{
		op: usersecurity.OpOneTimeTokenVerifyDeviceFingerprint, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.OneTimeTokens.VerifyDeviceFingerprint(ctx, in.user, in.oneTime, in.fingerprint, o...))
		},
		method: "POST", path: "/v1/one-time-token/partner-device-fingerprint/verify", instead: "SCA.VerifyDeviceFingerprint", token: tokenOfUser,
		oneTime: true, sealed: true, body: `{"deviceFingerprint":"device-1"}`,
		success: 200, reply: fullToken, want: fullState,
		answers: verdicts(usersecurity.ErrOneTimeTokenUnknown),
	},
	{
		op: usersecurity.OpOneTimeTokenVerifyFaceMap, class: aOnce,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.OneTimeTokens.VerifyFaceMap(ctx, in.user, in.oneTime, in.faceMap, o...))
		},
		method: "POST", path: "/v1/one-time-token/facemap/verify", instead: "SCA.VerifyFaceMap", token: tokenOfUser, oneTime: true,
		body:    `{"faceMap":"+/+/AA=="}`,
		success: 200, reply: fullToken, want: fullState,
		answers: verdicts(usersecurity.ErrOneTimeTokenUnknown),
	},
}, codeRows()...)

// phoneKinds are the kinds whose codes come to a phone.
var phoneKinds = []usersecurity.ChallengeKind{usersecurity.ChallengeSMS, usersecurity.ChallengeWhatsApp, usersecurity.ChallengeVoice}

// codeRows are the two calls for codes, once for each kind.
func codeRows() (rows []row) {
	for _, kind := range phoneKinds {
		path := "/one-time-token/" + strings.ToLower(string(kind))
		rows = append(rows, row{
			op: usersecurity.OpOneTimeTokenTrigger, class: aOnce,
			do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
				return result(c.OneTimeTokens.Trigger(ctx, in.user, in.oneTime, kind, o...))
			},
			method: "POST", path: "/v1" + path + "/trigger", calendar: path + "/trigger", token: tokenOfUser, oneTime: true,
			success: 200, reply: `{"obfuscatedPhoneNo":"*********8888"}`, want: "*********8888",
			answers: map[int]error{404: usersecurity.ErrOneTimeTokenUnknown},
		}, row{
			op: usersecurity.OpOneTimeTokenVerifyOTP, class: aOnce,
			do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
				return result(c.OneTimeTokens.VerifyOTP(ctx, in.user, in.oneTime, kind, in.code, o...))
			},
			method: "POST", path: "/v1" + path + "/verify", calendar: path + "/verify", token: tokenOfUser, oneTime: true, body: `{"otpCode":"074026"}`,
			success: 200, reply: fullToken, want: fullState,
			answers: verdicts(usersecurity.ErrOneTimeTokenUnknown),
		})
	}
	return rows
}

// profiles are the calls about them, and the one for FaceTec's key.
var profiles = []row{
	{
		op: usersecurity.OpListProfiles, class: aRead,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.ListProfiles(ctx, in.user, o...))
		},
		method: "GET", path: "/v2/profiles", calendar: "/profiles", token: tokenOfUser,
		success: 200, reply: profilesReply, want: []usersecurity.ProfileInfo{
			{ID: 2002, User: 1001, Type: "PERSONAL", State: "VISIBLE", PublicID: "p-1"},
			{ID: 2003, User: 1001, Type: "BUSINESS", State: "HIDDEN", PublicID: "p-2"},
		},
	},
	{
		op: usersecurity.OpFaceTecPublicKey, class: aRead,
		do: func(ctx context.Context, c *usersecurity.Client, in inputs, o ...usersecurity.CallOption) (any, error) {
			return result(c.FaceTecPublicKey(ctx, in.user, o...))
		},
		method: "GET", path: "/v1/facetec/public-key", calendar: "/facetec/public-key", token: tokenOfUser, accept: "text/plain",
		success: 200, reply: faceTecPEM, want: &usersecurity.FaceTecKey{PEM: []byte(faceTecPEM), PublicKey: publicKey()},
	},
}
