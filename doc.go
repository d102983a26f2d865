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
// follows an attempt depends on what it brought, and on what a repeat of the
// operation can do:
//
//	                             reads    deletes  set once  numbers  once
//	nothing was written          repeat   repeat   repeat    repeat   repeat
//	429, 425                     repeat   repeat   repeat    repeat   repeat
//	no response, a foreign 2xx,
//	408, 500, 502 to 504,
//	520 to 530, 598, 599         repeat   repeat   repeat    look     stop
//	what can be corrected        correct  correct  correct   correct  correct
//	a reply that breaks off      repeat   stop     stop      stop     stop
//	any other response           stop     stop     stop      stop     stop
//
// Reads are the lists. Set once are CreatePin, EnrolFaceMap and
// CreateDeviceFingerprint; numbers are CreatePhoneNumber and UpdatePhoneNumber;
// once is RegisterReplyKey.
//
//   - A repeated delete whose later response is 404, in Wise's own words, has
//     done it: success. Wise's own words are the documented code, a body of the
//     errors shape, or no body and a trace id.
//   - A repeat of what is set once is answered with 409 if an earlier attempt
//     has set it. That 409 is returned with Uncertain set: it may be this call's
//     own doing, or have been there before.
//   - For numbers the user's numbers are listed after the wait. If the number is
//     there (of an update: under its id), that is success; if nothing like it is
//     there, the write is repeated; if the list can't be read, the call ends. A
//     later refusal is looked into in the same way. It is certain only where
//     each attempt that was left open ended in a 500 of Wise's own: after a
//     timeout, a reset or a gateway's page Wise may still be at it.
//   - What can be corrected is a token (401, where the source has another one),
//     the method of the fingerprint list (405) and the key of a sealed body
//     (500, where Wise has another key). The corrected request is sent at once,
//     and doesn't count as an attempt. A foreign response corrects nothing.
//   - A request that a device has sealed is not repeated after a 500: Wise may
//     have been unable to open it. The device seals again.
//
// Whether anything was written, net/http/httptrace tells; a RoundTripper of the
// caller's that doesn't report to it is believed only where its error is one of
// a dial. After 429 and 503 the wait is at least what Retry-After asks for; a
// wait of more than 30 s, or longer than the time the call has left, is not
// begun: the error comes at once, with RetryAfter.
//
// With a second writer about (another process, a colleague at Wise's support),
// a repeat can undo what was done between the attempts: a PIN that somebody has
// deleted is set again, one that somebody has set is deleted. Where that
// matters, [WithMaxAttempts] with 1 repeats nothing.
//
// Every attempt has 10 s ([WithTimeouts]); a call has the caller's deadline, or
// 60 s if there is none. When the context ends, the error matches its error and
// its cause, and also [ErrOutcomeUnknown] if a write may have been done. All
// attempts of a call carry one correlation id.
//
// What Wise has just refused is not asked for again at once. After a 429 of the
// token endpoint, or a failure, the calls that need a token end with
// [ErrNoToken] for as long as Wise asks, or for a second that doubles to thirty;
// so it is with Wise's key, and with tokens that are rejected one after the
// other. After a 429 that names the limit (X-Rate-Limited-By) all calls of the
// client wait for what Wise asked for, up to 30 s; after any other 429 with a
// Retry-After those of the same operation for the same user. A call that can't
// wait that long matches [ErrRateLimited], and nothing of it was sent.
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
