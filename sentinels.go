package usersecurity

// sentinel is one of the errors below: a text for people, a class for metrics.
type sentinel struct {
	class ErrorClass
	text  string
}

func (s *sentinel) Error() string { return "usersecurity: " + s.text }

// Is makes a customer who must be asked again one without a token, too.
func (s *sentinel) Is(target error) bool { return error(s) == ErrReauthorise && target == ErrNoToken }

func (s *sentinel) words() string { return s.text }

func (s *sentinel) errorClass() ErrorClass { return s.class }

// ErrorClass is a short, fixed word for a kind of failure, made for metric
// labels and log fields: that of the error variable which the failure matches, such
// as "pin_already_set" for [ErrPinAlreadySet]; "canceled" and "deadline_exceeded" for
// the context's errors; or "other". Empty means success. Of a failure that matches
// several it is "outcome_unknown" if that is one of them, else "reauthorise" if that
// is, else the one that ended the call.
type ErrorClass string

// What Wise answered. An [*APIError] matches exactly one of these through
// errors.Is.
var (
	// ErrPinAlreadySet: the user has a PIN (409). Delete it before setting another.
	ErrPinAlreadySet error = &sentinel{"pin_already_set", "the user already has a PIN"}
	// ErrPinNotSet: the user has no PIN to delete (404).
	ErrPinNotSet error = &sentinel{"pin_not_set", "the user has no PIN"}
	// ErrFaceMapAlreadyEnrolled: the user has a face map (409). Delete it before enrolling another.
	ErrFaceMapAlreadyEnrolled error = &sentinel{"face_map_already_enrolled", "the user already has a face map"}
	// ErrFaceMapNotEnrolled: the user has no face map to delete (404).
	ErrFaceMapNotEnrolled error = &sentinel{"face_map_not_enrolled", "the user has no face map"}
	// ErrFingerprintExists: this fingerprint is registered for the user already (409).
	ErrFingerprintExists error = &sentinel{"fingerprint_exists", "the device fingerprint is registered already"}
	// ErrFingerprintLimit: the user has as many fingerprints as Wise allows, three by default (400). Delete one first.
	ErrFingerprintLimit error = &sentinel{"fingerprint_limit", "the user has the maximum number of device fingerprints: delete one first"}
	// ErrFingerprintNotFound: the user or the fingerprint is unknown (404); Wise doesn't say which.
	ErrFingerprintNotFound error = &sentinel{"fingerprint_not_found", "no such user or device fingerprint"}
	// ErrUserNotFound: the user is unknown (404).
	ErrUserNotFound error = &sentinel{"user_not_found", "no such user"}
	// ErrPhoneRepeated: the phone number is in use, perhaps by another user (422, phone.number.repeated).
	ErrPhoneRepeated error = &sentinel{"phone_repeated", "the phone number is in use already"}
	// ErrChallengeFailed: Wise refuses the PIN, the fingerprint, the face map or the code that was given for a challenge, or has blocked it after too many (400); or keeps the challenge unpassed, and then it is no [*APIError].
	ErrChallengeFailed error = &sentinel{"challenge_failed", "Wise refuses what was given for the challenge, or has blocked it"}
	// ErrOneTimeTokenUnknown: the one-time token is unknown or expired, or the access token is refused (404): Wise doesn't say which.
	ErrOneTimeTokenUnknown error = &sentinel{"one_time_token_unknown", "the one-time token is unknown or expired, or the access token is refused"}
	// ErrUserExists: somebody with this e-mail address is a user of Wise's already (409, NOT_UNIQUE): send the customer to the page of [UserTokenService.AuthorizationURL].
	ErrUserExists error = &sentinel{"user_exists", "somebody with this e-mail address is a user already"}
	// ErrInvalidRequest: Wise refuses what was sent (400 or 422).
	ErrInvalidRequest error = &sentinel{"invalid_request", "Wise refuses the request as invalid"}
	// ErrUnauthorized: Wise refuses the token, and a fresh one if the source had one (401).
	ErrUnauthorized error = &sentinel{"unauthorized", "Wise refuses the token"}
	// ErrSCARequired: Wise wants strong customer authentication first (403); [APIError.OneTimeToken] is the token of the challenge.
	ErrSCARequired error = &sentinel{"sca_required", "strong customer authentication is required"}
	// ErrForbidden: the token may not do this (403). The deletes, the fingerprint list and the phone number calls need an extra grant from Wise.
	ErrForbidden error = &sentinel{"forbidden", "the token is not allowed to do this"}
	// ErrNotFound: no such thing, where no other error says what (404). The endpoint itself may be what isn't there.
	ErrNotFound error = &sentinel{"not_found", "not found"}
	// ErrRateLimited: too many requests (429, 425), see [RetryAfterOf]; or the client held the call back because of an earlier 429, or [WithRateLimiter] did, and then it is no [*APIError].
	ErrRateLimited error = &sentinel{"rate_limited", "too many requests"}
	// ErrServer: Wise failed (5xx).
	ErrServer error = &sentinel{"server", "Wise failed to answer the request"}
	// ErrRedirect: Wise, or a proxy before it, answered with a redirect (3xx), which is never followed.
	ErrRedirect error = &sentinel{"redirect", "the response was a redirect, which is never followed; check the base URL"}
	// ErrUnexpectedStatus: a status that nothing documents for the operation.
	ErrUnexpectedStatus error = &sentinel{"unexpected_status", "the response has a status that is not documented"}
	// ErrUnexpectedReply: a response with a status of success whose body is not Wise's reply: a proxy's page, or an error's JSON.
	ErrUnexpectedReply error = &sentinel{"unexpected_reply", "the response says success, but its body isn't Wise's reply"}
	// ErrNotInVersion: the operation isn't part of the version given with [WithVersion], and nothing was sent; or Wise says that the endpoint is retired (410).
	ErrNotInVersion error = &sentinel{"not_in_version", "the operation is not part of this version of the API"}
)

