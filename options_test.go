package usersecurity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// options are those of one client.
type options = []usersecurity.Option

// ecKey is a decrypter that isn't RSA.
type ecKey struct{ *ecdsa.PrivateKey }

func (ecKey) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	return nil, errors.New("not this kind of key")
}

var (
	base       = usersecurity.WithBaseURL(testHost)
	oneToken   = usersecurity.WithApplicationTokens(usersecurity.StaticToken("token"))
	shortKey   = newKey(1024)
	elliptical = ecKey{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
)

// mistakes are settings that can't be, and what the error says of them.
var mistakes = map[string]struct {
	options options
	says    string // in the error
}{
	"nothing":                  {nil, "WithBaseURL"},
	"no base URL":              {options{oneToken}, "WithBaseURL"},
	"a nil option":             {options{base, nil}, "nil"},
	"base URL empty":           {options{usersecurity.WithBaseURL("")}, "WithBaseURL"},
	"base URL no host":         {options{usersecurity.WithBaseURL("https://")}, "WithBaseURL"},
	"base URL no scheme":       {options{usersecurity.WithBaseURL("hidden.example")}, "WithBaseURL"},
	"base URL relative":        {options{usersecurity.WithBaseURL("/hidden")}, "WithBaseURL"},
	"base URL http":            {options{usersecurity.WithBaseURL("http://hidden.example")}, "https"},
	"base URL http, private":   {options{usersecurity.WithBaseURL("http://10.0.0.1")}, "https"},
	"base URL http, lookalike": {options{usersecurity.WithBaseURL("http://localhost.hidden.example")}, "https"},
	"base URL http, number":    {options{usersecurity.WithBaseURL("http://127.0.0.1.hidden.example")}, "https"},
	"base URL ftp":             {options{usersecurity.WithBaseURL("ftp://hidden.example")}, "https"},
	"base URL file":            {options{usersecurity.WithBaseURL("file:///hidden")}, "https"},
	"base URL opaque":          {options{usersecurity.WithBaseURL("https:hidden.example")}, "WithBaseURL"},
	"base URL with user":       {options{usersecurity.WithBaseURL("https://hidden:hidden@wise.example")}, "user"},
	"base URL with query":      {options{usersecurity.WithBaseURL("https://wise.example/?hidden=1")}, "query"},
	"base URL with ?":          {options{usersecurity.WithBaseURL("https://wise.example/?")}, "query"},
	"base URL with fragment":   {options{usersecurity.WithBaseURL("https://wise.example/#hidden")}, "fragment"},
	"base URL unparsable":      {options{usersecurity.WithBaseURL("https://hidden\x7f.example")}, "WithBaseURL"},
	"base URL bad port":        {options{usersecurity.WithBaseURL("https://hidden.example:port")}, "WithBaseURL"},
	"base URL with no port":    {options{usersecurity.WithBaseURL("https://wise.example:")}, "port"},
	"base URL with port 0":     {options{usersecurity.WithBaseURL("https://wise.example:0")}, "port"},
	"base URL with port 65536": {options{usersecurity.WithBaseURL("https://wise.example:65536/hidden")}, "port"},
	"base URL with port -1":    {options{usersecurity.WithBaseURL("https://wise.example:-1")}, "WithBaseURL"},
	"base URL of v1":           {options{usersecurity.WithBaseURL("https://wise.example/v1")}, "WithVersion"},
	"base URL of v1, slashes":  {options{usersecurity.WithBaseURL("https://wise.example//v1//")}, "WithVersion"},
	"base URL of v2":           {options{usersecurity.WithBaseURL("https://wise.example/v2/")}, "WithVersion"},
	"base URL of 2026Q4":       {options{usersecurity.WithBaseURL("https://wise.example/2026Q4")}, "WithVersion"},
	"base URL of 2027q1":       {options{usersecurity.WithBaseURL("https://wise.example/gateway/2027q1/")}, "WithVersion"},
	"base URL ends in a %2F":   {options{usersecurity.WithBaseURL("https://wise.example/hidden%2F")}, "slash"},
	"plain HTTP to ftp":        {options{usersecurity.WithBaseURL("ftp://hidden.example"), usersecurity.WithPlainHTTP()}, "https"},
	"base URL with a newline":  {options{usersecurity.WithBaseURL("https://wise.example\nhidden")}, "WithBaseURL"},

	"nil application tokens":  {options{base, usersecurity.WithApplicationTokens(nil)}, "WithApplicationTokens"},
	"nil user tokens":         {options{base, usersecurity.WithUserTokens(nil)}, "WithUserTokens"},
	"no client id":            {options{base, usersecurity.WithClientCredentials("", "hidden")}, "WithClientCredentials"},
	"a client secret's line":  {options{base, usersecurity.WithClientCredentials("id", "hidden\n")}, "line breaks"},
	"a client id's line":      {options{base, usersecurity.WithClientCredentials("hidden\r\n", "secret")}, "line breaks"},
	"a secret with a NUL":     {options{base, usersecurity.WithClientCredentials("id", "hidden\x00")}, "control"},
	"a token's line":          {options{base, usersecurity.WithApplicationTokens(usersecurity.StaticToken("hidden\n"))}, "WithApplicationTokens"},
	"a user token's line":     {options{base, usersecurity.WithUserTokens(usersecurity.ForUser(1, usersecurity.StaticToken("hidden\n")))}, "WithUserTokens"},
	"a cached token's line":   {options{base, usersecurity.WithApplicationTokens(usersecurity.CacheTokens(usersecurity.StaticToken("hidden\n")))}, "WithApplicationTokens"},
	"one token for all":       {options{base, usersecurity.WithUserTokens(usersecurity.StaticToken("hidden"))}, "ForUser"},
	"one token for all, kept": {options{base, usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.StaticToken("hidden")))}, "ForUser"},
	"kept twice":              {options{base, usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.CacheTokens(usersecurity.StaticToken("hidden"))))}, "ForUser"},
	"oauth2's for all":        {options{base, usersecurity.WithUserTokens(usersecurity.OAuth2(oauth2Func(nil)))}, "ForUser"},
	"oauth2's for all, kept":  {options{base, usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.OAuth2(oauth2Func(nil))))}, "ForUser"},
	"nil of oauth2's":         {options{base, usersecurity.WithApplicationTokens(usersecurity.OAuth2(nil))}, "WithApplicationTokens"},
	"ForUser nobody":          {options{base, usersecurity.WithUserTokens(usersecurity.ForUser(0, userTokens))}, "ForUser"},
	"ForUser of nothing":      {options{base, usersecurity.WithUserTokens(usersecurity.ForUser(1, nil))}, "WithUserTokens"},
	"ForUser of nothing kept": {options{base, usersecurity.WithUserTokens(usersecurity.ForUser(1, usersecurity.CacheTokens(nil)))}, "WithUserTokens"},
	"a nil limiter":           {options{base, usersecurity.WithRateLimiter(nil)}, "WithRateLimiter"},
	"a version of words":      {options{base, usersecurity.WithVersion("latest/hidden")}, "WithVersion"},
	"no client secret":        {options{base, usersecurity.WithClientCredentials("hidden", "")}, "WithClientCredentials"},

	"sealed and unsealed":               {options{base, usersecurity.WithJWE(), usersecurity.WithUnsealedBodies()}, "WithUnsealedBodies"},
	"a nil JWE option":                  {options{base, usersecurity.WithJWE(nil)}, "WithJWE"},
	"nil keys":                          {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(nil))}, "JWEKeys"},
	"a nil key":                         {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(nil)))}, "StaticKey"},
	"an empty key":                      {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&rsa.PublicKey{})))}, "StaticKey"},
	"a short key":                       {options{base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&shortKey.PublicKey)))}, "2048"},
	"a reply key with the zero id":      {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(uuid.Nil, sealingKey()))}, "JWEReplyKey"},
	"a nil reply key":                   {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, nil))}, "JWEReplyKey"},
	"a nil RSA reply key":               {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, (*rsa.PrivateKey)(nil)))}, "JWEReplyKey"},
	"an empty reply key":                {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, &rsa.PrivateKey{}))}, "JWEReplyKey"},
	"a short reply key":                 {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, shortKey))}, "2048"},
	"a reply key that isn't RSA":        {options{base, usersecurity.WithJWE(usersecurity.JWEReplyKey(deviceID, elliptical))}, "RSA"},
	"a reply key's id without one":      {options{base, usersecurity.WithJWE(usersecurity.JWESendReplyKeyID())}, "JWESendReplyKeyID"},
	"a nil HTTP client":                 {options{base, usersecurity.WithHTTPClient(nil)}, "WithHTTPClient"},
	"negative attempts":                 {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: -1})}, "WithRetry"},
	"a negative lowest wait":            {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: -1})}, "WithRetry"},
	"a negative highest wait":           {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxWait: -1})}, "WithRetry"},
	"a negative Retry-After":            {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MaxRetryAfter: -1})}, "WithRetry"},
	"waits the wrong way round":         {options{base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: 2, MaxWait: 1})}, "MinWait"},
	"a negative attempt timeout":        {options{base, usersecurity.WithTimeouts(-1, 0)}, "WithTimeouts"},
	"a negative total timeout":          {options{base, usersecurity.WithTimeouts(0, -1)}, "WithTimeouts"},
	"a nil logger":                      {options{base, usersecurity.WithLogger(nil)}, "WithLogger"},
	"a nil observer":                    {options{base, usersecurity.WithObserver(nil)}, "WithObserver"},
	"no user agent":                     {options{base, usersecurity.WithUserAgent("")}, "WithUserAgent"},
	"a user agent with a newline":       {options{base, usersecurity.WithUserAgent("hidden\r\nX: y")}, "WithUserAgent"},
	"a user agent beyond ASCII":         {options{base, usersecurity.WithUserAgent("hiddenü")}, "WithUserAgent"},
	"a user agent of spaces":            {options{base, usersecurity.WithUserAgent("  ")}, "WithUserAgent"},
	"the list by PUT":                   {options{base, usersecurity.WithFingerprintListMethod("PUT")}, "WithFingerprintListMethod"},
	"the list by get in small":          {options{base, usersecurity.WithFingerprintListMethod("get")}, "WithFingerprintListMethod"},
	"the list by nothing":               {options{base, usersecurity.WithFingerprintListMethod("")}, "WithFingerprintListMethod"},
	"what follows a mistake is no cure": {options{usersecurity.WithUserTokens(nil), base, usersecurity.WithUserTokens(usersecurity.StaticToken("x"))}, "WithUserTokens"},
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("New panicked: %v", p)
				}
			}()
			client, err := usersecurity.New(test.options...)
			if client != nil {
				t.Error("a client next to an error")
			}
			checkRefused(t, name, err, "hidden")
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q doesn't say %q", err, test.says)
			}
		})
	}
}

