package usersecurity

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Where Wise listens. Once a partner's calls come with mutual TLS, Wise takes no
// others: see [NewTransport].
const (
	// Production is Wise's live API.
	Production = "https://api.wise.com"
	// Sandbox is Wise's test environment, with accounts and keys of its own.
	Sandbox = "https://api.wise-sandbox.com"
	// ProductionMTLS is Wise's live API for clients with a certificate.
	ProductionMTLS = "https://api-mtls.transferwise.com"
	// SandboxMTLS is Wise's test environment for clients with a certificate.
	SandboxMTLS = "https://api-mtls.wise-sandbox.com"
)

// authorizationPage is where Wise sends customers of the four addresses to
// authorise a partner; empty for any other.
func authorizationPage(base *url.URL) string {
	switch base.Scheme + "://" + base.Host + base.Path {
	case Production, ProductionMTLS:
		return "https://wise.com/oauth/authorize/"
	case Sandbox, SandboxMTLS:
		return "https://wise-sandbox.com/oauth/authorize/"
	}
	return ""
}

// address is where the API is, and in which version.
type address struct {
	base    *url.URL
	version string // empty for the legacy paths
}

// has reports whether an operation is part of the version.
func (a *address) has(op *operation) bool { return a.version == "" || op.calendar != "" }

// url is the address of a request. Paths hold nothing that needs escaping.
func (a *address) url(op *operation, r *request) *url.URL {
	path := r.expand(op.legacy)
	if a.version != "" {
		path = "/" + a.version + r.expand(op.calendar)
	}
	u := *a.base
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	u.RawQuery = r.query
	return &u
}

// parseBaseURL reads a base URL, or says what is wrong with it.
func parseBaseURL(rawURL string) (base *url.URL, problem string) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "the URL can't be parsed"
	}
	if problem := baseURLProblem(u); problem != "" {
		return nil, problem
	}
	return &url.URL{
		Scheme:  u.Scheme,
		Host:    u.Host,
		Path:    strings.TrimRight(u.Path, "/"),
		RawPath: strings.TrimRight(u.RawPath, "/"),
	}, ""
}

func baseURLProblem(u *url.URL) string {
	port, err := strconv.Atoi(u.Port())
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "the URL must be https://host with an optional port and path"
	case strings.HasSuffix(u.Host, ":"), u.Port() != "" && (err != nil || port < 1 || port > 65535):
		return "the port must be a number from 1 to 65535, or left out with its colon"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "the URL must have no user, query or fragment"
	case strings.HasSuffix(strings.ToLower(strings.TrimRight(u.EscapedPath(), "/")), "%2f"):
		return "the path must not end in an escaped slash"
	case carriesVersion(u.Path):
		return "the URL must not end in a version of the API: every path has its own; use WithVersion for a calendar version such as 2026Q4"
	}
	return ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var calendarVersion = regexp.MustCompile(`^\d{4}[Qq][1-4]$`)

// carriesVersion reports whether the path of a base URL ends in a version, which
// would come twice then: every path begins with its own.
func carriesVersion(path string) bool {
	path = strings.Trim(path, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	return path == "v1" || path == "v2" || calendarVersion.MatchString(last)
}
