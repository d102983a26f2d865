// Package usersecurity is a client of Wise's User Security API and of its
// successors: the PINs, face maps, device fingerprints and phone numbers with
// which a partner's end customers prove who they are, and the challenges in which
// they do. It is not an official Wise product.
//
//	client, err := usersecurity.New(
//		usersecurity.WithBaseURL(usersecurity.Sandbox),
//		usersecurity.WithClientCredentials(clientID, clientSecret),
//		usersecurity.WithUserTokens(usersecurity.CacheTokens(tokens)), // your source of them; or WithUserTokenStore
//		usersecurity.WithJWE(),
//	)
//	…
//	pin, err := usersecurity.NewPin("0417")
//	…
//	err = client.SCA.CreatePin(ctx, usersecurity.Profile{User: user, ID: profile}, pin)
//	if errors.Is(err, usersecurity.ErrPinAlreadySet) {
//		…
//	}
//
// [Client] has the eleven operations of the User Security API, nine of which Wise has
// deprecated. [Client.SCA] has their successors, which act on a profile of the user's
// ([Client.ListProfiles]) and are what new code calls; [Client.OneTimeTokens]
// and [Client.ClearChallenges] clear what Wise asks for when it answers with
// [ErrSCARequired]; [Client.UserTokens] obtains, keeps and renews the users'
// access tokens. The package usersecuritytest has a simulator of Wise to develop
// and test against, and stubs for unit tests.
//
// # Tokens
//
// Wise knows two kinds of access token. A user's token speaks for one end
// customer: CreatePin, EnrolFaceMap, CreateDeviceFingerprint, ListProfiles,
// FaceTecPublicKey and all of SCA and OneTimeTokens need it, and act on whoever
// the token belongs to. The application's token, obtained with the client
// credentials grant, speaks for the partner: DeletePin, DeleteFaceMap,
// ListDeviceFingerprints, DeleteDeviceFingerprint, ListPhoneNumbers,
// CreatePhoneNumber, UpdatePhoneNumber and DeletePhoneNumber need it, and an extra
// grant from Wise besides, without which they end with [ErrForbidden];
// UserTokens.SignUp, RegisterReplyKey and VerifyJWE need it alone.
//
// [WithApplicationTokens] or [WithClientCredentials] says where the application's
// tokens come from, and [WithUserTokens] or [WithUserTokenStore] where the users'
// do. All methods take the user's id, so that whose PIN is set is visible where it
// is set; the source is asked for the token of that very user. A source that gives
// the same token whoever it is asked for ([StaticToken], [OAuth2]) is refused
// unless [ForUser] says whose it is. When Wise answers 401, the source is told
// which token was rejected and asked once more; the request is repeated once if it
// gives another one.
//
// # Sealing
//
// PINs and device fingerprints travel as JWE (RFC 7516) in compact form, sealed
// to Wise's public key with RSA-OAEP-256 and A256GCM inside TLS. [WithJWE]
// turns it on; a client without it refuses those operations with
// [ErrJWERequired] rather than send them unencrypted. Every call has a content key
// and an initialization vector of its own. Wise seals its reply with the
// request's content key (alg dir), or to a registered key of the partner's
// ([JWEReplyKey]); unencrypted replies are accepted. With
// [JWERequireSealedReplies] nothing but a reply sealed with the request's own key
// will do: anybody can seal to the partner's public key.
//
// Wise's key is fetched once and kept. Wise doesn't announce a new one: a
// request sealed to the old key is answered with 500. The client then fetches
// the key anew, once for all calls that failed at that moment, and if it has
// changed seals the request again and repeats it. A key that can't be used is
// refused when it is fetched. [Client.VerifyJWE] proves the whole way without
// touching a customer.
//
// Where the customer's device is to seal, so that the backend never sees the
// PIN, the device uses [Seal] (or any JOSE library) and the backend
// [ParseSealedRequest] and [Client.CreatePinSealed].
//
// # Errors
//
// Branch with errors.Is on the sentinels below. A response that is not the
// documented success is an [*APIError], with the status, the codes and the trace
// id that Wise's support asks for. These may come from any operation:
//
//	400, 422    ErrInvalidRequest
//	401         ErrUnauthorized
//	403         ErrForbidden, ErrSCARequired
//	404         ErrNotFound
//	410         ErrNotInVersion
//	425, 429    ErrRateLimited
//	300 to 399  ErrRedirect
//	500 to 599  ErrServer
//	any other   ErrUnexpectedStatus
//
// and these from some, where the response is Wise's own word:
//
//	CreatePin, SCA.CreatePin                              409  ErrPinAlreadySet
//	DeletePin                                             404 pin.not.setup  ErrPinNotSet
//	SCA.DeletePin, SCA.VerifyPin                          404  ErrPinNotSet
//	EnrolFaceMap, SCA.EnrolFaceMap                        409  ErrFaceMapAlreadyEnrolled
//	DeleteFaceMap                                         404 facemap.not.setup  ErrFaceMapNotEnrolled
//	SCA.DeleteFaceMap                                     404  ErrFaceMapNotEnrolled
//	CreateDeviceFingerprint, SCA.CreateDeviceFingerprint  409  ErrFingerprintExists
//	CreateDeviceFingerprint, SCA.CreateDeviceFingerprint  400  ErrFingerprintLimit
//	ListDeviceFingerprints                                404  ErrUserNotFound
//	DeleteDeviceFingerprint, SCA.DeleteDeviceFingerprint  404  ErrFingerprintNotFound
//	SCA.VerifyDeviceFingerprint                           404  ErrFingerprintNotFound
//	CreatePhoneNumber, UpdatePhoneNumber                  422 phone.number.repeated  ErrPhoneRepeated
//	SCA.VerifyPin, SCA.VerifyDeviceFingerprint            400  ErrChallengeFailed
//	SCA.VerifyFaceMap                                     400  ErrChallengeFailed
//	OneTimeTokens.VerifyPin, OneTimeTokens.VerifyOTP      400  ErrChallengeFailed
//	OneTimeTokens.VerifyDeviceFingerprint                 400  ErrChallengeFailed
//	OneTimeTokens.VerifyFaceMap                           400  ErrChallengeFailed
//	OneTimeTokens.Status, OneTimeTokens.Trigger           404  ErrOneTimeTokenUnknown
//	OneTimeTokens.VerifyPin, OneTimeTokens.VerifyOTP      404  ErrOneTimeTokenUnknown
//	OneTimeTokens.VerifyDeviceFingerprint                 404  ErrOneTimeTokenUnknown
//	OneTimeTokens.VerifyFaceMap                           404  ErrOneTimeTokenUnknown
//	UserTokens.SignUp                                     409 NOT_UNIQUE  ErrUserExists
//
// A response is foreign where somebody between here and Wise has given it: its
// status isn't from 200 to 599, or its body isn't JSON. Then [APIError.Foreign] is
// set, and it says nothing of what a user has or hasn't: a proxy's 404 is
// [ErrNotFound], never [ErrPinNotSet]. A page that comes with 200 is no success
// ([ErrUnexpectedReply]). Look at the base URL, and at what stands before Wise.
//
// However an error is printed, it shows no token, URL, body, message of Wise's
// or text of another package's error, and Unwrap leads to none. Errors of other
// packages match with Is and As all the same. Secrets ([Pin], [FaceMap],
// [Fingerprint] and so on) print as a mask, keep their bytes where no printer gets
// at them, and are compared with Equal.
//
// # What became of a write
//
// [OutcomeOf] is the question to ask of an error before a customer is told
// anything. Its answers:
//
// Not done: Wise has refused it, or nothing of it was sent ([ErrInvalidArgument],
// [ErrNoToken], [ErrNoKey], [ErrJWERequired], a connection that could not be made).
//
// Done: Wise has answered with success, and its reply is of no use ([ErrDecrypt],
// [ErrPlaintextReply], [ErrReplyTooLarge], [ErrMalformedReply]). What is lost is an
// id: of a phone number ListPhoneNumbers tells it, of a device fingerprint
// ListDeviceFingerprints (the one created last). SCA.CreateDeviceFingerprint has no
// list beside it: the fingerprint serves its device, and can't be deleted.
//
// Unknown: no response came, or none that tells ([ErrOutcomeUnknown]); or one came
// that may be about an earlier attempt of the same call ([APIError.Uncertain]).
// What to do then, once nothing can be on its way any more, in a minute say:
//
//	CreatePin, EnrolFaceMap  Call again. Success settles it, and so does the error that there is
//	                         one already if the user is known to have had none. If that isn't
//	                         known, delete it, and ask the customer for it anew.
//	CreateDeviceFingerprint  Call again. ErrFingerprintExists means that it is registered; its id
//	                         is in the list. With SCA the id is lost.
//	the deletes              Call again. Success, or the error that there is none, means that it
//	                         is gone.
//	CreatePhoneNumber,       Look into ListPhoneNumbers. A calendar version has no list: call
//	UpdatePhoneNumber        again, and ErrPhoneRepeated may be this call's own doing.
//	verifies, triggers       Ask OneTimeTokens.Status whether the challenge is passed, and the
//	                         customer only if it isn't: each counts as an attempt of theirs.
//	SCA.StartSession         Start another. The first token expires by itself.
//	UserTokens.SignUp        Exchange the registration code: that works if the user was made.
//	                         After ErrReauthorise sign up again, with the same code.
//	UserTokens.ExchangeAuthorizationCode
//	                         Send the customer to the authorization page again.
//	RegisterReplyKey         Register a key under another id.
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
// The operations by class:
//
//	reads     ListDeviceFingerprints, ListPhoneNumbers, ListProfiles, FaceTecPublicKey,
//	          OneTimeTokens.Status, UserTokens.Refresh, UserTokens.ExchangeRegistrationCode,
//	          FetchToken, FetchUser, FetchWiseKey, VerifyJWE
//	deletes   DeletePin, DeleteFaceMap, DeleteDeviceFingerprint, DeletePhoneNumber,
//	          SCA.DeletePin, SCA.DeleteFaceMap, SCA.DeleteDeviceFingerprint
//	set once  CreatePin, EnrolFaceMap, CreateDeviceFingerprint,
//	          SCA.CreatePin, SCA.EnrolFaceMap, SCA.CreateDeviceFingerprint
//	numbers   CreatePhoneNumber, UpdatePhoneNumber
//	once      SCA.VerifyPin, SCA.VerifyDeviceFingerprint, SCA.VerifyFaceMap, SCA.StartSession,
//	          OneTimeTokens.Trigger, OneTimeTokens.VerifyOTP, OneTimeTokens.VerifyPin,
//	          OneTimeTokens.VerifyDeviceFingerprint, OneTimeTokens.VerifyFaceMap,
//	          UserTokens.SignUp, UserTokens.ExchangeAuthorizationCode, RegisterReplyKey
//
// And what there is to their repeats:
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
// wait of more than 30 s, or for which the call has no time left, is not begun: the
// error comes at once, with RetryAfter. For the attempt after a wait there must be
// 50 ms left, or a tenth of what is left if that is less.
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
// wait that long, and make an attempt then, matches [ErrRateLimited], and nothing
// of it was sent.
//
// # Concurrency
//
// A [Client] is safe for concurrent use; make one and share it. Its calls share
// a pool of connections, and no call's failure or cancellation costs another
// its connection. Sources of tokens and keys, observers, loggers and limiters are
// called from many goroutines at once. A panic in one of them reaches the
// goroutine that made the call.
//
// The deadlines hold for whatever crosses the network through net/http's
// transport, and for the fetches of tokens and keys that calls share. What a
// RoundTripper, a source, a limiter or an observer of the caller's does with its
// context is the caller's: one that ignores it holds up the call that waits for
// it. Other calls it doesn't: a fetch that takes longer than a whole call may is
// given up, and begun anew by the next call.
//
// # Logs
//
// This package prints nothing, and logs nothing secret ([WithLogger]). net/http
// does: bytes that come after a response on an HTTP/1.1 connection are printed on
// the standard logger ("Unsolicited response received on idle HTTP channel
// starting with …"). An http.Transport takes no logger of its own. Whoever
// doesn't want such bytes in a log filters the standard logger: by log.SetOutput,
// or by slog.SetDefault with a handler that drops what is below slog.LevelWarn,
// which is where that logger writes to from then on. What HTTP/2 connections print
// (that a server has broken the protocol) holds no such bytes, and a transport
// with DisableKeepAlives prints no such message.
//
// # Versions
//
// On 2025-10-10 Wise deprecated nine of the eleven operations in favour of its
// Strong Customer Authentication calls; CreatePhoneNumber and DeletePhoneNumber
// stay. No date of removal is known. By default the client uses the legacy paths,
// which have both; with [WithVersion] it uses those of a calendar version, such as
// 2026Q4. What a calendar version doesn't have ends with [ErrNotInVersion] before
// anything is sent. In its place comes:
//
//	CreatePin                SCA.CreatePin
//	DeletePin                SCA.DeletePin
//	EnrolFaceMap             SCA.EnrolFaceMap
//	DeleteFaceMap            SCA.DeleteFaceMap
//	CreateDeviceFingerprint  SCA.CreateDeviceFingerprint
//	ListDeviceFingerprints   nothing (keep the ids that creating returned)
//	DeleteDeviceFingerprint  SCA.DeleteDeviceFingerprint
//	ListPhoneNumbers         nothing (keep the id that creating returned)
//	UpdatePhoneNumber        DeletePhoneNumber, then CreatePhoneNumber
//
//	OneTimeTokens.VerifyPin                SCA.VerifyPin
//	OneTimeTokens.VerifyDeviceFingerprint  SCA.VerifyDeviceFingerprint
//	OneTimeTokens.VerifyFaceMap            SCA.VerifyFaceMap
//
// The methods carry no deprecation mark, which would flag every build that
// uses them.
package usersecurity
