package usersecurity

import "net/http"

// Operation names one operation of the API. Its text is the name of the
// [Client] method that performs it, and is safe to log and to label metrics
// with.
type Operation string

// The eleven operations of the User Security API.
const (
	OpCreatePin               Operation = "CreatePin"
	OpDeletePin               Operation = "DeletePin"
	OpEnrolFaceMap            Operation = "EnrolFaceMap"
	OpDeleteFaceMap           Operation = "DeleteFaceMap"
	OpCreateDeviceFingerprint Operation = "CreateDeviceFingerprint"
	OpListDeviceFingerprints  Operation = "ListDeviceFingerprints"
	OpDeleteDeviceFingerprint Operation = "DeleteDeviceFingerprint"
	OpListPhoneNumbers        Operation = "ListPhoneNumbers"
	OpCreatePhoneNumber       Operation = "CreatePhoneNumber"
	OpUpdatePhoneNumber       Operation = "UpdatePhoneNumber"
	OpDeletePhoneNumber       Operation = "DeletePhoneNumber"
)

// The calls a client makes for its own needs: tokens and keys. They show up in
// errors and observer events under these names.
const (
	OpFetchToken       Operation = "FetchToken"
	OpFetchWiseKey     Operation = "FetchWiseKey"
	OpRegisterReplyKey Operation = "RegisterReplyKey"
	OpVerifyJWE        Operation = "VerifyJWE"
)

// tokenKind says whose token a request carries.
type tokenKind uint8

const (
	userToken        tokenKind = iota // a user access token
	applicationToken                  // the partner's client credentials token
	basicAuth                         // client id and secret, for the token endpoint alone
)

// repeatClass says what may follow an attempt that Wise may have acted on
// without our hearing of it.
type repeatClass uint8

const (
	repeatRead     repeatClass = iota // nothing changes: repeat
	repeatDelete                      // repeat; a later 404 means that it is done
	repeatSetOnce                     // repeat; Wise answers a second one with 409
	repeatReadBack                    // look whether it is done before repeating
	repeatNever                       // leave it at one
)

// answer is a documented answer other than success. An empty code stands for
// every body.
type answer struct {
	status   int
	code     string
	sentinel error
	// ownOnly: not if the body has the shape of the OAuth and JOSE layers, which
	// answer with the same status before the operation is reached.
	ownOnly bool
}

// operation is the row of one operation: every fact about it that the rest of
// the package needs.
type operation struct {
	name    Operation
	method  string
	path    string // {user} and {id} are filled in by target
	token   tokenKind
	sealed  bool
	success []int
	answers []answer
	repeat  repeatClass
}

// write reports whether the operation changes anything at Wise.
func (o *operation) write() bool { return o.repeat != repeatRead }

func (o *operation) succeeds(status int) bool {
	for _, s := range o.success {
		if s == status {
			return true
		}
	}
	return false
}

