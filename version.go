package usersecurity

import "strings"

// Version is the version of this library, as sent in the User-Agent header.
const Version = "0.1.0"

// WithVersion makes the client speak a calendar version of Wise's API, such as
// "2026Q4": its paths come without /v1 and /v2, below /2026Q4. Without it, or
// with an empty version, the client speaks the legacy paths. An operation that
// the version doesn't have ends with [ErrNotInVersion] before anything is sent;
// the error says what to use instead.
//
// The version is letters and digits. It is not part of the base URL: see
// [WithBaseURL].
func WithVersion(version string) Option {
	return func(s *settings) {
		if strings.ContainsFunc(version, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			s.refuse("WithVersion: a version is letters and digits, such as 2026Q4")
			return
		}
		s.version = version
	}
}
