package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/go-github/v89/github"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stripe/stripe-go/v84"
	"github.com/stripe/stripe-go/v84/rawrequest"
	"resty.dev/v3"

	"github.com/wise-partner/usersecurity"
)

// What a program could use instead of the library: general HTTP clients, and
// the cores of well-known SDKs. Each is called in the way that its own
// documentation shows for an endpoint it doesn't know. They get the token and
// the correlation id that the floor sends; a deadline and a fresh id, which the
// library has, are not added to them.

// wanted says what client is to be made.
type wanted struct {
	base      string
	transport http.RoundTripper // nil: the pool that the client has by itself
	attempts  int
	wait      time.Duration // between attempts, where the client can be told
}

// caller is a client, whosever it is, with the two calls that all of them make.
type caller struct {
	list func(ctx context.Context, user int64) ([]usersecurity.PhoneNumber, error)
	// enrol sends a face map: something that becomes its JSON.
	enrol func(ctx context.Context, body any) error
}

const correlationHeader = "X-External-Correlation-Id"

func newResty(w wanted) (caller, error) {
	client := resty.New().SetLoggerWarnLevel(true) // or it prints a line for each request to loopback without TLS
	if w.transport != nil {
		client.SetTransport(w.transport)
	}
	client.SetBaseURL(w.base).SetAuthToken(token).SetHeader(correlationHeader, correlationID).
		SetRetryCount(w.attempts - 1).SetRetryWaitTime(w.wait).SetRetryMaxWaitTime(w.wait).
		AddRetryConditions(resty.RetryConditionStatus5XX)
	return caller{
		list: func(ctx context.Context, user int64) (list []usersecurity.PhoneNumber, err error) {
			resp, err := client.R().SetContext(ctx).SetResult(&list).Get(phoneNumbersURL("", user))
			if err == nil && resp.IsStatusFailure() {
				err = statusError(resp.StatusCode())
			}
			return list, err
		},
		enrol: func(ctx context.Context, body any) error {
			resp, err := client.R().SetContext(ctx).SetBody(body).Post(enrolPath)
			if err == nil && resp.StatusCode() != http.StatusNoContent {
				err = statusError(resp.StatusCode())
			}
			return err
		},
	}, nil
}

// newGoGitHub has no retries: go-github leaves them to its caller.
func newGoGitHub(w wanted) (caller, error) {
	base := w.base + "/"
	opts := []github.ClientOptionsFunc{github.WithAuthToken(token), github.WithURLs(&base, nil)}
	if w.transport != nil {
		opts = append(opts, github.WithTransport(w.transport))
	}
	client, err := github.NewClient(opts...)
	if err != nil {
		return caller{}, err
	}
	identified := func(req *http.Request) { req.Header.Set(correlationHeader, correlationID) }
	return caller{
		list: func(ctx context.Context, user int64) (list []usersecurity.PhoneNumber, err error) {
			req, err := client.NewRequest(ctx, http.MethodGet, phoneNumbersURL("", user)[1:], nil, identified)
			if err != nil {
				return nil, err
			}
			_, err = client.Do(req, &list)
			return list, err
		},
		enrol: func(ctx context.Context, body any) error {
			req, err := client.NewRequest(ctx, http.MethodPost, enrolPath[1:], body, identified)
			if err != nil {
				return err
			}
			_, err = client.Do(req, nil)
			return err
		},
	}, nil
}

func newAzcore(w wanted) (caller, error) {
	credential := azruntime.NewKeyCredentialPolicy(azcore.NewKeyCredential(token), "Authorization",
		&azruntime.KeyCredentialPolicyOptions{Prefix: "Bearer ", InsecureAllowCredentialWithHTTP: true})
	opts := &policy.ClientOptions{Retry: policy.RetryOptions{
		MaxRetries: int32(w.attempts - 1), RetryDelay: w.wait, MaxRetryDelay: w.wait}}
	if w.transport != nil {
		opts.Transport = &http.Client{Transport: w.transport}
	}
	pipeline := azruntime.NewPipeline("benchmarks", "v1.0.0", azruntime.PipelineOptions{PerRetry: []policy.Policy{credential}}, opts)
	send := func(req *policy.Request, want int) (*http.Response, error) {
		req.Raw().Header.Set("Accept", "application/json")
		req.Raw().Header.Set(correlationHeader, correlationID)
		resp, err := pipeline.Do(req)
		if err == nil && !azruntime.HasStatusCode(resp, want) {
			err = azruntime.NewResponseError(resp)
		}
		return resp, err
	}
	return caller{
		list: func(ctx context.Context, user int64) (list []usersecurity.PhoneNumber, err error) {
			req, err := azruntime.NewRequest(ctx, http.MethodGet, phoneNumbersURL(w.base, user))
			if err != nil {
				return nil, err
			}
			resp, err := send(req, http.StatusOK)
			if err != nil {
				return nil, err
			}
			return list, azruntime.UnmarshalAsJSON(resp, &list)
		},
		enrol: func(ctx context.Context, body any) error {
			req, err := azruntime.NewRequest(ctx, http.MethodPost, w.base+enrolPath)
			if err != nil {
				return err
			}
			if err := azruntime.MarshalAsJSON(req, body); err != nil {
				return err
			}
			_, err = send(req, http.StatusNoContent)
			return err
		},
	}, nil
}

func newStripe(w wanted) (caller, error) {
	config := &stripe.BackendConfig{
		URL:               stripe.String(w.base),
		MaxNetworkRetries: stripe.Int64(int64(w.attempts - 1)),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	}
	if w.transport != nil {
		config.HTTPClient = &http.Client{Transport: w.transport}
	}
	client := rawrequest.Client{B: stripe.GetBackendWithConfig(stripe.APIBackend, config).(stripe.RawRequestBackend), Key: token}
	params := func(ctx context.Context) *stripe.RawParams {
		return &stripe.RawParams{Params: stripe.Params{Context: ctx, Headers: http.Header{
			correlationHeader: {correlationID}, "Content-Type": {"application/json"}}}}
	}
	return caller{
		list: func(ctx context.Context, user int64) (list []usersecurity.PhoneNumber, err error) {
			resp, err := client.RawRequest(http.MethodGet, phoneNumbersURL("", user), "", params(ctx))
			if err != nil {
				return nil, err
			}
			return list, json.Unmarshal(resp.RawJSON, &list)
		},
		enrol: func(ctx context.Context, body any) error {
			text, err := json.Marshal(body)
			if err != nil {
				return err
			}
			_, err = client.RawRequest(http.MethodPost, enrolPath, string(text), params(ctx))
			return err
		},
	}, nil
}

// newOpenAI is an SDK as Stainless generates them.
func newOpenAI(w wanted) (caller, error) {
	opts := []option.RequestOption{
		option.WithBaseURL(w.base), option.WithAPIKey(token), option.WithHeader(correlationHeader, correlationID),
		option.WithMaxRetries(w.attempts - 1), option.WithMaxRetryDelay(w.wait),
	}
	if w.transport != nil {
		opts = append(opts, option.WithHTTPClient(&http.Client{Transport: w.transport}))
	}
	client := openai.NewClient(opts...)
	return caller{
		list: func(ctx context.Context, user int64) (list []usersecurity.PhoneNumber, err error) {
			return list, client.Get(ctx, phoneNumbersURL("", user)[1:], nil, &list)
		},
		enrol: func(ctx context.Context, body any) error {
			return client.Post(ctx, enrolPath[1:], body, nil)
		},
	}, nil
}
