package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wise-partner/usersecurity"
)

const (
	byHand    = "net/http by hand"
	retryable = "go-retryablehttp, deadline, uuid"
	restyV3   = "resty v3"
	goGitHub  = "go-github"
	azCore    = "azcore"
	stripeGo  = "stripe-go"
	openAIGo  = "openai-go"
)

// everyone is the order of the tables: the floor, the library, the peers.
var everyone = []string{byHand, library, retryable, restyV3, goGitHub, azCore, stripeGo, openAIGo}

var makers = map[string]func(w wanted) (caller, error){
	byHand:    newByHand,
	library:   newLibrary,
	retryable: newRetryable,
	restyV3:   newResty,
	goGitHub:  newGoGitHub,
	azCore:    newAzcore,
	stripeGo:  newStripe,
	openAIGo:  newOpenAI,
}

// newCaller makes one of everyone. Its list fails where no phone number comes.
func newCaller(name string, w wanted) (caller, error) {
	newOne := makers[name]
	if newOne == nil {
		return caller{}, errors.New("no such client: " + name)
	}
	c, err := newOne(w)
	list := c.list
	c.list = func(ctx context.Context, user int64) ([]usersecurity.PhoneNumber, error) {
		numbers, err := list(ctx, user)
		return numbers, checked(numbers, err)
	}
	return c, err
}

// checked makes sure that a list came, whoever fetched it.
func checked(list []usersecurity.PhoneNumber, err error) error {
	if err == nil && len(list) != 1 {
		err = errors.New("no phone number came")
	}
	return err
}

// stubCallers makes everyone over a stub, for calls that don't fail.
func stubCallers(answer stub) (map[string]caller, error) {
	callers := map[string]caller{}
	for _, name := range everyone {
		c, err := newCaller(name, wanted{base: usersecurity.Production, transport: answer, attempts: 4, wait: 250 * time.Millisecond})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		callers[name] = c
	}
	return callers, nil
}

// newByHand repeats in a loop.
func newByHand(w wanted) (caller, error) {
	client := &http.Client{Transport: w.transport}
	return caller{
		list: func(ctx context.Context, user int64) ([]usersecurity.PhoneNumber, error) {
			list, err := listByHand(ctx, client, w.base, user)
			for attempt := 1; err != nil && attempt < w.attempts; attempt++ {
				time.Sleep(w.wait)
				list, err = listByHand(ctx, client, w.base, user)
			}
			return list, err
		},
		enrol: func(ctx context.Context, body any) error {
			text, err := textOf(body)
			if err != nil {
				return err
			}
			return enrolByHand(ctx, client, w.base, text)
		},
	}, nil
}

// textOf is the JSON of a body that is JSON already, or is made so.
func textOf(body any) ([]byte, error) {
	if text, ok := body.(json.RawMessage); ok {
		return text, nil
	}
	return json.Marshal(body)
}

func newLibrary(w wanted) (caller, error) {
	opts := []usersecurity.Option{
		usersecurity.WithBaseURL(w.base),
		usersecurity.WithApplicationTokens(usersecurity.StaticToken(token)),
		usersecurity.WithUserTokens(usersecurity.ForUser(user, usersecurity.StaticToken(token))),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxAttempts: w.attempts, MinWait: w.wait, MaxWait: w.wait}),
	}
	if w.transport != nil {
		opts = append(opts, usersecurity.WithHTTPClient(&http.Client{Transport: w.transport}))
	}
	client, err := usersecurity.New(opts...)
	if err != nil {
		return caller{}, err
	}
	return caller{
		list: func(ctx context.Context, user int64) ([]usersecurity.PhoneNumber, error) {
			return client.ListPhoneNumbers(ctx, usersecurity.UserID(user))
		},
		enrol: func(ctx context.Context, body any) error {
			return client.EnrolFaceMap(ctx, user, body.(usersecurity.FaceMap))
		},
	}, nil
}

func newRetryable(w wanted) (caller, error) {
	client := bareRunner(w.transport)
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = w.attempts-1, w.wait, w.wait
	return caller{
		list: func(ctx context.Context, user int64) ([]usersecurity.PhoneNumber, error) {
			return listBare(ctx, client, w.base, user)
		},
		enrol: func(ctx context.Context, body any) error {
			text, err := textOf(body)
			if err != nil {
				return err
			}
			return enrolBare(ctx, client, w.base, text)
		},
	}, nil
}
