package usersecurity

import "net/http"

// Operation names one operation of the API. Its text is the method of [Client] that
// performs it, such as "CreatePin" or, of a service, "SCA.CreatePin". It is safe to
// log and to label metrics with.
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

// Tokens and keys. FetchToken and FetchWiseKey are what a client does for its own
// needs; they show up in errors and observer events under these names.
const (
	OpFetchToken       Operation = "FetchToken"
	OpFetchWiseKey     Operation = "FetchWiseKey"
	OpRegisterReplyKey Operation = "RegisterReplyKey"
	OpVerifyJWE        Operation = "VerifyJWE"
)

// The successors: Strong Customer Authentication.
const (
	OpSCACreatePin               Operation = "SCA.CreatePin"
	OpSCAVerifyPin               Operation = "SCA.VerifyPin"
	OpSCADeletePin               Operation = "SCA.DeletePin"
	OpSCACreateDeviceFingerprint Operation = "SCA.CreateDeviceFingerprint"
	OpSCAVerifyDeviceFingerprint Operation = "SCA.VerifyDeviceFingerprint"
	OpSCADeleteDeviceFingerprint Operation = "SCA.DeleteDeviceFingerprint"
	OpSCAEnrolFaceMap            Operation = "SCA.EnrolFaceMap"
	OpSCAVerifyFaceMap           Operation = "SCA.VerifyFaceMap"
	OpSCADeleteFaceMap           Operation = "SCA.DeleteFaceMap"
	OpSCAStartSession            Operation = "SCA.StartSession"
)

// One-time tokens and what clears them.
const (
	OpOneTimeTokenStatus                  Operation = "OneTimeTokens.Status"
	OpOneTimeTokenTrigger                 Operation = "OneTimeTokens.Trigger"
	OpOneTimeTokenVerifyOTP               Operation = "OneTimeTokens.VerifyOTP"
	OpOneTimeTokenVerifyPin               Operation = "OneTimeTokens.VerifyPin"
	OpOneTimeTokenVerifyDeviceFingerprint Operation = "OneTimeTokens.VerifyDeviceFingerprint"
	OpOneTimeTokenVerifyFaceMap           Operation = "OneTimeTokens.VerifyFaceMap"
	// OpClearChallenges is all the calls that clear one token: observers are told
	// of it as of a call, and of those inside it.
	OpClearChallenges Operation = "ClearChallenges"
)

// Profiles and FaceTec's key.
const (
	OpListProfiles     Operation = "ListProfiles"
	OpFaceTecPublicKey Operation = "FaceTecPublicKey"
)

// Users' tokens: sign-up, grants and renewal.
const (
	OpSignUp                    Operation = "UserTokens.SignUp"
	OpExchangeRegistrationCode  Operation = "UserTokens.ExchangeRegistrationCode"
	OpExchangeAuthorizationCode Operation = "UserTokens.ExchangeAuthorizationCode"
	OpRefreshUserToken          Operation = "UserTokens.Refresh"
	// OpFetchUser asks whose a user token is.
	OpFetchUser Operation = "FetchUser"
)

// tokenKind says whose token a request carries.
type tokenKind uint8

const (
	userToken        tokenKind = iota // a user access token
	applicationToken                  // the partner's client credentials token
	ownAuthorization                  // what the request brings: client id and secret, or a token that is not stored yet
)

// class says what may follow an attempt that Wise may have acted on without
// our hearing of it.
type class uint8

const (
	reads   class = iota // nothing changes: repeat
	deletes              // repeat; a later 404 means that it is done
	setOnce              // repeat; Wise answers a second one with 409
	numbers              // look whether it is done before repeating
	once                 // leave it at one
	classes              // how many there are
)

// replyKind says what a documented success carries.
type replyKind uint8

const (
	noReply   replyKind = iota // nothing, and whatever JSON comes is ignored
	jsonReply                  // a JSON object or array
	pemReply                   // a public key as PEM
)

// speech says what body a response must have, where no code is documented for
// its status, to be the operation's own word.
type speech uint8

const (
	wiseBody speech = iota // of the errors shape, sealed, or none
	anyJSON                // or any other JSON: no layer before Wise answers so
	aLimit                 // none, or a code that speaks of a limit
	aVerdict               // none, or JSON in which no entry names a field
)

// answer is a documented response other than success.
type answer struct {
	status   int
	code     string // the one that is documented with it, if any
	speech   speech // where none is
	sentinel error
}

// granted says whether a call obtains a user's tokens, and which of its failures
// mean that there is no token.
type granted uint8

const (
	noGrant      granted = iota
	codeGrant            // that Wise refuses the code, or the client
	refreshGrant         // whatever it fails with
)

// operation is the row of one operation: every fact about it that the rest of
// the package needs.
type operation struct {
	name     Operation
	method   string
	orMethod string // the one to try where method is answered with 405
	legacy   string // path; {user}, {profile}, {kind} and {id} are filled in
	calendar string // path below a calendar version; empty where it has ended
	instead  string // what replaces it, if Wise has deprecated it
	token    tokenKind
	grant    bool   // it needs the extra grant that Wise gives on request
	carries  string // the secret in its body, and how to make one
	oneTime  bool   // it is about a one-time token, which a header carries
	sealed   bool
	success  int // the documented status
	reply    replyKind
	answers  []answer
	class    class
	granted  granted
}

func (o *operation) writes() bool { return o.class != reads }

// succeeds reports whether a status says that the operation is done. Wise has
// answered the same write with 200 in one document and with 204 in another.
func (o *operation) succeeds(status int) bool {
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return true
	}
	return !o.writes() && status >= 200 && status <= 299
}

// What a body carries, and how it is made.
const (
	carriesPin         = "the PIN is empty: make it with NewPin"
	carriesFingerprint = "the fingerprint is empty: make it with NewFingerprint"
	carriesFaceMap     = "the face map is empty: make it with NewFaceMap or FaceMapFromBase64"
	carriesOTP         = "the code is empty: make it with NewOTP"
)
