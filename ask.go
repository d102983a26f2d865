package usersecurity

import "context"

// asking is whom one call asks for tokens and keys, and in whose name.
type asking struct {
	op         *operation
	user       UserID
	appTokens  TokenSource // nil where there is none
	userTokens TokenSource // nil where there is none
	keys       KeySource   // nil where there is none
}

// askToken asks the source that the operation's row names for another token
// than the rejected one.
func (a *asking) askToken(ctx context.Context, rejected string) (string, error) {
	src, want := a.appTokens, TokenRequest{Rejected: rejected}
	missing := "there is no source of application tokens: use WithClientCredentials or WithApplicationTokens"
	if a.op.token == userToken {
		src, want.User = a.userTokens, a.user
		missing = "there is no source of user tokens: use WithUserTokenStore or WithUserTokens"
	}
	if src == nil {
		return "", failure(a.op.name, ErrNoToken, plainError(missing))
	}
	token, err := src.Token(ctx, want)
	switch {
	case err != nil:
		return "", sourceFailure(ctx, a.op.name, ErrNoToken, err)
	case token == nil || !isVisible(token.AccessToken):
		return "", sourceFailure(ctx, a.op.name, ErrNoToken, plainError("the source gave no usable access token"))
	}
	return token.AccessToken, nil
}

// mayAskAgain asks a source that knows whether its tokens are fresh.
func (a *asking) mayAskAgain(rejected string) bool {
	source, ok := a.userTokens.(interface {
		mayBeReplaced(user UserID, rejected string) bool
	})
	return ok && a.op.token == userToken && source.mayBeReplaced(a.user, rejected)
}

// askKey asks for Wise's key, which is to be another one than the rejected one,
// and checks what the source gives.
func (a *asking) askKey(ctx context.Context, rejected *WiseKey) (*WiseKey, error) {
	if a.keys == nil {
		return nil, failure(a.op.name, ErrJWERequired)
	}
	key, err := a.keys.EncryptionKey(ctx, rejected)
	if err != nil {
		return nil, sourceFailure(ctx, a.op.name, ErrNoKey, err)
	}
	if flaw := key.flaw(); flaw != "" {
		return nil, failure(a.op.name, ErrNoKey, plainError(flaw))
	}
	return key, nil
}

// keyServes tells a source that wants to know it that Wise has opened what was
// sealed to the key.
func (a *asking) keyServes(key *WiseKey) {
	if source, ok := a.keys.(interface{ serves(key *WiseKey) }); ok {
		source.serves(key)
	}
}

// keyAhead begins to ask for Wise's key where that takes a request, and returns
// what waits for it: the user's token can be asked for meanwhile. It returns nil
// where the key is at hand.
func (a *asking) keyAhead(ctx context.Context) (wait func() (*WiseKey, error)) {
	if source, ok := a.keys.(interface{ isCold() bool }); !ok || !source.isCold() {
		return nil
	}
	var key *WiseKey
	var err error
	var panicked any
	own := *a // nobody may wait for it
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }() // it is the caller's
		key, err = own.askKey(ctx, nil)
	}()
	return func() (*WiseKey, error) {
		<-done
		if panicked != nil {
			panic(panicked)
		}
		return key, err
	}
}
