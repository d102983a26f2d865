package usersecuritytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
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
// ResetAfter, Cut and Garbage break the stream of the request only.
type Fault struct {
	Kind FaultKind

	// Operation is the operation to hit; empty for any of the eleven operations
	// of User Security. The key and token endpoints are hit only if they are
	// named, such as usersecurity.OpFetchToken.
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
	// leaves the choice: [Delay], [HTML502], [Status].
	After bool
	// RetryAfter is the Retry-After header of [TooManyRequests]; empty for none.
	RetryAfter string
	// Status, Header and Body are the answer of [Status], which sends them as
	// they are. Without a Content-Type in Header there is none.
	Status int
	Header http.Header
	Body   string
}

func (f *Fault) onAccept() bool { return f.Kind == Refuse || f.Kind == SlowTLS }

// check returns what is wrong with a rule.
func (f *Fault) check(tls bool) string {
	kinds := []FaultKind{
		Refuse, SlowTLS, ResetBefore, ResetAfter, Delay, Stall, Cut, Garbage,
		HTML502, TooManyRequests, Unreadable, Unauthorized, Status, RotateKey,
	}
	mayBeAfter := []FaultKind{Delay, HTML502, Status}
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Sprintf("the kind %q is unknown", f.Kind)
	case f.Kind == SlowTLS && !tls:
		return "SlowTLS takes a server made WithTLS"
	case f.onAccept() && (f.Operation != "" || f.User != 0 || f.Attempt != 0):
		return string(f.Kind) + " strikes before there is a request: Operation, User and Attempt can't be set"
	case f.After && !slices.Contains(mayBeAfter, f.Kind):
		return "After has no meaning for " + string(f.Kind)
	case f.Rate < 0 || f.Rate > 1:
		return "Rate is between 0 and 1"
	case f.User < 0 || f.Attempt < 0 || f.Times < 0 || f.Delay < 0:
		return "a negative value"
	case (f.Kind == Delay || f.Kind == SlowTLS) && f.Delay == 0:
		return string(f.Kind) + " needs Delay"
	case f.Kind == Status && (f.Status < 200 || f.Status > 999):
		return "Status needs a Status from 200 to 999"
	}
	return ""
}

// subject is what is known of a request when faults are picked.
type subject struct {
	operation usersecurity.Operation
	user      usersecurity.UserID
	attempt   int
}

// fits reports whether a rule is about a request.
func (f *Fault) fits(s subject) bool {
	op := s.operation
	return !f.onAccept() &&
		(f.Operation == op && op != "" || f.Operation == "" && userSecurity[op]) &&
		(f.User == 0 || f.User == s.user) &&
		(f.Attempt == 0 || f.Attempt == s.attempt)
}

// userSecurity are the operations that a rule without an operation is about.
var userSecurity = map[usersecurity.Operation]bool{
	usersecurity.OpCreatePin:               true,
	usersecurity.OpDeletePin:               true,
	usersecurity.OpEnrolFaceMap:            true,
	usersecurity.OpDeleteFaceMap:           true,
	usersecurity.OpCreateDeviceFingerprint: true,
	usersecurity.OpListDeviceFingerprints:  true,
	usersecurity.OpDeleteDeviceFingerprint: true,
	usersecurity.OpListPhoneNumbers:        true,
	usersecurity.OpCreatePhoneNumber:       true,
	usersecurity.OpUpdatePhoneNumber:       true,
	usersecurity.OpDeletePhoneNumber:       true,
}

// gatewayPage is what a gateway says of a backend it can't reach.
const gatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
	"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"

// answer is what the fault answers in place of the simulator, if it does.
func (f *Fault) answer(op usersecurity.Operation) (answer, bool) {
	switch f.Kind {
	case HTML502:
		return answer{status: http.StatusBadGateway, contentType: typeHTML, body: []byte(gatewayPage)}, true
	case TooManyRequests:
		a := answer{status: http.StatusTooManyRequests, header: http.Header{"X-Rate-Limited-By": {"wise-public-api"}}}
		if f.RetryAfter != "" {
			a.header.Set("Retry-After", f.RetryAfter)
		}
		return a, true
	case Unreadable:
		return unreadable(), true
	case Unauthorized:
		if op == usersecurity.OpFetchToken {
			return oauthError(http.StatusUnauthorized, "invalid_client", "client id and client secret are not valid"), true
		}
		return invalidToken(), true
	case Status:
		return answer{status: f.Status, header: f.Header, body: []byte(f.Body)}, true
	}
	return answer{}, false
}

// faults are the rules in force.
type faults struct {
	mu     sync.Mutex
	rules  []*rule
	random *rand.Rand
	counts map[FaultKind]int
}

type rule struct {
	Fault
	struck int
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 'f')), counts: map[FaultKind]int{}}
}

func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{Fault: fault})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *faults) snapshot() map[FaultKind]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// pick returns the fault that strikes a request; the zero Fault for none.
func (f *faults) pick(s subject) Fault {
	return f.first(func(rule *Fault) bool { return rule.fits(s) })
}

// pickOnAccept returns the fault that strikes a new connection.
func (f *faults) pickOnAccept() Fault { return f.first((*Fault).onAccept) }

func (f *faults) first(fits func(*Fault) bool) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if !fits(&r.Fault) || r.Rate > 0 && r.Rate < 1 && f.random.Float64() >= r.Rate {
			continue
		}
		f.counts[r.Kind]++
		if r.struck++; r.struck == r.Times {
			f.rules = slices.Delete(f.rules, i, i+1)
		}
		return r.Fault
	}
	return Fault{}
}
