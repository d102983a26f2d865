package usersecuritytest

import (
	"net/http"
	"strings"
)

// plainHeaders are the fields that hold no secret.
var plainHeaders = map[string]bool{
	"Accept":            true,
	"Accept-Encoding":   true,
	"Connection":        true,
	"Content-Encoding":  true,
	"Content-Length":    true,
	"Content-Type":      true,
	"User-Agent":        true,
	headerCorrelationID: true,
	headerJOSEMethod:    true,
	headerReplyKey:      true,
}

// maskedHeader shares the values with the request, which net/http doesn't use
// again.
func maskedHeader(header http.Header) http.Header {
	masked := make(http.Header, len(header))
	for name, values := range header {
		switch {
		case plainHeaders[name]:
			masked[name] = values
		case name == "Authorization":
			masked[name] = []string{maskedAuthorization(values[0])}
		default:
			masked[name] = []string{mask}
		}
	}
	return masked
}

func maskedAuthorization(value string) string {
	switch scheme, _, _ := strings.Cut(value, " "); {
	case strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "Basic"):
		return scheme + " " + mask
	}
	return mask
}
