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
// Whatever Wise documents, it answers as Wise does. A request that breaks the
// contract is refused with an error code that begins with "simulator." and a
// message that says which rule was broken. Networks and gateways that fail come
// with [Server.Inject], a new encryption key of Wise's with
// [Server.RotateKey], expired tokens with [Server.ExpireTokens].
//
// [Stub] takes the place of the client where no HTTP is wanted at all, and
// [NewError] makes the errors it returns.
//
// Nothing here prints a secret: PINs, face maps and fingerprints are kept as
// digests only, and tokens and phone numbers are masked wherever requests and
// state are shown.
package usersecuritytest
