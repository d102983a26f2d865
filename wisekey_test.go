package usersecurity_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// On a cold client the user's token and Wise's key are asked for side by side:
// here the source of the one answers when the other has been asked for.
func TestColdClientAsksSideBySide(t *testing.T) {
	t.Parallel()
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	wise.AddUser(1001)
	tokens := usersecurity.TokenFunc(func(ctx context.Context, req usersecurity.TokenRequest) (*oauth2.Token, error) {
		for wise.Count(usersecurity.OpFetchWiseKey) == 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
		return &oauth2.Token{AccessToken: wise.UserToken(req.User)}, nil
	})
	client := must(usersecurity.New(append(wise.Options(), usersecurity.WithUserTokens(tokens))...))
	t.Cleanup(client.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := client.CreatePin(ctx, 1001, must(usersecurity.NewPin("0417"))); err != nil {
		t.Fatal(err)
	}
}

// A panic where the key is asked for is the caller's, as it is anywhere else.
func TestPanicOfAColdClient(t *testing.T) {
	t.Parallel()
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	wise.AddUser(1001)
	client := must(usersecurity.New(append(wise.Options(), usersecurity.WithApplicationTokens(usersecurity.TokenFunc(
		func(context.Context, usersecurity.TokenRequest) (*oauth2.Token, error) { panic("the vault") })))...))
	t.Cleanup(client.CloseIdleConnections)
	defer func() {
		if p := recover(); p != "the vault" {
			t.Errorf("recovered %v", p)
		}
	}()
	err := client.CreatePin(t.Context(), 1001, must(usersecurity.NewPin("0417")))
	t.Errorf("no panic, but %v", err)
}

// After Warm the first customer's call is one request.
func TestWarm(t *testing.T) {
	t.Parallel()
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	wise.AddUser(1001)
	for name, test := range map[string]struct {
		options []usersecurity.Option
		want    int // requests of Warm: token and key
	}{
		"key of Wise's":   {nil, 2},
		"key from a file": {[]usersecurity.Option{usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(wise.EncryptionKey())))}, 2},
		"a token at hand": {[]usersecurity.Option{usersecurity.WithApplicationTokens(usersecurity.StaticToken(wise.ApplicationToken()))}, 1},
	} {
		client := must(usersecurity.New(append(wise.Options(), test.options...)...))
		t.Cleanup(client.CloseIdleConnections)
		before := len(wise.Requests())
		if err := client.Warm(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := len(wise.Requests()) - before; got != test.want {
			t.Errorf("%s: %d requests, want %d", name, got, test.want)
		}
		before = len(wise.Requests())
		err := client.CreatePin(t.Context(), 1001, must(usersecurity.NewPin("0417")))
		if err != nil && !errors.Is(err, usersecurity.ErrPinAlreadySet) {
			t.Fatalf("%s: %v", name, err)
		}
		if got := len(wise.Requests()) - before; got != 1 {
			t.Errorf("%s: the first call takes %d requests", name, got)
		}
	}
}

func TestWarmSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	wise := usersecuritytest.NewServer()
	t.Cleanup(wise.Close)
	client := must(usersecurity.New(append(wise.Options(), usersecurity.WithClientCredentials("nobody", "wrong"))...))
	t.Cleanup(client.CloseIdleConnections)
	checkMatches(t, "wrong secret", client.Warm(t.Context()), usersecurity.ErrNoKey, usersecurity.ErrNoToken)
	//nolint:staticcheck // what a caller may do by mistake
	checkMatches(t, "nil context", client.Warm(nil), usersecurity.ErrInvalidArgument)
	bare := must(usersecurity.New(usersecurity.WithBaseURL(wise.URL())))
	if err := bare.Warm(t.Context()); err != nil {
		t.Errorf("nothing to get: %v", err)
	}
}
