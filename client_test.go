package usersecurity_test

import (
	"sync"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// Many users share one client, and each request carries its own user's token.
func TestOneClientManyUsers(t *testing.T) {
	wise, client := newPair(t, nil)
	const users = 100
	for n := range users {
		wise.AddUser(usersecurity.UserID(n + 1))
	}
	var calls sync.WaitGroup
	for n := range users {
		calls.Go(func() {
			digits := string([]byte{'0', '0' + byte(n/100), '0' + byte(n/10%10), '0' + byte(n%10)})
			pin, err := usersecurity.NewPin(digits)
			if err != nil {
				t.Error(err)
			}
			user := usersecurity.UserID(n + 1)
			if err := client.CreatePin(t.Context(), user, pin); err != nil {
				t.Error(err)
			}
			if state, _ := wise.User(user); state.PinDigest != usersecuritytest.DigestOf(digits) {
				t.Errorf("user %d has another one's PIN", user)
			}
		})
	}
	calls.Wait()
}
