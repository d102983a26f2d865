package usersecuritytest

import (
	"testing"

	"github.com/wise-partner/usersecurity"
)

// A long campaign must not fill the memory: the tokens that were made first are
// forgotten first.
func TestOneTimeTokensAreBounded(t *testing.T) {
	o := newOneTimeTokens(&clock{}, challengeRules{})
	first := o.create(1, "", "", nil)
	second := o.create(1, "", "", []usersecurity.ChallengeKind{usersecurity.ChallengePin})
	for range maxOneTimeTokens - 1 {
		o.create(2, "", "", nil)
	}
	if _, ok := o.status(first, 1); ok {
		t.Error("the first token is still there")
	}
	if _, ok := o.status(second, 1); !ok {
		t.Error("the second token is forgotten too")
	}
	if len(o.byDigest) != maxOneTimeTokens || len(o.made) != maxOneTimeTokens {
		t.Errorf("%d and %d tokens are kept, want %d", len(o.byDigest), len(o.made), maxOneTimeTokens)
	}
}

// A token may be used or expire between the look at it and the answer to it.
func TestPassOfATokenThatIsGone(t *testing.T) {
	o := newOneTimeTokens(&clock{}, challengeRules{})
	value := o.create(1, "", "", nil)
	if used, _ := o.use(value, 1, "GET /v1/secret"); !used {
		t.Fatal("a token that asks for nothing can't be used")
	}
	if _, ok := o.pass(value, 1, usersecurity.ChallengePin); ok {
		t.Error("a token that was used is passed")
	}
}
