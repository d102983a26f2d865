package usersecurity

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// identifier reads a header that holds an id or a name.
func identifier(header http.Header, name string) string {
	value := header.Get(name)
	if value == "" {
		return ""
	}
	return printable(value)
}

// retryAfter reads Retry-After: seconds, whole or with a fraction and rounded
// up, or a date, which is measured against the clock of whoever sent it. It is
// zero where there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil && !math.IsInf(seconds, 1) {
			return 0
		}
		return time.Duration(min(math.Ceil(seconds), float64(math.MaxInt64/time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(header.Get("Date")); err == nil {
		now = sent
	}
	return max(0, date.Sub(now))
}

// challengeOf reads what asks for strong customer authentication: a 403 with a
// token, which may be followed by the kind of challenge, or with a result.
func challengeOf(status int, header http.Header) (token OneTimeToken, asked bool) {
	if status != http.StatusForbidden {
		return OneTimeToken{}, false
	}
	words := strings.Fields(strings.Join(header.Values("X-2fa-Approval"), " "))
	if len(words) > 0 && isVisible(words[0]) {
		return OneTimeToken{keep([]byte(words[0]))}, true
	}
	return OneTimeToken{}, strings.EqualFold(strings.TrimSpace(header.Get("X-2fa-Approval-Result")), "REJECTED")
}
