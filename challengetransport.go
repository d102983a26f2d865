package usersecurity

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ChallengeOf reads the challenge of any response of Wise's: of a 403 with a
// token in x-2fa-approval, or with REJECTED in x-2fa-approval-result (then the
// token may be the zero one), whatever the body. It reports false for any other.
func ChallengeOf(resp *http.Response) (OneTimeToken, bool) {
	if resp == nil {
		return OneTimeToken{}, false
	}
	return challengeOf(resp.StatusCode, resp.Header)
}

type profileKey struct{}

// ContextWithProfile says whose challenge it is if Wise refuses a request with
// this context: see [Client.ChallengeTransport].
func ContextWithProfile(ctx context.Context, p Profile) context.Context {
	return context.WithValue(ctx, profileKey{}, p)
}

// ChallengeTransport clears the challenges of the partner's other calls to Wise,
// and repeats each of them once: the same method, URL and body, with the cleared
// token. nil for base means [NewTransport].
//
// It acts on responses of the client's own host alone, to requests whose context
// has a profile ([ContextWithProfile]) and which can be repeated: they have no
// body, or a GetBody. Every other response passes untouched, and so does a second
// 403. If clearing fails, its error is the request's.
//
// The customer answers inside RoundTrip, which [http.Client].Timeout bounds, if
// it is set. A web backend that can't wait that long takes [ChallengeOf], keeps
// [OneTimeToken.Reveal] for the next request of the customer's, and calls
// [OneTimeTokenService.Status] and the verifies by itself.
func (c *Client) ChallengeTransport(base http.RoundTripper, by Challenger) http.RoundTripper {
	if base == nil {
		base = NewTransport()
	}
	return &challengeTransport{client: c, base: base, by: by}
}

type challengeTransport struct {
	client *Client
	base   http.RoundTripper
	by     Challenger
}

// RoundTrip sends the request, and again once its challenge is cleared.
func (t *challengeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil || resp == nil {
		return resp, err
	}
	token, asked := ChallengeOf(resp)
	profile, ours := req.Context().Value(profileKey{}).(Profile)
	hasBody := req.Body != nil && req.Body != http.NoBody
	if !asked || token.IsZero() || !ours || !t.isOwnHost(req.URL) || hasBody && req.GetBody == nil {
		return resp, nil
	}
	if resp.Body != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		_ = resp.Body.Close()
	}
	// Without the profile, or what a callback asks Wise for could be challenged in
	// its turn.
	asking := context.WithValue(req.Context(), profileKey{}, nil)
	if err := t.client.ClearChallenges(asking, profile, token, t.by); err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Header.Set("X-2fa-Approval", token.Reveal())
	if hasBody {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.base.RoundTrip(again)
}

// CloseIdleConnections closes those of the transport beneath.
func (t *challengeTransport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *challengeTransport) isOwnHost(u *url.URL) bool {
	own := t.client.engine().address.base
	return u.Scheme == own.Scheme && strings.EqualFold(hostAndPort(u), hostAndPort(own))
}

func hostAndPort(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
