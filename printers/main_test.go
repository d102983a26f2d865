package printers

import (
	"os"
	"testing"
	"time"
)

// TestMain has the local time zone loaded first: the time package loads it when it
// is first needed, and printers that walk into a time read it without asking.
func TestMain(m *testing.M) {
	_ = time.Now().String()
	os.Exit(m.Run())
}