// Why nothing of the operation was sent: the client found something wrong, or got no
// token or key for it.
var (
	// ErrInvalidArgument: a value that can't be valid, or a setting that is missing or contradicts another.
	ErrInvalidArgument error = &sentinel{"invalid_argument", "invalid argument"}
	// ErrNoToken: there is no source for the token that the operation needs, or the source gave none.
	ErrNoToken error = &sentinel{"no_token", "no token"}
	// ErrReauthorise: Wise refuses the customer's refresh token or code for good: there is no token to call with, and the customer must be asked again, by way of [UserTokenService.AuthorizationURL]. It matches [ErrNoToken] too.
	ErrReauthorise error = &sentinel{"reauthorise", "the customer must authorise the partner again"}
	// ErrChallengeUnsupported: a challenge can't be cleared, because the [Challenger] has no callback for its kind or its alternatives.
	ErrChallengeUnsupported error = &sentinel{"challenge_unsupported", "there is no callback for a challenge of this kind"}
	// ErrJWERequired: the operation's body must be sealed, and the client was made without [WithJWE].
	ErrJWERequired error = &sentinel{"jwe_required", "the body must be sealed: use WithJWE"}
	// ErrNoKey: Wise's key could not be obtained, so the body could not be sealed.
	ErrNoKey error = &sentinel{"no_key", "no key of Wise's to seal to"}
)

// What is wrong with a reply. Wise answered with the documented success: a
// write was carried out, see [OutcomeOf].
var (
	// ErrDecrypt: a sealed reply can't be opened. There is one error for every cause.
	ErrDecrypt error = &sentinel{"decrypt", "the sealed reply can't be opened"}
	// ErrPlaintextReply: a reply that isn't sealed with the request's own key although [JWERequireSealedReplies] was given.
	ErrPlaintextReply error = &sentinel{"plaintext_reply", "the reply is not sealed with the request's own key"}
	// ErrReplyTooLarge: a reply of more than 1 MiB.
	ErrReplyTooLarge error = &sentinel{"reply_too_large", "the reply is too large"}
	// ErrMalformedReply: a reply that is not what the operation is documented to return.
	ErrMalformedReply error = &sentinel{"malformed_reply", "the reply can't be read"}
)

// What is known of a call that didn't end with a response.
var (
	// ErrOutcomeUnknown: the write may or may not have been done; see [*OutcomeError].
	ErrOutcomeUnknown error = &sentinel{"outcome_unknown", "it is unknown whether Wise did it"}
	// ErrAttemptTimeout: one attempt took longer than [WithTimeouts] allows. The
	// caller's own deadline shows as [context.DeadlineExceeded] instead.
	ErrAttemptTimeout error = &sentinel{"attempt_timeout", "the attempt timed out"}
	// ErrTransport: no response came: the connection could not be made, or broke. Why
	// is matched as well; a dial that took too long thus matches
	// [context.DeadlineExceeded], as package net makes it: whether your own deadline
	// has ended, your context's Err tells.
	ErrTransport error = &sentinel{"transport", "the connection failed"}
)
