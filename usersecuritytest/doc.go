// Package usersecuritytest lets a program that uses usersecurity be tested
// without a network.
//
// [Server] is a simulator of Wise: a real HTTP server on loopback that keeps
// state per user, hands out and checks tokens, opens what is sealed to it and
// seals its replies. Its Options make a client of it:
//
//	srv := usersecuritytest.NewServer()
//	defer srv.Close()
//	srv.AddUser(42)
//	client, err := usersecurity.New(srv.Options()...)
//
// Whatever Wise documents, it answers as Wise does: the calls of User Security and
// their successors, which act on the same factors, one-time tokens, profiles, the
// FaceTec key, sign-up and users' tokens, under legacy paths and under those of any
// calendar version, such as /2026Q4. A request that breaks the contract is refused
// with an error code that begins with "simulator." and a message that says which
// rule was broken. Where Wise's documents leave something open there is a
// [ServerOption] for each reading.
//
// A factor is enrolled to answer challenges with. [Server.Protect] makes any call
// one that needs a one-time token, and [Server.NewOneTimeToken] makes a token
// without one. A code that is sent to a phone is always 111111, as in Wise's
// sandbox, and a face map is recognized if it is the same text. Five wrong answers
// in a row, of whatever kind, block a user for fifteen minutes.
//
// Time is the simulator's own: [Server.Advance] lets tokens and codes expire and
// blocks end. Networks and gateways that fail, and answers that are not Wise's, come
// with [Server.Inject], a new encryption key of Wise's with [Server.RotateKey],
// expired tokens with [Server.ExpireTokens], tokens that the customer has taken back
// with [Server.WithdrawTokens], Wise's limits with [WithRateLimits], and the day on
// which the deprecated calls are turned off with [Server.Retire].
//
// [Stub] takes the place of the client where no HTTP is wanted at all, and
// [NewError] makes the errors it returns.
//
// Nothing here prints a secret: PINs, face maps, fingerprints and codes are kept as
// digests only, and tokens and phone numbers are masked wherever requests and
// state are shown.
package usersecuritytest
