package main

import (
	"bytes"
	_ "embed"
	"io"
	"net"
	"net/url"
	"strings"
	"text/template"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

//go:embed hints.txt
var hintsText string

var hintsTemplate = template.Must(template.New("hints").Parse(hintsText))

// hints are what is printed at the start: where all is, and lines for a shell that
// work as they stand.
type hints struct {
	URL, Root    string
	Others       []string // addresses for other machines
	ClientID     string
	ClientSecret string
	Token        string // of the page; empty where it takes none
	TLS          bool
	User         usersecurity.UserID
	Profile      usersecurity.ProfileID
	Email        string
}

func printHints(out io.Writer, srv *usersecuritytest.Server, conf *config, token string) error {
	h := hints{
		URL: srv.URL(), Root: strings.TrimSuffix(srv.URL(), conf.prefix),
		ClientID: srv.ClientID(), ClientSecret: srv.ClientSecret(), Token: token, TLS: conf.tls,
	}
	at, err := url.Parse(h.Root)
	if err != nil {
		return err
	}
	for _, name := range conf.names {
		other := url.URL{Scheme: at.Scheme, Host: net.JoinHostPort(name, at.Port())}
		h.Others = append(h.Others, other.String())
	}
	if users := srv.Users(); len(users) > 0 {
		state, _ := srv.User(users[0])
		h.User, h.Profile, h.Email = users[0], srv.Profile(users[0]), state.Email
	}
	var text bytes.Buffer
	if err := hintsTemplate.Execute(&text, h); err != nil {
		return err
	}
	_, err = text.WriteTo(out) // at once: scripts wait for it
	return err
}
