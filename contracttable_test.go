package usersecurity_test

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// contractTable is the agreement with Wise in a few words for each call: what is
// sent where, with whose token, and what is documented to come back. Columns are
//
//	operation, method, legacy path, calendar path, token, body, reply, refusals
//
// with "-" for nothing. The token is a user's, the application's, a customer's
// that was just obtained, or the client's own id and secret. A body is sealed,
// JSON or a form, with the names of its fields; a "+ott" after the token stands
// for the header One-Time-Token. A reply is the status, and what comes with it;
// refusals are those that are documented besides 429, with what they must be
// told as.
const contractTable = `
CreatePin  POST  /v1/user/pin  -  user  sealed:pin  204  409=ErrPinAlreadySet
DeletePin  DELETE  /v1/users/{userId}/pin  -  application  -  204  404:pin.not.setup=ErrPinNotSet
EnrolFaceMap  POST  /v1/user/facemap/enrol  -  user  json:faceMap  204  409=ErrFaceMapAlreadyEnrolled
DeleteFaceMap  DELETE  /v1/users/{userId}/facemap/enrol  -  application  -  204  404:facemap.not.setup=ErrFaceMapNotEnrolled
CreateDeviceFingerprint  POST  /v1/user/partner-device-fingerprints  -  user  sealed:deviceFingerprint  200:device  400=ErrFingerprintLimit 409=ErrFingerprintExists
ListDeviceFingerprints  POST  /v1/users/{userId}/partner-device-fingerprints  -  application  -  200:devices  404=ErrUserNotFound
DeleteDeviceFingerprint  DELETE  /v1/users/{userId}/partner-device-fingerprints/{uuid}  -  application  -  204  404=ErrFingerprintNotFound
ListPhoneNumbers  GET  /v1/application/users/{userId}/phone-numbers  -  application  -  200:numbers  -
CreatePhoneNumber  POST  /v1/application/users/{userId}/phone-numbers  /application/users/{userId}/phone-numbers  application  json:phoneNumber  200:number  422:phone.number.repeated=ErrPhoneRepeated
UpdatePhoneNumber  PUT  /v1/application/users/{userId}/phone-numbers/{id}  -  application  json:phoneNumber  200:number  422:phone.number.repeated=ErrPhoneRepeated
DeletePhoneNumber  DELETE  /v1/application/users/{userId}/phone-numbers/{id}  /application/users/{userId}/phone-numbers/{id}  application  -  204  -

SCA.CreatePin  POST  /v2/profiles/{profileId}/pin  /profiles/{profileId}/pin  user  sealed:pin  200  409=ErrPinAlreadySet
SCA.VerifyPin  POST  /v2/profiles/{profileId}/pin/verify  /profiles/{profileId}/pin/verify  user+ott  sealed:pin  200:bare  400=ErrChallengeFailed 404=ErrPinNotSet
SCA.DeletePin  DELETE  /v2/profiles/{profileId}/pin  /profiles/{profileId}/pin  user  -  204  404=ErrPinNotSet
SCA.CreateDeviceFingerprint  POST  /v2/profiles/{profileId}/device-fingerprints  /profiles/{profileId}/device-fingerprints  user  sealed:deviceFingerprint  200:device  400=ErrFingerprintLimit 409=ErrFingerprintExists
SCA.VerifyDeviceFingerprint  POST  /v2/profiles/{profileId}/device-fingerprints/verify  /profiles/{profileId}/device-fingerprints/verify  user+ott  sealed:deviceFingerprint  200:bare  400=ErrChallengeFailed 404=ErrFingerprintNotFound
SCA.DeleteDeviceFingerprint  DELETE  /v2/profiles/{profileId}/device-fingerprints/{uuid}  /profiles/{profileId}/device-fingerprints/{uuid}  user  -  204  404=ErrFingerprintNotFound
SCA.EnrolFaceMap  POST  /v2/profiles/{profileId}/facemaps  /profiles/{profileId}/facemaps  user  json:faceMap  204  409=ErrFaceMapAlreadyEnrolled
SCA.VerifyFaceMap  POST  /v2/profiles/{profileId}/facemaps/verify  /profiles/{profileId}/facemaps/verify  user+ott  json:faceMap  200:bare  400=ErrChallengeFailed
SCA.DeleteFaceMap  DELETE  /v2/profiles/{profileId}/facemaps  /profiles/{profileId}/facemaps  user  -  204  404=ErrFaceMapNotEnrolled
SCA.StartSession  POST  /v2/profiles/{profileId}/sca-sessions/authorise  /profiles/{profileId}/sca-sessions/authorise  user  -  200:session  -

OneTimeTokens.Status  GET  /v1/one-time-token/status  /one-time-token/status  user+ott  -  200:full  -
OneTimeTokens.Trigger  POST  /v1/one-time-token/{phone}/trigger  /one-time-token/{phone}/trigger  user+ott  -  200:sentTo  -
OneTimeTokens.VerifyOTP  POST  /v1/one-time-token/{phone}/verify  /one-time-token/{phone}/verify  user+ott  json:otpCode  200:full  -
OneTimeTokens.VerifyPin  POST  /v1/one-time-token/pin/verify  -  user+ott  sealed:pin  200:full  -
OneTimeTokens.VerifyDeviceFingerprint  POST  /v1/one-time-token/partner-device-fingerprint/verify  -  user+ott  sealed:deviceFingerprint  200:full  -
OneTimeTokens.VerifyFaceMap  POST  /v1/one-time-token/facemap/verify  -  user+ott  json:faceMap  200:full  -

ListProfiles  GET  /v2/profiles  /profiles  user  -  200:profiles  -
FaceTecPublicKey  GET  /v1/facetec/public-key  /facetec/public-key  user  -  200:pem  -

UserTokens.SignUp  POST  /v1/user/signup/registration_code  /user/signup/registration_code  application  json:email,registrationCode  200:user  409:NOT_UNIQUE=ErrUserExists
FetchUser  GET  /v1/me  /me  customer  -  200:user  -
FetchToken  POST  /oauth/token  /oauth/token  client  form:grant_type=client_credentials  200:application  400=ErrInvalidRequest 401=ErrUnauthorized
UserTokens.ExchangeRegistrationCode  POST  /oauth/token  /oauth/token  client  form:grant_type=registration_code,client_id,email,registration_code  200:customer  400=ErrInvalidRequest 401=ErrUnauthorized
UserTokens.ExchangeAuthorizationCode  POST  /oauth/token  /oauth/token  client  form:grant_type=authorization_code,client_id,code,redirect_uri  200:customer  400=ErrInvalidRequest 401=ErrUnauthorized
UserTokens.Refresh  POST  /oauth/token  /oauth/token  client  form:grant_type=refresh_token,refresh_token  200:customer  400=ErrInvalidRequest 401=ErrUnauthorized

FetchWiseKey  GET  /v1/auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION  /auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION  application  -  200:key  -
RegisterReplyKey  POST  /v1/auth/jose/request/public-keys  /auth/jose/request/public-keys  application  json:keyId,publicKeyMaterial,scope,validFrom,validTill  201:registered  -
VerifyJWE  POST  /v1/auth/jose/playground/jwe-direct-encryption  /auth/jose/playground/jwe-direct-encryption  application  sealed:message  200:played  -
`

