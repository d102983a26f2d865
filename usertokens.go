package usersecurity

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"
)

// settleTime bounds what follows a grant: asking whose the tokens are, and storing
// them.
const settleTime = 30 * time.Second

// minRegistrationCode is in characters: Wise's own bound.
const minRegistrationCode = 32

// NewRegistrationCode takes a registration code: visible ASCII of at least 32
// characters, of the partner's own making, different for every customer. Anything
// else is refused with an error that matches [ErrInvalidArgument] and doesn't
// repeat it.
func NewRegistrationCode(text string) (RegistrationCode, error) {
	if len(text) < minRegistrationCode || !isVisible(text) {
		return RegistrationCode{}, invalid("a registration code is visible ASCII of at least %d characters", minRegistrationCode)
	}
	return RegistrationCode{keep([]byte(text))}, nil
}

// UserTokenService is [Client.UserTokens]: how a customer's tokens are obtained,
// renewed and given up. They are kept in the store of [WithUserTokenStore], from
// which the client's calls take them; without one its methods end with
// [ErrNoToken].
//
// The calls renew by themselves: a refresh at Wise voids the earlier access token
// at once, so each token is refreshed once in the whole fleet, at about half of
// its life, and saved before it is used. Calls don't wait for that while the old
// token is good. One that Wise answers with 401 because another process has
// refreshed takes the newer token from the store.
//
// Where Wise refuses the refresh token for good, the access token serves until it
// expires. Then the calls end with [ErrReauthorise], without asking Wise again and
// again: the customer must come by way of [UserTokenService.AuthorizationURL].
// A call that ends with any other [ErrNoToken] can be made again later. While
// refreshes fail whoever they are for, one at a time is tried.
//
// A store that fails costs the calls nothing whose token is known to the process
// and good. New tokens that it doesn't take are tried again for fifteen seconds,
// and after that by the user's next call; until they are saved nobody uses them.
type UserTokenService struct {
	engine func() *engine
	stored func() *storedTokens // nil without a store
}

// ready returns what the methods work on, or says which option is missing.
func (s *UserTokenService) ready(op Operation) (*storedTokens, error) {
	if s.stored == nil {
		return nil, failure(op, ErrNoToken, plainError("there is no store of users' tokens: use WithUserTokenStore"))
	}
	return s.stored(), nil
}

// SignUp makes a user of Wise's for a customer who is none yet, with the
// application's token. [UserTokenService.ExchangeRegistrationCode] with the same
// code then obtains the user's tokens. It is never repeated once it may have
// arrived: after [ErrOutcomeUnknown] exchange the code, which works if the user
// was made; if Wise refuses it with [ErrReauthorise], sign up again with the same
// code.
//
// Errors: [ErrUserExists].
//
// POST /v1/user/signup/registration_code; in calendar versions without /v1.
func (s *UserTokenService) SignUp(ctx context.Context, email string, code RegistrationCode, opts ...CallOption) (UserID, error) {
	if _, err := s.ready(OpSignUp); err != nil {
		return 0, err
	}
	body, err := json.Marshal(map[string]string{"email": email, "registrationCode": string(code.bytes())})
	if err != nil {
		return 0, in(OpSignUp, invalid("the e-mail address can't be encoded"))
	}
	var user UserID
	_, err = s.engine().do(ctx, request{op: OpSignUp, body: body, problem: checkRegistration(email, code), decode: user.decode}, opts)
	return user, err
}

func checkRegistration(email string, code RegistrationCode) error {
	switch {
	case code.IsZero():
		return invalid("the registration code is empty: make it with NewRegistrationCode")
	case !strings.Contains(email, "@") || strings.ContainsFunc(email, unicode.IsControl):
		return invalid("that is no e-mail address")
	}
	return nil
}

