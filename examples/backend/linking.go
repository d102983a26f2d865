package main

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wise-partner/usersecurity"
)

// A customer links his account to Wise once, and again where a call has ended
// with ErrReauthorise. The app asks for the address of Wise's page and opens it;
// Wise sends the browser back to callbackPath with a code and the state.
//
// The state must be that of the browser which comes back, or anybody could link
// the account of one person to another one's session. So it is bound to a cookie,
// which holds who has begun, and which only this service can have made. Both are
// made without keeping anything: any replica can take the browser back.
const (
	linkPath     = "/me/wise-link"
	callbackPath = "/wise/callback"
	linkCookie   = "__Host-wise-link"
	linkTime     = 10 * time.Minute
)

// linker is what linking needs of the client's UserTokens.
type linker interface {
	AuthorizationURL(redirectURI, state string) (string, error)
	ExchangeAuthorizationCode(ctx context.Context, code, redirectURI string, opts ...usersecurity.CallOption) (usersecurity.UserID, error)
}

// linking makes and checks cookies and states.
type linking struct {
	tokens    linker
	store     usersecurity.TokenStore
	publicURL string // by which browsers reach this service
	key       []byte
}

// newLinking derives its key from the client secret, which all replicas have.
func newLinking(tokens linker, store usersecurity.TokenStore, publicURL, clientSecret string) (*linking, error) {
	key, err := hkdf.Key(sha256.New, []byte(clientSecret), nil, "backend: linking", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &linking{tokens: tokens, store: store, publicURL: strings.TrimRight(publicURL, "/"), key: key}, nil
}

func (l *linking) redirectURI() string { return l.publicURL + callbackPath }

// begun is what the cookie holds.
type begun struct {
	Customer string
	WiseUser usersecurity.UserID
	Expires  time.Time
	Nonce    string
}

func (l *linking) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(purpose + "\n" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// begin makes a cookie for the customer's browser, and the state that goes with
// it.
func (l *linking) begin(c customer) (cookie *http.Cookie, state string, err error) {
	text, err := json.Marshal(begun{c.ID, c.WiseUser, time.Now().Add(linkTime), rand.Text()})
	if err != nil {
		return nil, "", err
	}
	encoded := base64.RawURLEncoding.EncodeToString(text)
	return &http.Cookie{
		Name: linkCookie, Value: encoded + "." + l.sign("cookie", encoded), Path: "/", MaxAge: int(linkTime / time.Second),
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}, l.sign("state", encoded), nil
}

// whoseCallback tells who has begun what the browser comes back from.
func (l *linking) whoseCallback(r *http.Request) (customer, error) {
	cookie, err := r.Cookie(linkCookie)
	if err != nil {
		return customer{}, problemLinkExpired
	}
	encoded, mac, _ := strings.Cut(cookie.Value, ".")
	state := r.URL.Query().Get("state")
	if !hmac.Equal([]byte(mac), []byte(l.sign("cookie", encoded))) || !hmac.Equal([]byte(state), []byte(l.sign("state", encoded))) {
		return customer{}, problemLinkExpired
	}
	var b begun
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &b) != nil || time.Now().After(b.Expires) {
		return customer{}, problemLinkExpired
	}
	return customer{ID: b.Customer, WiseUser: b.WiseUser}, nil
}

// beginLink tells the app which page to open.
func (a *api) beginLink(_ context.Context, x *exchange) (answer, error) {
	cookie, state, err := a.linking.begin(x.customer)
	if err != nil {
		return answer{}, errors.Join(problemInternal, err)
	}
	page, err := a.linking.tokens.AuthorizationURL(a.linking.redirectURI(), state)
	if err != nil {
		return answer{}, err
	}
	http.SetCookie(x.writer, cookie)
	return answer{status: http.StatusOK, body: map[string]string{"url": page}}, nil
}

// finishLink takes the browser back from Wise's page and sends it on to the app,
// which is told what became of it.
func (a *api) finishLink(ctx context.Context, x *exchange) (answer, error) {
	result := "linked"
	if err := a.link(ctx, x); err != nil {
		result = problemOf(err).Code
		a.log.WarnContext(ctx, "an account was not linked", slog.String("code", result), slog.Any("error", err),
			slog.String("request_id", x.id.String()), slog.String("customer", x.customer.ID))
	}
	http.SetCookie(x.writer, &http.Cookie{Name: linkCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true})
	return answer{status: http.StatusSeeOther, location: a.linking.publicURL + "/settings?" + url.Values{"wise": {result}}.Encode()}, nil
}

func (a *api) link(ctx context.Context, x *exchange) error {
	c, err := a.linking.whoseCallback(x.request)
	if err != nil {
		return err
	}
	x.customer = c
	code := x.request.URL.Query().Get("code")
	if code == "" { // the customer has refused
		return problemLinkRefused
	}
	user, err := a.linking.tokens.ExchangeAuthorizationCode(ctx, code, a.linking.redirectURI(), x.wiseOptions()...)
	switch {
	case err != nil:
		return err
	case user != c.WiseUser:
		// Somebody else is logged in at Wise in this browser. The tokens are kept
		// under that user's id, where no call of this customer's finds them.
		return problemOtherUser
	}
	return nil
}

// orLink makes of a call without a token one whose customer must link the account,
// where that is the reason.
func (a *api) orLink(ctx context.Context, x *exchange, err error) error {
	if !errors.Is(err, usersecurity.ErrNoToken) || errors.Is(err, usersecurity.ErrReauthorise) {
		return err
	}
	if token, loadErr := a.linking.store.Load(ctx, x.customer.WiseUser); loadErr == nil && token == nil {
		return errors.Join(problemLink, err)
	}
	return err
}
