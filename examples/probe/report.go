package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// finding is a question, and what was seen of the answer.
type finding struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Seen     string `json:"seen"`
	Option   string `json:"option,omitempty"` // what to set because of it; empty for nothing
}

// report is what may be sent to others: no secret, id or address is in it.
type report struct {
	Library         string    `json:"library"`
	Wise            string    `json:"wise"`
	CalendarVersion string    `json:"calendarVersion"`
	Findings        []finding `json:"findings"`
}

func (r report) print(out io.Writer, asJSON bool) error {
	r.Library = usersecurity.Version
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s.", f.Question, f.Seen)
		if f.Option != "" {
			fmt.Fprintf(&b, " -> %s", f.Option)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// addressName names Wise's own address, and nobody else's.
func addressName(baseURL string) string {
	switch baseURL = strings.TrimRight(baseURL, "/"); baseURL {
	case "":
		return "simulator"
	case usersecurity.Sandbox, usersecurity.SandboxMTLS:
		return baseURL
	}
	return "another address"
}
