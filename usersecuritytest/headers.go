package usersecuritytest

import (
	"mime"
	"net/http"
)

const (
	headerJOSEMethod   = "X-Tw-Jose-Method"
	headerReplyKey     = "X-Tw-Jose-Encryption-Kid"
	headerOneTimeToken = "One-Time-Token"
)

// requiredHeader is one that a sealed request must have, with its value.
type requiredHeader struct{ name, value string }

// The headers of sealed requests. The playground and calls without a body need
// fewer than the operations.
var (
	bodilessHeaders   = []requiredHeader{{"Accept", typeJOSE}, {headerJOSEMethod, "jwe"}}
	playgroundHeaders = bodilessHeaders
	operationHeaders  = []requiredHeader{
		{"Accept", typeJOSE},
		{headerJOSEMethod, "jwe"},
		{"Accept-Encoding", "identity"},
		{"Content-Encoding", "identity"},
	}
)

// checkHeaders wants each of the headers once.
func checkHeaders(header http.Header, required []requiredHeader) *answer {
	for _, h := range required {
		switch values := header.Values(h.name); {
		case len(values) == 0:
			return refusal(http.StatusBadRequest, "header.missing", "a sealed call must have the header "+h.name+": "+h.value)
		case len(values) > 1 || values[0] != h.value:
			return refusal(http.StatusBadRequest, "header.wrong", "a sealed call must have the header "+h.name+" once, with the value "+h.value)
		}
	}
	return nil
}

func checkEncoding(h http.Header) *answer {
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return refusal(http.StatusUnsupportedMediaType, "content.encoding", "the body must not be encoded")
	}
	return nil
}

// mediaType is the Content-Type without its parameters.
func mediaType(h http.Header) string {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}
