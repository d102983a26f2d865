package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/wise-partner/usersecurity"
)

const (
	user          = 1001
	token         = "not-a-real-token"
	phoneNumbers  = `[{"id":3,"phoneNumber":"+6588888888","type":"PRIMARY","verified":true,"clientId":"acme"}]`
	product       = "usersecurity-benchmarks/1"
	correlationID = "f8b1c2d4-53f0-4bfb-9a55-0a3b1a6f7c11"
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

func phoneNumbersURL(base string, user int64) string {
	return base + "/v1/application/users/" + strconv.FormatInt(user, 10) + "/phone-numbers"
}

func setHeaders(h http.Header, correlationID string) {
	h.Set("Authorization", "Bearer "+token)
	h.Set("User-Agent", product)
	h.Set("Accept", "application/json")
	h.Set("X-External-Correlation-Id", correlationID)
}

// listByHand is ListPhoneNumbers as the standard library alone does it: no
// deadline, no retries, no fresh id.
func listByHand(ctx context.Context, client *http.Client, base string, user int64) ([]usersecurity.PhoneNumber, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, phoneNumbersURL(base, user), nil)
	if err != nil {
		return nil, err
	}
	setHeaders(req.Header, correlationID)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return readList(resp)
}

func readList(resp *http.Response) ([]usersecurity.PhoneNumber, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	var list []usersecurity.PhoneNumber
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	return list, nil
}

// bareRunner is go-retryablehttp without its logging.
func bareRunner(transport http.RoundTripper) *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.Logger = nil
	if transport != nil {
		c.HTTPClient = &http.Client{Transport: transport}
	}
	return c
}

// listBare is ListPhoneNumbers with go-retryablehttp, a deadline and a fresh
// correlation id, and nothing else.
func listBare(ctx context.Context, client *retryablehttp.Client, base string, user int64) ([]usersecurity.PhoneNumber, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, phoneNumbersURL(base, user), nil)
	if err != nil {
		return nil, err
	}
	setHeaders(req.Header, uuid.NewString())
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return readList(resp)
}

// checked makes sure that a list came, whoever fetched it.
func checked(list []usersecurity.PhoneNumber, err error) error {
	if err == nil && len(list) != 1 {
		err = errors.New("no phone number came")
	}
	return err
}

var getRow = timedRow{
	name: "get", about: "a GET with a small JSON reply, stub transport",
	setup: func() ([]contestant, func(), error) {
		client, err := stubClient(jsonAnswer)
		if err != nil {
			return nil, nil, err
		}
		byHand := &http.Client{Transport: jsonAnswer}
		bare := bareRunner(jsonAnswer)
		ctx := context.Background()
		return []contestant{
			{"net/http by hand", func() error { return checked(listByHand(ctx, byHand, usersecurity.Production, user)) }},
			{library, func() error { return checked(client.ListPhoneNumbers(ctx, user)) }},
			{"go-retryablehttp, deadline, uuid", func() error { return checked(listBare(ctx, bare, usersecurity.Production, user)) }},
		}, func() {}, nil
	},
}

const (
	enrolPath    = "/v1/user/facemap/enrol"
	smallFaceMap = `{"faceMap":"AAEC"}`
)

// enrolByHand is EnrolFaceMap with the standard library alone.
func enrolByHand(ctx context.Context, client *http.Client, base string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+enrolPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	setHeaders(req.Header, correlationID)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return readNothing(resp)
}

func readNothing(resp *http.Response) error {
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func enrolBare(ctx context.Context, client *retryablehttp.Client, base string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, base+enrolPath, body)
	if err != nil {
		return err
	}
	setHeaders(req.Header, uuid.NewString())
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return readNothing(resp)
}

var postRow = timedRow{
	name: "post", about: "a POST answered 204, stub transport",
	setup: func() ([]contestant, func(), error) {
		client, err := stubClient(emptyAnswer)
		if err != nil {
			return nil, nil, err
		}
		faceMap, err := usersecurity.NewFaceMap([]byte{0, 1, 2})
		if err != nil {
			return nil, nil, err
		}
		byHand := &http.Client{Transport: emptyAnswer}
		bare := bareRunner(emptyAnswer)
		ctx := context.Background()
		body := []byte(smallFaceMap)
		return []contestant{
			{"net/http by hand", func() error { return enrolByHand(ctx, byHand, usersecurity.Production, body) }},
			{library, func() error { return client.EnrolFaceMap(ctx, user, faceMap) }},
			{"go-retryablehttp, deadline, uuid", func() error { return enrolBare(ctx, bare, usersecurity.Production, body) }},
		}, func() {}, nil
	},
}
