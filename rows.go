package usersecurity

import "net/http"

// rows are the facts of all operations, in the order of the documents.
var rows = []operation{
	{
		name: OpCreatePin, method: http.MethodPost,
		legacy:  "/v1/user/pin",
		instead: "SCA.CreatePin",
		token:   userToken, carries: carriesPin, sealed: true,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusConflict, speech: anyJSON, sentinel: ErrPinAlreadySet}},
		class:   setOnce,
	},
	{
		name: OpDeletePin, method: http.MethodDelete,
		legacy:  "/v1/users/{user}/pin",
		instead: "SCA.DeletePin",
		token:   applicationToken, grant: true,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, code: "pin.not.setup", sentinel: ErrPinNotSet}},
		class:   deletes,
	},
	{
		name: OpEnrolFaceMap, method: http.MethodPost,
		legacy:  "/v1/user/facemap/enrol",
		instead: "SCA.EnrolFaceMap",
		token:   userToken, carries: carriesFaceMap,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusConflict, speech: anyJSON, sentinel: ErrFaceMapAlreadyEnrolled}},
		class:   setOnce,
	},
	{
		name: OpDeleteFaceMap, method: http.MethodDelete,
		legacy:  "/v1/users/{user}/facemap/enrol",
		instead: "SCA.DeleteFaceMap",
		token:   applicationToken, grant: true,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, code: "facemap.not.setup", sentinel: ErrFaceMapNotEnrolled}},
		class:   deletes,
	},
	{
		name: OpCreateDeviceFingerprint, method: http.MethodPost,
		legacy:  "/v1/user/partner-device-fingerprints",
		instead: "SCA.CreateDeviceFingerprint",
		token:   userToken, carries: carriesFingerprint, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusConflict, speech: anyJSON, sentinel: ErrFingerprintExists},
			{status: http.StatusBadRequest, speech: aLimit, sentinel: ErrFingerprintLimit},
		},
		class: setOnce,
	},
	{
		// Wise's own documents call this a POST in one place and a GET in another.
		name: OpListDeviceFingerprints, method: http.MethodPost, orMethod: http.MethodGet,
		legacy:  "/v1/users/{user}/partner-device-fingerprints",
		instead: "nothing (keep the ids that creating returned)",
		token:   applicationToken, grant: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrUserNotFound}},
		class:   reads,
	},
	{
		name: OpDeleteDeviceFingerprint, method: http.MethodDelete,
		legacy:  "/v1/users/{user}/partner-device-fingerprints/{id}",
		instead: "SCA.DeleteDeviceFingerprint",
		token:   applicationToken, grant: true,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrFingerprintNotFound}},
		class:   deletes,
	},
	{
		name: OpListPhoneNumbers, method: http.MethodGet,
		legacy:  "/v1/application/users/{user}/phone-numbers",
		instead: "nothing (keep the id that creating returned)",
		token:   applicationToken, grant: true,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
	{
		name: OpCreatePhoneNumber, method: http.MethodPost,
		legacy: "/v1/application/users/{user}/phone-numbers", calendar: "/application/users/{user}/phone-numbers",
		token: applicationToken, grant: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusUnprocessableEntity, code: "phone.number.repeated", sentinel: ErrPhoneRepeated}},
		class:   numbers,
	},
	{
		name: OpUpdatePhoneNumber, method: http.MethodPut,
		legacy:  "/v1/application/users/{user}/phone-numbers/{id}",
		instead: "DeletePhoneNumber, then CreatePhoneNumber",
		token:   applicationToken, grant: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusUnprocessableEntity, code: "phone.number.repeated", sentinel: ErrPhoneRepeated}},
		class:   numbers,
	},
	{
		name: OpDeletePhoneNumber, method: http.MethodDelete,
		legacy: "/v1/application/users/{user}/phone-numbers/{id}", calendar: "/application/users/{user}/phone-numbers/{id}",
		token: applicationToken, grant: true,
		success: http.StatusNoContent,
		class:   deletes,
	},

	{
		name: OpSCACreatePin, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/pin", calendar: "/profiles/{profile}/pin",
		token: userToken, carries: carriesPin, sealed: true,
		success: http.StatusOK,
		answers: []answer{{status: http.StatusConflict, speech: anyJSON, sentinel: ErrPinAlreadySet}},
		class:   setOnce,
	},
	{
		name: OpSCAVerifyPin, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/pin/verify", calendar: "/profiles/{profile}/pin/verify",
		token: userToken, carries: carriesPin, oneTime: true, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrPinNotSet},
		},
		class: once,
	},
	{
		name: OpSCADeletePin, method: http.MethodDelete,
		legacy: "/v2/profiles/{profile}/pin", calendar: "/profiles/{profile}/pin",
		token:   userToken,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrPinNotSet}},
		class:   deletes,
	},
	{
		name: OpSCACreateDeviceFingerprint, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/device-fingerprints", calendar: "/profiles/{profile}/device-fingerprints",
		token: userToken, carries: carriesFingerprint, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusConflict, speech: anyJSON, sentinel: ErrFingerprintExists},
			{status: http.StatusBadRequest, speech: aLimit, sentinel: ErrFingerprintLimit},
		},
		class: setOnce,
	},
	{
		name: OpSCAVerifyDeviceFingerprint, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/device-fingerprints/verify", calendar: "/profiles/{profile}/device-fingerprints/verify",
		token: userToken, carries: carriesFingerprint, oneTime: true, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrFingerprintNotFound},
		},
		class: once,
	},
	{
		name: OpSCADeleteDeviceFingerprint, method: http.MethodDelete,
		legacy: "/v2/profiles/{profile}/device-fingerprints/{id}", calendar: "/profiles/{profile}/device-fingerprints/{id}",
		token:   userToken,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrFingerprintNotFound}},
		class:   deletes,
	},
	{
		name: OpSCAEnrolFaceMap, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/facemaps", calendar: "/profiles/{profile}/facemaps",
		token: userToken, carries: carriesFaceMap,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusConflict, speech: anyJSON, sentinel: ErrFaceMapAlreadyEnrolled}},
		class:   setOnce,
	},
	{
		name: OpSCAVerifyFaceMap, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/facemaps/verify", calendar: "/profiles/{profile}/facemaps/verify",
		token: userToken, carries: carriesFaceMap, oneTime: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed}},
		class:   once,
	},
	{
		name: OpSCADeleteFaceMap, method: http.MethodDelete,
		legacy: "/v2/profiles/{profile}/facemaps", calendar: "/profiles/{profile}/facemaps",
		token:   userToken,
		success: http.StatusNoContent,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrFaceMapNotEnrolled}},
		class:   deletes,
	},
	{
		name: OpSCAStartSession, method: http.MethodPost,
		legacy: "/v2/profiles/{profile}/sca-sessions/authorise", calendar: "/profiles/{profile}/sca-sessions/authorise",
		token:   userToken,
		success: http.StatusOK, reply: jsonReply,
		class: once,
	},

	{
		name: OpOneTimeTokenStatus, method: http.MethodGet,
		legacy: "/v1/one-time-token/status", calendar: "/one-time-token/status",
		token: userToken, oneTime: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown}},
		class:   reads,
	},
	{
		name: OpOneTimeTokenTrigger, method: http.MethodPost,
		legacy: "/v1/one-time-token/{kind}/trigger", calendar: "/one-time-token/{kind}/trigger",
		token: userToken, oneTime: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown}},
		class:   once,
	},
	{
		name: OpOneTimeTokenVerifyOTP, method: http.MethodPost,
		legacy: "/v1/one-time-token/{kind}/verify", calendar: "/one-time-token/{kind}/verify",
		token: userToken, carries: carriesOTP, oneTime: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown},
		},
		class: once,
	},
	{
		name: OpOneTimeTokenVerifyPin, method: http.MethodPost,
		legacy:  "/v1/one-time-token/pin/verify",
		instead: "SCA.VerifyPin",
		token:   userToken, carries: carriesPin, oneTime: true, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown},
		},
		class: once,
	},
	{
		name: OpOneTimeTokenVerifyDeviceFingerprint, method: http.MethodPost,
		legacy:  "/v1/one-time-token/partner-device-fingerprint/verify",
		instead: "SCA.VerifyDeviceFingerprint",
		token:   userToken, carries: carriesFingerprint, oneTime: true, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown},
		},
		class: once,
	},
	{
		name: OpOneTimeTokenVerifyFaceMap, method: http.MethodPost,
		legacy:  "/v1/one-time-token/facemap/verify",
		instead: "SCA.VerifyFaceMap",
		token:   userToken, carries: carriesFaceMap, oneTime: true,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{
			{status: http.StatusBadRequest, speech: aVerdict, sentinel: ErrChallengeFailed},
			{status: http.StatusNotFound, sentinel: ErrOneTimeTokenUnknown},
		},
		class: once,
	},

	{
		name: OpListProfiles, method: http.MethodGet,
		legacy: "/v2/profiles", calendar: "/profiles",
		token:   userToken,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
	{
		name: OpFaceTecPublicKey, method: http.MethodGet,
		legacy: "/v1/facetec/public-key", calendar: "/facetec/public-key",
		token:   userToken,
		success: http.StatusOK, reply: pemReply,
		class: reads,
	},

	{
		name: OpFetchToken, method: http.MethodPost,
		legacy: "/oauth/token", calendar: "/oauth/token",
		token:   ownAuthorization,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
	{
		name: OpSignUp, method: http.MethodPost,
		legacy: "/v1/user/signup/registration_code", calendar: "/user/signup/registration_code",
		token:   applicationToken,
		success: http.StatusOK, reply: jsonReply,
		answers: []answer{{status: http.StatusConflict, code: "NOT_UNIQUE", sentinel: ErrUserExists}},
		class:   once,
	},
	{
		name: OpExchangeRegistrationCode, method: http.MethodPost,
		legacy: "/oauth/token", calendar: "/oauth/token",
		token:   ownAuthorization,
		success: http.StatusOK, reply: jsonReply,
		class: reads, granted: codeGrant,
	},
	{
		name: OpExchangeAuthorizationCode, method: http.MethodPost,
		legacy: "/oauth/token", calendar: "/oauth/token",
		token:   ownAuthorization,
		success: http.StatusOK, reply: jsonReply,
		class: once, granted: codeGrant,
	},
	{
		name: OpRefreshUserToken, method: http.MethodPost,
		legacy: "/oauth/token", calendar: "/oauth/token",
		token:   ownAuthorization,
		success: http.StatusOK, reply: jsonReply,
		class: reads, granted: refreshGrant,
	},
	{
		name: OpFetchUser, method: http.MethodGet,
		legacy: "/v1/me", calendar: "/me",
		token:   ownAuthorization,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
	{
		name: OpFetchWiseKey, method: http.MethodGet,
		legacy: "/v1/auth/jose/response/public-keys", calendar: "/auth/jose/response/public-keys",
		token:   applicationToken,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
	{
		name: OpRegisterReplyKey, method: http.MethodPost,
		legacy: "/v1/auth/jose/request/public-keys", calendar: "/auth/jose/request/public-keys",
		token:   applicationToken,
		success: http.StatusCreated,
		class:   once,
	},
	{
		name: OpVerifyJWE, method: http.MethodPost,
		legacy: "/v1/auth/jose/playground/jwe-direct-encryption", calendar: "/auth/jose/playground/jwe-direct-encryption",
		token: applicationToken, sealed: true,
		success: http.StatusOK, reply: jsonReply,
		class: reads,
	},
}

// operations are the rows by name.
var operations = func() map[Operation]*operation {
	m := make(map[Operation]*operation, len(rows))
	for i := range rows {
		m[rows[i].name] = &rows[i]
	}
	return m
}()

// Writes reports whether the operation changes anything at Wise, so that its
// outcome can be unknown. It is false for an operation of another name.
func (o Operation) Writes() bool {
	row := operations[o]
	return row != nil && row.writes()
}

// ReplacedBy says what takes the place of an operation that Wise has deprecated,
// such as "SCA.CreatePin", or what to do where nothing does; empty for an
// operation that is not deprecated.
func (o Operation) ReplacedBy() string {
	if row := operations[o]; row != nil {
		return row.instead
	}
	return ""
}