// AuthorizationURL is the page to send a customer to who is a user of Wise's
// already, or must authorise the partner again. Wise sends the customer back to
// redirectURI with a code, for [UserTokenService.ExchangeAuthorizationCode], and
// with state, which ties the answer to the customer's session: a random text that
// the partner checks before anything else.
//
// The page is Wise's own for the four addresses of Wise's ([Production] and so
// on); for another base URL [WithAuthorizationPage] says where it is, and without
// it the error matches [ErrInvalidArgument].
func (s *UserTokenService) AuthorizationURL(redirectURI, state string) (string, error) {
	stored, err := s.ready("")
	if err != nil {
		return "", err
	}
	if stored.page == "" {
		return "", invalid("there is no authorisation page for this base URL: use WithAuthorizationPage")
	}
	to, err := url.Parse(redirectURI)
	switch {
	case err != nil || !to.IsAbs() || to.Host == "":
		return "", invalid("the redirect URI must be absolute, such as https://partner.example/wise")
	case state == "":
		return "", invalid("the state is empty: without it anybody can send a customer to the redirect URI with a code of their own")
	}
	query := url.Values{"client_id": {stored.clientID}, "redirect_uri": {redirectURI}, "state": {state}}
	return stored.page + "?" + query.Encode(), nil
}

// ExchangeRegistrationCode obtains the tokens of a customer who was signed up with
// the code, asks Wise whose they are, and stores them. The code can be used again
// while the customer has not taken the account over.
//
// Errors: [ErrReauthorise] for a code that Wise refuses: the customer was never
// signed up, or has taken the account over. [UserTokenService.SignUp] tells which:
// after [ErrUserExists] the customer goes to the page of
// [UserTokenService.AuthorizationURL].
//
// POST /oauth/token, then GET /v1/me; in calendar versions without /v1.
func (s *UserTokenService) ExchangeRegistrationCode(ctx context.Context, email string, code RegistrationCode, opts ...CallOption) (UserID, error) {
	return s.exchange(ctx, OpExchangeRegistrationCode, checkRegistration(email, code), url.Values{
		"grant_type": {"registration_code"}, "email": {email}, "registration_code": {string(code.bytes())},
	}, opts)
}

// ExchangeAuthorizationCode obtains the tokens of the customer whom Wise has sent
// back to redirectURI with the code, asks Wise whose they are, and stores them.
// Check the state first, and compare the user that is returned with the customer
// who is logged in: nothing else ties the tokens to that customer.
//
// A code can be used once, and is used up when Wise answers. What it brought can't
// be obtained again, so from then on the call goes on without ctx, for up to half
// a minute, and tries again to store it where the store fails. If that fails for
// good (or asking whose the tokens are), send the customer to the page of
// [UserTokenService.AuthorizationURL] again. That is also the way after
// [ErrOutcomeUnknown].
//
// Errors: [ErrReauthorise] for a code that is used up or expired.
//
// POST /oauth/token, then GET /v1/me; in calendar versions without /v1.
func (s *UserTokenService) ExchangeAuthorizationCode(ctx context.Context, code, redirectURI string, opts ...CallOption) (UserID, error) {
	var problem error
	if !isVisible(code) {
		problem = invalid("an authorisation code is visible ASCII and not empty")
	}
	return s.exchange(ctx, OpExchangeAuthorizationCode, problem, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI},
	}, opts)
}

// exchange makes a grant, finds out whose tokens it brought, and stores them.
func (s *UserTokenService) exchange(ctx context.Context, op Operation, problem error, form url.Values, opts []CallOption) (UserID, error) {
	stored, err := s.ready(op)
	if err != nil {
		return 0, err
	}
	form.Set("client_id", stored.clientID)
	token, err := stored.grant(ctx, op, problem, form, opts)
	if err != nil {
		return 0, err
	}
	user, err := stored.settleIn(ctx, token, opts)
	if err != nil {
		advice := plainError("repeat it with the same code")
		if op == OpExchangeAuthorizationCode {
			advice = "the code is used up: send the customer to the authorisation page again"
		}
		return 0, unclear(op, err, advice)
	}
	return user, nil
}

