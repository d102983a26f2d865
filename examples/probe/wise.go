package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// wise is the Wise that is asked.
type wise struct {
	client, calendar *usersecurity.Client
	options          []usersecurity.Option
	wire             *wire
	transport        *http.Transport
	asApplication    *http.Client // for what the client has no call for
	base             string
	user             usersecurity.UserID
	store            *usersecurity.MemoryTokenStore // nil without a refresh token
	accessToken      string                         // the user's, without a store
}

func newWise(ctx context.Context, s settings, env func(string) string) (*wise, error) {
	base, err := url.Parse(s.baseURL)
	if err != nil {
		return nil, errors.New("the base URL can't be read")
	}
	w := &wise{transport: usersecurity.NewTransport(), base: strings.TrimRight(s.baseURL, "/"), user: usersecurity.UserID(s.user)}
	if s.certFile != "" || s.keyFile != "" {
		cert, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
		if err != nil {
			return nil, err
		}
		w.transport.TLSClientConfig.Certificates = []tls.Certificate{cert}
	}
	w.wire = &wire{next: w.transport, prefix: strings.TrimRight(base.Path, "/")}
	plain := &http.Client{Transport: w.wire, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	credentials := clientcredentials.Config{ClientID: s.clientID, ClientSecret: env("WISE_CLIENT_SECRET"), TokenURL: w.base + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader}
	w.asApplication = credentials.Client(context.WithValue(ctx, oauth2.HTTPClient, plain))
	w.asApplication.CheckRedirect, w.asApplication.Timeout = plain.CheckRedirect, plain.Timeout

	w.options = []usersecurity.Option{
		usersecurity.WithBaseURL(s.baseURL),
		usersecurity.WithHTTPClient(&http.Client{Transport: w.wire}),
		usersecurity.WithClientCredentials(s.clientID, env("WISE_CLIENT_SECRET")),
		usersecurity.WithJWE(),
		usersecurity.WithUserAgent("usersecurity-probe"),
	}
	tokens, err := w.userTokens(ctx, s, env)
	if err != nil {
		return nil, err
	}
	w.options = append(w.options, tokens)
	if w.client, err = usersecurity.New(w.options...); err != nil {
		return nil, err
	}
	w.calendar, err = w.clientWith(usersecurity.WithVersion(s.version))
	return w, err
}

// userTokens says where the user's token comes from.
func (w *wise) userTokens(ctx context.Context, s settings, env func(string) string) (usersecurity.Option, error) {
	if s.refreshTokenFile == "" {
		w.accessToken = env("WISE_USER_TOKEN")
		return usersecurity.WithUserTokens(usersecurity.ForUser(w.user, usersecurity.StaticToken(w.accessToken))), nil
	}
	text, err := os.ReadFile(s.refreshTokenFile)
	if err != nil {
		return nil, err
	}
	w.store = usersecurity.NewMemoryTokenStore()
	_, err = w.store.Update(ctx, w.user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		expired := time.Now().Add(-time.Hour)
		return &oauth2.Token{AccessToken: "expired", RefreshToken: strings.TrimSpace(string(text)), Expiry: expired}, nil
	})
	return usersecurity.WithUserTokenStore(w.store), err
}

// userToken is the user's access token as it is now.
func (w *wise) userToken(ctx context.Context) (string, error) {
	if w.store == nil {
		return w.accessToken, nil
	}
	token, err := w.store.Load(ctx, w.user)
	if err != nil || token == nil {
		return "", errors.Join(errors.New("there is no token of the user's"), err)
	}
	return token.AccessToken, nil
}

// clientWith makes one more client, with an option besides.
func (w *wise) clientWith(more ...usersecurity.Option) (*usersecurity.Client, error) {
	return usersecurity.New(append(slices.Clone(w.options), more...)...)
}

// do sends a request that the client has no call for.
func (w *wise) do(ctx context.Context, client *http.Client, method, path, body string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the request can't be made: check the paths among the flags")
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s was not answered", method) // the error would name the URL
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	return resp, resp.Body.Close()
}

func (w *wise) close() { w.transport.CloseIdleConnections() }

// simulator is the Wise that is asked where no other is named.
func simulator(s settings) (settings, func(string) string, func()) {
	sim := usersecuritytest.NewServer()
	s.user = 1001
	sim.AddUser(1001)
	sim.Protect(http.MethodGet, "/v1/statement", usersecurity.ChallengeSMS)
	s.baseURL, s.clientID, s.yes = sim.URL(), sim.ClientID(), true
	s.phone, s.protectedPath = "+6588880001", "/v1/statement"
	secrets := map[string]string{"WISE_CLIENT_SECRET": sim.ClientSecret(), "WISE_USER_TOKEN": sim.UserToken(1001)}
	return s, func(name string) string { return secrets[name] }, sim.Close
}
