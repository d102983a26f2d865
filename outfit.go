package usersecurity

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
)

// outfit is what a request is sent with. Corrections change it between two
// attempts.
type outfit struct {
	op            *operation
	method        string
	url           *url.URL
	authorization string // of the token endpoint; otherwise token counts
	token         string
	correlationID string
	replyKeyID    string
	jose          bool
	contentType   string // of a body that isn't JOSE; JSON if empty
	oneTimeToken  string // of the operations that are about one
	approval      string // a cleared one-time token
	body          []byte
	key           *WiseKey
	envelope      *envelope
}

const (
	jsonContentType = "application/json"
	joseContentType = "application/jose+json"
)

// newRequest is http.NewRequestWithContext for a URL that needs no parsing, but
// for the host and the headers, which dress puts on.
func newRequest(ctx context.Context, method string, to *url.URL) *http.Request {
	req := blankRequest.WithContext(ctx)
	req.Method, req.URL, req.Header = method, to, noHeader
	return req
}

var (
	blankRequest = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	noHeader     = http.Header{}
)

// dress puts on a request what one attempt sends. The headers of a sealed one are
// those that Wise asks for, and an explicit Accept-Encoding keeps net/http from
// asking for gzip.
func (o *outfit) dress(req *http.Request, userAgent string) *http.Request {
	header := make(http.Header, 8)
	values := make([]string, 0, o.headers())
	set := func(name, value string) {
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("User-Agent", userAgent)
	set("X-External-Correlation-Id", o.correlationID)
	if o.authorization != "" {
		set("Authorization", o.authorization)
	} else {
		set("Authorization", "Bearer "+o.token)
	}
	if o.oneTimeToken != "" {
		set("One-Time-Token", o.oneTimeToken)
	}
	if o.approval != "" {
		set("X-2fa-Approval", o.approval)
	}
	switch {
	case o.jose:
		set("Accept", joseContentType)
		set("Content-Type", joseContentType)
		set("Accept-Encoding", "identity")
		set("Content-Encoding", "identity")
		set("X-Tw-Jose-Method", "jwe")
		if o.replyKeyID != "" {
			set("X-Tw-Jose-Encryption-Kid", o.replyKeyID)
		}
	case o.op.reply == pemReply:
		set("Accept", "text/plain")
	default:
		set("Accept", jsonContentType)
		if o.body != nil && o.contentType != "" {
			set("Content-Type", o.contentType)
		} else if o.body != nil {
			set("Content-Type", jsonContentType)
		}
	}
	req.Method, req.Host, req.Header = o.method, o.url.Host, header
	if body := o.body; len(body) > 0 {
		// A reader that net/http knows to be in memory, or it would write the
		// headers on their own.
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.ContentLength = int64(len(body))
	}
	return req
}

// headers is how many of them at most dress puts on a request.
func (o *outfit) headers() int {
	if o.jose {
		return 11
	}
	return 7
}

// seal makes the body that is sent, in place of the one sealed before.
func (o *outfit) seal(key *WiseKey, plaintext []byte) error {
	e, err := seal(key.PublicKey, plaintext)
	if err != nil {
		return failure(o.op.name, ErrNoKey, err)
	}
	o.envelope.wipe()
	o.key, o.envelope, o.body = key, e, e.compact
	return nil
}
