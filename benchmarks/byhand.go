package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/wise-partner/usersecurity"
)

const (
	enrolPath    = "/v1/user/facemap/enrol"
	smallFaceMap = `{"faceMap":"AAEC"}`
)

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
		return nil, statusError(resp.StatusCode)
	}
	var list []usersecurity.PhoneNumber
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	return list, nil
}

func statusError(status int) error { return fmt.Errorf("status %d", status) }

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
		return statusError(resp.StatusCode)
	}
	return nil
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
