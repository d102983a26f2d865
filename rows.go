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
		instead: "nothing: keep the ids that creating returned",
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
		instead: "nothing: keep the id that creating returned",
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
		name: OpFetchToken, method: http.MethodPost,
		legacy: "/oauth/token", calendar: "/oauth/token",
		token:   basicAuth,
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