var (
	createPin = operation{
		name: OpCreatePin, method: http.MethodPost, path: "/v1/user/pin",
		token: userToken, sealed: true,
		success: []int{http.StatusNoContent, http.StatusOK},
		answers: []answer{{status: http.StatusConflict, sentinel: ErrPinAlreadySet}},
		repeat:  repeatSetOnce,
	}
	deletePin = operation{
		name: OpDeletePin, method: http.MethodDelete, path: "/v1/users/{user}/pin",
		token:   applicationToken,
		success: []int{http.StatusNoContent},
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrPinNotSet}},
		repeat:  repeatDelete,
	}
	enrolFaceMap = operation{
		name: OpEnrolFaceMap, method: http.MethodPost, path: "/v1/user/facemap/enrol",
		token:   userToken,
		success: []int{http.StatusNoContent},
		answers: []answer{{status: http.StatusConflict, sentinel: ErrFaceMapAlreadyEnrolled}},
		repeat:  repeatSetOnce,
	}
	deleteFaceMap = operation{
		name: OpDeleteFaceMap, method: http.MethodDelete, path: "/v1/users/{user}/facemap/enrol",
		token:   applicationToken,
		success: []int{http.StatusNoContent},
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrFaceMapNotEnrolled}},
		repeat:  repeatDelete,
	}
	createDeviceFingerprint = operation{
		name: OpCreateDeviceFingerprint, method: http.MethodPost, path: "/v1/user/partner-device-fingerprints",
		token: userToken, sealed: true,
		success: []int{http.StatusOK},
		answers: []answer{
			{status: http.StatusConflict, sentinel: ErrFingerprintExists},
			{status: http.StatusBadRequest, sentinel: ErrFingerprintLimit, ownOnly: true},
		},
		repeat: repeatSetOnce,
	}
	// Wise's own documents call this a POST in one place and a GET in another:
	// see Client.listMethod.
	listDeviceFingerprints = operation{
		name: OpListDeviceFingerprints, method: http.MethodPost, path: "/v1/users/{user}/partner-device-fingerprints",
		token:   applicationToken,
		success: []int{http.StatusOK},
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrUserNotFound}},
		repeat:  repeatRead,
	}
	deleteDeviceFingerprint = operation{
		name: OpDeleteDeviceFingerprint, method: http.MethodDelete, path: "/v1/users/{user}/partner-device-fingerprints/{id}",
		token:   applicationToken,
		success: []int{http.StatusNoContent},
		answers: []answer{{status: http.StatusNotFound, sentinel: ErrFingerprintNotFound}},
		repeat:  repeatDelete,
	}
	listPhoneNumbers = operation{
		name: OpListPhoneNumbers, method: http.MethodGet, path: "/v1/application/users/{user}/phone-numbers",
		token:   applicationToken,
		success: []int{http.StatusOK},
		repeat:  repeatRead,
	}
	createPhoneNumber = operation{
		name: OpCreatePhoneNumber, method: http.MethodPost, path: "/v1/application/users/{user}/phone-numbers",
		token:   applicationToken,
		success: []int{http.StatusOK},
		answers: []answer{{status: http.StatusUnprocessableEntity, code: "phone.number.repeated", sentinel: ErrPhoneRepeated}},
		repeat:  repeatReadBack,
	}
	updatePhoneNumber = operation{
		name: OpUpdatePhoneNumber, method: http.MethodPut, path: "/v1/application/users/{user}/phone-numbers/{id}",
		token:   applicationToken,
		success: []int{http.StatusOK},
		answers: []answer{{status: http.StatusUnprocessableEntity, code: "phone.number.repeated", sentinel: ErrPhoneRepeated}},
		repeat:  repeatReadBack,
	}
	deletePhoneNumber = operation{
		name: OpDeletePhoneNumber, method: http.MethodDelete, path: "/v1/application/users/{user}/phone-numbers/{id}",
		token:   applicationToken,
		success: []int{http.StatusNoContent},
		repeat:  repeatDelete,
	}

	fetchToken = operation{
		name: OpFetchToken, method: http.MethodPost, path: "/oauth/token",
		token:   basicAuth,
		success: []int{http.StatusOK},
		repeat:  repeatRead,
	}
	fetchWiseKey = operation{
		name: OpFetchWiseKey, method: http.MethodGet, path: "/v1/auth/jose/response/public-keys",
		token:   applicationToken,
		success: []int{http.StatusOK},
		repeat:  repeatRead,
	}
	registerReplyKey = operation{
		name: OpRegisterReplyKey, method: http.MethodPost, path: "/v1/auth/jose/request/public-keys",
		token:   applicationToken,
		success: []int{http.StatusCreated},
		repeat:  repeatNever,
	}
	verifyJWE = operation{
		name: OpVerifyJWE, method: http.MethodPost, path: "/v1/auth/jose/playground/jwe-direct-encryption",
		token: applicationToken, sealed: true,
		success: []int{http.StatusOK},
		repeat:  repeatRead,
	}
)

// operations is the table by name, for classifying an error that was built
// outside a call.
var operations = func() map[Operation]*operation {
	m := map[Operation]*operation{}
	for _, o := range []*operation{
		&createPin, &deletePin, &enrolFaceMap, &deleteFaceMap,
		&createDeviceFingerprint, &listDeviceFingerprints, &deleteDeviceFingerprint,
		&listPhoneNumbers, &createPhoneNumber, &updatePhoneNumber, &deletePhoneNumber,
		&fetchToken, &fetchWiseKey, &registerReplyKey, &verifyJWE,
	} {
		m[o.name] = o
	}
	return m
}()