// settleIn asks whose tokens are, and stores them. What a code has brought can't
// be obtained again: this goes on even if the caller has left.
func (s *storedTokens) settleIn(ctx context.Context, token *oauth2.Token, opts []CallOption) (UserID, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	user, err := s.owner(ctx, token, opts)
	if err != nil {
		return 0, failure("", plainError("the tokens were given, but whose they are could not be asked"), err)
	}
	store := func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil }
	if _, err = s.save(ctx, user, store, func() bool { return true }); err != nil {
		return 0, failure("", plainError("the tokens were given, but could not be stored"), storeFailure(err))
	}
	s.kept.forget(user)
	s.failed.forgive(user)
	return user, nil
}

// owner asks Wise whose a token is: nothing else ties it to a customer.
func (s *storedTokens) owner(ctx context.Context, token *oauth2.Token, opts []CallOption) (UserID, error) {
	var user UserID
	_, err := s.engine.do(ctx, request{op: OpFetchUser, authorization: "Bearer " + token.AccessToken, decode: user.decode}, opts)
	return user, err
}

// decode reads the id of a user that Wise describes.
func (u *UserID) decode(r reply) error {
	var body struct {
		ID UserID `json:"id"`
	}
	err := r.decode(&body, []string{"id"}, func() bool { return body.ID > 0 })
	*u = body.ID
	return err
}

// Refresh renews the user's tokens ahead of time, for a job that keeps a fleet's
// calls from doing it. It renews the token that is current when it is called:
// where another process has done so since, nothing is sent.
//
// Errors: [ErrReauthorise]; [ErrNoToken] for a user without tokens.
func (s *UserTokenService) Refresh(ctx context.Context, user UserID) error {
	stored, err := s.ready(OpRefreshUserToken)
	switch {
	case err != nil:
		return err
	case ctx == nil:
		return in(OpRefreshUserToken, invalid("the context is nil"))
	case user <= 0:
		return in(OpRefreshUserToken, invalid("a user id is a positive number"))
	}
	now, err := stored.store.Load(ctx, user)
	switch {
	case err != nil:
		return sourceFailure(ctx, OpRefreshUserToken, ErrNoToken, storeFailure(err))
	case now == nil:
		return sourceFailure(ctx, OpRefreshUserToken, ErrNoToken, errNoTokens)
	}
	if _, err = stored.renewed(ctx, user, now.AccessToken); err != nil {
		return sourceFailure(ctx, OpRefreshUserToken, ErrNoToken, err)
	}
	stored.kept.forget(user)
	return nil
}

// Token returns a user's access token, for the partner's own calls to Wise: payments
// and all that this library doesn't do. It is renewed as for the client's calls; it
// is the same one, so ask for it before each call instead of keeping it. If Wise
// answers with 401, ask once more with it as [TokenRequest].Rejected, and make the
// call again with what comes. The token is a bearer secret, and fmt would print it.
//
// The service is thus a [TokenSource]. Errors: [ErrNoToken], [ErrReauthorise].
func (s *UserTokenService) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	stored, err := s.ready("")
	switch {
	case err != nil:
		return nil, err
	case ctx == nil:
		return nil, invalid("the context is nil")
	case req.User <= 0:
		return nil, invalid("a user id is a positive number")
	}
	token, err := stored.kept.Token(ctx, req)
	if err != nil {
		return nil, sourceFailure(ctx, "", ErrNoToken, err)
	}
	return &oauth2.Token{AccessToken: token.AccessToken, TokenType: "Bearer", Expiry: token.Expiry}, nil
}

// Forget deletes the user's tokens from the store and from this process: where
// the customer has left. Other processes have the access token until it is due.
// At Wise it ends nothing: the customer can do that in Wise's settings.
func (s *UserTokenService) Forget(ctx context.Context, user UserID) error {
	stored, err := s.ready("")
	switch {
	case err != nil:
		return err
	case ctx == nil:
		return invalid("the context is nil")
	case user <= 0:
		return invalid("a user id is a positive number")
	}
	_, err = stored.store.Update(ctx, user, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return nil, nil })
	if err != nil {
		return failure("", plainError("the user's tokens could not be deleted"), storeFailure(err))
	}
	stored.kept.forget(user)
	stored.failed.forgive(user)
	return nil
}
