package usersecuritytest

import (
	"net/http"
	"time"

	"github.com/wise-partner/usersecurity"
)

// FaultKind says what a [Fault] does.
type FaultKind string

// What can go wrong. "Processed" means that the simulator does what was asked:
// state may change, and only the answer suffers.
const (
	// Refuse resets a new connection before anything is read from it. It may hit
	// a request that is being written, or the TLS handshake. For a dial that
	// fails outright, Close the server.
	Refuse FaultKind = "refuse"
	// SlowTLS makes a TLS handshake wait for Delay. It takes [WithTLS].
	SlowTLS FaultKind = "slow-tls"
	// ResetBefore resets the connection when the header has arrived. Nothing is
	// processed.
	ResetBefore FaultKind = "reset-before"
	// ResetAfter processes the request, and resets the connection instead of
	// answering.
	ResetAfter FaultKind = "reset-after"
	// Delay waits for Delay, then processes the request; it is not processed if
	// the client leaves in the meantime. With After it is processed first, and
	// the answer comes late.
	Delay FaultKind = "delay"
	// Stall processes the request, sends the answer up to half of its body, and
	// then nothing until the client leaves. Of an answer without a body nothing
	// is sent.
	Stall FaultKind = "stall"
	// Cut processes the request, sends the answer up to half of its body, and
	// closes the connection. Of an answer without a body half the status line is
	// sent.
	Cut FaultKind = "cut"
	// Garbage processes the request and answers with something that isn't HTTP.
	Garbage FaultKind = "garbage"
	// HTML502 answers as a gateway does that can't reach Wise: 502 and a page of
	// HTML. With After the request is processed first.
	HTML502 FaultKind = "html-502"
	// HTMLPage answers with Status, 200 if it is 0, and a page of HTML, as portals,
	// firewalls and gateways do that stand before Wise. With After the request is
	// processed first.
	HTMLPage FaultKind = "html-page"
	// ForeignJSON answers with Status, 200 if it is 0, and JSON that is not Wise's:
	// {"status":"ok"}. With After the request is processed first.
	ForeignJSON FaultKind = "foreign-json"
	// EmptyReply answers with Status, 200 if it is 0, and no body. With After the
	// request is processed first.
	EmptyReply FaultKind = "empty-reply"
	// Status000 answers with the status line HTTP/1.1 000, as some proxies do when
	// their backend is gone. With After the request is processed first.
	Status000 FaultKind = "status-000"
	// SwitchingProtocols answers 101, which nobody has asked for. With After the
	// request is processed first.
	SwitchingProtocols FaultKind = "switching-protocols"
	// TooManyRequests answers 429 without a body, with RetryAfter as it stands.
	TooManyRequests FaultKind = "too-many-requests"
	// Unreadable answers with the 500 of a body that Wise can't decrypt.
	Unreadable FaultKind = "unreadable"
	// Unauthorized answers 401, as if the access token were not valid.
	Unauthorized FaultKind = "unauthorized"
	// Status answers with Status, Header and Body. With After the request is
	// processed first.
	Status FaultKind = "status"
	// RotateKey gives Wise a new encryption key just before the request is
	// processed, as [Server.RotateKey] does.
	RotateKey FaultKind = "rotate-key"
)

// Fault is a rule: what goes wrong with which requests. Of several rules that
// fit, the one injected first is applied, and no other.
//
// On HTTP/2, where a connection is shared by many requests, ResetBefore,
// ResetAfter, Cut, Garbage, Status000 and SwitchingProtocols break the stream of
// the request only.
type Fault struct {
	Kind FaultKind

	// Operation is the operation to hit; empty for any that serves a customer: the
	// eleven of User Security, their successors, one-time tokens, profiles, the
	// FaceTec key, signing up, and protected calls that the simulator doesn't know.
	// What the client needs for itself is hit only if it is named, such as
	// usersecurity.OpFetchToken.
	Operation usersecurity.Operation
	// User is the user to hit, by path or by token; 0 for any.
	User usersecurity.UserID
	// Attempt hits only the n-th arrival of a call, told by operation and
	// correlation id; 0 for any.
	Attempt int
	// Rate is the share of the fitting requests to hit, drawn at random from the
	// seed of [WithSeed]; 0 and 1 for all of them.
	Rate float64
	// Times is after how many hits the rule is used up; 0 for never.
	Times int

	// Delay is how long [Delay] and [SlowTLS] wait.
	Delay time.Duration
	// After has the request processed before the fault strikes, where the kind
	// leaves the choice: [Delay], [Status], and the foreign answers from [HTML502]
	// to [SwitchingProtocols].
	After bool
	// RetryAfter is the Retry-After header of [TooManyRequests]; empty for none.
	RetryAfter string
	// Status, Header and Body are the answer of [Status], which sends them as
	// they are. Without a Content-Type in Header there is none. [HTMLPage],
	// [ForeignJSON] and [EmptyReply] take Status too.
	Status int
	Header http.Header
	Body   string
}