// All mistakes are named at once.
func TestAllMistakesAreNamed(t *testing.T) {
	t.Parallel()
	_, err := usersecurity.New(usersecurity.WithUserTokens(nil), usersecurity.WithTimeouts(-1, 0), usersecurity.WithJWE(usersecurity.JWEKeys(nil)), usersecurity.WithUnsealedBodies())
	for _, word := range []string{"WithBaseURL", "WithUserTokens", "WithTimeouts", "JWEKeys", "WithUnsealedBodies"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("all mistakes are to be named, %s too: %v", word, err)
		}
	}
}

func TestSettingsAreAccepted(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]options{
		"a base URL alone":     {base},
		"Production":           {usersecurity.WithBaseURL(usersecurity.Production)},
		"Sandbox":              {usersecurity.WithBaseURL(usersecurity.Sandbox)},
		"ProductionMTLS":       {usersecurity.WithBaseURL(usersecurity.ProductionMTLS)},
		"SandboxMTLS":          {usersecurity.WithBaseURL(usersecurity.SandboxMTLS)},
		"a version":            {base, usersecurity.WithVersion("2026Q4")},
		"no version":           {base, usersecurity.WithVersion("")},
		"a prefix with v1":     {usersecurity.WithBaseURL("https://wise.example/v1/wise")},
		"a prefix like one":    {usersecurity.WithBaseURL("https://wise.example/v12")},
		"http to a sidecar":    {usersecurity.WithBaseURL("http://gateway.mesh.local"), usersecurity.WithPlainHTTP()},
		"the same, other way":  {usersecurity.WithPlainHTTP(), usersecurity.WithBaseURL("http://gateway.mesh.local:8080/wise")},
		"one user's token":     {base, usersecurity.WithUserTokens(usersecurity.ForUser(1001, usersecurity.StaticToken("token")))},
		"one user's, kept":     {base, usersecurity.WithUserTokens(usersecurity.CacheTokens(usersecurity.ForUser(1001, usersecurity.OAuth2(oauth2Func(nil)))))},
		"localhost":            {usersecurity.WithBaseURL("http://localhost:8080/prefix")},
		"loopback":             {usersecurity.WithBaseURL("http://127.0.0.53:8080")},
		"loopback, IPv6":       {usersecurity.WithBaseURL("http://[::1]:8080")},
		"zeroes mean defaults": {base, usersecurity.WithRetry(usersecurity.RetryPolicy{}), usersecurity.WithTimeouts(0, 0)},
		"a high lowest wait":   {base, usersecurity.WithRetry(usersecurity.RetryPolicy{MinWait: time.Minute})},
		"two reply keys":       {base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(publicKey())), usersecurity.JWEReplyKey(uuid.New(), sealingKey()), usersecurity.JWEReplyKey(uuid.New(), sealingKey()))},
		"observers":            {base, usersecurity.WithLogger(slog.New(slog.DiscardHandler)), usersecurity.WithLogger(slog.New(slog.DiscardHandler))},
		"an HTTP client":       {base, usersecurity.WithHTTPClient(&http.Client{})},
		"a user agent":         {base, usersecurity.WithUserAgent("acme-bank/1.4 (build 7)")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := usersecurity.New(good...); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of two options that set the same thing the later one counts.
func TestLaterOptionWins(t *testing.T) {
	t.Parallel()
	sends := func(check func(r *http.Request)) usersecurity.Option {
		return usersecurity.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			check(r)
			return answers(200, "[]")(r, "")
		})})
	}
	nowhere := usersecurity.WithHTTPClient(&http.Client{Transport: nothingSent{t}})
	expect := func(uri, authorization, agent, method string) usersecurity.Option {
		return sends(func(r *http.Request) {
			if got := r.URL.String(); !strings.HasPrefix(got, uri) || r.Header.Get("Authorization") != authorization ||
				!strings.HasPrefix(r.Header.Get("User-Agent"), agent) || r.Method != method {
				t.Errorf("sent was %s %s with %q", r.Method, got, r.Header)
			}
		})
	}
	static := func(token string) usersecurity.Option {
		return usersecurity.WithApplicationTokens(usersecurity.StaticToken(token))
	}
	for name, test := range map[string]options{
		"base URL":           {usersecurity.WithBaseURL(usersecurity.Production), base, oneToken, nowhere, expect(testHost, "Bearer token", "usersecurity-go", "POST")},
		"a wrong one before": {usersecurity.WithBaseURL("ftp://wise.example"), base, oneToken, expect(testHost, "Bearer token", "usersecurity-go", "POST")},
		"tokens":             {base, static("first"), static("second"), expect(testHost, "Bearer second", "usersecurity-go", "POST")},
		"credentials, then tokens": {
			base, usersecurity.WithClientCredentials("id", "secret"), static("second"), expect(testHost, "Bearer second", "usersecurity-go", "POST"),
		},
		"user agent": {base, oneToken, usersecurity.WithUserAgent("one/1"), usersecurity.WithUserAgent("two/2"), expect(testHost, "Bearer token", "two/2 usersecurity-go", "POST")},
		"list method": {
			base, oneToken, usersecurity.WithFingerprintListMethod("POST"), usersecurity.WithFingerprintListMethod("GET"), expect(testHost, "Bearer token", "", "GET"),
		},
	} {
		if _, err := clientOf(t, test...).ListDeviceFingerprints(t.Context(), 1001); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is set more than once and adds up, or isn't what it was.
	if _, err := usersecurity.New(base, usersecurity.WithUserTokens(usersecurity.StaticToken("x")), usersecurity.WithUserTokens(userTokens)); err != nil {
		t.Errorf("a source that is replaced is refused: %v", err)
	}
	if _, err := usersecurity.New(base, usersecurity.WithClientCredentials("", ""), oneToken); err != nil {
		t.Errorf("credentials that are replaced are refused: %v", err)
	}
}
