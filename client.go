package usersecurity

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Version is the version of this library, as sent in the User-Agent header.
const Version = "0.1.0"

// Client performs the operations of Wise's User Security API. Make one with
// [New], once for the life of the program: it is safe for concurrent use, and
// all its calls share one pool of connections.
type Client struct {
	baseURL    *url.URL
	http       http.Client // its Transport is the pool
	runner     *runner
	appTokens  TokenSource
	userTokens TokenSource
	jwe        *jweSettings
	keys       KeySource // nil without WithJWE
	unsealed   bool
	retry      RetryPolicy
	attempt    time.Duration
	total      time.Duration
	observers  []Observer
	userAgent  string
	listMethod string      // of ListDeviceFingerprints, if it is fixed
	listByGet  atomic.Bool // that method has been found to be GET
	// jitter draws a wait between 0 and the bound.
	jitter func(bound time.Duration) time.Duration
}

const (
	defaultAttempts      = 4
	defaultMinWait       = 250 * time.Millisecond
	defaultMaxWait       = 5 * time.Second
	defaultMaxRetryAfter = 30 * time.Second
	defaultAttemptTime   = 10 * time.Second
	defaultTotalTime     = 60 * time.Second
)

// New makes a client. [WithBaseURL] is required; the sources of tokens and keys
// are needed by the operations that use them. Everything that is missing or
// contradictory is named in one error, which matches [ErrInvalidArgument].
func New(opts ...Option) (*Client, error) {
	var s settings
	for _, o := range opts {
		if o == nil {
			s.complain("an option is nil")
			continue
		}
		o(&s)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	c := &Client{
		baseURL:    s.baseURL,
		appTokens:  s.appTokens,
		userTokens: s.userTokens,
		jwe:        s.jwe,
		unsealed:   s.unsealed,
		retry:      s.retry.orDefault(),
		attempt:    defaultTo(s.attempt, defaultAttemptTime),
		total:      defaultTo(s.total, defaultTotalTime),
		observers:  s.observers,
		listMethod: s.listMethod,
		userAgent:  "usersecurity-go/" + Version,
		runner:     newRunner(),
		jitter:     func(bound time.Duration) time.Duration { return rand.N(bound + 1) },
	}
	if s.product != "" {
		c.userAgent = s.product + " " + c.userAgent
	}
	if s.httpClient != nil {
		c.http.Transport = s.httpClient.Transport
		if c.http.Transport == nil {
			c.http.Transport = http.DefaultTransport
		}
		if limit := s.httpClient.Timeout; limit > 0 {
			c.attempt = min(c.attempt, limit)
		}
	} else {
		c.http.Transport = newTransport()
	}
	if s.credentials {
		c.appTokens = clientCredentials(c, s.clientID, s.clientSecret)
	}
	if s.jwe != nil {
		c.keys = s.jwe.source
		if c.keys == nil {
			c.keys = &wiseKeys{client: c}
		}
	}
	return c, nil
}

// CloseIdleConnections closes the connections that no call is using. The client
// can be used afterwards.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Format prints the base URL's host and no setting.
func (c *Client) Format(f fmt.State, verb rune) {
	if c == nil {
		writeText(f, verb, "<nil>")
		return
	}
	writeText(f, verb, "usersecurity.Client("+c.baseURL.Host+")")
}

func (p RetryPolicy) orDefault() RetryPolicy {
	return RetryPolicy{
		MaxAttempts:   defaultTo(p.MaxAttempts, defaultAttempts),
		MinWait:       defaultTo(p.MinWait, min(defaultMinWait, defaultTo(p.MaxWait, defaultMinWait))),
		MaxWait:       defaultTo(p.MaxWait, max(defaultMaxWait, p.MinWait)),
		MaxRetryAfter: defaultTo(p.MaxRetryAfter, defaultMaxRetryAfter),
	}
}

func defaultTo[T int | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// url is the address of a path. Paths hold nothing that needs escaping.
func (c *Client) url(path, query string) *url.URL {
	u := *c.baseURL
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	u.RawQuery = query
	return &u
}

// request is what a method asks of the one path that every call takes.
type request struct {
	op   *operation
	user UserID // whose token; 0 for the application's
	path string

	query         string
	body          []byte // in clear; sealed on its way if the operation says so
	contentType   string // of the clear body; JSON if empty
	authorization string // where the operation brings its own
	relayed       bool   // body is a JWE that a device has sealed
	sealedReply   bool   // a reply in clear is refused, whatever the settings

	// readBack looks whether a write of the class repeatReadBack is done.
	readBack func(ctx context.Context, opts []CallOption) (sight, error)
	// decode reads the reply of a success, if the operation has one.
	decode func(reply) error
	// invalid is what is wrong with the arguments.
	invalid error
}

// reply is the documented success of a call.
type reply struct {
	op          Operation
	status      int
	header      http.Header
	body        []byte // opened, if it came sealed
	readBack    bool   // the success was found by reading back, and there is no body
	contentType string // of the body as it came
}

// malformed is the error for a reply that is a success but can't be read.
func (r reply) malformed() error { return replyError(r.op, r.status, ErrMalformedReply) }

func replyError(op Operation, status int, causes ...error) error {
	text := "status " + strconv.Itoa(status) + ", but "
	if operations[op].write() {
		text = "done (status " + strconv.Itoa(status) + "), but "
	}
	for i, c := range causes {
		if i > 0 {
			text += ": "
		}
		text += safeText(c)
	}
	return &callError{op: op, text: text, causes: causes}
}

// call is the one path: arguments, token, sealing, attempts, reply.
func (c *Client) call(ctx context.Context, r request, opts []CallOption) (reply, error) {
	k := &call{client: c, request: r, start: time.Now()}
	rep, err := k.do(ctx, opts)
	k.report(ctx, err)
	return rep, err
}

func (k *call) do(ctx context.Context, opts []CallOption) (reply, error) {
	op := k.request.op
	for _, o := range opts {
		if o == nil {
			return reply{}, in(op.name, invalid("a call option is nil"))
		}
		o(&k.opts)
	}
	if k.opts.correlationID == uuid.Nil {
		k.opts.correlationID = uuid.New()
	}
	switch {
	case ctx == nil:
		return reply{}, in(op.name, invalid("the context is nil"))
	case k.request.invalid != nil:
		return reply{}, in(op.name, k.request.invalid)
	case k.opts.complaint != "":
		return reply{}, in(op.name, invalid("%s", k.opts.complaint))
	}
	k.ctx.begin(ctx, k, k.client.total)
	defer k.ctx.end()
	if err := k.prepare(); err != nil {
		return reply{}, err
	}
	defer k.wipe()
	k.run()
	rep, err := k.settle()
	if err == nil && k.request.decode != nil && !rep.readBack {
		err = k.request.decode(rep)
	}
	return rep, err
}

// prepare makes what the first attempt needs.
func (k *call) prepare() (err error) {
	r, c := &k.request, k.client
	if r.op.sealed && !r.relayed {
		switch {
		case c.keys != nil:
			k.seals = true
		case !c.unsealed:
			return failure(r.op.name, ErrJWERequired)
		}
	}
	if err := k.ctx.Err(); err != nil {
		return failure(r.op.name, err)
	}
	k.method = r.op.method
	if r.op == &listDeviceFingerprints {
		switch {
		case c.listMethod != "":
			k.method = c.listMethod
		case c.listByGet.Load():
			k.method = http.MethodGet
		}
	}
	k.body = r.body
	if r.op.token != basicAuth {
		if k.token, err = k.accessToken(""); err != nil {
			return err
		}
	}
	if k.seals {
		key, err := c.encryptionKey(&k.ctx, r.op.name, nil)
		if err != nil {
			return err
		}
		return k.seal(key)
	}
	return nil
}

// wipe forgets the content key; the envelope may have been replaced meanwhile.
func (k *call) wipe() { k.envelope.wipe() }

// seal makes the body that is sent, in place of the one sealed before.
func (k *call) seal(key *WiseKey) error {
	e, err := seal(key.PublicKey, k.request.body)
	if err != nil {
		return failure(k.request.op.name, ErrNoKey, err)
	}
	k.envelope.wipe()
	k.key, k.envelope, k.body = key, e, e.compact
	return nil
}

// accessToken asks the source that the operation's row names.
func (k *call) accessToken(rejected string) (string, error) {
	if k.opts.token != "" {
		return k.opts.token, nil
	}
	op := k.request.op
	src, want := k.client.appTokens, TokenRequest{Rejected: rejected}
	missing := "no source of application tokens: use WithApplicationTokens or WithClientCredentials"
	if op.token == userToken {
		src, want.User = k.client.userTokens, k.request.user
		missing = "no source of user tokens: use WithUserTokens"
	}
	if src == nil {
		return "", &callError{op: op.name, text: missing, causes: []error{ErrNoToken}}
	}
	token, err := src.Token(&k.ctx, want)
	switch {
	case err != nil:
		return "", sourceFailure(&k.ctx, op.name, ErrNoToken, err)
	case token == nil || !isVisible(token.AccessToken):
		return "", sourceFailure(&k.ctx, op.name, ErrNoToken, &callError{text: "it gave no usable access token"})
	}
	return token.AccessToken, nil
}

// newRequest makes the request of one attempt. The headers of a sealed one are
// those that Wise asks for, and an explicit Accept-Encoding keeps net/http from
// asking for gzip.
func (k *call) newRequest(ctx context.Context) *http.Request {
	r, c := &k.request, k.client
	header := make(http.Header, 8)
	values := make([]string, 0, 9)
	set := func(name, value string) {
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("User-Agent", c.userAgent)
	set("X-External-Correlation-Id", k.opts.correlationID.String())
	if r.authorization != "" {
		set("Authorization", r.authorization)
	} else {
		set("Authorization", "Bearer "+k.token)
	}
	switch {
	case k.seals || r.relayed:
		set("Accept", joseContentType)
		set("Content-Type", joseContentType)
		set("Accept-Encoding", "identity")
		set("Content-Encoding", "identity")
		set("X-Tw-Jose-Method", "jwe")
		if k.seals && c.jwe.sendReplyKeyID {
			set("X-Tw-Jose-Encryption-Kid", c.jwe.newestReplyKey)
		}
	case r.body != nil:
		set("Accept", jsonContentType)
		set("Content-Type", cmp.Or(r.contentType, jsonContentType))
	default:
		set("Accept", jsonContentType)
	}
	req := &http.Request{
		Method:     k.method,
		URL:        c.url(r.path, r.query),
		Host:       c.baseURL.Host,
		Header:     header,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}
	if body := k.body; len(body) > 0 {
		// A reader that net/http knows to be in memory, or it would write the
		// headers on their own.
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.ContentLength = int64(len(body))
	}
	return req.WithContext(ctx)
}

const (
	jsonContentType = "application/json"
	joseContentType = "application/jose+json"
)

// success reads the answer of a call that worked.
func (k *call) success() (reply, error) {
	op, o := k.request.op, &k.last
	rep := reply{op: op.name, status: o.status, header: o.header, body: o.body, contentType: o.header.Get("Content-Type")}
	switch {
	case o.tooLarge:
		return reply{}, replyError(op.name, o.status, ErrReplyTooLarge)
	case o.bodyErr != nil && op.write() && k.ctx.Err() == nil:
		// Why it broke off is no reason to take the write for undone.
		return reply{}, replyError(op.name, o.status, ErrMalformedReply)
	case o.bodyErr != nil:
		return reply{}, replyError(op.name, o.status, ErrMalformedReply, o.bodyErr)
	case !k.seals || len(o.body) == 0:
		return rep, nil
	case looksSealed(rep.contentType, o.body):
		body, err := k.open(o.body)
		if err != nil {
			return reply{}, replyError(op.name, o.status, ErrDecrypt)
		}
		rep.body = body
	case k.client.jwe.requireSealed || k.request.sealedReply:
		return reply{}, replyError(op.name, o.status, ErrPlaintextReply)
	}
	return rep, nil
}

func (k *call) open(body []byte) ([]byte, error) {
	return openReply(body, k.envelope.cek[:], k.client.jwe.replyKeys)
}

// apiError is the error for the last answer.
func (k *call) apiError() *APIError {
	o := &k.last
	body := o.body
	if k.seals && looksSealed(o.header.Get("Content-Type"), body) {
		if opened, err := k.open(body); err == nil {
			body = opened
		}
	}
	e := NewAPIError(k.request.op.name, o.status, o.header, body)
	e.CorrelationID = k.opts.correlationID
	e.Attempts = k.attempts
	return e
}

// report tells the caller's Meta and the observers what became of the call.
func (k *call) report(ctx context.Context, err error) {
	traceID := identifier(k.last.header, "X-Trace-Id")
	if m := k.opts.meta; m != nil {
		*m = Meta{
			StatusCode:    k.last.status,
			TraceID:       traceID,
			CorrelationID: k.opts.correlationID,
			Attempts:      k.attempts,
		}
	}
	if len(k.client.observers) == 0 {
		return
	}
	if ctx == nil {
		ctx = context.Background()
	}
	var api *APIError
	e := CallEvent{
		Operation:     k.request.op.name,
		Start:         k.start,
		Duration:      time.Since(k.start),
		Attempts:      k.attempts,
		StatusCode:    k.last.status,
		ErrorClass:    classOf(err),
		TraceID:       traceID,
		CorrelationID: k.opts.correlationID,
		Uncertain:     errors.Is(err, ErrOutcomeUnknown) || errors.As(err, &api) && api.Uncertain,
	}
	for _, o := range k.client.observers {
		o.CallDone(ctx, e)
	}
}

// decode reads a JSON reply into v, which complete must find to be whole.
func (r reply) decode(v any, complete func() bool) error {
	if json.Unmarshal(r.body, v) != nil || !complete() {
		return r.malformed()
	}
	return nil
}

// UserID is Wise's id of a user, the partner's end customer: a positive number.
type UserID int64

func (u UserID) check() error {
	if u <= 0 {
		return invalid("a user id is a positive number")
	}
	return nil
}

// target fills the ids into the path of an operation.
func (o *operation) target(user UserID, id string) string {
	path := strings.Replace(o.path, "{user}", strconv.FormatInt(int64(user), 10), 1)
	return strings.Replace(path, "{id}", id, 1)
}