// agreed is a line of it.
type agreed struct {
	op               usersecurity.Operation
	method           string
	legacy, calendar string // empty where there is none
	token            string
	oneTime          bool
	form             string   // sealed, json, form, or empty for no body
	fields           []string // of the body; name, or name=value
	status           int
	reply            string // what comes with it; empty for nothing
	refusals         []refusal
}

type refusal struct {
	status int
	code   string
	want   error
}

// places are what stands in braces in a path.
var places = strings.NewReplacer(
	`\{userId\}`, "1001", `\{profileId\}`, "2002", `\{id\}`, "77", `\{phone\}`, "(sms|whatsapp|voice)",
	`\{uuid\}`, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
)

// path is the pattern of the path in a version; legacy if that is empty.
func (a *agreed) path(version string) string {
	path := a.legacy
	if version != "" {
		path = "/" + version + a.calendar
	}
	return "^" + places.Replace(regexp.QuoteMeta(path)) + "$"
}

// isIn reports whether the version has the call.
func (a *agreed) isIn(version string) bool { return version == "" || a.calendar != "" }

// readContract reads the table.
func readContract(t *testing.T) (table []agreed) {
	t.Helper()
	or := func(text string) string { return strings.TrimPrefix(cmp.Or(text, "-"), "-") }
	for line := range strings.Lines(contractTable) {
		cells := regexp.MustCompile(`  +`).Split(strings.TrimSpace(line), -1)
		if len(cells) == 1 {
			continue
		}
		if len(cells) != 8 {
			t.Fatalf("%q has %d cells", line, len(cells))
		}
		a := agreed{op: usersecurity.Operation(cells[0]), method: cells[1], legacy: cells[2], calendar: or(cells[3])}
		a.token, a.oneTime = strings.CutSuffix(cells[4], "+ott")
		form, fields, _ := strings.Cut(or(cells[5]), ":")
		if a.form = form; form != "" {
			a.fields = strings.Split(fields, ",")
			slices.Sort(a.fields)
		}
		status, reply, _ := strings.Cut(cells[6], ":")
		a.status, a.reply = must(strconv.Atoi(status)), reply
		a.refusals = []refusal{{status: 429, want: usersecurity.ErrRateLimited}}
		for _, text := range strings.Fields(or(cells[7])) {
			when, want, _ := strings.Cut(text, "=")
			status, code, _ := strings.Cut(when, ":")
			if sentinels[want] == nil {
				t.Fatalf("%s: there is no %s", a.op, want)
			}
			a.refusals = append(a.refusals, refusal{must(strconv.Atoi(status)), code, sentinels[want]})
		}
		table = append(table, a)
	}
	return table
}
