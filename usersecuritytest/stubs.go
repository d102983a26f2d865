package usersecuritytest

import "fmt"

//go:generate go run ../internal/stubgen

// unset is the error of a method whose field nobody has set.
func unset(stub, method string) error {
	return fmt.Errorf("usersecuritytest: %s was called, but %s.%sFunc is not set", method, stub, method)
}
