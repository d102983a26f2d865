package usersecuritytest

import (
	"crypto"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
)

// ServerOption is a setting of a [Server], given to [NewServer].
type ServerOption func(*settings)

// settings are fixed once the server has started.
type settings struct {
	listener         net.Listener // nil: one of the server's own
	clientSecret     string       // empty: one of the server's own
	tls              bool
	tlsNames         []string
	prefix           string
	listMethods      []string
	clearBodies      bool
	clearReplies     bool
	sealedErrors     bool
	replyKeyReplies  bool
	withoutGrant     bool
	fingerprintLimit int
	tooManyDevices   answer
	factorsByProfile bool
	replyKeyNamed    bool
	latency          time.Duration
	limits           float64 // 0 for none
	seed             uint64
	recordLimit      int
	rotateRefresh    bool

	// Of the successors and of one-time tokens.
	pinCreated    answer
	challenges    challengeRules
	challengeForm challengeForm
	oneTimeTokens tokenReadings
	sessionKinds  []usersecurity.ChallengeKind
	lowRisk       bool
	faceTecKey    crypto.PublicKey
}

const (
	defaultFingerprintLimit = 3
	defaultRecordLimit      = 10_000
	defaultSeed             = 1
)

func defaults() settings {
	return settings{
		listMethods:      []string{http.MethodGet, http.MethodPost},
		fingerprintLimit: defaultFingerprintLimit,
		tooManyDevices:   emptyAnswer(http.StatusBadRequest).because("no further device fingerprint can be created"),
		recordLimit:      defaultRecordLimit,
		seed:             defaultSeed,
		pinCreated:       emptyAnswer(http.StatusOK),
		oneTimeTokens:    tokenReadings{unknown: http.StatusNotFound},
		challenges: challengeRules{
			alternatives: map[usersecurity.ChallengeKind][]usersecurity.ChallengeKind{},
			optional:     map[usersecurity.ChallengeKind]bool{},
		},
	}
}

// WithListener serves on l, such as one of an address that is known beforehand,
// instead of on a free port of 127.0.0.1. [Server.Close] closes it. Who can reach
// the address can do with the simulator what they like, once they know the client
// secret.
func WithListener(l net.Listener) ServerOption {
	return func(s *settings) { s.listener = l }
}

// WithClientSecret sets the partner's client secret, which is a new one without
// it.
func WithClientSecret(secret string) ServerOption {
	if secret == "" {
		panic("usersecuritytest: WithClientSecret: the secret is empty")
	}
	return func(s *settings) { s.clientSecret = secret }
}

// WithTLS serves https, HTTP/2 included, with a certificate of the server's own
// for 127.0.0.1 and localhost, and for further host names or addresses where they
// are given. It is valid for 90 days. [Server.Options] and [Server.HTTPClient]
// trust it, and [Server.Certificate] is what others have to trust.
func WithTLS(names ...string) ServerOption {
	return func(s *settings) { s.tls, s.tlsNames = true, names }
}

// WithPathPrefix puts every path, the one of the token endpoint too, below
// prefix, such as "/gateway". Without it they begin at the root.
func WithPathPrefix(prefix string) ServerOption {
	if !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") || strings.ContainsAny(prefix, "?#%") {
		panic("usersecuritytest: WithPathPrefix: the prefix must look like /gateway")
	}
	return func(s *settings) { s.prefix = prefix }
}

// WithFingerprintListMethod answers the list of device fingerprints to this
// method only, GET or POST, and the other one with 405. Without it both are
// answered, as it isn't known which one Wise wants.
func WithFingerprintListMethod(method string) ServerOption {
	if method != http.MethodGet && method != http.MethodPost {
		panic("usersecuritytest: WithFingerprintListMethod: the method must be GET or POST")
	}
	return func(s *settings) { s.listMethods = []string{method} }
}

// WithClearBodies accepts what is to be sealed as plain JSON too, as a
// gateway does that seals them downstream. The reply to such a body is unencrypted.
func WithClearBodies() ServerOption {
	return func(s *settings) { s.clearBodies = true }
}

// WithClearReplies answers sealed requests unencrypted, as application/json.
func WithClearReplies() ServerOption {
	return func(s *settings) { s.clearReplies = true }
}

// WithSealedErrors seals the error bodies of sealed operations as it does their
// replies. Errors for which Wise documents no body get one, so that there is
// something to seal; their codes are the simulator's own. A request that can't
// be opened is still answered unencrypted.
func WithSealedErrors() ServerOption {
	return func(s *settings) { s.sealedErrors = true }
}

// WithReplyKeyReplies seals replies to the partner's key that was registered
// last, or to the one that the request names in X-TW-JOSE-Encryption-kid,
// instead of with the content key of the request. Register a key first: without
// one, sealed requests are refused.
func WithReplyKeyReplies() ServerOption {
	return func(s *settings) { s.replyKeyReplies = true }
}

// WithoutGrant takes away the extra grant that Wise gives on request: the eight
// operations of User Security that need the application's token answer 403.
func WithoutGrant() ServerOption {
	return func(s *settings) { s.withoutGrant = true }
}

// WithFingerprintLimit sets how many device fingerprints a user may have; 3 by
// default.
func WithFingerprintLimit(n int) ServerOption {
	if n < 0 {
		panic("usersecuritytest: WithFingerprintLimit: the limit is negative")
	}
	return func(s *settings) { s.fingerprintLimit = n }
}

// WithLatency answers every request this much later. Requests wait side by
// side.
func WithLatency(d time.Duration) ServerOption {
	return func(s *settings) { s.latency = d }
}

// WithRateLimits enforces Wise's limits, 100 requests a second and 1,000 a minute,
// both multiplied by factor: what is too much is answered 429, with Retry-After
// and X-Rate-Limited-By. All requests count, but for those that are refused so.
// Without it there are no limits.
func WithRateLimits(factor float64) ServerOption {
	if factor*perSecond < 1 {
		panic("usersecuritytest: WithRateLimits: less than one request a second")
	}
	return func(s *settings) { s.limits = factor }
}

// WithRotatingRefreshTokens makes a new refresh token with every renewal, and
// voids the one it was obtained for. Without it the refresh token stays the same,
// as in Wise's samples.
func WithRotatingRefreshTokens() ServerOption {
	return func(s *settings) { s.rotateRefresh = true }
}

// WithSeed changes what is drawn at random: which requests a [Fault] with a
// Rate hits, and the ids of fingerprints. The same requests in the same order
// meet the same fate under the same seed; 1 by default. Tokens and keys are not
// drawn from it.
func WithSeed(seed uint64) ServerOption {
	return func(s *settings) { s.seed = seed }
}

// WithRecordLimit sets how many requests [Server.Requests] remembers: the last
// n, 10,000 by default. [Server.Count] counts all of them.
func WithRecordLimit(n int) ServerOption {
	if n < 0 {
		panic("usersecuritytest: WithRecordLimit: the limit is negative")
	}
	return func(s *settings) { s.recordLimit = n }
}
