package usersecurity

import (
	"context"
	"fmt"

	"golang.org/x/oauth2"
)

// CacheTokens keeps the tokens of src, by user, until shortly before their Expiry
// (the last tenth of their life, at most five minutes), if they have one, or until
// Wise rejects them. However many calls want a user's token at once, src is asked
// once; each of them waits no longer than its own context allows, and src's
// context ends with none of theirs, but after a minute: then src is given up,
// and asked again by the next call. While an early renewal fails or takes long,
// the token that is still good is served.
//
// Tokens that Wise rejects one after the other are not replaced again and again:
// src is asked after a second, which doubles to thirty, and until then the calls
// end with [ErrUnauthorized].
//
// At most 10,000 tokens are kept, or what [TokenCache.SetLimit] says: the longest
// unused one goes first.
//
// It is for a partner that has a service of its own which renews users' tokens.
// Where the library is to renew them, [WithUserTokenStore] is; where there is one
// user, [StaticToken] with [ForUser].
func CacheTokens(src TokenSource) *TokenCache {
	kept := newKeptTokens(func(ctx context.Context, req TokenRequest, _ *oauth2.Token) (token *oauth2.Token, found bool, err error) {
		token, err = src.Token(ctx, req)
		return token, false, err
	}, maxTokenFetch)
	return &TokenCache{src: func() TokenSource { return src }, kept: func() *keptTokens { return kept }}
}

// TokenCache is a [TokenSource] that keeps tokens: see [CacheTokens].
type TokenCache struct {
	// Behind functions, where no printer finds the tokens.
	src  func() TokenSource
	kept func() *keptTokens
}

func (c *TokenCache) flaw() string { return flawOf(c.src()) }

func (c *TokenCache) isBlind() bool { return isBlind(c.src()) }

// Token returns the token that is kept for the user, or asks the source.
func (c *TokenCache) Token(ctx context.Context, req TokenRequest) (*oauth2.Token, error) {
	return c.kept().Token(ctx, req)
}

// Forget drops the user's token, so that the next call asks the source: where the
// user has left, or has another token by a way that the source knows.
func (c *TokenCache) Forget(user UserID) { c.kept().forget(user) }

// SetLimit changes how many tokens are kept; less than one means one.
func (c *TokenCache) SetLimit(n int) { c.kept().setLimit(max(1, n)) }

// Format prints that there is a cache, and nothing that it holds.
func (c *TokenCache) Format(f fmt.State, verb rune) { writeText(f, verb, "usersecurity.TokenCache") }
