package main

import (
	"io"
	"net/http"
	"strings"

	"github.com/wise-partner/usersecurity"
)

const (
	user          = 1001
	token         = "not-a-real-token"
	phoneNumbers  = `[{"id":3,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}]`
	product       = "usersecurity-benchmarks/1"
	correlationID = "f8b1c2d4-53f0-4bfb-9a55-0a3b1a6f7c11"
	library       = "usersecurity"
)

// stub answers every request at once, and reads the request's body as a
// transport would.
type stub struct {
	status int
	body   string
	header http.Header
}

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	resp := &http.Response{StatusCode: s.status, Header: make(http.Header, 2), Body: http.NoBody, Request: req}
	for name, values := range s.header {
		resp.Header[name] = values
	}
	if s.body != "" {
		resp.Body = io.NopCloser(strings.NewReader(s.body))
		resp.ContentLength = int64(len(s.body))
	}
	return resp, nil
}

var (
	jsonAnswer  = stub{http.StatusOK, phoneNumbers, http.Header{"Content-Type": {"application/json"}, "X-Trace-Id": {"3f1a"}}}
	emptyAnswer = stub{http.StatusNoContent, "", http.Header{"X-Trace-Id": {"3f1a"}}}
)

// stubClient is a client of the library over a transport of ours.
func stubClient(transport http.RoundTripper, opts ...usersecurity.Option) (*usersecurity.Client, error) {
	return usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithBaseURL(usersecurity.Production),
		usersecurity.WithApplicationTokens(usersecurity.StaticToken(token)),
		usersecurity.WithUserTokens(usersecurity.ForUser(user, usersecurity.StaticToken(token))),
		usersecurity.WithHTTPClient(&http.Client{Transport: transport}),
	}, opts...)...)
}
