package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// recorder keeps the last request and its body.
type recorder struct {
	answer stub
	last   *http.Request
	body   []byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last, r.body = req, nil
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.body = body
	}
	return r.answer.RoundTrip(&http.Request{})
}

// What is compared is the same work: whoever calls, the same request leaves.
func TestEveryoneDoesTheSame(t *testing.T) {
	faceMap, err := usersecurity.NewFaceMap([]byte{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range everyone {
		t.Run(name, func(t *testing.T) {
			r := &recorder{answer: jsonAnswer}
			c, err := newCaller(name, wanted{base: usersecurity.Production, transport: r, attempts: 4, wait: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			list, err := c.list(context.Background(), user)
			if err != nil || len(list) != 1 || list[0].PhoneNumber != "+6588888888" {
				t.Errorf("listed %v: %v", list, err)
			}
			r.is(t, http.MethodGet, phoneNumbersURL(usersecurity.Production, user), "")
			r.answer = emptyAnswer
			body := any(json.RawMessage(smallFaceMap))
			if name == library {
				body = faceMap
			}
			if err := c.enrol(context.Background(), body); err != nil {
				t.Error(err)
			}
			r.is(t, http.MethodPost, usersecurity.Production+enrolPath, smallFaceMap)
		})
	}
}

func (r *recorder) is(t *testing.T, method, url, body string) {
	t.Helper()
	if r.last.Method != method || r.last.URL.String() != url {
		t.Errorf("%s %s was requested instead of %s %s", r.last.Method, r.last.URL, method, url)
	}
	if got := string(bytes.TrimSpace(r.body)); got != body {
		t.Errorf("the body was %q", got)
	}
	if r.last.Header.Get("Authorization") != "Bearer "+token || r.last.Header.Get(correlationHeader) == "" {
		t.Error("there was no token, or no correlation id")
	}
	if body != "" && r.last.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the content type was %q", r.last.Header.Get("Content-Type"))
	}
}

// Whoever repeats makes a call succeed whose first attempt fails.
func TestTheRepeatingRepeat(t *testing.T) {
	for _, c := range repeating(true) {
		attempts := 0
		failsOnce := roundTripper(func(req *http.Request) (*http.Response, error) {
			if attempts++; attempts == 1 {
				return stub{status: http.StatusInternalServerError}.RoundTrip(req)
			}
			return jsonAnswer.RoundTrip(req)
		})
		client, err := newCaller(c.name, wanted{base: usersecurity.Production, transport: failsOnce, attempts: 2, wait: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.list(context.Background(), user); err != nil || attempts != 2 {
			t.Errorf("%s: %d attempts: %v", c.name, attempts, err)
		}
	}
}

type roundTripper func(req *http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }
