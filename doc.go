// Package usersecurity is a client of Wise's User Security API: the PINs, face
// maps, device fingerprints and phone numbers with which a partner's end
// customers prove who they are. It is not an official Wise product.
//
//	client, err := usersecurity.New(
//		usersecurity.WithBaseURL(usersecurity.Sandbox),
//		usersecurity.WithClientCredentials(clientID, clientSecret),
//		usersecurity.WithUserTokens(usersecurity.CacheTokens(tokens)),
//		usersecurity.WithJWE(),
//	)
//	…
//	pin, err := usersecurity.NewPin("0417")
//	…
//	err = client.CreatePin(ctx, user, pin)
//	if errors.Is(err, usersecurity.ErrPinAlreadySet) {
//		…
//	}
//
// The package usersecuritytest has a simulator of Wise to develop and test
// against, and a stub for unit tests.
//
// # Tokens
//
// Wise knows two kinds of access token. A user's token speaks for one end
// customer: CreatePin, EnrolFaceMap and CreateDeviceFingerprint need it, and
// act on whoever the token belongs to. The application's token, got with the
// client credentials grant, speaks for the partner: every other method needs
// it, and all but ListDeviceFingerprints an extra grant from Wise besides,
// without which they end with [ErrForbidden].
//
// [WithUserTokens] and [WithApplicationTokens] (or [WithClientCredentials]) say
// where they come from. All methods take the user's id, so that whose PIN is
// set is visible where it is set; the source of user tokens is asked for the
// token of that very user, and its answer serves no other. When Wise answers
// 401, the source is told which token was rejected and asked once more; the
// request is repeated once if it gives another one.
//
// # Sealing
//
// PINs and device fingerprints travel as JWE (RFC 7516) in compact form, sealed
// to Wise's public key with RSA-OAEP-256 and A256GCM inside TLS. [WithJWE]
// turns it on; a client without it refuses those two operations with
// [ErrJWERequired] rather than send them in clear. Every call has a content key
// and an initialization vector of its own. Wise seals its reply with the
// request's content key (alg dir), or to a registered key of the partner's
// ([JWEReplyKey]); replies in clear are accepted unless
// [JWERequireSealedReplies] is given.
//
// Wise's key is fetched once and kept. Wise doesn't announce a new one: a
// request sealed to the old key is answered with 500. The client then fetches
// the key anew, once for all calls that failed at that moment, and if it has
// changed seals the request again and repeats it. [Client.VerifyJWE] proves the
// whole way without touching a customer.
//
// Where the customer's device is to seal, so that the backend never sees the
// PIN, the device uses [Seal] (or any JOSE library) and the backend
// [ParseSealedRequest] and [Client.CreatePinSealed].
//
// # Errors
//
// Branch with errors.Is on the sentinels below. An answer of Wise's is an
// [*APIError], with the status, the codes and the trace id that Wise's support
// asks for. These may come from any operation:
//
//	400, 422            ErrInvalidRequest
//	401                 ErrUnauthorized
//	403                 ErrForbidden, or ErrSCARequired
//	404                 ErrNotFound
//	429                 ErrRateLimited
//	5xx                 ErrServer
//	3xx                 ErrRedirect
//	any other           ErrUnexpectedStatus
//
// and these from one:
//
//	CreatePin               409  ErrPinAlreadySet
//	DeletePin               404  ErrPinNotSet
//	EnrolFaceMap            409  ErrFaceMapAlreadyEnrolled
//	DeleteFaceMap           404  ErrFaceMapNotEnrolled
//	CreateDeviceFingerprint 409  ErrFingerprintExists
//	CreateDeviceFingerprint 400  ErrFingerprintLimit
//	ListDeviceFingerprints  404  ErrUserNotFound
//	DeleteDeviceFingerprint 404  ErrFingerprintNotFound
//	Create-, UpdatePhoneNumber 422 phone.number.repeated  ErrPhoneRepeated
//
// Nothing was sent where an error matches [ErrInvalidArgument], [ErrNoToken],
// [ErrNoKey] or [ErrJWERequired]. Wise answered with the documented success, and
// a write was carried out, where it matches [ErrDecrypt], [ErrPlaintextReply],
// [ErrReplyTooLarge] or [ErrMalformedReply]. Nobody knows where it matches
// [ErrOutcomeUnknown].
//
// However an error is printed, it shows no token, URL, body, message of Wise's
// or text of another package's error. Secrets ([Pin], [FaceMap],
// [Fingerprint]) print as a mask.
//
// # Retries
//
// A call makes up to four attempts ([WithRetry], [WithMaxAttempts]), with waits
// drawn between nothing and a bound that doubles from 250 ms to 5 s. What
// follows a failed attempt depends on the operation, and on whether Wise may
// have acted on it:
//
//	                        lists    deletes   set-once   phone numbers
//	nothing was written     repeat   repeat    repeat     repeat
//	429                     repeat   repeat    repeat     repeat
//	no answer, 408, 500,
//	502, 503, 504           repeat   repeat 1  repeat 2   look, repeat 3
//	401                     one fresh token, one repeat
//	any other answer        is the answer
//	attempts used up        error    ErrOutcomeUnknown if one may have been done
//
// Set-once are CreatePin, EnrolFaceMap and CreateDeviceFingerprint; phone
// numbers are CreatePhoneNumber and UpdatePhoneNumber.
//
//  1. A later 404 of the same call means that an attempt has done it: success.
//  2. Wise answers a second one with 409, so a repeat does no harm. That 409 is
//     returned with Uncertain set: it may be this call's own doing. A 500 to a
//     sealed body leads to a new key of Wise's first.
//  3. The user's numbers are listed first. If the number is there, that is
//     success; if not, the write is repeated. A later refusal (422, say) is
//     looked into in the same way.
//
// Whether anything was written, net/http/httptrace tells. After 429 and 503 the
// wait is at least what Retry-After asks for; a wait of more than 30 s, or
// longer than the time the call has left, is not begun: the error comes at
// once. An answer other than the above, after an attempt that may have been
// carried out, has Uncertain set.
//
// Every attempt has 10 s ([WithTimeouts]); a call has the caller's deadline, or
// 60 s if there is none. When the context ends, the error matches its error,
// and also [ErrOutcomeUnknown] if a write may have been done. All attempts of a
// call carry one correlation id.
//
// # Concurrency
//
// A [Client] is safe for concurrent use; make one and share it. Its calls share
// a pool of connections, and no call's failure or cancellation costs another
// its connection. Sources of tokens and keys, observers and loggers are called
// from many goroutines at once. A panic in one of them reaches the goroutine
// that made the call.
//
// # Deprecation
//
// On 2025-10-10 Wise deprecated nine of the eleven operations in favour of its
// Strong Customer Authentication endpoints; CreatePhoneNumber and
// DeletePhoneNumber stay. No date of removal is known, and Wise's sandbox may
// no longer support the nine. The successors act on a profile with a user's
// token:
//
//	CreatePin                POST /v2/profiles/{profileId}/pin
//	DeletePin                DELETE /v2/profiles/{profileId}/pin
//	EnrolFaceMap             POST /v2/profiles/{profileId}/facemaps
//	DeleteFaceMap            DELETE /v2/profiles/{profileId}/facemaps
//	CreateDeviceFingerprint  POST /v2/profiles/{profileId}/device-fingerprints
//	ListDeviceFingerprints   none: keep the id from creation
//	DeleteDeviceFingerprint  DELETE /v2/profiles/{profileId}/device-fingerprints/{deviceFingerprintId}
//	ListPhoneNumbers         none
//	UpdatePhoneNumber        none: delete, then create
//
// The methods carry no deprecation mark, which would flag every build that
// uses them.
package usersecurity
