package main

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRelay(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), &out)
	http.DefaultClient.CloseIdleConnections() // the device's
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "asked to seal again") || strings.Count(out.String(), "it has an id: true") != 2 {
		t.Errorf("the output:\n%s", out.String())
	}
	if strings.Contains(out.String(), "0417") {
		t.Error("the PIN was printed")
	}
}
