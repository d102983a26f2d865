package usersecurityotel_test

import (
	"testing"

	"github.com/wise-partner/usersecurity/internal/readmetest"
)

func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	readmetest.Compiles(t, `package snippet

import (
	"github.com/wise-partner/usersecurity"
	usersecurityotel "github.com/wise-partner/usersecurity/otel"
)

func _() error {
`, `
	_ = client
	return err
}
`)
}
